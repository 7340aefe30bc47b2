#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the state directory says, and what happens when processes die that should not: shim, keeper, runtime.

load helpers

# bats test_tags=compat
@test "containers of one root are not those of another" {
	bundle sleep 1000
	berth create "$ID"
	mkdir -m 700 "$T/other"
	STATE=$T/other refused 1 'does not exist' state "$ID"
	"$BERTH" --root "$T/other" list -q >"$T/o"
	is "$(cat "$T/o")" ""
	remove
}

@test "the shim is killed: state and list say so, the container goes on, delete cleans" {
	bundle sh -c 'i=0; while :; do i=$((i+1)); echo $i; echo $i >/tmp/n; usleep 50000; done'
	config_edit '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
	berth run -d "$ID"
	local shim n
	shim=$(shim_pid)
	n=/proc/$(pid_of)/root/tmp/n
	kill -KILL "$shim"
	wait_until 5 gone "$shim"
	is "$(state_of)" running
	wait_until 5 eval "[ -s $n ]"
	local a
	a=$(cat "$n")
	wait_until 5 eval "[ \"\$(cat $n)\" != '$a' ]"
	berth state "$ID"
	jq -e '.shim.lost == true or (.shim.status // "" | test("lost"))' "$T/out" || grep -qi lost "$T/out" "$T/err"
	berth list
	grep -qi lost "$T/out" "$T/err"
	refused 1 'shim' attach "$ID"
	berth delete --force "$ID"
}

@test "a container whose init was killed by somebody else is stopped and can be deleted" {
	bundle sleep 1000
	berth run -d "$ID"
	kill -KILL "$(pid_of)"
	wait_until 5 is_state "$ID" stopped
	berth wait "$ID"
	is "$out" 137
	berth delete "$ID"
}

@test "a create that was killed: list shows it or not, gc removes it, the id is free again" {
	bundle sleep 1000
	mkfifo "$T/fifo"
	printf '#!/bin/sh\ncat %s/fifo\n' "$T" >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {prestart: [{path: $h}]}'
	"$BERTH" --root "$STATE" create "$ID" >"$T/o" 2>&1 </dev/null &
	local creator=$!
	wait_until 5 running 1 "cat $T/fifo"
	# Runtime and keeper at once, in the middle of a hook.
	local p
	for p in $(pgrep -x berth); do kill -KILL "$p" 2>/dev/null || true; done
	wait $creator || true
	pkill -KILL -f "cat $T/fifo" || true
	wait_until 5 running 0 "cat $T/fifo"
	berth list
	berth gc
	config_edit 'del(.hooks)'
	berth create "$ID"
	remove
}

@test "gc leaves living containers alone and finds nothing in an empty root" {
	berth gc
	bundle sleep 1000
	berth run -d "$ID"
	berth create "$ID-2"
	berth gc
	is "$(state_of)" running
	is "$(state_of "$ID-2")" created
	remove "$ID" "$ID-2"
}

@test "the intent is there before anything else, and enough for delete" {
	bundle sleep 1000
	berth create --shim=never "$ID"
	[ -s "$STATE/$ID/intent.json" ]
	jq -e . "$STATE/$ID/intent.json"
	local pid
	pid=$(pid_of)
	rm "$STATE/$ID/state.json"
	berth delete --force "$ID"
	wait_until 5 gone "$pid"
}

@test "state of another boot: the container is stopped, its number belongs to nobody" {
	bundle sleep 1000
	berth create --shim=never "$ID"
	local pid
	pid=$(pid_of)
	sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-0000-0000-0000-000000000000/" "$STATE/$ID"/*.json
	is "$(state_of)" stopped
	refused 1 'not running' kill "$ID" KILL
	kill -0 "$pid"
	# Its init is not ours to end any more; end it by hand.
	kill -KILL "$pid"
	wait_until 5 gone "$pid"
	berth delete --force "$ID"
	# After a real boot no cgroup is left; here they are.
	find /sys/fs/cgroup -depth -type d -name "$TAG" -exec rmdir {} + || true
}

@test "a process number that was used again is not taken for init" {
	bundle sleep 1000
	berth create --shim=never "$ID"
	local pid
	pid=$(pid_of)
	sleep 1000 &
	local other=$!
	sed -i "s/\"pid\": *$pid\b/\"pid\": $other/; s/\"pid\":$pid\b/\"pid\":$other/" "$STATE/$ID/state.json"
	is "$(state_of)" stopped
	berth delete --force "$ID" || true
	kill -0 $other
	kill $other
	wait $other || true
	kill -KILL "$pid" 2>/dev/null || true
	wait_until 5 gone "$pid"
	berth delete --force "$ID"
}

@test "exec.fifo, exit.json, shim.sock: what is in a state directory" {
	bundle sleep 1000
	berth create --shim=always "$ID"
	[ -p "$STATE/$ID/exec.fifo" ] && [ -S "$STATE/$ID/shim.sock" ] && [ -f "$STATE/$ID/exit.json" ]
	jq -e . "$STATE/$ID/state.json" "$STATE/$ID/intent.json"
	remove
}

@test "a full disk under the state root: create fails cleanly, a running container is not harmed" {
	mkdir "$T/small"
	mount -t tmpfs -o size=64k,mode=700 small "$T/small"
	bundle sh -c 'while :; do echo some text to fill the log; done'
	STATE=$T/small
	if berth run -d "$ID"; then
		wait_until 10 eval '[ "$(df --output=avail "$T/small" | tail -n 1)" -lt 8 ]'
		is "$(state_of)" running
		berth kill "$ID" KILL
		berth wait "$ID"
		is "$out" 137
		berth delete --force "$ID"
	fi
	dd if=/dev/zero of="$T/small/fill" bs=1k 2>/dev/null || true
	not berth run -d "$ID"
	rm "$T/small/fill"
	is "$(find "$T/small" -mindepth 1 -not -name '.*')" ""
	umount "$T/small"
	STATE=$T/s
}

@test "start, delete and kill while another command holds the container wait for it" {
	bundle sleep 1000
	local i
	for i in $(seq 10); do
		berth create "$ID"
		"$BERTH" --root "$STATE" start "$ID" >"$T/o1" 2>&1 </dev/null &
		local starter=$!
		"$BERTH" --root "$STATE" delete --force "$ID" >"$T/o2" 2>&1 </dev/null &
		local deleter=$!
		wait $starter || true
		wait $deleter || true
		berth delete --force "$ID"
	done
}

@test "delete --force twice at once" {
	bundle sleep 1000
	berth run -d "$ID"
	"$BERTH" --root "$STATE" delete --force "$ID" >"$T/o1" 2>&1 </dev/null &
	local one=$!
	"$BERTH" --root "$STATE" delete --force "$ID" >"$T/o2" 2>&1 </dev/null &
	local two=$!
	wait $one
	wait $two
	refused 1 'does not exist' state "$ID"
}
