#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim beside a hostile container and hostile clients: one test for each threat, SHM-1 to SHM-17.

load helpers

@test "SHM-16: the shim is not dumpable, has no capabilities, no new privileges, and a filter" {
	bundle sleep 1000
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	wait_until 5 grep -q '^Seccomp:.2' "/proc/$shim/status"
	grep -q '^NoNewPrivs:.1' "/proc/$shim/status"
	local caps
	caps=$(awk '/^CapEff/ { print $2 }' "/proc/$shim/status")
	[ "$caps" = "$(bits)" ] || [ "$caps" = "$(bits 5)" ] || fail "the shim has capabilities $caps"
	is "$(awk '/^CapBnd/ { print $2 }' "/proc/$shim/status")" "$(bits)"
	remove
}

@test "the shim: an oom score as low as may be, which is nobody else's" {
	bundle sleep 1000
	local low=0
	# CAP_SYS_RESOURCE
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 0 ] || low=-999
	echo 300 >"/proc/$BASHPID/oom_score_adj"
	berth run -d "$ID"
	berth exec -d --shim=always --name side --pid-file "$T/pid" "$ID" sleep 1000
	wait_until 5 grep -qx -e $low "/proc/$(shim_pid)/oom_score_adj"
	wait_until 5 grep -qx -e $low "/proc/$(jq .shim.pid "$STATE/$ID/exec/side/session.json")/oom_score_adj"
	is "$(cat "/proc/$(pid_of)/oom_score_adj") $(cat "/proc/$(cat "$T/pid")/oom_score_adj")" "300 300"
	remove
}

@test "SHM-2: the shim's socket does not serve the container itself" {
	bundle sleep 1000
	mkdir "$BUNDLE/rootfs/state"
	config_edit --arg s "$STATE" '.mounts += [{destination: "/state", type: "bind", source: $s, options: ["rbind"]}]'
	cp "$E2E_RUN/bin/varlink" "$BUNDLE/rootfs/bin/"
	berth run -d "$ID"
	berth exec "$ID" varlink -t 3 "/state/$ID/shim.sock" '{"method":"io.berth.Shim.State"}' || true
	hasnt "$out" '"pid"'
	remove
}
