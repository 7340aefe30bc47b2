#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.resources.devices: each part of a rule, by what it lets through.

load helpers

# bats test_tags=compat
@test "devices: rules by type, number and access" {
	on_v2 || need_controller devices
	# Of each number a node that exists for the kernel or not: allowed is whatever is not "not permitted".
	bundle sh -c 'for d in c-1-11 b-1-11 c-1-1 c-12-11; do
			for how in "<" ">"; do
				if eval "sh -c \": $how/dev/$d\"" 2>&1 | grep -q "Operation not permitted"; then echo "$d$how no"; else echo "$d$how yes"; fi
			done
		done'
	config_edit '.linux.devices = [{path: "/dev/c-1-11", type: "c", major: 1, minor: 11}, {path: "/dev/b-1-11", type: "b", major: 1, minor: 11},
		{path: "/dev/c-1-1", type: "c", major: 1, minor: 1}, {path: "/dev/c-12-11", type: "c", major: 12, minor: 11}]
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "r"}]
		| (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYSLOG", "CAP_SYS_RAWIO"]'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "c-1-11< yes c-1-11> no b-1-11< no b-1-11> no c-1-1< no c-1-1> no c-12-11< no c-12-11> no "
}
