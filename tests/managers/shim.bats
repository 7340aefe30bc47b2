#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim next to systemd: its Varlink client, the journal, log-in and log-out, recovery by a unit, upgrade.

load ../e2e/helpers
load vm

setup() {
	vm_setup
	LINGERS=1
}

# The user of these files lingers, and what ends with a log-out is no leftover.
teardown() {
	[ "$LINGERS" = 1 ] || linger
	rm -rf "/home/$VM_USER/.ssh"
	vm_teardown
}

linger() {
	loginctl enable-linger "$VM_USER"
	systemctl start "user@$VM_UID.service"
	LINGERS=1
}

# lose [PID]: kill the container's shim.
lose() {
	local shim=${1:-$(shim_pid)}
	kill -KILL "$shim"
	wait_until 10 gone "$shim"
}
has_shim() { [ "$(state_of "$ID" .shim.status)" = running ]; }
cgroup_has() { has "$(cat "/proc/$1/cgroup")" "$2"; }

# ---- Varlink

@test "varlinkctl: info, introspect, State, an error, and Wait that answers with the exit code" {
	need_berth
	bundle sh -c "$(ends_with 42)"
	berth run -d "$ID"
	local addr shim before
	addr=$(shim_addr)
	varlinkctl -j info "$addr" >"$T/info"
	jq -e '.product and .version and (.interfaces | sort == ["io.berth.Shim", "org.varlink.service"])' "$T/info"
	varlinkctl introspect "$addr" io.berth.Shim >"$T/idl"
	grep -q 'method Wait' "$T/idl"
	varlinkctl introspect "$addr" org.varlink.service | grep -q 'method GetInfo'
	varlinkctl -j call "$addr" io.berth.Shim.State '{}' >"$T/state"
	jq -e --arg id "$ID" --argjson pid "$(pid_of)" '.id == $id and .status == "running" and .pid == $pid and .exit == null' "$T/state"
	status=0
	varlinkctl call "$addr" io.berth.Shim.Resize '{"rows":24,"cols":80}' >"$T/no" 2>&1 || status=$?
	[ $status -ne 0 ]
	grep -q 'io.berth.Shim.NoTerminal' "$T/no"
	# Those of the calls before are gone.
	shim=$(shim_pid)
	quiet() { before=$(find "/proc/$shim/fd" -lname 'socket:*' | wc -l); [ "$before" -le 1 ]; }
	wait_until 10 quiet
	varlinkctl --timeout=infinity -j call "$addr" io.berth.Shim.Wait '{}' >"$T/wait" 3>&- &
	local client=$!
	# It is connected, and is not answered yet.
	clients() { [ "$(find "/proc/$shim/fd" -lname 'socket:*' | wc -l)" -gt "$before" ]; }
	wait_until 30 clients
	not test -s "$T/wait"
	let_go
	wait $client
	cat "$T/wait"
	jq -e '.exited and .known and .code == 42' "$T/wait"
	# And whoever asks later.
	varlinkctl -j call "$addr" io.berth.Shim.Wait '{}' | jq -e '.code == 42'
	berth delete "$ID"
}

@test "varlinkctl: Monitor tells of the start and the end" {
	need_berth
	bundle sh -c "$(ends_with 7)"
	berth create "$ID"
	varlinkctl -j --more call "$(shim_addr)" io.berth.Shim.Monitor '{}' >"$T/monitor" 3>&- &
	local client=$!
	wait_until 30 grep -q state "$T/monitor"
	berth start "$ID"
	let_go
	wait $client
	is "$(tr -d '\036' <"$T/monitor" | jq -r .event | tr '\n' ' ')" "state started exited ended "
	is "$(tr -d '\036' <"$T/monitor" | jq -r 'select(.event == "exited") | .exit.code')" 7
	berth delete "$ID"
}

# ---- the journal

