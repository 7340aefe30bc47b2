#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# NOTIFY_SOCKET: a service manager hears of the container's readiness, and of nothing else.

load helpers

# The service manager: what it is told is in $T/told, one message after the other.
manager() {
	notifysock "$T/host.sock" >"$T/told" &
	MANAGER=$!
	wait_until 5 test -S "$T/host.sock"
	export NOTIFY_SOCKET=$T/host.sock
}
manager_ends() {
	unset NOTIFY_SOCKET
	kill $MANAGER
	wait $MANAGER || true
	rm -f "$T/host.sock"
}

# bats test_tags=compat
@test "start returns when the container is ready, and says who is the main process" {
	bundle sh -c 'until [ -e /dev/shm/go ]; do sleep 0.1; done; workload notify "STATUS=half
READY=1"; exec sleep 1000'
	manager
	berth create "$ID"
	"$BERTH" --root "$STATE" start "$ID" >"$T/o" 2>&1 </dev/null &
	local starter=$!
	wait_until 10 is_state "$ID" running
	[ ! -s "$T/told" ]
	kill -0 $starter
	NOTIFY_SOCKET='' "$BERTH" --root "$STATE" exec "$ID" touch /dev/shm/go </dev/null
	wait $starter
	wait_until 5 file_has "$T/told" "MAINPID=$(pid_of)"
	is "$(sed -n 1p "$T/told")" READY=1
	hasnt "$(cat "$T/told")" STATUS
	manager_ends
	remove
}

# bats test_tags=compat
@test "run -d, with a user of the container's own and a read-only root" {
	bundle sh -c 'workload notify READY=1; exec sleep 1000'
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	manager
	berth run -d "$ID"
	wait_until 5 file_has "$T/told" "MAINPID=$(pid_of)"
	manager_ends
	remove
}

@test "run -d --rm in a user namespace" {
	bundle sh -c 'workload notify READY=1'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 300000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 300000:300000 "$BUNDLE/rootfs"
	manager
	berth run -d --rm "$ID"
	wait_until 5 file_has "$T/told" READY=1
	manager_ends
	wait_until 10 test ! -e "$STATE/$ID"
}

@test "a container that ends without a word, or without being ready" {
	bundle workload notify STATUS=no
	manager
	berth create "$ID"
	berth start "$ID"
	wait_until 5 is_state "$ID" stopped
	[ ! -s "$T/told" ]
	remove
	command_is true
	berth run -d "$ID"
	[ ! -s "$T/told" ]
	manager_ends
	remove
}

# bats test_tags=compat
@test "run in the foreground: readiness passes through, the pid does not" {
	bundle sh -c 'workload notify READY=1; cat /run/notify/nosuch 2>/dev/null; echo $NOTIFY_SOCKET; touch /run/notify/x 2>/dev/null || echo read-only'
	manager
	berth run "$ID"
	is "$out" "/run/notify/notify.sock
read-only"
	wait_until 5 file_has "$T/told" READY=1
	hasnt "$(cat "$T/told")" MAINPID
	manager_ends
}

@test "a service manager that has gone is warned of, and the container runs" {
	bundle sh -c 'workload notify READY=1; exec sleep 1000'
	NOTIFY_SOCKET=$T/none berth run -d "$ID"
	has "$err" "$T/none"
	is "$(state_of)" running
	remove
	# Started by somebody who has no service manager.
	NOTIFY_SOCKET=$T/none berth create "$ID"
	berth start "$ID"
	is "$err" ""
	remove
}
