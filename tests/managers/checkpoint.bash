# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the tests of checkpoint and restore share: containers that count, and what their numbers say.

# Counts: the number and the exit code are in memory alone, so only a true restore can know them.
counts() { echo 'i=0; code=42; while [ ! -e /go ]; do i=$((i+1)); echo "n $i"; sleep 0.1; done; echo end; exit $code'; }
number() { sed -n 's/^n \([0-9]*\)\r*$/\1/p' | tail -1; }
log_number() { "$BERTH" --root "$STATE" logs "${1:-$ID}" 2>/dev/null | number; }
beyond() { local n; n=$(log_number "$1") && [ -n "$n" ] && [ "$n" -gt "$2" ]; }
# Every number, once: what was written before the checkpoint, what was under way, and what came after.
complete() {
	local lines
	lines=$("$BERTH" --root "$STATE" logs "$ID" | sed -n 's/^n \([0-9]*\)\r*$/\1/p')
	is "$(md5sum <<<"$lines")" "$(seq "$(wc -l <<<"$lines")" | md5sum)"
}
let_end() { : >"$BUNDLE/rootfs/go"; }

# holds KIND ARG: a bundle of the helper "holder", which counts while it has what it should have; with the host's network.
holds() {
	bundle holder "$@"
	cp "$BERTH_BUILD/tests/helpers/holder" "$BUNDLE/rootfs/bin/"
	config_edit '.root.readonly = false | del(.linux.namespaces[] | select(.type == "network"))'
}
# start: it counts. dump and again: with these options; the count goes on.
start() {
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
}
dump() { berth checkpoint "$@" --image-path "$T/i" "$ID"; }
again() {
	local n
	berth restore -d --shim=always "$@" --image-path "$T/i" "$ID"
	n=$(log_number)
	wait_until 60 beyond "$ID" $((n + 3))
}
# needs OPTION: without it a dump is refused, and the container runs on.
needs() {
	refused 1 "criu failed to dump the container: .*$2.*log file" checkpoint --image-path "$T/bad" "$ID"
	is_state "$ID" running
	dump "$1"
	[ -e "$T/i/inventory.img" ]
}