S=io.berth.Shim
log_state() { call $S.State | jq -r ".parameters.log | $1"; }
log_is() { [ "$(log_state "$1")" = "$2" ]; }

# of_journal [MATCH...]: its records of this container, one JSON object a line.
of_journal() {
	journalctl --sync
	journalctl --all --output=json "SYSLOG_IDENTIFIER=$ID" "$@"
}

# The texts of such records put together: a text that is not printable is an array of bytes.
texts() {
	local partial kind text
	jq -r '"\(.CONTAINER_PARTIAL_MESSAGE // "-") \(.MESSAGE | if type == "array" then "bytes " + (map(tostring) | join(" ")) else "text " + @base64 end)"' |
		while read -r partial kind text; do
			case $kind in
			bytes) LC_ALL=C awk '{ for (i = 1; i <= NF; i++) printf "%c", $i }' <<<"$text" ;;
			text) base64 -d <<<"$text" ;;
			esac
			[ "$partial" = true ] || echo
		done
}

# all_bytes: each byte but the newline.
all_bytes() {
	local i
	for ((i = 0; i < 256; i++)); do [ $i -eq 10 ] || printf '%b' "\\0$(printf %o $i)"; done
}

# long LENGTH: a line of letters.
long() {
	head -c "$1" /dev/urandom | base64 -w 0 | head -c "$1"
	echo
}

@test "the journal: short lines, empty ones, parts and binary are there as they were written" {
	need_berth
	ID=$TAG-with-journal
	{
		printf 'first\n\nsp aces  \n\ttab=x\nMESSAGE=no field\nä€😀\n'
		all_bytes
		printf '\nhalf'
	} >"$T/data"
	bundle sh -c 'cat /data; sleep 1; echo " and half"; echo problem >&2; printf "no end"; exit 3'
	cp "$T/data" "$BUNDLE/rootfs/data"
	berth run -d --container-log-format=journald "$ID"
	local shim size
	shim=$(shim_pid)
	berth wait "$ID"
	is "$out" 3
	size=$(($(stat -c %s "$T/data") + 10 + 8 + 6))
	wait_until 20 log_is '"\(.written) \(.lost) \(.pending)"' "$size 0 0"
	of_journal CONTAINER_STREAM=stdout >"$T/records"
	head -n 1 "$T/records" | jq -e --arg id "$ID" --arg pid "$shim" '.MESSAGE == "first" and .PRIORITY == "6" and .CONTAINER_ID == $id[:12] and .CONTAINER_ID_FULL == $id
		and .CONTAINER_NAME == $id and .SYSLOG_IDENTIFIER == $id and (has("CONTAINER_EXEC") | not)
		and (has("CONTAINER_PARTIAL_MESSAGE") | not) and ._TRANSPORT == "journal" and ._PID == $pid and ._COMM == "berth-shim"'
	texts <"$T/records" >"$T/got"
	{ cat "$T/data"; printf ' and half\nno end\n'; } | cmp - "$T/got"
	is "$(jq -rs 'map(select(.CONTAINER_PARTIAL_MESSAGE == "true") | .MESSAGE) | join(",")' "$T/records")" half
	of_journal CONTAINER_STREAM=stderr | jq -es 'length == 1 and .[0].MESSAGE == "problem" and .[0].PRIORITY == "3"'
	is "$(journalctl --output=json "CONTAINER_ID=${ID:0:12}" | wc -l)" "$(journalctl --output=json "CONTAINER_NAME=$ID" | wc -l)"
	# logs says where it is, and what it names finds it.
	refused 1 "journalctl SYSLOG_IDENTIFIER=$ID" logs "$ID"
	[[ $err =~ (journalctl\ SYSLOG_IDENTIFIER=[^ ]+) ]]
	has "$(${BASH_REMATCH[1]} --output=cat --no-pager)" problem
	berth delete "$ID"
}

