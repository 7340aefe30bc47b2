#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Name spaces: new, shared with the host, joined by path; mappings; names of the host.

load helpers

p() { jq -r "$1" <<<"$out"; }
host() { readlink "/proc/self/ns/$1"; }

# bats test_tags=compat
@test "a name space that is asked for is new, one that is not is the host's" {
	bundle probe
	config_edit '.linux.namespaces = [{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "cgroup"}]'
	berth run "$ID"
	local kind
	for kind in pid net ipc uts mnt cgroup; do [ "$(p ".ns.$kind")" != "$(host $kind)" ] || fail "$kind is the host's"; done
	is "$(p .ns.user)" "$(host user)"
	is "$(p .ns.time)" "$(host time)"
	is "$(p .pid)" 1
	config_edit '.linux.namespaces = [{type: "mount"}] | del(.hostname) | .mounts |= map(select(.type != "sysfs" and .type != "cgroup" and .type != "mqueue"))'
	berth run "$ID"
	for kind in pid net ipc uts cgroup user; do is "$(p ".ns.$kind")" "$(host $kind)"; done
	[ "$(p .ns.mnt)" != "$(host mnt)" ]
}

@test "all eight kinds at once, and without a pid name space" {
	bundle probe
	config_edit '.linux.namespaces = [{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "cgroup"}, {type: "user"}, {type: "time"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	berth run "$ID"
	local kind
	for kind in pid net ipc uts mnt cgroup user time; do [ "$(p ".ns.$kind")" != "$(host $kind)" ] || fail "$kind is the host's"; done
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	berth run "$ID" || true
}

# bats test_tags=compat
@test "by path: network, ipc, uts and pid of another container" {
	bundle sleep 1000
	berth create "$ID-a"
	berth start "$ID-a"
	local pid kind
	pid=$(pid_of "$ID-a")
	command_is probe
	config_edit --arg p "/proc/$pid/ns" 'del(.hostname) | .linux.namespaces = [{type: "mount"}, {type: "pid", path: ($p + "/pid")}, {type: "network", path: ($p + "/net")},
		{type: "ipc", path: ($p + "/ipc")}, {type: "uts", path: ($p + "/uts")}]'
	berth run "$ID-b"
	for kind in pid net ipc uts; do is "$(p ".ns.$kind")" "$(readlink "/proc/$pid/ns/$kind")"; done
	[ "$(p .ns.mnt)" != "$(readlink "/proc/$pid/ns/mnt")" ]
	[ "$(p .pid)" -gt 1 ]
	remove "$ID-a"
}

@test "by path: delete of a container in somebody else's pid name space ends only its own" {
	bundle sleep 1000
	berth create "$ID-a"
	berth start "$ID-a"
	config_edit --arg p "/proc/$(pid_of "$ID-a")/ns/pid" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end) | .process.args = ["sh", "-c", "sleep 401 & sleep 402"]'
	berth create "$ID-b"
	berth start "$ID-b"
	wait_until 5 running 1 '^sleep 401'
	berth delete --force "$ID-b"
	wait_until 5 running 0 '^sleep 40[12]'
	is "$(state_of "$ID-a")" running
	remove "$ID-a"
}

# bats test_tags=compat
@test "by path: a network name space of ip netns, with its interfaces" {
	ip netns add "$TAG"
	ip -n "$TAG" link add "v$TAG" type veth peer name "w$TAG"
	bundle ip -o link
	config_edit --arg n "/run/netns/$TAG" '.linux.namespaces |= map(if .type == "network" then .path = $n else . end)'
	berth run "$ID"
	has "$out" "v$TAG"
	ip netns del "$TAG"
}

# bats test_tags=compat
@test "a new network name space has its loopback up" {
	bundle sh -c 'ip -o addr show dev lo; ping -c 1 -W 2 127.0.0.1 >/dev/null && echo pong; ls /sys/class/net'
	config_edit '.process.capabilities.bounding += ["CAP_NET_RAW"] | .process.capabilities.permitted += ["CAP_NET_RAW"] | .process.capabilities.effective += ["CAP_NET_RAW"]'
	berth run "$ID"
	has "$out" 127.0.0.1
	has "$out" pong
}

# bats test_tags=compat
@test "hostname, and none without a uts name space" {
	bundle hostname
	config_edit '.hostname = "some.host-name"'
	berth run "$ID"
	is "$out" some.host-name
	config_edit '.linux.namespaces |= map(select(.type != "uts"))'
	refused 1 'unable to set hostname without a private UTS namespace' run "$ID"
	is "$(hostname)" "$(cat /proc/sys/kernel/hostname)"
}

