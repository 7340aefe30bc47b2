#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore as far as they go without CRIU: what is refused, and that nothing is left. tests/managers/checkpoint.bats has the rest.

load helpers

# A directory with a program of this name, for PATH.
criu_in() {
	mkdir "$1"
	printf '#!/bin/sh\nexit 1\n' >"$1/criu"
	chmod +x "$1/criu"
}

running_loop() {
	bundle sleep 1000
	berth run -d "$ID"
}

@test "without criu: one clear line, the container runs on" {
	running_loop
	mkdir "$T/empty"
	PATH_SAVED=$PATH
	for cmd in "checkpoint --image-path $T/i $ID" "restore -d --image-path $T/i $ID-r"; do
		status=0
		# shellcheck disable=SC2086
		PATH=$T/empty "$BERTH" --root "$STATE" $cmd >"$T/out" 2>"$T/err" || status=$?
		is "$status" 1
		is "$(wc -l <"$T/err")" 1
		has "$(cat "$T/err")" 'need the program "criu", which is not in PATH: install criu'
	done
	PATH=$PATH_SAVED
	is_state "$ID" running
	[ ! -e "$T/i" ]
	remove
}

@test "without libcriu: one clear line, the container runs on" {
	running_loop
	criu_in "$T/bin"
	for cmd in "checkpoint --image-path $T/i $ID" "restore -d --image-path $T/i $ID-r"; do
		status=0
		# shellcheck disable=SC2016,SC2086
		unshare -m sh -c 'for f in /usr/lib/*/libcriu.so.2 /usr/lib*/libcriu.so.2; do [ ! -e "$f" ] || mount --bind /dev/null "$f" || exit 99; done; shift
			PATH=$0:$PATH; exec "$@"' "$T/bin" -- "$BERTH" --root "$STATE" $cmd >"$T/out" 2>"$T/err" || status=$?
		is "$status" 1
		is "$(wc -l <"$T/err")" 1
		has "$(cat "$T/err")" 'need libcriu.so.2, which cannot be loaded: install libcriu2 and criu'
	done
	is_state "$ID" running
	[ ! -e "$T/i" ]
	remove
}

@test "an ordinary user, and root of a user name space: one line says that root is needed" {
	local how cmd
	criu_in "$T/bin"
	for how in 'setpriv --reuid=7001 --regid=7001 --clear-groups --inh-caps=-all' 'unshare -r'; do
		for cmd in "checkpoint --image-path $T/i $ID" "restore -d --image-path $T/i $ID"; do
			status=0
			# shellcheck disable=SC2086
			$how env PATH="$T/bin:$PATH" "$BERTH" --root "$T/u" $cmd >"$T/out" 2>"$T/err" || status=$?
			is "$status" 1
			is "$(wc -l <"$T/err")" 1
			has "$(cat "$T/err")" 'need root of the host: criu can neither dump nor rebuild the containers of an ordinary user'
		done
	done
	[ ! -e "$T/i" ] && [ ! -e "$T/u" ]
}

@test "checkpoint and restore: values that are refused" {
	local cmd
	for cmd in checkpoint restore; do
		refused 1 'invalid manage-cgroups-mode value' "$cmd" --manage-cgroups-mode some "$ID"
		refused 1 'namespace "pid" is not supported' "$cmd" --empty-ns pid "$ID"
		refused 1 'requires an argument|needs an argument' "$cmd" --image-path
	done
	refused 1 'parent-path must be relative' checkpoint --parent-path /tmp "$ID"
	refused 1 'page-server: "x" is not ADDRESS:PORT' checkpoint --page-server x "$ID"
	refused 1 'page-server: "x:0" is not ADDRESS:PORT' checkpoint --page-server x:0 "$ID"
	refused 1 'status-fd: descriptor 77' checkpoint --status-fd 77 "$ID"
	# How podman and CRI-O find out whether restore knows the option.
	refused 1 'requires an argument|needs an argument' restore --lsm-mount-context
}

@test "features: checkpoints are announced where managers look, and the annotation that names a file of the host" {
	berth features
	is "$(jq -r '.annotations["org.opencontainers.runc.checkpoint.enabled"]' "$T/out")" true
	is "$(jq '.potentiallyUnsafeConfigAnnotations | index("org.criu.config") != null' "$T/out")" true
}
