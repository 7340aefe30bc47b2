# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What every test of hostile images, containers and callers has besides a world of its own (tests/e2e/helpers.bash): $CANARY, a directory of
# the host that nothing may touch. Names, inodes, modes, owners, times and contents are the same after every test, or it fails.

load ../e2e/helpers

setup() {
	e2e_setup
	CANARY=$T/canary
	local f
	mkdir -p "$CANARY/dir/below"
	for f in secret null console ptmx fd stdin core zero dir/file; do echo "canary $f" >"$CANARY/$f"; done
	mkfifo "$CANARY/fifo"
	chmod 640 "$CANARY/secret"
	canary_know
}

teardown() {
	local rc=0
	[ "${BATS_TEST_COMPLETED:-}" != 1 ] || canary_safe || rc=1
	e2e_teardown || rc=1
	return $rc
}

canary_sum() {
	find "$CANARY" -printf '%p %i %y%m %U:%G %C@ %s %n\n' | sort
	find "$CANARY" -type f | sort | xargs -d '\n' sha256sum
}
# What it is now is how it has to stay.
canary_know() { canary_sum >"$T/.canary"; }
canary_safe() { canary_sum | diff "$T/.canary" - || fail "the host's directory was touched"; }

# try: create, start and delete, whatever comes of it; the host must be as before.
try() {
	if berth create "$ID"; then
		berth start "$ID" || true
		wait_until 5 is_state "$ID" stopped || true
	fi
	berth delete --force "$ID"
	canary_safe
}

# A value of the probe's report.
p() { jq -r "$1" <<<"$out"; }

# bits NUMBER...: a set of capabilities as the probe prints it.
bits() {
	local n=0 c
	for c; do n=$((n | 1 << c)); done
	printf %016x "$n"
}