@test "domainname" {
	bundle probe
	config_edit '.domainname = "some.domain"'
	berth run "$ID"
	is "$(p .domainname)" some.domain
}

# bats test_tags=compat
@test "user name space: maps, ids inside and outside, owner of what is made" {
	bundle sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; sleep 1000'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}, {containerID: 1000, hostID: 300000, size: 5}]
		| .linux.gidMappings = [{containerID: 0, hostID: 210000, size: 1000}] | .root.readonly = false | .process.user = {uid: 1001, gid: 7}'
	chown -R 200000:210000 "$BUNDLE/rootfs"
	berth create "$ID"
	berth start "$ID"
	local pid
	pid=$(pid_of)
	is "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" 300001
	is "$(awk '/^Gid/ { print $2 }' "/proc/$pid/status")" 210007
	is "$(tr -s ' ' <"/proc/$pid/uid_map" | tr '\n' ';')" " 0 200000 1000; 1000 300000 5;"
	is "$(tr -s ' ' <"/proc/$pid/gid_map" | tr '\n' ';')" " 0 210000 1000;"
	is "$(cat "/proc/$pid/setgroups")" allow
	berth exec --user 0:0 "$ID" sh -c 'id -u; : >/made'
	is "$out" 0
	is "$(stat -c %u:%g "$BUNDLE/rootfs/made")" 200000:210000
	remove
}

@test "user name space: a bind source in a private directory of root's is reached" {
	bundle cat /data/file
	mkdir -p "$T/private/src"
	echo text >"$T/private/src/file"
	chmod 700 "$T/private"
	config_edit --arg s "$T/private/src" '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .mounts += [{destination: "/data", type: "bind", source: $s, options: ["rbind", "ro"]}]'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	berth run "$ID"
	is "$out" text
}

@test "user name space: device nodes are there and work, exec joins it" {
	bundle sh -c 'echo x >/dev/null && head -c 4 /dev/urandom | wc -c; test -c /dev/zero && echo zero; sleep 1000'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	berth run -d "$ID"
	wait_until 5 log_has "$ID" zero
	berth exec "$ID" probe
	is "$(p .ns.user)" "$(readlink "/proc/$(pid_of)/ns/user")"
	is "$(p '.uid[0]')" 0
	remove
}

@test "user name space by path with the same mappings; others are refused" {
	bundle sleep 1000
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	berth create --shim=never "$ID-a"
	berth start "$ID-a"
	config_edit --arg p "/proc/$(pid_of "$ID-a")/ns/user" '(.linux.namespaces[] | select(.type == "user")).path = $p | .process.args = ["probe"] | del(.linux.uidMappings) | del(.linux.gidMappings)'
	berth run "$ID-b"
	is "$(p .ns.user)" "$(readlink "/proc/$(pid_of "$ID-a")/ns/user")"
	remove "$ID-a"
}

# bats test_tags=compat
@test "cgroup name space: the container sees its own cgroup as the root" {
	bundle cat /proc/self/cgroup
	config_edit '.linux.namespaces |= (map(select(.type != "cgroup")) + [{type: "cgroup"}])'
	berth run "$ID"
	not grep -v ':/$' "$T/out"
	config_edit '.linux.namespaces |= map(select(.type != "cgroup"))'
	berth run "$ID"
	grep -q "$TAG" "$T/out"
}

@test "sysctls of own name spaces are set, others are refused" {
	bundle sh -c 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/net/ipv4/conf/lo/forwarding'
	config_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "1048576", "net/ipv4/conf/lo/forwarding": "1"}'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "1 1048576 1 "
	local key
	for key in kernel.panic vm.swappiness kernel.core_pattern 'net.ipv4.../../../kernel/panic' 'net/../kernel/panic' 'kernel.shmmax+vm.x' fs.file-max kernel.hostname; do
		config_edit --arg k "$key" '.linux.sysctl = {($k): "1"}'
		refused 1 'sysctl' create "$ID"
	done
	config_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))'
	refused 1 'sysctl.*net.ipv4.ip_forward.*not (in a separate kernel namespace|allowed)' create "$ID"
	config_edit '.linux.namespaces += [{type: "network", path: "/proc/self/ns/net"}]'
	refused 1 'sysctl' create "$ID"
}
