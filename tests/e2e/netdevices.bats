#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Network devices of the host that go into a container. The host is a network name space of the test's own.

load helpers

# host COMMAND...: in the name space that is the host's here.
host() { ip netns exec "$TAG" "$@"; }
# berth_there ARG...: as berth, from there.
berth_there() {
	printf '+ (there) berth %s\n' "$*"
	status=0
	host timeout --foreground -k 5 "$CMD_TIMEOUT" "$BERTH" --root "$STATE" "$@" >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}
setup() {
	e2e_setup
	ip netns add "$TAG"
	host ip link set lo up
	host ip link add va type veth peer name vb
	host ip link set va address 02:00:00:00:00:07 mtu 1400
}
teardown() {
	ip netns pids "$TAG" | xargs -r kill -9
	ip netns del "$TAG" || true
	e2e_teardown
}
devices() { config_edit --argjson d "$1" '.linux.netDevices = $d'; }
links() { jq -r '.[].ifname' "$T/out"; }

# bats test_tags=compat
@test "a device goes in, with its attributes and addresses, and is up" {
	bundle sleep 1000
	host ip addr add 192.0.2.5/24 dev va
	host ip addr add 192.0.2.6/24 dev va noprefixroute
	host ip addr add 198.51.100.1 peer 198.51.100.2/32 dev va
	host ip addr add 2001:db8::5/64 dev va nodad
	host ip addr add 169.254.7.7/16 scope link dev va
	host ip addr add 192.0.2.77/24 dev va valid_lft 1000 preferred_lft 1000
	devices '{"va": {}}'
	berth_there create "$ID"
	local pid
	pid=$(pid_of)
	not host ip link show va
	nsenter -t "$pid" -n ip -j -d addr show va >"$T/out"
	is "$(jq -r '.[0].address' "$T/out")" 02:00:00:00:00:07
	is "$(jq -r '.[0].mtu' "$T/out")" 1400
	jq -e '.[0].flags | index("UP")' "$T/out"
	is "$(jq -r '.[0].addr_info[] | select(.scope == "global") | .local' "$T/out" | sort | tr '\n' ' ')" "192.0.2.5 192.0.2.6 198.51.100.1 2001:db8::5 "
	is "$(jq -r '.[0].addr_info[] | select(.local == "198.51.100.1") | .address' "$T/out")" 198.51.100.2
	is "$(jq -r '.[0].addr_info[] | select(.local == "192.0.2.6") | .noprefixroute' "$T/out")" true
	is "$(jq -r '.[0].addr_info[] | select(.local == "169.254.7.7")' "$T/out")" ""
	remove
}

# bats test_tags=compat
@test "a device gets another name, by template too" {
	bundle sleep 1000
	host ip link add wa type veth peer name wb
	host ip link add xa type veth peer name xb
	devices '{"va": {"name": "eth7"}, "wa": {"name": "net%d"}, "xa": {"name": "net%d"}}'
	berth_there create "$ID"
	nsenter -t "$(pid_of)" -n ip -j link >"$T/out"
	is "$(links | sort | tr '\n' ' ')" "eth7 lo net0 net1 "
	is "$(jq -r '.[] | select(.ifname == "eth7").address' "$T/out")" 02:00:00:00:00:07
	is "$(jq -r '[.[] | select(.flags | index("UP"))] | length' "$T/out")" 4
	remove
}

@test "the index is taken in the container: a device by template is found all the same" {
	bundle sleep 1000
	ip netns add "$TAG-c"
	local n
	n=$(host ip -j link show va | jq '.[0].ifindex')
	ip -n "$TAG-c" link add taken index "$n" type bridge
	config_edit --arg p "/run/netns/$TAG-c" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	host ip addr add 192.0.2.5/24 dev va
	devices '{"va": {"name": "net%d"}}'
	berth_there create "$ID"
	ip -n "$TAG-c" -j addr >"$T/out"
	is "$(jq -r '.[] | select(.ifname == "net0") | .addr_info[] | select(.family == "inet").local' "$T/out")" 192.0.2.5
	remove
	# The name space is not ours: what is in it stays there.
	ip -n "$TAG-c" link show net0
	ip netns del "$TAG-c"
}

@test "in a user name space" {
	bundle sleep 1000
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	host ip addr add 192.0.2.5/24 dev va
	devices '{"va": {"name": "eth0"}}'
	berth_there create "$ID"
	nsenter -t "$(pid_of)" -n ip -j addr show eth0 >"$T/out"
	is "$(jq -r '.[0].addr_info[] | select(.family == "inet").local' "$T/out")" 192.0.2.5
	remove
}

@test "a creation that fails gives the device back as it was" {
	bundle /no/such/program
	host ip link add wa type veth peer name wb
	host ip addr add 192.0.2.5/24 dev va
	host ip -6 addr add 2001:db8::5/64 dev va nodad
	host ip link set va up
	devices '{"va": {"name": "eth7"}, "wa": {}}'
	not berth_there create "$ID"
	host ip -j addr >"$T/out"
	is "$(jq -r '.[] | select(.ifname == "va") | .addr_info[] | select(.scope == "global").local' "$T/out" | sort | tr '\n' ' ')" "192.0.2.5 2001:db8::5 "
	jq -e '.[] | select(.ifname == "va").flags | index("UP")' "$T/out"
	not jq -e '.[] | select(.ifname == "wa").flags | index("UP")' "$T/out"
	# The same where the second of them is the reason.
	command_is true
	ip netns add "$TAG-c"
	ip -n "$TAG-c" link add wa type bridge
	config_edit --arg p "/run/netns/$TAG-c" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	not berth_there create "$ID"
	has "$err" 'linux.netDevices.wa.name: "wa" in the container'
	host ip -j addr show va >"$T/out"
	is "$(jq -r '.[0].addr_info[] | select(.scope == "global").local' "$T/out" | sort | tr '\n' ' ')" "192.0.2.5 2001:db8::5 "
	ip netns del "$TAG-c"
}

@test "what cannot go is refused by name" {
	bundle true
	devices '{"nosuch": {}}'
	not berth_there run "$ID"
	has "$err" "linux.netDevices.nosuch: No such device"
	devices '{"lo": {}}'
	not berth_there run "$ID"
	has "$err" "linux.netDevices.lo: the loopback device"
	host ip link add mybr type bridge
	host ip link set mybr up
	devices '{"mybr": {}}'
	not berth_there run "$ID"
	has "$err" "linux.netDevices.mybr: move it to the container"
	host ip -j link show mybr >"$T/out"
	jq -e '.[0].flags | index("UP")' "$T/out"
	devices '{"va": {}}'
	config_edit 'del(.linux.namespaces[] | select(.type == "network"))'
	not berth_there run "$ID"
	has "$err" "linux.netDevices: unable to move network devices without a private NET namespace"
	config_edit --arg p "/run/netns/$TAG" '.linux.namespaces += [{type: "network", path: $p}]'
	not berth_there run "$ID"
	has "$err" "linux.netDevices: the container shares the network namespace of the runtime"
	[ ! -e "$STATE/$ID" ]
}
