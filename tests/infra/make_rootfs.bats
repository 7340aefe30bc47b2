#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make-rootfs: each root holds what it promises, and bad calls are refused.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	dir=$BATS_TEST_TMPDIR/root
}

# Root is needed to change the root, not to make it.
inside() {
	[ "$(id -u)" -eq 0 ] && run chroot "$dir" "$@"
}

@test "busybox runs in its root and finds its commands" {
	"$top/scripts/make-rootfs" busybox "$dir"
	inside /bin/sh -c 'echo $(id -u) $(ls -d /proc /sys /dev /tmp /etc/passwd)'
	[ "$output" = "0 /dev /etc/passwd /proc /sys /tmp" ]
	[ "$(stat -c %a "$dir/tmp")" = 1777 ]
}

@test "memcached runs in its root" {
	"$top/scripts/make-rootfs" memcached "$dir"
	inside /usr/bin/memcached -V
	[[ "$output" == "memcached "[0-9]* ]]
	inside /bin/sh -c 'id -u memcache'
	[ "$output" = 101 ]
}

@test "debian runs in its root" {
	"$top/scripts/make-rootfs" debian "$dir"
	inside /bin/bash -c 'cat /etc/debian_version && ip -V && test -x /bin/ps'
	[ "$status" -eq 0 ]
	[ -z "$(ls -A "$dir/dev")" ]
}

@test "a directory that is not empty is left alone" {
	mkdir "$dir"
	echo precious >"$dir/file"
	run "$top/scripts/make-rootfs" busybox "$dir"
	[ "$status" -eq 1 ]
	[[ "$output" == *"is not empty" ]]
	[ "$(ls "$dir")" = file ]
}

@test "an unknown kind and missing arguments are refused" {
	run "$top/scripts/make-rootfs" windows "$dir"
	[ "$status" -eq 1 ]
	[ ! -e "$dir" ]
	run "$top/scripts/make-rootfs" busybox
	[ "$status" -eq 1 ]
}
