#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: names inside the root that lead out of it.

load helpers

@test "CVE-2026-41579, CVE-2026-47766: a /dev of the image that is a link is not followed" {
	bundle true
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.devices = [{path: "/dev/extra", type: "c", major: 1, minor: 3}]'
	local target
	for target in "$CANARY" "$CANARY/dir" ../../canary ../../canary/dir /../../../canary; do
		rm -rf "$BUNDLE/rootfs/dev"
		ln -s "$target" "$BUNDLE/rootfs/dev"
		try
	done
	rm -f "$BUNDLE/rootfs/dev"
	ln -s second "$BUNDLE/rootfs/dev"
	ln -s "$CANARY" "$BUNDLE/rootfs/second"
	try
}

@test "CVE-2026-88264: a /dev/console, ptmx or other node planted in the image" {
	bundle true
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false'
	local name kind
	for name in console ptmx fd stdin stdout core null zero pts shm; do
		for kind in "$CANARY/secret" "$CANARY/new"; do
			rm -rf "$BUNDLE/rootfs/dev"
			mkdir "$BUNDLE/rootfs/dev"
			ln -s "$kind" "$BUNDLE/rootfs/dev/$name"
			try
		done
	done
	rm -rf "$BUNDLE/rootfs/dev"
	mkdir "$BUNDLE/rootfs/dev"
	ln -s "$CANARY/new" "$BUNDLE/rootfs/dev/console"
	config_edit '.process.terminal = true | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]'
	ptydrive -t 10 -- "$BERTH" --root "$STATE" run "$ID" || true
	berth delete --force "$ID"
	canary_safe
}

@test "CVE-2025-31133, CVE-2025-62161, CVE-2026-88265: a /dev/null that is something else: neither stdio nor masks come from it" {
	bundle sh -c 'stat -L -c "%F %t:%T" /proc/self/fd/0; cat /proc/kcore | head -c 10 | wc -c; cat /secret | wc -c'
	mkdir "$T/dev"
	echo text >"$BUNDLE/rootfs/secret"
	config_edit --arg d "$T/dev" '.mounts |= map(select(.destination | startswith("/dev") | not)) | .mounts += [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]}]
		| .linux.maskedPaths += ["/secret"] | .process.user = {uid: 1000, gid: 1000}'
	local plant
	for plant in "ln -s $CANARY/secret" "ln -s /proc/sys/kernel/core_pattern" "ln $CANARY/secret" mkfifo mkdir "cp $CANARY/secret"; do
		rm -rf "$T/dev/null"
		$plant "$T/dev/null" || continue
		[ "$plant" != "ln $CANARY/secret" ] || canary_know
		CMD_TIMEOUT=10 berth run "$ID" || true
		[ "$status" -lt 124 ] || fail "held up by $plant"
		[ "$status" -ne 0 ] || is "$(sed -n 's/^character special file 1:3$/null/; 1p; 3p' "$T/out" | tr '\n' ' ')" "null 0 "
		berth delete --force "$ID"
		canary_safe
		rm -rf "$T/dev/null"
		[ "$plant" != "ln $CANARY/secret" ] || canary_know
	done
	grep -q . /proc/sys/kernel/core_pattern
}

@test "CVE-2019-18837: the place of a mount whose parent is a link, a file, or leads nowhere" {
	bundle true
	mkdir "$T/source"
	config_edit --arg s "$T/source" '.mounts += [{destination: "/a/b/c", type: "bind", source: $s, options: ["bind"]}] | .root.readonly = false'
	local plant
	for plant in "ln -s $CANARY/dir" "ln -s $CANARY/none" 'ln -s ../../../../../../../../../../canary/dir' "cp $CANARY/secret" 'ln -s a' mkfifo; do
		rm -rf "$BUNDLE/rootfs/a"
		$plant "$BUNDLE/rootfs/a"
		try
		rm -rf "$BUNDLE/rootfs/a"
		mkdir "$BUNDLE/rootfs/a"
		$plant "$BUNDLE/rootfs/a/b"
		try
	done
	# It was not for want of a place.
	rm -rf "$BUNDLE/rootfs/a"
	berth run "$ID"
}

# Everything that the runtime ever makes in a root file system.
@test "CVE-2025-24965: each name that is made in the image was planted before, as a link or something odd" {
	bundle true
	: >"$T/file"
	config_edit --arg f "$T/file" '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false | .process.cwd = "/made/cwd"
		| .mounts += [{destination: "/made/file", type: "bind", source: $f, options: ["bind"]}, {destination: "/made/dir", type: "tmpfs", source: "tmpfs"}]
		| .linux.devices = [{path: "/made/node", type: "c", major: 1, minor: 3}, {path: "/made/fifo", type: "p"}]'
	local name kind
	for name in dev made made/file made/dir made/cwd made/node made/fifo dev/null dev/ptmx dev/fd dev/core; do
		for kind in "ln -s $CANARY/dir" "ln -s $CANARY/new" mkfifo; do
			rm -rf "$BUNDLE/rootfs/dev" "$BUNDLE/rootfs/made"
			mkdir -p "$BUNDLE/rootfs/${name%/*}"
			rm -rf "$BUNDLE/rootfs/${name:?}"
			$kind "$BUNDLE/rootfs/$name"
			CMD_TIMEOUT=10 berth run "$ID" || true
			[ "$status" -lt 124 ] || fail "held up by $kind $name"
			berth delete --force "$ID"
			canary_safe
		done
	done
}

@test "CVE-2025-52565: a terminal where the image's /dev/pts and /dev/console are links, or its own files" {
	bundle sh -c 'stat -c %t /dev/console'
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false | .process.terminal = true'
	local plant i
	for plant in volume console both; do
		rm -rf "$BUNDLE/rootfs/dev" "$T/pts"
		mkdir -p "$BUNDLE/rootfs/dev/pts" "$T/pts"
		[ $plant = volume ] || ln -s "$CANARY/new" "$BUNDLE/rootfs/dev/console"
		for i in $(seq 0 20); do ln -s "$CANARY/secret" "$T/pts/$i"; done
		ln -s "$CANARY/ptmx" "$T/pts/ptmx"
		cp config.json "$T/config.before"
		[ $plant = console ] || config_edit --arg s "$T/pts" '.mounts += [{destination: "/dev/pts", type: "bind", source: $s, options: ["bind"]}]'
		[ $plant != console ] || config_edit '.mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]'
		not ptydrive -t 10 -- "$BERTH" --root "$STATE" run "$ID"
		berth delete --force "$ID"
		canary_safe
		cp "$T/config.before" config.json
	done
}