# A line of any length is records of at most 16 KiB, so a datagram takes them where the machine's buffers are of the usual size.
@test "the journal: lines of a quarter of a megabyte, whole" {
	need_berth
	{ long 16383; long 16384; long 16385; long 262144; echo; long 300001; } >"$T/data"
	bundle cat /data
	cp "$T/data" "$BUNDLE/rootfs/data"
	berth run -d --container-log-format=journald "$ID"
	berth wait "$ID"
	wait_until 20 log_is '"\(.written) \(.lost) \(.pending)"' "$(stat -c %s "$T/data") 0 0"
	of_journal >"$T/records"
	texts <"$T/records" | cmp - "$T/data"
	berth delete "$ID"
}

small_buffers() { echo 4608 >/proc/sys/net/core/wmem_default; }

@test "the journal: records that no datagram takes go by memfd, whole" {
	need_berth
	local usual shim tracer
	usual=$(cat /proc/sys/net/core/wmem_default)
	{ long 200; long 262144; all_bytes; long 16384; echo; } >"$T/data"
	bundle sh -c 'read x; cat /data'
	cp "$T/data" "$BUNDLE/rootfs/data"
	small_buffers
	berth run -d --container-log-format=journald "$ID" || status=$?
	echo "$usual" >/proc/sys/net/core/wmem_default
	is "$status" 0
	shim=$(shim_pid)
	strace -qq -e trace=memfd_create -o "$T/trace" -p "$shim" 3>&- &
	tracer=$!
	wait_until 30 grep -q "^TracerPid:[[:space:]]$tracer$" "/proc/$shim/status"
	call $S.CloseStdin >/dev/null
	berth wait "$ID"
	wait_until 30 log_is '"\(.written) \(.lost) \(.pending)"' "$(stat -c %s "$T/data") 0 0"
	kill $tracer
	wait $tracer || :
	[ "$(grep -c '"berth-journal".*) = [0-9]' "$T/trace")" -ge 17 ] || fail "$(cat "$T/trace")"
	of_journal | texts | cmp - "$T/data"
	berth delete "$ID"
}

@test "the journal is restarted: no line is missing" {
	need_berth
	bundle sh -c 'echo one; i=0; while [ ! -e /go ]; do echo $i; i=$((i + 1)); sleep 0.2; done; echo last'
	berth run -d --container-log-format=journald "$ID"
	journal_has() { of_journal | jq -r .MESSAGE | grep -qx "$1"; }
	wait_until 30 journal_has 2
	systemctl restart systemd-journald
	let_go
	berth wait "$ID"
	wait_until 30 journal_has last
	is "$(log_state .lost)" 0
	of_journal | jq -r .MESSAGE >"$T/got"
	{ echo one; seq 0 $(($(wc -l <"$T/got") - 3)); echo last; } | cmp - "$T/got"
	berth delete "$ID"
}

# ---- recovery and upgrade

@test "under the systemd cgroup driver: upgraded in its scope, killed, and recovered into a scope" {
	need_berth
	bundle sh -c "$(ends_with 42)"
	berth --systemd-cgroup run -d "$ID"
	local shim init
	shim=$(shim_pid) init=$(pid_of)
	cgroup_has "$shim" "0::/system.slice/berth-shim-$ID-"
	berth upgrade "$ID"
	has "$out" "$ID: berth-shim"
	is "$(shim_pid)" "$shim"
	cgroup_has "$shim" "0::/system.slice/berth-shim-$ID-"
	lose
	berth recover "$ID"
	is "$(pid_of)" "$init"
	shim=$(shim_pid)
	cgroup_has "$shim" "0::/system.slice/berth-shim-$ID-"
	cgroup_has "$init" "0::/system.slice/berth-$ID.scope"
	berth upgrade --all
	has "$out" "$ID: berth-shim"
	is "$(shim_pid)" "$shim"
	let_go
	berth wait "$ID" || true
	wait_until 20 log_has "$ID" ending
	berth delete "$ID"
	no_unit() { [ -z "$(systemctl list-units --all --no-legend "*$TAG*")" ]; }
	wait_until 20 no_unit
}

