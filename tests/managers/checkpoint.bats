#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore with CRIU: what a container was doing goes on, under the same keeper or another.

load ../e2e/helpers
load vm

# Counts: the number and the exit code are in memory alone, so only a true restore can know them.
counts() { echo 'i=0; code=42; while [ ! -e /go ]; do i=$((i+1)); echo "n $i"; sleep 0.1; done; echo end; exit $code'; }
number() { sed -n 's/^n \([0-9]*\)\r*$/\1/p' | tail -1; }
log_number() { "$BERTH" --root "$STATE" logs "${1:-$ID}" 2>/dev/null | number; }
beyond() { local n; n=$(log_number "$1") && [ -n "$n" ] && [ "$n" -gt "$2" ]; }
let_end() { : >"$BUNDLE/rootfs/go"; }

@test "a counting loop with a shim: dumped, gone, restored: log, wait, exit code" {
	local n
	bundle sh -c "$(counts)"
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --image-path "$T/i" "$ID"
	not berth state "$ID"
	no_shim
	[ -e "$T/i/inventory.img" ]
	is "$(stat -c %a "$T/i")" 700
	is "$(jq -r 'map(test("^pipe:")) | all' "$T/i/descriptors.json")" true
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	is_state "$ID" running
	wait_until 60 beyond "$ID" 0
	n=$("$BERTH" --root "$STATE" logs "$ID" | sed -n 's/^n //p' | head -1)
	[ "$n" -gt 3 ] || fail "it began again: $n"
	[ ! -e "$STATE/$ID/criu-root" ]
	let_end
	berth wait "$ID"
	is "$out" 42
	log_has "$ID" '^end$'
	berth delete "$ID"
}
