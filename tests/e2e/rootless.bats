#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user: without subordinate ids (one id mapped by the user alone) and with them (newuidmap, newgidmap).

load helpers

# as UID ARG...: berth as this user, with a state root of the user's own.
as() {
	local uid=$1
	shift
	printf '+ (user %s) berth %s\n' "$uid" "$*"
	status=0
	(cd "$BUNDLE" && exec timeout --foreground -k 5 "$CMD_TIMEOUT" setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all \
		env -i PATH="$PATH" HOME=/tmp "$BERTH" --root "$T/root.$uid" "$@") >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}

# user_bundle UID COMMAND...
user_bundle() {
	local uid=$1
	shift
	cp -a "$E2E_RUN/rootfs" "$BUNDLE/rootfs"
	chown -R "$uid:$uid" "$BUNDLE"
	mkdir -p "$T/root.$uid"
	chown "$uid:$uid" "$T/root.$uid"
	chmod 700 "$T/root.$uid"
	as "$uid" spec --rootless
	config_edit --argjson words "$(words "$@")" '.process.terminal = false | .process.args = $words'
}

ends_clean() { is "$(find "$T/root.$1" -mindepth 1 -not -name '.*')" ""; }

# bats test_tags=compat
@test "spec --rootless and run, without subordinate ids" {
	user_bundle 7002 sh -c 'id -u; id -g; cat /proc/self/uid_map; echo $$'
	as 7002 run "$ID"
	is "$(tr -s ' \n' ' ' <"$T/out")" "0 0 0 7002 1 1 "
	ends_clean 7002
}

# bats test_tags=compat
@test "the whole life: create, start, state, list, exec, kill, delete" {
	user_bundle 7002 sleep 1000
	as 7002 create "$ID"
	as 7002 state "$ID"
	is "$(jq -r .status "$T/out")" created
	as 7002 exec "$ID" id -u
	is "$out" 0
	as 7002 start "$ID"
	as 7002 list
	has "$out" running
	as 7002 exec "$ID" id -u
	is "$out" 0
	as 7002 kill "$ID" KILL
	wait_until 5 eval '[[ $(as 7002 state "$ID") == *stopped* ]]'
	as 7002 delete "$ID"
	ends_clean 7002
}

# bats test_tags=compat
@test "exec in a created, not yet started container" {
	local pid n namespaces
	user_bundle 7002 sleep 1000
	config_edit '.hostname = "early"'
	as 7002 create "$ID"
	for n in 1 2; do
		as 7002 exec "$ID" sh -c 'hostname; for n in /proc/self/ns/*; do readlink $n; done'
		is "$(head -n 1 <<<"$out")" early
		namespaces=$(sed 1d <<<"$out")
	done
	as 7002 state "$ID"
	pid=$(jq .pid "$T/out")
	is "$(sort -u <<<"$namespaces")" "$(readlink "/proc/$pid/ns/"* | sort -u)"
	as 7002 state "$ID"
	is "$(jq -r .status "$T/out")" created
	# Not even the processes of its own user namespace may look at it.
	not as 7002 exec "$ID" ls -l /proc/1/fd
	as 7002 start "$ID"
	as 7002 exec "$ID" ls -l /proc/1/fd
	hasnt "$out" socket
	hasnt "$out" "user:"
	hasnt "$out" "mnt:"
	as 7002 delete --force "$ID"
	ends_clean 7002
}

@test "exec in a created container: what its seccomp profile has to say" {
	user_bundle 7002 sleep 1000
	# What kills, by default or for the answer, is not put to the test.
	local profile
	for profile in '{defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [{names: ["sendmsg"], action: "SCMP_ACT_ERRNO"},
		{names: ["read", "write", "close", "sendto", "execve", "exit_group"], action: "SCMP_ACT_ALLOW"}]}' \
		'{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["reboot", "sendmsg"], action: "SCMP_ACT_KILL_PROCESS"}]}'; do
		config_edit ".linux.seccomp = $profile"
		as 7002 create "$ID"
		not as 7002 exec "$ID" true
		is "$status" 255
		has "$err" "cannot exec in a created container: its seccomp profile may kill it for the answer: start it first"
		as 7002 state "$ID"
		is "$(jq -r .status "$T/out")" created
		as 7002 delete --force "$ID"
	done
	# One that forbids the answer leaves it out.
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["sendmsg"], action: "SCMP_ACT_ERRNO"}]}'
	as 7002 create "$ID"
	not as 7002 exec "$ID" true
	has "$err" "cannot exec in a created container: ask init for its namespaces: start it first: "
	as 7002 start "$ID"
	as 7002 exec "$ID" echo here
	is "$out" here
	as 7002 delete --force "$ID"
	[ ! -e "$T/root.7002/$ID" ]
}