# templates: the shipped units, with the program under test.
templates() {
	local f
	for f in service timer; do
		sed "s|/usr/local/bin/berth|$BERTH|" "$E2E_TOP/docs/managers/berth-recover@.$f" >"/run/systemd/system/berth-recover@.$f"
		UNITS+=("berth-recover@.$f")
	done
	systemctl daemon-reload
	INSTANCE=berth-recover@$(systemd-escape -p "$STATE")
	UNITS=("$INSTANCE.timer" "${UNITS[@]}")
}

@test "berth-recover@.service: started by hand, all have shims again, which stay when it ends" {
	need_berth
	bundle sh -c "$(ends_with 42)"
	berth run -d "$ID"
	berth --systemd-cgroup run -d "$ID-s"
	templates
	lose
	lose "$(shim_pid "$ID-s")"
	systemctl start "$INSTANCE.service"
	is "$(property "$INSTANCE.service" Result)" success
	is "$(property "$INSTANCE.service" ActiveState)" inactive
	local id
	for id in "$ID" "$ID-s"; do
		is "$(state_of "$id" .shim.status)" running
		hasnt "$(cat "/proc/$(shim_pid "$id")/cgroup")" berth-recover
	done
	let_go
	berth wait "$ID" "$ID-s" || true
	wait_until 20 log_has "$ID" ending
	wait_until 20 log_has "$ID-s" ending
	remove "$ID" "$ID-s"
}

@test "berth-recover@.timer: a shim that was killed is replaced by itself" {
	need_berth
	bundle sh -c "$(ends_with 42)"
	berth run -d "$ID"
	templates
	lose
	is "$(state_of "$ID" .shim.status)" lost
	systemctl start "$INSTANCE.timer"
	wait_until 120 has_shim
	systemctl stop "$INSTANCE.timer"
	let_go
	wait_until 20 log_has "$ID" ending
	remove
}

user_shim() { user_berth state "$1" >/dev/null && jq .shim.pid "$T/out"; }

@test "an ordinary user's shims: upgraded, killed and recovered, each in its place" {
	need_berth
	user_bundle sh -c "$(ends_with 42)"
	local shim place
	session_berth run -d "$ID"
	shim=$(user_shim "$ID") place=$(cat "/proc/$shim/cgroup")
	has "$place" "/user@$VM_UID.service/"
	user_berth upgrade "$ID"
	has "$out" "$ID: berth-shim"
	is "$(user_shim "$ID")" "$shim"
	is "$(cat "/proc/$shim/cgroup")" "$place"
	user_berth run -d "$ID-2"
	session_berth run -d "$ID-3"
	user_berth upgrade --all
	has "$out" "$ID-2: berth-shim"
	lose "$(user_shim "$ID-2")"
	lose "$(user_shim "$ID-3")"
	# The scope is systemd's to make, and can be had from anywhere; a cgroup that is delegated, from within.
	user_berth recover "$ID-2"
	cgroup_has "$(user_shim "$ID-2")" "/user@$VM_UID.service/user.slice/berth-shim-$ID-2-"
	session_berth recover --all
	has "$out" "$ID-3: has a new shim"
	cgroup_has "$(user_shim "$ID-3")" "/user@$VM_UID.service/"
	let_go
	# What was upgraded is still the parent.
	user_berth wait "$ID"
	is "$out" 42
	user_berth wait "$ID-2" "$ID-3" || true
	local id
	for id in "$ID" "$ID-2" "$ID-3"; do
		user_berth logs "$id"
		is "$out" $'started\nending'
		user_berth delete "$id"
	done
}

# ---- log-in and log-out of an ordinary user

