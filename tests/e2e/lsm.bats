#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Labels of the security modules on a machine that has neither: what is taken, what is refused by name. That labels are in
# force is seen where there is AppArmor (tests/managers/apparmor.bats) and against trees of plain files (tests/unit/test_lsm.c).

load helpers

no_apparmor() { [ ! -e /sys/module/apparmor/parameters/enabled ] || grep -q N /sys/module/apparmor/parameters/enabled || skip "AppArmor is on"; }
no_selinux() { [ ! -e /sys/fs/selinux/enforce ] || skip "SELinux is on"; }

@test "apparmorProfile: unconfined and empty ask for nothing, for run and for exec" {
	bundle echo labelled
	local profile
	for profile in unconfined ''; do
		config_edit --arg p "$profile" '.process.apparmorProfile = $p | .process.selinuxLabel = ""'
		berth run "$ID"
		is "$out" labelled
	done
	config_edit '.process.apparmorProfile = "unconfined"'
	command_is sleep 1000
	berth create "$ID"
	berth start "$ID"
	berth exec "$ID" echo again
	is "$out" again
	jq '.process | .args = ["echo", "from a file"]' config.json >"$T/process.json"
	berth exec --process "$T/process.json" "$ID"
	is "$out" "from a file"
	remove
}

@test "apparmorProfile: a profile without AppArmor is refused by name, for create and for exec" {
	no_apparmor
	bundle sleep 1000
	config_edit '.process.apparmorProfile = "some-profile"'
	refused 1 'process.apparmorProfile: .some-profile.: AppArmor is not supported' create "$ID"
	config_edit 'del(.process.apparmorProfile)'
	berth create "$ID"
	berth start "$ID"
	jq '.process | .args = ["true"] | .apparmorProfile = "some-profile"' config.json >"$T/process.json"
	refused 255 'process.apparmorProfile' exec --process "$T/process.json" "$ID"
	remove
}

@test "selinuxLabel and mountLabel without SELinux are refused by name, for create and for exec" {
	no_selinux
	bundle sleep 1000
	config_edit '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	refused 1 'process.selinuxLabel: .*SELinux is disabled' create "$ID"
	config_edit 'del(.process.selinuxLabel) | .linux.mountLabel = "system_u:object_r:container_file_t:s0"'
	refused 1 'linux.mountLabel: SELinux is disabled' create "$ID"
	config_edit 'del(.linux.mountLabel)'
	berth create "$ID"
	berth start "$ID"
	jq '.process | .args = ["true"] | .selinuxLabel = "a:b:c:s0"' config.json >"$T/process.json"
	refused 255 'process.selinuxLabel' exec --process "$T/process.json" "$ID"
	remove
}

@test "labels that could not be written are refused as such" {
	bundle true
	config_edit '.process.apparmorProfile = "a\nb"'
	refused 1 'process.apparmorProfile: control character' create "$ID"
	config_edit '.process.apparmorProfile = 1'
	refused 1 'process.apparmorProfile: expected a string' create "$ID"
}
