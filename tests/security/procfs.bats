#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: what stands in for /proc, and where the kernel is told things.

load helpers

# bats test_tags=compat
@test "CVE-2023-27561, CVE-2023-28642, CVE-2025-54867: a /proc or /sys that is a link in the image is refused" {
	bundle true
	local target
	for target in canary-rel "$CANARY" /nowhere dir/sub /; do
		rm -rf "$BUNDLE/rootfs/proc"
		ln -s "$target" "$BUNDLE/rootfs/proc"
		mkdir -p "$BUNDLE/rootfs/canary-rel" "$BUNDLE/rootfs/dir/sub"
		not berth create "$ID"
		canary_safe
	done
	rm -rf "$BUNDLE/rootfs/proc"
	mkdir "$BUNDLE/rootfs/proc"
	rmdir "$BUNDLE/rootfs/sys"
	ln -s "$CANARY" "$BUNDLE/rootfs/sys"
	not berth create "$ID"
	canary_safe
}

@test "a proc destination by a roundabout way through a symlink is refused" {
	bundle true
	ln -s ../proc "$BUNDLE/rootfs/mnt-x"
	mkdir -p "$BUNDLE/rootfs/x"
	config_edit '.mounts[0].destination = "/mnt-x"'
	not berth create "$ID"
	config_edit '.mounts[0].destination = "/x/../proc"'
	berth run "$ID" || true
	config_edit '.mounts[0].destination = "//proc/"'
	berth run "$ID"
	canary_safe
}

# bats test_tags=compat
@test "CVE-2019-16884: something else mounted at /proc, with a label asked for, is refused" {
	bundle true
	mkdir -p "$T/fake/self/attr"
	config_edit --arg s "$T/fake" '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $s, options: ["bind"]} else . end)'
	not berth create "$ID"
}

@test "an AppArmor or SELinux label on a machine without is an error, not ignored" {
	[ ! -e /sys/module/apparmor/parameters/enabled ] || grep -q N /sys/module/apparmor/parameters/enabled || skip "AppArmor is on"
	bundle true
	config_edit '.process.apparmorProfile = "some-profile"'
	refused 1 'apparmor' create "$ID"
}
