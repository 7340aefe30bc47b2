#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: descriptors, working directory and program of a process on its way in.

load helpers

# bats test_tags=compat
@test "leaked descriptors of the caller are not passed on, those asked for are" {
	bundle probe
	local fd
	for fd in $(seq 20 50); do eval "exec $fd</sys/fs/cgroup"; done
	berth run "$ID"
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2"
	(exec 3</etc/passwd 4</etc/group && berth run --preserve-fds 2 "$ID")
	out=$(cat "$T/out")
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2 3 4"
	for fd in $(seq 20 50); do eval "exec $fd<&-"; done
}

# bats test_tags=compat
@test "LISTEN_FDS are passed on, with their variables" {
	bundle probe
	bash -c 'exec 3</etc/hostname 4</etc/passwd; export LISTEN_FDS=2 LISTEN_PID=$$; exec "$@"' sh "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	out=$(cat "$T/out")
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2 3 4"
	is "$(p '.env | map(select(startswith("LISTEN_FDS=") or startswith("LISTEN_PID="))) | sort | join(" ")')" "LISTEN_FDS=2 LISTEN_PID=1"
}

# bats test_tags=compat
@test "CVE-2024-21626: a working directory through a leaked descriptor of the caller" {
	bundle probe
	local fd
	for fd in $(seq 20 64); do
		[ -e "/proc/self/fd/$fd" ] || eval "exec $fd</sys/fs/cgroup"
	done
	for fd in 3 5 6 7 8 9 10 11 12 20; do
		config_edit --arg c "/proc/self/fd/$fd" '.process.cwd = $c'
		berth run "$ID" || true
		[ "$status" -ne 0 ] || is "$(p '.cwd[0:1]')" /
		[ "$status" -ne 0 ] || hasnt "$(p .cwd)" unreachable
		hasnt "$(cat "$T/out")" '"cwd":"(unreachable)'
		berth delete --force "$ID"
	done
	config_edit '.process.cwd = "/" | .process.args = ["sleep", "1000"]'
	berth create "$ID"
	berth start "$ID"
	for fd in 3 5 6 7 8 9 10 11; do
		berth exec --cwd "/proc/self/fd/$fd" "$ID" probe || continue
		hasnt "$(p .cwd)" unreachable
		is "$(p '.cwd_inode | split(":")[0]')" "$(p '.root_inode | split(":")[0]')"
	done
	remove
	for fd in $(seq 20 64); do eval "exec $fd<&-"; done
}

# bats test_tags=compat
@test "the program itself cannot be had through /proc/self/exe" {
	bundle sleep 1000
	local before
	before=$(sha256sum "$BERTH")
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/trap"
	chmod 755 "$BUNDLE/rootfs/bin/trap"
	# Watches for foreign processes and tries to open what they run for writing.
	printf '#!/bin/sh\nwhile :; do for e in /proc/[0-9]*/exe; do [ "$e" = /proc/$$/exe ] || (: >>"$e") 2>/dev/null && readlink "$e" >>/tmp/won; done; done\n' >"$BUNDLE/rootfs/bin/watch-exe"
	chmod 755 "$BUNDLE/rootfs/bin/watch-exe"
	config_edit '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}] | .process.args = ["/bin/watch-exe"]'
	berth create "$ID"
	berth start "$ID"
	local i
	for i in $(seq 30); do
		berth exec "$ID" /bin/trap || true
		berth exec "$ID" /proc/self/exe || true
		berth exec "$ID" true || true
	done
	berth exec "$ID" sh -c 'cat /tmp/won 2>/dev/null | grep -v busybox || true'
	is "$out" ""
	is "$(sha256sum "$BERTH")" "$before"
	remove
	config_edit '.process.args = ["/proc/self/exe"]'
	berth run "$ID" || true
	is "$(sha256sum "$BERTH")" "$before"
}

@test "init before its start: the program file cannot be written through it" {
	bundle sleep 1000
	berth create "$ID"
	local before
	before=$(sha256sum "$BERTH")
	(: >>"/proc/$(pid_of)/exe") 2>/dev/null && fail "opened for writing"
	is "$(sha256sum "$BERTH")" "$before"
	remove
}

# bats test_tags=compat
@test "CVE-2016-9962: with CAP_SYS_PTRACE nothing of the host is found in a process on its way in" {
	bundle sh -c 'while :; do for d in /proc/[0-9]*; do for f in $d/fd/*; do l=$(readlink $f 2>/dev/null) && [ -d "$f/" ] && echo "$d $l" >>/tmp/seen; done; done; done'
	config_edit '(.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYS_PTRACE"] | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
	berth create "$ID"
	berth start "$ID"
	local i
	for i in $(seq 20); do berth exec "$ID" true; done
	berth exec "$ID" sh -c 'grep -v " /tmp$" /tmp/seen 2>/dev/null | grep -v " /proc" | head -n 3'  || true
	is "$out" ""
	remove
}

# The kernel refuses to write what is being executed; an attacker keeps a handle and waits.
@test "CVE-2019-5736: a handle of the program that outlives it cannot be written" {
	bundle sleep 1000
	cp "$E2E_RUN"/bin/berth* "$T/"
	[ "$BERTH" = "$E2E_RUN/bin/berth" ] || cp "$BERTH" "$T/berth"
	local before
	before=$(sha256sum "$T/berth")
	BERTH=$T/berth
	berth create --shim=never "$ID" </dev/null
	exec 9<"/proc/$(pid_of)/exe"
	berth start "$ID"
	(: >>/dev/fd/9) 2>/dev/null && fail "opened for writing while it runs"
	remove
	(: >>/dev/fd/9) 2>"$T/why" && fail "opened for writing"
	cat "$T/why"
	exec 9<&-
	is "$(sha256sum "$T/berth")" "$before"
}