# bats test_tags=compat
@test "events of a container without a cgroup of its own: zeros, once and again" {
	user_bundle 7002 sleep 1000
	as 7002 run -d "$ID"
	as 7002 events --stats "$ID"
	is "$(jq -c '[.type, .id, .data.pids, .data.memory.usage]' "$T/out")" "[\"stats\",\"$ID\",{},{\"limit\":0,\"failcnt\":0}]"
	has "$err" "without a cgroup of its own"
	setpriv --reuid=7002 --regid=7002 --clear-groups "$BERTH" --root "$T/root.7002" events --interval 50ms "$ID" >"$T/events" 2>&1 &
	local job=$!
	wait_until 10 eval '[ "$(grep -c "\"type\":\"stats\"" "$T/events")" -ge 3 ]'
	as 7002 delete --force "$ID"
	wait $job
	ends_clean 7002
}

@test "neither a cgroup nor a pid namespace: a warning" {
	user_bundle 7002 true
	as 7002 run "$ID"
	is "$err" ""
	config_edit '.linux.namespaces -= [{type: "pid"}] | .mounts |= map((select(.type == "proc") | .type = "none" | .source = "/proc"
		| .options = ["rbind", "nosuid", "nodev", "noexec"]) // .)'
	as 7002 run "$ID"
	has "$err" "no cgroup, and no pid namespace of its own"
	has "$err" "Such configuration is strongly discouraged"
	ends_clean 7002
}

@test "run -d, attach, wait, logs" {
	user_bundle 7002 sh -c 'echo hello; read x; echo "got $x"; exit 42'
	as 7002 run -d "$ID"
	echo input >"$T/in"
	as 7002 attach "$ID" <"$T/in" || true
	is "$status" 42
	as 7002 wait "$ID"
	is "$out" 42
	as 7002 logs "$ID"
	has "$out" "got input"
	as 7002 delete "$ID"
	ends_clean 7002
}

# bats test_tags=compat
@test "with subordinate ids: newuidmap and newgidmap" {
	command -v newuidmap >/dev/null && command -v newgidmap >/dev/null || skip "no newuidmap here"
	user_bundle 7001 sh -c 'cat /proc/self/uid_map /proc/self/gid_map; : >/made; chown 5:6 /made; id -u'
	config_edit '.linux.uidMappings = [{containerID: 0, hostID: 7001, size: 1}, {containerID: 1, hostID: 7100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .root.readonly = false | (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_CHOWN"]'
	as 7001 run "$ID"
	has "$(tr -s ' ' <"$T/out")" "1 7100000 1000"
	is "$(stat -c %u:%g "$BUNDLE/rootfs/made")" 7100004:7100005
	ends_clean 7001
}

@test "with subordinate ids that do not belong to the user: refused" {
	user_bundle 7002 true
	config_edit '.linux.uidMappings = [{containerID: 0, hostID: 7002, size: 1}, {containerID: 1, hostID: 7100000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	not as 7002 run "$ID"
	is "$(wc -l <"$T/err")" 1
	grep -Eqi 'newuidmap|mapping' "$T/err"
	ends_clean 7002
}

# bats test_tags=compat
@test "what an ordinary user's root cannot do to the host" {
	user_bundle 7002 sh -c 'cat /canary; echo x >/canary; mount -t tmpfs t /tmp || echo no mount'
	echo secret >"$BUNDLE/rootfs/canary"
	chown 0:0 "$BUNDLE/rootfs/canary"
	chmod 600 "$BUNDLE/rootfs/canary"
	as 7002 run "$ID" || true
	hasnt "$out" secret
	is "$(cat "$BUNDLE/rootfs/canary")" secret
}

@test "a limit that cannot be kept for an ordinary user is an error" {
	user_bundle 7002 true
	config_edit '.linux.resources = {pids: {limit: 10}}'
	not as 7002 run "$ID"
	grep -qi cgroup "$T/err"
	is "$(wc -l <"$T/err")" 1
	ends_clean 7002
}

