#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user with a systemd session: what is delegated can be limited, what is not is refused by name.

load ../e2e/helpers
load vm

@test "spec --rootless and run, in the session and outside of it" {
	user_bundle sh -c 'id -u; cat /proc/self/uid_map; exit 42'
	user_berth run "$ID" || true
	is "$status" 42
	is "$(tr -s ' \n' ' ' <"$T/out")" "0 0 $VM_UID 1 "
	session_berth run "$ID" || true
	is "$status" 42
}

@test "the whole life in the session" {
	user_bundle sh -c "$(ends_with 42)"
	session_berth create "$ID"
	session_berth start "$ID"
	session_berth exec "$ID" id -u
	is "$out" 0
	session_berth list
	has "$out" running
	let_go
	if is_berth; then
		session_berth wait "$ID"
		is "$out" 42
	fi
	stopped() { user_berth state "$ID" && [ "$(jq -r .status "$T/out")" = stopped ]; }
	wait_until 20 stopped
	session_berth delete "$ID"
}

@test "run -d in the session: the transient unit ends, container and shim stay" {
	need_berth
	user_bundle sh -c "$(ends_with 42)"
	session_berth run -d "$ID"
	user_berth state "$ID"
	is "$(jq -r .status "$T/out")" running
	let_go
	user_berth wait "$ID"
	is "$out" 42
	user_berth logs "$ID"
	has "$out" ending
	user_berth delete "$ID"
}

@test "limits where they are delegated" {
	user_bundle sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	config_edit '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 77}, cpu: {quota: 40000, period: 80000}} |
		.linux.namespaces += [{type: "cgroup"}] | .mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"]}]'
	config_edit '.linux.namespaces |= unique_by(.type)'
	session_berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "67108864 77 40000 80000 "
}

@test "limits stay when the user's manager looks at its cgroups again" {
	need_berth
	user_bundle sh -c "$(ends_with 0)"
	config_edit '.linux.resources = {memory: {limit: 67108864}}'
	session_berth run -d "$ID"
	user_systemctl daemon-reload
	as_user systemd-run --user --quiet --wait --collect --property=MemoryMax=50M true
	user_berth state "$ID"
	is "$(cat "$(cgroup_of "$(jq -r .pid "$T/out")")/memory.max")" 67108864
	let_go
	user_berth wait "$ID"
	user_berth delete "$ID"
}

@test "a hog of an ordinary user is killed and reported" {
	need_berth
	user_bundle workload hog 128
	config_edit '.linux.resources = {memory: {limit: 33554432, swap: 33554432}}'
	session_berth run -d "$ID"
	session_berth wait "$ID"
	is "$out" 137
	jq -e '.oom == true and .signal == 9' "$STATE/$ID/exit.json"
	session_berth delete "$ID"
}

@test "limits where nothing is delegated are refused, with one line" {
	user_bundle true
	config_edit '.linux.resources = {pids: {limit: 77}}'
	user_berth run "$ID" && fail "this should have failed"
	is "$status" 1
	is "$(wc -l <"$T/err")" 1
	grep -qi cgroup "$T/err"
}

@test "with the subordinate ids of the distribution's useradd" {
	local first
	first=$(awk -F: -v u="$VM_USER" '$1 == u { print $2 }' /etc/subuid)
	[ -n "$first" ] || skip "useradd gave no subordinate ids"
	user_bundle sh -c ': >/made; chown 5:6 /made; id -u'
	config_edit --argjson uid "$VM_UID" --argjson first "$first" '.linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}, {containerID: 1, hostID: $first, size: 65535}]
		| .linux.gidMappings = .linux.uidMappings | (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_CHOWN"]'
	session_berth run "$ID"
	is "$(stat -c %u "$BUNDLE/rootfs/made")" $((first + 4))
}

@test "a terminal in the session" {
	user_bundle sh -c 'tty; exit 6'
	config_edit '.process.terminal = true'
	local rc=0
	ptydrive -t 60 'expect:/dev/pts/' -- setpriv --reuid="$VM_UID" --regid="$VM_UID" --init-groups --inh-caps=-all env -i PATH="$PATH" \
		XDG_RUNTIME_DIR="/run/user/$VM_UID" "$BERTH" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/screen" || rc=$?
	is $rc 6
}

@test "the default state root is in the session's runtime directory" {
	need_berth
	user_bundle sh -c "$(ends_with 0)"
	in_session "$BERTH" run -d --bundle "$BUNDLE" "$ID"
	[ -d "/run/user/$VM_UID/berth/$ID" ]
	let_go
	is "$(in_session "$BERTH" wait "$ID")" 0
	in_session "$BERTH" delete "$ID"
	[ ! -e "/run/user/$VM_UID/berth/$ID" ]
}
