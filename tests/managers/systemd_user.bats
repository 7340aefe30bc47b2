#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The systemd cgroup driver of an ordinary user: his own manager gives what is delegated to him, in his session and out of it.

load ../e2e/helpers
load vm

setup() {
	vm_setup
	SCOPE=berth-$ID.scope
	TOP=/user.slice/user-$VM_UID.slice/user@$VM_UID.service
}

no_unit() { [ -z "$(user_systemctl list-units --all --no-legend "*$TAG*")" ]; }

sleeper() {
	user_bundle sleep 1000
	config_edit '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 77}}'
}

limited() {
	user_property_is "$SCOPE" ControlGroup "$TOP/user.slice/$SCOPE"
	user_property_is "$SCOPE" MemoryMax 67108864
	user_property_is "$SCOPE" TasksMax 77
	is "$(cat "/sys/fs/cgroup$TOP/user.slice/$SCOPE/memory.max")" 67108864
	is "$(cat "/sys/fs/cgroup$TOP/user.slice/$SCOPE/pids.max")" 77
}

@test "in the session: the whole life, the flag given once" {
	sleeper
	session_berth --systemd-cgroup create "$ID"
	limited
	session_berth start "$ID"
	session_berth exec "$ID" id -u
	is "$out" 0
	session_berth update --pids-limit 88 "$ID"
	user_property_is "$SCOPE" TasksMax 88
	is "$(cat "/sys/fs/cgroup$TOP/user.slice/$SCOPE/pids.max")" 88
	session_berth delete --force "$ID"
	no_unit
}

@test "outside of what is delegated: systemd moves what we may not" {
	sleeper
	user_berth --systemd-cgroup run -d "$ID"
	limited
	user_berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(cat "/proc/$(cat "$T/pid")/cgroup")" "0::$TOP/user.slice/$SCOPE"
	user_berth pause "$ID"
	user_berth list
	has "$out" paused
	user_berth resume "$ID"
	user_berth kill "$ID" KILL
	stopped() { user_berth state "$ID" && [ "$(jq -r .status "$T/out")" = stopped ]; }
	wait_until 20 stopped
	user_berth delete "$ID"
	no_unit
}

@test "the shim of a container without the driver: a scope where there is no cgroup for it" {
	need_berth
	user_bundle sleep 1000
	user_berth run -d "$ID"
	user_berth state "$ID"
	has "$(cat "/proc/$(jq -r .shim.pid "$T/out")/cgroup")" "$TOP/user.slice/berth-shim-$ID-"
	user_berth delete --force "$ID"
	no_unit
}

@test "no manager of the user: one line, and nothing is left" {
	sleeper
	status=0
	as_user env -u DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR="$T" "$BERTH" --root "$STATE" --systemd-cgroup run -d "$ID" >"$T/out" 2>"$T/err" || status=$?
	cat "$T/err"
	is $status 1
	is "$(wc -l <"$T/err")" 1
	has "$(cat "$T/err")" "cannot reach the user's systemd"
	no_unit
}

@test "as root of a user namespace: still the user's own manager" {
	sleeper
	config_edit '.linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0'
	as_user unshare -Ur "$BERTH" --root "$STATE" --systemd-cgroup run -d "$ID" >"$T/out" 2>"$T/err" || fail "$(cat "$T/err")"
	limited
	as_user unshare -Ur "$BERTH" --root "$STATE" delete --force "$ID"
	no_unit
}
