#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: names that are swapped while the runtime looks. Each test sees at least 5000 swaps fall into its runs of berth.

load helpers

SWAPS=5000
RUNS=12

swaps() { od -An -t u8 "$T/.swaps" | tr -d ' '; }

# racing A B COMMAND...: swap A and B, while the command is run again and again. What it runs may fail, but must not do what it
# must not: then it returns other than 0.
racing() {
	local a=$1 b=$2 during=0 runs=0 before racer deadline=$((SECONDS + 28))
	shift 2
	racer "$a" "$b" "$T/.swaps" 3>&- &
	racer=$!
	wait_until 5 test -s "$T/.swaps"
	until [ $during -ge $SWAPS ] && [ $runs -ge $RUNS ]; do
		before=$(swaps)
		"$@" || fail "after $during swaps, in run $runs"
		during=$((during + $(swaps) - before)) runs=$((runs + 1))
		[ $SECONDS -lt $deadline ] || break
	done
	kill $racer
	wait $racer || true
	echo "$during swaps, $runs runs, $good of them good"
	[ $during -ge $SWAPS ] || fail "only $during swaps"
}

# once: run it. Refused is well; if not, it has to say "safe" and nothing else.
good=0
once() {
	if "$BERTH" --root "$STATE" run "$ID" >"$T/o" 2>"$T/e" </dev/null; then
		[ "$(cat "$T/o")" = safe ] || { cat "$T/o" "$T/e"; return 1; }
		good=$((good + 1))
	fi
	"$BERTH" --root "$STATE" delete --force "$ID" >/dev/null 2>&1
	canary_safe
}

without_dev() { config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false'; }

@test "CVE-2019-19921: /proc of the image is swapped with a link into a volume" {
	# The mount goes where its directory goes, so that either name may show it now.
	bundle sh -c 'for p in /proc /proc.x; do
			cd $p 2>/dev/null && [ -d 1/fd ] || continue
			[ -z "$(cat timer_list kcore 2>/dev/null | head -c 1)" ] || exit 0
			! (: >sysrq-trigger) 2>/dev/null || exit 0
			! (: >sys/kernel/domainname) 2>/dev/null || exit 0
		done; [ -z "$(ls /volume/a)" ] && echo safe || echo unsafe'
	mkdir -p "$T/volume/a"
	ln -s volume/a "$BUNDLE/rootfs/proc.x"
	config_edit --arg v "$T/volume" '.mounts = [{destination: "/volume", type: "bind", source: $v, options: ["rbind"]}] + .mounts'
	racing "$BUNDLE/rootfs/proc" "$BUNDLE/rootfs/proc.x" once
	is "$(find "$T/volume" -mindepth 2 | head -n 3)" ""
}

@test "CVE-2021-30465: the parent of a mount's place in a volume is swapped with a link out of the root" {
	bundle echo safe
	mkdir -p "$T/volume/l1" "$T/source"
	ln -s "$CANARY/dir" "$T/volume/l1.x"
	config_edit --arg v "$T/volume" --arg s "$T/source" '.mounts += [{destination: "/v", type: "bind", source: $v, options: ["rbind"]},
		{destination: "/v/l1/l2", type: "bind", source: $s, options: ["rbind"]}, {destination: "/w", type: "bind", source: ($v + "/l1"), options: ["bind"]}] | .root.readonly = false'
	reset() {
		rmdir "$T/volume/l1/l2" 2>/dev/null
		once
	}
	racing "$T/volume/l1" "$T/volume/l1.x" reset
}

@test "CVE-2024-45310: a missing place of a mount is made while its parent is swapped with a link" {
	bundle echo safe
	mkdir -p "$T/volume/a" "$T/source"
	echo file >"$T/file"
	ln -s "$CANARY/dir" "$T/volume/a.x"
	config_edit --arg v "$T/volume" --arg s "$T/source" --arg f "$T/file" '.mounts += [{destination: "/v", type: "bind", source: $v, options: ["rbind"]},
		{destination: "/v/a/b/c", type: "bind", source: $s, options: ["rbind"]}, {destination: "/v/a/d/f", type: "bind", source: $f, options: ["bind"]}] | .root.readonly = false'
	again() {
		rm -rf "$T"/volume/a/[bd] "$T"/volume/a.x/[bd] 2>/dev/null
		once
	}
	racing "$T/volume/a" "$T/volume/a.x" again
}

