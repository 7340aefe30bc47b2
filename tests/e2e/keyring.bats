#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The session keyring: one of the container's own, which exec shares, or the caller's where that was asked for.

load helpers

p() { jq -r "$1" <<<"$out"; }
# ours: the serial number of this shell's session keyring, as a process of ours sees it.
ours() { "$E2E_RUN/bin/probe" 2>/dev/null | jq -r .keyring.serial; }

# up [OPTION...]: a container whose first process has written what it sees to /report.
up() {
	writable
	mkdir -p rootfs/tmp
	chmod 1777 rootfs rootfs/tmp
	shell 'probe >/tmp/probe && mv /tmp/probe /tmp/report; sleep 1000'
	berth create "$@" "$ID"
	berth start "$ID"
	wait_until 10 [ -e rootfs/tmp/report ]
	first=$(jq -r .keyring.serial rootfs/tmp/report)
}

@test "keyring: a new one, with the container's name, which exec joins" {
	bundle
	probe_run
	is "$(p .keyring.name)" "_ses.$ID"
	[ "$(p .keyring.serial)" != "$(ours)" ]
	up
	berth exec "$ID" probe
	is "$(p .keyring.name)" "_ses.$ID"
	is "$(p .keyring.serial)" "$first"
	berth exec --user 1000 "$ID" probe
	is "$(p .keyring.serial)" "$first"
	remove
}

@test "keyring: in a user name space exec joins the same" {
	bundle
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	up
	berth exec "$ID" probe
	is "$(p .keyring.name)" "_ses.$ID"
	is "$(p .keyring.serial)" "$first"
	berth exec --user 1000 "$ID" probe
	is "$(p .keyring.serial)" "$first"
	remove
}

@test "keyring: --no-new-keyring keeps the caller's, for exec too" {
	bundle
	probe_run --no-new-keyring
	is "$(p .keyring.serial)" "$(ours)"
	up --no-new-keyring
	berth exec "$ID" probe
	is "$(p .keyring.serial)" "$(ours)"
	hasnt "$(p .keyring.name)" "_ses.$ID"
	remove
}
