#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The properties of process, read back from where the kernel shows them.

load helpers

bits() {
	local n=0 c
	for c; do n=$((n | 1 << c)); done
	printf %016x "$n"
}
status_of() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(pid_of)/status"; }

# bats test_tags=compat
@test "terminal and consoleSize" {
	bundle sh -c 'test -t 0 && test -t 1 && echo "a terminal"; stty size'
	config_edit '.process.terminal = true | .process.consoleSize = {height: 33, width: 99}'
	berth run -d "$ID"
	berth wait "$ID"
	berth logs "$ID"
	has "$out" "a terminal"
	has "$out" "33 99"
	remove
}

# bats test_tags=compat
@test "capabilities: the sets before and after the start" {
	bundle sh -c 'cat /proc/self/status; sleep 100'
	config_edit '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_CHOWN", "CAP_KILL"], inheritable: ["CAP_KILL", "CAP_NET_RAW"], ambient: ["CAP_KILL"]}'
	berth create "$ID"
	is "$(status_of CapBnd)" "$(bits 0 5 7 13)"
	is "$(status_of CapPrm)" "$(bits 0 5 13)"
	is "$(status_of CapEff)" "$(bits 0 5)"
	is "$(status_of CapInh)" "$(bits 5 13)"
	is "$(status_of CapAmb)" "$(bits 5)"
	berth start "$ID"
	is "$(status_of CapBnd)" "$(bits 0 5 7 13)"
	is "$(status_of CapPrm)" "$(bits 5)"
	is "$(status_of CapEff)" "$(bits 5)"
	is "$(status_of CapInh)" "$(bits 5 13)"
	is "$(status_of CapAmb)" "$(bits 5)"
	remove
}
