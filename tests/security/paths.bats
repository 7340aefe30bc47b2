#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: names inside the root that lead out of it.

load helpers

@test "CVE-2026-41579, CVE-2026-47766: a /dev of the image that is a link is not followed" {
	bundle true
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.devices = [{path: "/dev/extra", type: "c", major: 1, minor: 3}]'
	local target
	for target in "$CANARY" ../../canary /../../../canary; do
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
	config_edit '.process.terminal = true'
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
		[ "$status" -ne 0 ] || is "$(sed -n 3p "$T/out")" 0
		berth delete --force "$ID"
		canary_safe
		rm -rf "$T/dev/null"
		[ "$plant" != "ln $CANARY/secret" ] || canary_know
	done
	grep -q . /proc/sys/kernel/core_pattern
}
