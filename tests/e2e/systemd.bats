#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# isolation: none
# worlds: v2
# A machine with systemd: units that run berth, of the system and of a user, and containerd with berth for its runtime.

load helpers

setup() {
	e2e_setup
	UNIT=berth-$TAG
	UNITS=/run/systemd/system
}

teardown() {
	systemctl stop "$UNIT" 2>/dev/null || true
	rm -f "$UNITS/$UNIT.service"
	systemctl daemon-reload
	systemctl reset-failed "$UNIT" 2>/dev/null || true
	e2e_teardown
}

property() { systemctl show -p "$1" --value "$UNIT"; }
inactive() { case $(property ActiveState) in inactive | failed) ;; *) return 1 ;; esac; }

# unit LINE...: a service of these lines.
unit() {
	{
		printf '[Service]\n'
		printf '%s\n' "$@"
	} >"$UNITS/$UNIT.service"
	systemctl daemon-reload
}

@test "Type=forking with a PID file: the unit ends with the container's 42" {
	bundle sh -c 'sleep 1; exit 42'
	unit Type=forking "PIDFile=$T/pid" "ExecStart=$BERTH --root $STATE run -d --bundle $BUNDLE --pid-file $T/pid $ID" Restart=no
	systemctl start "$UNIT"
	is "$(property MainPID)" "$(pid_of)"
	is "$(shim_pid)" ""
	wait_until 10 inactive
	is "$(property ExecMainStatus)" 42
	is "$(property ActiveState)" failed
	berth delete "$ID"
}

@test "Type=forking: stopping the unit ends the container" {
	bundle workload catch
	unit Type=forking "PIDFile=$T/pid" "ExecStart=$BERTH --root $STATE run -d --bundle $BUNDLE --pid-file $T/pid $ID"
	systemctl start "$UNIT"
	is "$(state_of)" running
	systemctl stop "$UNIT"
	wait_until 10 is_state "$ID" stopped
	is "$(property ExecMainStatus)" 43
	berth delete "$ID"
}

@test "Type=oneshot that ends leaves container and shim alive" {
	bundle sleep 1000
	unit Type=oneshot "ExecStart=$BERTH --root $STATE run -d --bundle $BUNDLE $ID"
	systemctl start "$UNIT"
	wait_until 10 inactive
	is "$(property Result)" success
	is "$(state_of)" running
	local shim
	shim=$(shim_pid)
	kill -0 "$shim"
	grep -q "$UNIT" "/proc/$shim/cgroup" && fail "the shim is still in the unit's cgroup"
	berth kill "$ID" KILL
	berth wait "$ID"
	is "$out" 137
	berth delete "$ID"
}

@test "the user's manager: Type=forking ends with the container's 42" {
	getent passwd user >/dev/null || skip "no ordinary user on this machine"
	local uid dir rt
	uid=$(id -u user)
	dir=$(mktemp -d /tmp/u.XXXXXX)
	chown "$uid" "$dir"
	loginctl enable-linger user
	wait_until 20 test -S "/run/user/$uid/bus"
	rt=(setpriv --reuid="$uid" --regid="$uid" --init-groups env -i "PATH=$PATH" "HOME=$dir" "XDG_RUNTIME_DIR=/run/user/$uid")
	cp -a "$E2E_RUN/rootfs" "$dir/rootfs"
	chown -R "$uid:$uid" "$dir"
	(cd "$dir" && "${rt[@]}" "$BERTH" spec --rootless)
	jq '.process.terminal = false | .process.args = ["sh", "-c", "sleep 1; exit 42"]' "$dir/config.json" >"$T/c" && cat "$T/c" >"$dir/config.json"
	"${rt[@]}" systemd-run --user --unit="$UNIT" -p Type=forking -p "PIDFile=$dir/pid" "$BERTH" --root "$dir/state" run -d --bundle "$dir" --pid-file "$dir/pid" "$ID"
	wait_until 15 eval '[ "$("${rt[@]}" systemctl --user show -p ExecMainStatus --value $UNIT)" = 42 ]'
	"${rt[@]}" "$BERTH" --root "$dir/state" delete "$ID"
	"${rt[@]}" systemctl --user reset-failed "$UNIT"
	rm -rf "$dir"
}

@test "containerd: ctr run --runc-binary, exit code, exec, and a detached task" {
	command -v ctr >/dev/null || skip "no containerd on this machine"
	systemctl start containerd
	cp -a "$E2E_RUN/rootfs" "$T/rootfs"
	status=0
	ctr run --rm --runc-binary "$BERTH" --rootfs "$T/rootfs" "$ID" sh -c 'echo from ctr; exit 42' >"$T/out" 2>"$T/err" </dev/null || status=$?
	cat "$T/out" "$T/err"
	is "$status" 42
	is "$(cat "$T/out")" "from ctr"
	ctr run -d --runc-binary "$BERTH" --rootfs "$T/rootfs" "$ID-d" sleep 1000 </dev/null
	not pgrep -f "berth-shim.*$ID"
	status=0
	ctr task exec --exec-id one "$ID-d" sh -c 'exit 7' </dev/null || status=$?
	is "$status" 7
	ctr task pause "$ID-d"
	ctr task ls | grep -q "$ID-d.*PAUSED"
	ctr task resume "$ID-d"
	ctr task kill -s KILL "$ID-d"
	wait_until 10 eval 'ctr task ls | grep -q "$ID-d.*STOPPED"'
	ctr task rm "$ID-d" || true
	ctr container rm "$ID-d"
}

@test "podman with berth for its runtime: exit code and output" {
	command -v podman >/dev/null || skip "no podman on this machine"
	cp -a "$E2E_RUN/rootfs" "$T/rootfs"
	status=0
	podman --cgroup-manager=cgroupfs --runtime "$BERTH" run --rm --network none --name "$ID" --rootfs "$T/rootfs" sh -c 'echo from podman; exit 42' >"$T/out" 2>"$T/err" </dev/null || status=$?
	cat "$T/out" "$T/err"
	is "$status" 42
	is "$(cat "$T/out")" "from podman"
}
