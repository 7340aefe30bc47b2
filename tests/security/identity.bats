#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: ids, groups and capabilities.

load helpers

# bats test_tags=compat
@test "CVE-2022-2989, CVE-2022-2990, CVE-2022-2995, CVE-2022-36109, CVE-2023-25173: the groups of the caller are never kept" {
	bundle
	command_is probe
	config_edit 'del(.process.user.additionalGids)'
	setpriv --groups 11,12,13,14,15 "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(jq -c .groups "$T/out")" "[]"
	config_edit '.process.user.additionalGids = [] | .process.user.uid = 3'
	setpriv --groups 11,12,13,14,15 "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(jq -c .groups "$T/out")" "[]"
}

# bats test_tags=compat
@test "CVE-2024-40635: large ids stay what they are, and never become 0" {
	local id
	bundle
	for id in 2147483647 2147483648 4294967294; do
		config_edit --argjson i "$id" '.process.user = {uid: $i, gid: $i}'
		probe_run
		is "$(p '.uid[1]')" "$id"
		is "$(p '.gid[1]')" "$id"
	done
}

# bats test_tags=compat
@test "CVE-2016-3697: a number is a number, whatever the image's passwd says" {
	bundle
	echo '1000:x:0:0::/:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	probe_run
	is "$(p '.uid[1]')" 1000
}

# bats test_tags=compat
@test "CVE-2022-24769, CVE-2022-27649, CVE-2022-27650, CVE-2022-27652, CVE-2022-29162, CVE-2025-27612: exec --cap fills neither inheritable nor ambient" {
	bundle sleep 1000
	berth create "$ID"
	berth start "$ID"
	berth exec --cap CAP_NET_RAW --user 1000 "$ID" probe
	is "$(p .caps.inheritable)" 0000000000000000
	is "$(p .caps.ambient)" 0000000000000000
	is "$(p .caps.effective)" 0000000000000000
	remove
}

@test "CVE-2026-30892: exec --user takes exact numbers only" {
	bundle sleep 1000
	berth create "$ID"
	berth start "$ID"
	local user
	for user in 1 1:2 65534 4294967294; do
		berth exec --user "$user" "$ID" probe
		is "$(p '.uid[0]')" "${user%%:*}"
	done
	berth exec --user 1:2 "$ID" probe
	is "$(p '.gid[0]')" 2
	for user in 1: :5 -1 +1 ' 1' '1 ' 0x1 1e3 4294967295 4294967296 18446744073709551616 a:b root 1:x 1:2:3 '' 1:4294967295; do
		not berth exec --user="$user" "$ID" true
	done
	# An entry in the image is not looked at: this is a number.
	echo '1000:x:0:0::/:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
	berth exec --user 1000 "$ID" probe
	is "$(p '.uid[0]')" 1000
	remove
}

# bats test_tags=compat
@test "CVE-2016-8867: a user other than root has no capability that was not made ambient" {
	bundle
	config_edit '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_NET_RAW"]} | .process.noNewPrivileges = false'
	probe_run
	is "$(p .caps.ambient)" "$(bits)"
	is "$(p .caps.effective)" "$(bits)"
	is "$(p .caps.permitted)" "$(bits)"
	is "$(p .caps.inheritable)" "$(bits)"
	is "$(p .caps.bounding)" "$(bits 0 13)"
}
