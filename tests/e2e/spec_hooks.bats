#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each property of a hook, kind by kind.

load helpers

# A hook of this kind that takes longer than it may.
slow() {
	bundle sleep 100
	config_edit --arg k "$1" '.hooks = {($k): [{path: "/bin/sleep", args: ["sleep", "6"], timeout: 1}]}'
}

# bats test_tags=compat
@test "timeout of prestart" {
	slow prestart
	refused 1 'error running prestart hook #0' create "$ID"
}

# bats test_tags=compat
@test "timeout of createRuntime" {
	slow createRuntime
	refused 1 'error running createRuntime hook #0' create "$ID"
}

# bats test_tags=compat
@test "timeout of createContainer" {
	slow createContainer
	refused 1 'error running createContainer hook #0' create "$ID"
}

# bats test_tags=compat
@test "timeout of startContainer" {
	slow startContainer
	berth create "$ID"
	refused 1 'error running startContainer hook #0' start "$ID"
	remove
}

# bats test_tags=compat
@test "timeout of poststart" {
	slow poststart
	berth create "$ID"
	refused 1 'error running poststart hook #0' start "$ID"
	remove
}

@test "timeout of poststop" {
	slow poststop
	berth create "$ID"
	berth delete --force "$ID"
	has "$err" "poststop hook #0"
}

# bats test_tags=compat
@test "args and env of each kind" {
	local kind
	bundle sleep 100
	writable
	mkdir "$BUNDLE/rootfs/shared"
	printf '#!/bin/sh\nread -r state\necho "$0 $1 $2 $V $(env | grep -c ^PATH=)" >%s/$1\n' "$BUNDLE/rootfs/shared" >"$T/hook"
	printf '#!/bin/sh\nread -r state\necho "$0 $1 $2 $V $(env | grep -c ^PATH=)" >/shared/$1\n' >"$BUNDLE/rootfs/bin/hook"
	chmod 755 "$T/hook" "$BUNDLE/rootfs/bin/hook"
	config_edit --arg h "$T/hook" 'def hook(p; k): [{path: p, args: [p, k, "arg of " + k], env: ["PATH=/bin:/usr/bin", "V=value of " + k]}];
		.hooks = {prestart: hook($h; "prestart"), createRuntime: hook($h; "createRuntime"), createContainer: hook($h; "createContainer"),
			startContainer: hook("/bin/hook"; "startContainer"), poststart: hook($h; "poststart"), poststop: hook($h; "poststop")}'
	berth create "$ID"
	berth start "$ID"
	berth delete --force "$ID"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		is "$(cut -d' ' -f2- "$BUNDLE/rootfs/shared/$kind")" "$kind arg of $kind value of $kind 1"
	done
}
