#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The record: what an image, a configuration or another user of the machine can make the runtime do.

load helpers

@test "GHSA-5g49-rx9x-qfc6: values that become file names in a cgroup" {
	bundle true
	config_edit '.linux.resources = {hugepageLimits: [{pageSize: "../../x", limit: 1}]}'
	refused 1 'pageSize: expected a size' create "$ID"
	config_edit '.linux.resources = {unified: {"../memory.max": "1"}}'
	not berth create "$ID"
	config_edit '.linux.resources = {rdma: {"a/../b": {hcaHandles: 1}}}'
	not berth create "$ID"
}

@test "CVE-2026-47262, CVE-2024-9676: huge or odd passwd and group files of the image" {
	bundle probe
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	local plant
	for plant in 'mkfifo' 'ln -s /dev/zero' 'mkdir' 'ln -s passwd' "ln -s $CANARY/secret"; do
		rm -rf "$BUNDLE/rootfs/etc/passwd"
		$plant "$BUNDLE/rootfs/etc/passwd"
		CMD_TIMEOUT=5 berth run "$ID" || true
		[ "$status" -lt 124 ] || fail "held up by $plant"
		berth delete --force "$ID"
	done
	rm -rf "$BUNDLE/rootfs/etc/passwd"
	head -c 3000000 /dev/zero | tr '\0' x >"$BUNDLE/rootfs/etc/passwd"
	CMD_TIMEOUT=5 berth run "$ID" || true
	[ "$status" -lt 124 ]
	berth delete --force "$ID"
}

@test "CVE-2026-53488: nothing that an image or annotation says is run on the host" {
	bundle true
	printf '#!/bin/sh\n: >%s/ran\n' "$T" >"$T/evil"
	chmod 755 "$T/evil"
	config_edit --arg e "$T/evil" '.annotations = {"run.oci.handler": "krun", "run.oci.hooks.stdout": $e, "io.containerd.log": ("binary://" + $e), "org.criu.config": $e} | .process.env += ["LD_PRELOAD=" + $e]'
	berth run "$ID" || true
	[ ! -e "$T/ran" ]
}

@test "the environment of the caller has no say in the runtime" {
	bundle echo fine
	LD_LIBRARY_PATH=$T GCONV_PATH=$T LOCPATH=$T NLSPATH=$T TMPDIR=/no/such HOME=/no/such "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(cat "$T/out")" fine
	env -i "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(cat "$T/out")" fine
}

@test "CVE-2021-41103, CVE-2024-25621: modes of what is made, under any umask" {
	bundle sleep 1000
	local mask f
	for mask in 000 022 077; do
		(umask $mask && exec "$BERTH" --root "$T/root.$mask" run -d "$ID" >"$T/o" 2>&1 </dev/null)
		is "$(stat -c %a "$T/root.$mask")" 700
		is "$(stat -c %a "$T/root.$mask/$ID")" 700
		while read -r f; do
			case $(stat -c %a "$f") in *[2367]? | *[2367]) fail "others may write $f" ;; esac
		done < <(find "$T/root.$mask" -type f -o -type s -o -type p)
		"$BERTH" --root "$T/root.$mask" delete --force "$ID"
	done
	umask 022
}

@test "CVE-2021-43784: lengths that do not fit into 16 bits, in what is handed from process to process" {
	bundle probe
	local before
	before=$(readlink /proc/self/ns/mnt)
	config_edit '.linux.namespaces |= map(if .type == "network" then .path = ("/" + "x" * 70000) else . end)'
	not berth create "$ID"
	config_edit '.linux.namespaces |= map(del(.path)) | .process.env += ["LONG=" + "y" * 65537, "MORE=" + "z" * 65534] | .hostname = "h"'
	berth run "$ID"
	is "$(p '.env | map(select(startswith("LONG=") or startswith("MORE="))) | map(length) | sort | join(" ")')" "65539 65542"
	[ "$(p .ns.mnt)" != "$before" ]
	config_edit '.mounts += [range(1000) | {destination: "/dev/shm", type: "tmpfs", source: "tmpfs"}]'
	CMD_TIMEOUT=60 berth run "$ID"
	[ "$(p .ns.mnt)" != "$before" ]
	[ "$(p .ns.pid)" != "$(readlink /proc/self/ns/pid)" ]
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [range(341) | {containerID: ., hostID: (100000 + 2 * .), size: 1}] | .linux.gidMappings = .linux.uidMappings | .mounts |= map(select(.destination != "/dev/shm"))'
	not berth create "$ID"
}

@test "CVE-2023-25809: /sys and its cgroups, asked for read-only in a user namespace without a cgroup namespace, are" {
	bundle sh -c 'for d in /sys /sys/fs/cgroup /sys/fs/cgroup/*/; do [ ! -d "$d" ] || ! mkdir "$d/berth-x" 2>/dev/null || echo "made in $d"; done; awk "\$2 ~ \"^/sys\" && \$4 !~ \"(^|,)ro(,|$)\"" /proc/mounts; echo done'
	config_edit '.linux.namespaces |= (map(select(.type != "cgroup" and .type != "network")) + [{type: "user"}])
		| .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}] | .linux.gidMappings = .linux.uidMappings
		| .mounts |= map(if .destination == "/sys" then {destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "rro"]} else . end)'
	berth run "$ID"
	is "$out" "done"
	config_edit '.mounts |= (map(if .destination == "/sys" then {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]} else . end)
		+ [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"]}])'
	berth run "$ID"
	is "$out" "done"
}