@test "CVE-2025-31133, CVE-2025-62161: /dev/null of a volume is swapped with a link while paths are masked" {
	bundle sh -c '[ -z "$(cat /secret)" ] && ! (echo x >/secret-dir/x) 2>/dev/null && [ "$(stat -L -c %t:%T /proc/self/fd/0)" = 1:3 ] && echo safe || echo unsafe'
	mkdir "$T/dev" "$BUNDLE/rootfs/secret-dir"
	mknod "$T/dev/null" c 1 3
	ln -s /etc/passwd "$T/dev/null.x"
	echo text >"$BUNDLE/rootfs/secret"
	config_edit --arg d "$T/dev" '.mounts |= map(select(.destination | startswith("/dev") | not)) | .mounts += [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]}]
		| .linux.maskedPaths += ["/secret", "/secret-dir"]'
	racing "$T/dev/null" "$T/dev/null.x" once
}

@test "CVE-2025-52565: /dev/console of the image is swapped with a link while there is a terminal" {
	# The swaps go on: one look may find the link under either name.
	bundle sh -c 'i=0; while [ $((i += 1)) -le 300 ]; do
			for c in /dev/console /dev/console.x; do [ "$(stat -c %t $c)" = 88 ] && echo safe && exit; done
		done; exit 0'
	without_dev
	config_edit '.process.terminal = true | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"]}]'
	rm -rf "$BUNDLE/rootfs/dev"
	mkdir -p "$BUNDLE/rootfs/dev/pts"
	: >"$BUNDLE/rootfs/dev/console"
	ln -s "$CANARY/new" "$BUNDLE/rootfs/dev/console.x"
	terminal() {
		if ptydrive -t 10 -- "$BERTH" --root "$STATE" run "$ID" >"$T/o" 2>"$T/e" </dev/null; then
			grep -q safe "$T/o" || { cat "$T/o" "$T/e"; return 1; }
			good=$((good + 1))
		fi
		"$BERTH" --root "$STATE" delete --force "$ID" >/dev/null 2>&1
		canary_safe
	}
	racing "$BUNDLE/rootfs/dev/console" "$BUNDLE/rootfs/dev/console.x" terminal
}

@test "CVE-2025-52881, CVE-2025-62596: a mount's place in a volume is swapped with a link to where the kernel is told things" {
	bundle sh -c '! grep -q " /proc/sys/net" /proc/mounts && ! grep -q " /proc/self/attr" /proc/mounts && [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 777 ] && echo safe || echo unsafe'
	mkdir -p "$T/volume/p" "$T/fake"
	echo 777 >"$T/fake/ip_unprivileged_port_start"
	ln -s /proc/sys/net/ipv4 "$T/volume/p.x"
	config_edit --arg v "$T/volume" --arg f "$T/fake" '.mounts += [{destination: "/v", type: "bind", source: $v, options: ["rbind"]}, {destination: "/v/p", type: "bind", source: $f, options: ["rbind"]}]
		| .linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "777"} | .root.readonly = false'
	racing "$T/volume/p" "$T/volume/p.x" once
}

@test "CVE-2026-41579: /dev of the image is swapped with a link while it is filled" {
	bundle sh -c 'i=0; while [ $((i += 1)) -le 3000 ]; do { [ -c /dev/null ] || [ -c /dev.x/null ]; } && echo safe && exit; done; echo unsafe'
	without_dev
	rm -rf "$BUNDLE/rootfs/dev"
	mkdir "$BUNDLE/rootfs/dev"
	ln -s "$CANARY/dir" "$BUNDLE/rootfs/dev.x"
	racing "$BUNDLE/rootfs/dev" "$BUNDLE/rootfs/dev.x" once
}