# logged_in COMMAND: a shell line in a log-in of its own, over ssh: logind makes a session for it, which is over when the line is.
logged_in() {
	local ssh=/home/$VM_USER/.ssh
	if [ ! -e "$T/key" ]; then
		ssh-keygen -q -t ed25519 -N '' -f "$T/key"
		install -d -m 700 -o "$VM_USER" -g "$VM_USER" "$ssh"
		install -m 600 -o "$VM_USER" -g "$VM_USER" "$T/key.pub" "$ssh/authorized_keys"
	fi
	printf '+ (logged in) %s\n' "$1"
	status=0
	timeout -k 5 "$CMD_TIMEOUT" ssh -F none -i "$T/key" -o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$VM_USER@127.0.0.1" \
		"cd $BUNDLE && $1" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "$out" "$err" "$status"
	return $status
}

# A session whose log-in is over stays for as long as something runs in its scope.
no_session() {
	local s how
	for s in $(loginctl list-sessions --no-legend | awk -v u="$VM_USER" '$3 == u { print $1 }'); do
		how=$(loginctl show-session "$s" -P Class):$(loginctl show-session "$s" -P State)
		[[ $how != user:* || $how == user: || $how == user:closing ]] || return 1
	done
}
no_manager() { [ "$(systemctl show -P ActiveState "user@$VM_UID.service")" = inactive ] && [ ! -e "/run/user/$VM_UID" ]; }

@test "log-out and log-in again with lingering: container, shim, log and the wait for the exit code stay" {
	need_berth
	user_bundle sh -c "$(ends_with 42)"
	logged_in "$BERTH run -d $ID && $BERTH --systemd-cgroup run -d $ID-s && $BERTH state $ID && $BERTH state $ID-s"
	is "$err" ""
	local p pids
	pids=$(jq '.pid, .shim.pid' "$T/out")
	wait_until 30 no_session
	for p in $pids; do [ -d "/proc/$p" ] || fail "$p has ended"; done
	logged_in "$BERTH list"
	is "$(grep -c "$ID.*running" "$T/out")" 2
	as_user "$BERTH" wait "$ID" "$ID-s" >"$T/codes" 3>&- &
	local waiter=$!
	let_go
	wait $waiter
	is "$(tr '\n' ' ' <"$T/codes")" "42 42 "
	logged_in "$BERTH wait $ID $ID-s; $BERTH logs $ID; $BERTH logs $ID-s; $BERTH delete $ID; $BERTH delete $ID-s"
	is "$out" $'42\n42\nstarted\nending\nstarted\nending'
}

@test "log-out without lingering: run -d warns, all ends; what is recorded on a disk stays and says stopped" {
	need_berth
	user_bundle sh -c "$(ends_with 42)"
	loginctl disable-linger "$VM_USER"
	LINGERS=''
	logged_in "$BERTH --systemd-cgroup run -d $ID-r && $BERTH --root $STATE --systemd-cgroup run -d $ID && $BERTH state $ID-r && $BERTH --root $STATE state $ID"
	has "$err" "$ID\\\" ends when you log out"
	has "$err" "$ID-r\\\" ends when you log out"
	has "$err" "loginctl enable-linger"
	local p pids
	pids=$(jq '.pid, .shim.pid' "$T/out")
	is "$(wc -w <<<"$pids")" 4
	wait_until 120 no_manager
	for p in $pids; do wait_until 5 gone "$p"; done
	linger
	logged_in "$BERTH list; $BERTH --root $STATE list"
	hasnt "$out" "$ID-r"
	has "$out" stopped
	is "$(grep -c "$ID" "$T/out")" 1
	logged_in "$BERTH --root $STATE wait $ID; $BERTH --root $STATE logs $ID; $BERTH --root $STATE delete $ID" || true
	# Whichever of the two was killed first.
	[[ $out == 137$'\n'started || $out == unknown$'\n'started ]] || fail "$out"
	is "$(logged_in "$BERTH --root $STATE list --quiet" | grep -c "^$ID")" 0
}
