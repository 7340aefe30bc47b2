#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The features document: what managers read out of it, and that it does not promise what is refused.

load helpers

f() { jq -e "$1" "$T/out" >/dev/null || fail "not so: $1"; }

@test "what managers ask for" {
	berth features
	is "$err" ""
	f '.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0"'
	# Recursive read-only binds, id-mapped mounts in user namespaces, checkpoints.
	f '.mountOptions | index("rro") and index("idmap") and index("ridmap") and index("tmpcopyup")'
	f '(.linux.namespaces | index("user")) and .linux.mountExtensions.idmap.enabled'
	f '.annotations["org.opencontainers.runc.checkpoint.enabled"] == "true"'
	f '.annotations["io.berth.version"] and .annotations["io.berth.commit"]'
	f '.annotations["io.github.seccomp.libseccomp.version"] | test("^[0-9]+\\.[0-9]+\\.[0-9]+$")'
	f '.potentiallyUnsafeConfigAnnotations == ["org.criu.config","org.systemd.property."]'
	f '.linux.cgroup == {v1: true, v2: true, systemd: true, systemdUser: true, rdma: true}'
	f '.linux.apparmor.enabled and .linux.selinux.enabled'
	f '.linux.intelRdt == {enabled: true, schemata: true, monitoring: true}'
	f '(.linux.netDevices.enabled | type) == "boolean"'
}

@test "seccomp: what is known, and what the running kernel takes" {
	berth features
	f '.linux.seccomp.actions | index("SCMP_ACT_NOTIFY") and index("SCMP_ACT_KILL_PROCESS")'
	f '.linux.seccomp | (.supportedFlags - .knownFlags) == []'
	f '.linux.seccomp.supportedFlags | index("SECCOMP_FILTER_FLAG_LOG")'
	# What is said to be supported can be used.
	local flags
	flags=$(jq -c '.linux.seccomp.supportedFlags - ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' "$T/out")
	bundle echo works
	config_edit --argjson f "$flags" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: $f, syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO"}]}'
	berth run "$ID"
	is "$out" works
}

@test "what is said to be known is not refused, and what is not is" {
	bundle true
	berth features
	local mode flag
	for mode in $(jq -r '.linux.memoryPolicy.modes[]' "$T/out"); do
		config_edit --arg m "$mode" '.linux.memoryPolicy = {mode: $m}'
		"$BERTH" --root "$STATE" run "$ID" >"$T/o" 2>&1 || hasnt "$(cat "$T/o")" "unknown"
	done
	config_edit '.linux.memoryPolicy = {mode: "MPOL_NOSUCH"}'
	refused 1 'memory policy' run "$ID"
	config_edit 'del(.linux.memoryPolicy)'
	berth features
	for flag in $(jq -r '.mountOptions[] | select(test("idmap|remount|bind|mand|iversion") | not)' "$T/out"); do
		config_edit --arg f "$flag" '.mounts |= map(select(.destination != "/x")) + [{destination: "/x", type: "tmpfs", source: "tmpfs", options: [$f]}]'
		"$BERTH" --root "$STATE" run "$ID" >"$T/o" 2>&1 || fail "mount option $flag: $(cat "$T/o")"
	done
}