@test "additional groups without the right to set them are an error" {
	user_bundle 7002 true
	config_edit '.process.user.additionalGids = [5]'
	not as 7002 run "$ID"
	grep -Eqi 'group|gid' "$T/err"
	ends_clean 7002
}

# bats test_tags=compat
@test "a terminal" {
	user_bundle 7002 sh -c 'tty; stty size; exit 6'
	config_edit '.process.terminal = true'
	local rc=0
	ptydrive -t 15 'expect:/dev/pts/' 'expect:24 80' -- setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -i PATH="$PATH" "$BERTH" --root "$T/root.7002" run --bundle "$BUNDLE" "$ID" >"$T/screen" || rc=$?
	is $rc 6
	ends_clean 7002
}

@test "the default state root is that of XDG_RUNTIME_DIR" {
	user_bundle 7002 sleep 1000
	mkdir "$T/xdg"
	chown 7002:7002 "$T/xdg"
	chmod 700 "$T/xdg"
	local user=(setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -i PATH="$PATH" XDG_RUNTIME_DIR="$T/xdg" "$BERTH")
	"${user[@]}" run -d --bundle "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" </dev/null
	[ -d "$T/xdg/berth/$ID" ]
	"${user[@]}" delete --force "$ID"
	is "$(find "$T/xdg/berth" -mindepth 1 -not -name '.*')" ""
}

@test "timeOffsets: the joiner is born in the user name space" {
	[ -e /proc/self/ns/time ] || skip "no time name spaces"
	local uid
	for uid in 7002 7001; do
		user_bundle $uid probe
		if [ $uid = 7001 ]; then
			command -v newuidmap >/dev/null || continue
			config_edit '.linux.uidMappings = [{containerID: 0, hostID: 7001, size: 1}, {containerID: 1, hostID: 7100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
		fi
		config_edit '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 500000}, boottime: {secs: 3000000}}'
		as $uid run "$ID"
		is "$(jq '.clocks.monotonic > 500000 and .clocks.monotonic < 3000000 and .clocks.boottime > 3000000' <<<"$out")" true
		is "$(jq -c .uid <<<"$out")" '[0,0,0]'
		ends_clean $uid
		rm -rf "${BUNDLE:?}"/*
	done
}

@test "root of a user namespace of one's own: the state root is that of XDG_RUNTIME_DIR" {
	mkdir -m 700 "$T/xdg"
	chown 7002:7002 "$T/xdg"
	# As podman calls: root of its user namespace, and nearly no environment.
	local user=(setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all unshare --user --map-root-user
		env -i PATH="$PATH" XDG_RUNTIME_DIR="$T/xdg")
	"${user[@]}" "$BERTH" list
	run "${user[@]}" "$BERTH" state none
	is "$status" 1
	has "$output" 'container "none" does not exist'
	run "${user[@]}" USER=root "$BERTH" state none
	is "$status" 1
	has "$output" /run/berth
}

@test "a shim that was killed: recovered by its user, also the pipes of another of the container's users" {
	local uid shim
	for uid in 7002 7001; do
		user_bundle $uid sh -c 'echo up; until [ -e /tmp/go ]; do usleep 10000; done; echo again; while ! read l; do usleep 10000; done; echo "got $l"; exec sleep 1000'
		config_edit '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
		if [ $uid = 7001 ]; then
			command -v newuidmap >/dev/null || continue
			config_edit '.linux.uidMappings = [{containerID: 0, hostID: 7001, size: 1}, {containerID: 1, hostID: 7100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings | .process.user = {uid: 5, gid: 5}'
		fi
		as $uid run -d "$ID"
		as $uid state "$ID"
		shim=$(jq .shim.pid "$T/out")
		[ $uid = 7002 ] || is "$(stat -Lc %u "/proc/$(jq .pid "$T/out")/fd/1")" 7100004
		kill -KILL "$shim"
		wait_until 5 gone "$shim"
		as $uid exec "$ID" touch /tmp/go
		as $uid recover "$ID"
		has "$out" "$ID: has a new shim"
		as $uid recover "$ID"
		has "$out" "its shim lives"
		wait_until 5 eval '[[ $(as '$uid' logs "$ID") == *again* ]]'
		as $uid attach --no-replay "$ID" <<<input &
		wait_until 5 eval '[[ $(as '$uid' logs "$ID") == *"got input"* ]]'
		kill $!
		wait || true
		as $uid delete --force "$ID"
		ends_clean $uid
		rm -rf "${BUNDLE:?}"/*
	done
}
