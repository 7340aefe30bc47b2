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

@test "CVE-2015-3627, CVE-2015-3629, CVE-2015-3630, CVE-2015-3631: names that early runtimes opened in the image, and files of /proc that were left writable" {
	bundle sh -c 'for f in sysrq-trigger sys/kernel/core_pattern sys/kernel/hostname irq/default_smp_affinity bus/x fs/x; do
			(: >/proc/$f) 2>/dev/null && echo "may be written: $f"
		done
		for f in kcore timer_list keys sched_debug latency_stats; do
			[ -z "$(head -c 1 /proc/$f 2>/dev/null)" ] || echo "read: $f"
		done; echo done'
	config_edit '.root.readonly = false'
	local name
	for name in etc/mtab etc/hosts etc/resolv.conf etc/hostname run/lock var/run; do
		mkdir -p "$BUNDLE/rootfs/${name%/*}"
		rm -rf "$BUNDLE/rootfs/${name:?}"
		ln -s "$CANARY/secret" "$BUNDLE/rootfs/$name"
	done
	berth run "$ID"
	is "$out" "done"
}

@test "CVE-2019-16884: a tmpfs, a part of a procfs and a look-alike at /proc, and anything below it" {
	bundle true
	mkdir -p "$T/fake/self/attr"
	local mount
	for mount in '{destination: "/proc", type: "tmpfs", source: "tmpfs"}' '{destination: "/proc", type: "bind", source: "/proc/sys", options: ["bind"]}' \
		'{destination: "/proc", type: "bind", source: "/proc/self/..", options: ["bind"]}' '{destination: "/proc/self/attr", type: "bind", source: $f, options: ["bind"]}' \
		'{destination: "/proc/sys", type: "tmpfs", source: "tmpfs"}' '{destination: "/proc/1", type: "bind", source: $f, options: ["bind"]}' \
		'{destination: "/x/../proc/self", type: "tmpfs", source: "tmpfs"}' '{destination: "//proc//fs", type: "tmpfs", source: "tmpfs"}'; do
		case $mount in
		*'"/proc/self/.."'*) continue ;; # that is the whole procfs again
		*'"/proc"'*) config_edit --arg f "$T/fake" ".mounts |= map(if .destination == \"/proc\" then $mount else . end)" ;;
		*) config_edit --arg f "$T/fake" ".mounts += [$mount]" ;;
		esac
		refused 1 'proc' create "$ID"
		config_edit '.mounts |= [{destination: "/proc", type: "proc", source: "proc"}] + map(select(.destination | test("proc") | not))'
	done
	berth run "$ID"
}

@test "CVE-2025-52881: init opens nothing by a name below /proc or /sys, and what it was told to set is set" {
	bundle sh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
	config_edit '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "777"}'
	strace -f -ff -o "$T/trace" -e trace=open,openat,openat2,pivot_root,execve "$BERTH" --root "$STATE" run "$ID" >"$T/o" </dev/null
	is "$(cat "$T/o")" 777
	local init
	init=$(grep -l pivot_root "$T"/trace.*)
	[ -n "$init" ]
	# Up to the program, which may open what it likes.
	sed '/execve(/,$d' "$init" >"$T/calls"
	grep -q 'openat2' "$T/calls"
	# Names in the root are only looked up, to be covered.
	not grep -E '"/(proc|sys)/' <(grep -v O_PATH "$T/calls")
}

@test "CVE-2022-0811: names of sysctls that smuggle another one, or one that is not the container's" {
	bundle true
	local key
	for key in kernel.core_pattern vm.overcommit_memory 'kernel.shm_rmid_forced+kernel.core_pattern' 'net/ipv4/../../kernel/core_pattern' 'net.ipv4.../kernel' \
		'kernel.sem/../core_pattern' fs.mqueue.../../x '' . / net kernel.hostname..; do
		config_edit --arg k "$key" '.linux.sysctl = {($k): "x=1"}'
		not berth create "$ID"
		berth delete --force "$ID"
	done
	not grep -q 'x=1' /proc/sys/kernel/core_pattern
	config_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))'
	not berth create "$ID"
}

@test "CVE-2019-19921: another directory takes the place of /proc between its mount and its masks" {
	bundle true
	# A hook has the time that an attacker would have to find.
	printf '#!/bin/sh\ncd %s && mv proc proc.mounted && mv proc.other proc\n' "$BUNDLE/rootfs" >"$T/swap"
	chmod 755 "$T/swap"
	config_edit --arg h "$T/swap" '.hooks = {createRuntime: [{path: $h}]} | .root.readonly = false'
	local plant
	for plant in mkdir 'ln -s tmp' 'cp /etc/passwd'; do
		rm -rf "$BUNDLE"/rootfs/proc*
		mkdir "$BUNDLE/rootfs/proc"
		$plant "$BUNDLE/rootfs/proc.other"
		refused 1 'readonlyPaths|maskedPaths' create "$ID"
		[ -d "$BUNDLE/rootfs/proc.mounted" ]
	done
	rm -rf "$BUNDLE"/rootfs/proc*
	mkdir "$BUNDLE/rootfs/proc"
	config_edit 'del(.hooks)'
	berth run "$ID"
}
