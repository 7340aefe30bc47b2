#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# systemd as the manager: it reaps the container itself where it can, and what a unit leaves behind outlives the unit.

load ../e2e/helpers
load vm

# forking_unit EXECSTART-ARGS EXTRA-LINE: text of a Type=forking unit.
forking_unit() {
	printf '[Service]\nType=forking\nPIDFile=%s\nExecStart=%s --root %s %s\n%s\n' "$T/pid" "$BERTH" "$STATE" "$1" "${2:-}"
}

@test "Type=forking, system manager, run -d: the unit's exit status is the container's" {
	bundle sh -c "$(ends_with 42)"
	forking_unit "run -d --bundle $BUNDLE --pid-file $T/pid $ID" | unit "$TAG.service"
	systemctl start "$TAG.service"
	is "$(property "$TAG.service" MainPID)" "$(pid_of)"
	no_shim
	let_go
	wait_until 30 property_is "$TAG.service" ActiveState failed
	is "$(property "$TAG.service" ExecMainStatus)" 42
	is "$(property "$TAG.service" ExecMainCode)" 1
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
}

@test "Type=forking, system manager, create and start" {
	bundle sh -c "$(ends_with 42)"
	forking_unit "create --bundle $BUNDLE --pid-file $T/pid $ID" "ExecStartPost=$BERTH --root $STATE start $ID" | unit "$TAG.service"
	systemctl start "$TAG.service"
	is "$(property "$TAG.service" MainPID)" "$(pid_of)"
	no_shim
	let_go
	wait_until 30 property_is "$TAG.service" ActiveState failed
	is "$(property "$TAG.service" ExecMainStatus)" 42
	berth delete "$ID"
}

@test "Type=forking, system manager: the signal that ended the container, and a stop" {
	bundle sh -c 'trap "exit 44" TERM; echo >/ready; while :; do sleep 0.1; done'
	writable
	forking_unit "run -d --bundle $BUNDLE --pid-file $T/pid $ID" | unit "$TAG.service"
	systemctl start "$TAG.service"
	berth kill "$ID" KILL
	wait_until 30 property_is "$TAG.service" ActiveState failed
	is "$(property "$TAG.service" ExecMainCode)" 2
	is "$(property "$TAG.service" ExecMainStatus)" 9
	berth delete "$ID"
	rm -f "$BUNDLE/rootfs/ready"
	systemctl start "$TAG.service"
	wait_until 30 test -e "$BUNDLE/rootfs/ready"
	systemctl stop "$TAG.service"
	is "$(property "$TAG.service" ExecMainStatus)" 44
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
}

@test "Type=forking, user manager, run -d: the unit's exit status is the container's" {
	user_bundle sh -c "$(ends_with 42)"
	forking_unit "run -d --bundle $BUNDLE --pid-file $T/pid $ID" | user_unit "$TAG.service"
	user_systemctl start "$TAG.service"
	is "$(user_property "$TAG.service" MainPID)" "$(cat "$T/pid")"
	no_shim
	let_go
	wait_until 30 user_property_is "$TAG.service" ActiveState failed
	is "$(user_property "$TAG.service" ExecMainStatus)" 42
	user_berth delete "$ID"
}

@test "Type=forking, user manager, create and start" {
	user_bundle sh -c "$(ends_with 42)"
	forking_unit "create --bundle $BUNDLE --pid-file $T/pid $ID" "ExecStartPost=$BERTH --root $STATE start $ID" | user_unit "$TAG.service"
	user_systemctl start "$TAG.service"
	no_shim
	let_go
	wait_until 30 user_property_is "$TAG.service" ActiveState failed
	is "$(user_property "$TAG.service" ExecMainStatus)" 42
	user_berth delete "$ID"
}

@test "Type=oneshot, system manager: container and shim outlive the unit" {
	need_berth
	bundle sh -c "$(ends_with 42)"
	printf '[Service]\nType=oneshot\nExecStart=%s --root %s run -d --bundle %s %s\n' "$BERTH" "$STATE" "$BUNDLE" "$ID" | unit "$TAG.service"
	systemctl start "$TAG.service"
	wait_until 10 property_is "$TAG.service" ActiveState inactive
	is "$(property "$TAG.service" Result)" success
	is "$(state_of)" running
	local shim
	shim=$(shim_pid)
	[ -d "/proc/$shim" ] || fail "no shim"
	hasnt "$(cat "/proc/$shim/cgroup" "/proc/$(pid_of)/cgroup")" "$TAG.service"
	let_go
	berth wait "$ID"
	is "$out" 42
	berth logs "$ID"
	has "$out" ending
	berth delete "$ID"
}

@test "Type=oneshot, user manager: container and shim outlive the unit" {
	need_berth
	user_bundle sh -c "$(ends_with 42)"
	printf '[Service]\nType=oneshot\nExecStart=%s --root %s run -d --bundle %s %s\n' "$BERTH" "$STATE" "$BUNDLE" "$ID" | user_unit "$TAG.service"
	user_systemctl start "$TAG.service"
	wait_until 10 user_property_is "$TAG.service" ActiveState inactive
	is "$(user_property "$TAG.service" Result)" success
	user_berth state "$ID"
	is "$(jq -r .status "$T/out")" running
	hasnt "$(cat "/proc/$(jq -r .shim.pid "$T/out")/cgroup")" "$TAG.service"
	let_go
	user_berth wait "$ID"
	is "$out" 42
	user_berth delete "$ID"
}

@test "Type=simple: a foreground run is the unit, its stop reaches the container" {
	bundle sh -c 'trap "exit 43" TERM; echo started; while :; do sleep 0.1; done'
	printf '[Service]\nExecStart=%s --root %s run --bundle %s %s\n' "$BERTH" "$STATE" "$BUNDLE" "$ID" | unit "$TAG.service"
	systemctl start "$TAG.service"
	started() { journalctl -q -o cat -u "$TAG.service" | grep -qx started; }
	wait_until 30 started
	systemctl stop "$TAG.service"
	is "$(property "$TAG.service" ExecMainStatus)" 43
	[ ! -e "$STATE/$ID" ]
}
