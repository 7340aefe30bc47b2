#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# berth update: new limits in the kernel, remembered, all or nothing.

load helpers

in_cgroup() {
	local dir
	dir=$(cgroup_of "$(pid_of)" "$1")
	if on_v2; then cat "$dir/$3"; else cat "$dir/$2"; fi
}

up() {
	bundle sleep 1000
	[ $# -eq 0 ] || config_edit "$1"
	berth run -d "$ID"
}

pids_max() { in_cgroup pids pids.max pids.max; }
memory_max() { in_cgroup memory memory.limit_in_bytes memory.max; }

# bats test_tags=compat
@test "limits by options" {
	need_controller pids
	need_controller memory
	up '.linux.resources.pids = {limit: 20} | .linux.resources.memory = {limit: 67108864}'
	berth update --pids-limit 30 "$ID"
	is "$(pids_max)" 30
	is "$(memory_max)" 67108864
	berth update --pids-limit -1 --memory 48m --memory-reservation=32M "$ID"
	is "$(pids_max)" max
	is "$(memory_max)" 50331648
	is "$(in_cgroup memory memory.soft_limit_in_bytes memory.low)" 33554432
	berth update --memory 96M --memory-swap 96M "$ID"
	is "$(memory_max)" 100663296
	remove
}

# bats test_tags=compat
@test "a document, in a file, on standard input and through a pipe" {
	need_controller pids
	up
	echo '{"pids":{"limit":21}}' >"$T/r.json"
	berth update -r "$T/r.json" "$ID"
	is "$(pids_max)" 21
	berth update --resources=- "$ID" <<<'{"pids":{"limit":22}}'
	is "$(pids_max)" 22
	berth update --resources - "$ID" < <(echo '{"pids":{"limit":23}}')
	is "$(pids_max)" 23
	berth update --resources <(echo '{"pids":{"limit":24}}') "$ID"
	is "$(pids_max)" 24
	# With a document, the options do not count.
	berth update --pids-limit 99 --resources - "$ID" <<<'{"pids":{"limit":25}}'
	is "$(pids_max)" 25
	remove
}

# bats test_tags=compat
@test "cpu: quota and period one at a time" {
	need_controller cpu
	up '.linux.resources.cpu = {quota: 40000, period: 80000}'
	max() { if on_v2; then in_cgroup cpu - cpu.max; else echo "$(in_cgroup cpu cpu.cfs_quota_us -) $(in_cgroup cpu cpu.cfs_period_us -)"; fi; }
	berth update --cpu-quota 20000 "$ID"
	is "$(max)" "20000 80000"
	berth update --cpu-period 60000 "$ID"
	is "$(max)" "20000 60000"
	berth update --cpu-period 5000 --cpu-quota 1000 "$ID"
	is "$(max)" "1000 5000"
	berth update --cpu-quota -1 "$ID"
	if on_v2; then is "$(max)" "max 5000"; else is "$(max)" "-1 5000"; fi
	berth update --cpu-share 512 "$ID"
	if ! on_v2; then is "$(in_cgroup cpu cpu.shares -)" 512; fi
	remove
}

@test "cpu: idle takes the place of shares, burst is limited by the quota" {
	need_controller cpu
	up '.linux.resources.cpu = {shares: 512, quota: 40000, period: 80000}'
	[ -e "$(cgroup_of "$(pid_of)" cpu)/cpu.idle" ] || skip "the kernel has no cpu.idle for cgroups here"
	berth update --cpu-idle 1 "$ID"
	is "$(in_cgroup cpu cpu.idle cpu.idle)" 1
	# Written again, the shares would be an error in an idle group.
	berth update --cpu-burst 10000 "$ID"
	is "$(in_cgroup cpu cpu.cfs_burst_us cpu.max.burst)" 10000
	berth update --cpu-idle 0 --cpu-share 256 "$ID"
	is "$(in_cgroup cpu cpu.idle cpu.idle)" 0
	remove
}

# bats test_tags=compat
@test "cpuset" {
	need_controller cpuset
	up
	berth update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	is "$(in_cgroup cpuset cpuset.cpus cpuset.cpus)" 0
	is "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of)/status")" 0
	remove
}

@test "what was updated is remembered, what the container was created from stays" {
	need_controller memory
	up '.linux.resources.memory = {limit: 67108864, swap: 134217728}'
	berth update --memory 32M --memory-swap 48M "$ID"
	berth update --pids-limit 50 "$ID"
	jq -e '.memory.limit == 33554432 and .memory.swap == 50331648 and .pids.limit == 50' "$STATE/$ID/resources.json"
	cmp "$STATE/$ID/config.json" "$BUNDLE/config.json"
	# The limit that a swap limit includes is the remembered one.
	berth update --memory-swap 64M "$ID"
	if on_v2; then is "$(in_cgroup memory - memory.swap.max)" 33554432; else is "$(in_cgroup memory memory.memsw.limit_in_bytes -)" 67108864; fi
	refused 1 'memory\+swap limit should be >= memory limit' update --memory-swap 16M "$ID"
	berth update --memory -1 "$ID"
	jq -e '.memory.limit == -1 and .memory.swap == -1' "$STATE/$ID/resources.json"
	remove
}

@test "all or nothing: what was written before the failure is put back" {
	need_controller cpu
	need_controller pids
	need_controller memory
	up '.linux.resources.pids = {limit: 20} | .linux.resources.memory = {limit: 67108864} | .linux.resources.cpu = {shares: 512}'
	# cpuset and memory are written before the period, which the kernel refuses.
	refused 1 'cpu' update --memory 32M --pids-limit 40 --cpu-period 1 --cpu-quota 5000 "$ID"
	is "$(memory_max)" 67108864
	is "$(pids_max)" 20
	[ ! -e "$STATE/$ID/resources.json" ]
	remove
}

# rules: what decides about devices now: the list of v1, the programs of v2.
device_rules() {
	local dir
	if on_v2; then
		dir=$(cgroup_of "$(pid_of)" devices)
		devprogs "$dir"
	else
		in_cgroup devices devices.list -
	fi
}
# up_devices: a container with nodes of devices that its rules do not name.
up_devices() {
	up '.linux.devices = [{path: "/dev/log11", type: "c", major: 1, minor: 11}, {path: "/dev/null3", type: "c", major: 1, minor: 3}]
		| (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYSLOG"]'
}
# opens NODE: may the container open it for reading?
opens() { berth exec "$ID" sh -c ": </dev/$1"; }

@test "device rules: the same ones, or none, change nothing" {
	on_v2 || need_controller devices
	up_devices
	local before
	before=$(device_rules)
	[ -n "$before" ]
	berth update --resources - "$ID" <<<"{\"devices\":$(jq -c .linux.resources.devices config.json)}"
	is "$(device_rules)" "$before"
	berth update --resources - "$ID" <<<'{"devices":[]}'
	is "$(device_rules)" "$before"
	not opens log11
	remove
}

@test "device rules: new ones take the place of the old, again and again" {
	on_v2 || need_controller devices
	up_devices
	not opens log11
	opens null3
	local i before
	berth update --resources - "$ID" <<<'{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}]}'
	opens log11
	opens null3
	# More often than programs fit on a cgroup.
	for i in $(seq 70); do
		"$BERTH" --root "$STATE" update --resources - "$ID" <<<"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":$((200 + i)),\"access\":\"r\"}]}"
	done
	not opens log11
	opens null3
	! on_v2 || is "$(device_rules | wc -l)" 1
	# All: no filter at all on v2, "a *:* rwm" on v1.
	berth update --resources - "$ID" <<<'{"devices":[{"allow":true,"access":"rwm"}]}'
	opens log11
	if on_v2; then is "$(device_rules)" ""; else is "$(device_rules)" "a *:* rwm"; fi
	berth update --resources - "$ID" <<<'{"devices":[{"allow":false,"access":"rwm"}]}'
	not opens log11
	opens null3
	refused 1 'resources.devices\[0\]' update --resources - "$ID" <<<'{"devices":[{"allow":true,"access":"x"}]}'
	remove
}

# bats test_tags=compat
@test "created and paused containers are updated and stay what they are" {
	need_controller pids
	bundle sleep 1000
	berth create "$ID"
	berth update --pids-limit 30 "$ID"
	is "$(pids_max)" 30
	is "$(state_of)" created
	berth start "$ID"
	berth pause "$ID"
	berth update --pids-limit 31 "$ID"
	is "$(pids_max)" 31
	is "$(state_of)" paused
	berth resume "$ID"
	remove
}

@test "what can't be is refused by name" {
	up
	refused 1 'does not exist' update --pids-limit 3 "$ID-no"
	refused 1 'option --memory: invalid value "lots"' update --memory lots "$ID"
	refused 1 'option --cpu-share: invalid value "-2"' update --cpu-share -2 "$ID"
	refused 1 'option --pids-limit: invalid value "1.5"' update --pids-limit 1.5 "$ID"
	refused 1 'resources.blockIO.weight' update --blkio-weight 5000 "$ID"
	refused 1 'l3-cache-schema.*intelRdt' update --l3-cache-schema 'L3:0=f' "$ID"
	refused 1 'mem-bw-schema.*intelRdt' update --mem-bw-schema 'MB:0=20' "$ID"
	refused 1 'No such file' update -r "$T/none" "$ID"
	echo '{"pids":' >"$T/r.json"
	refused 1 'JSON' update -r "$T/r.json" "$ID"
	printf '{"pids":{"limit":3}}\0' >"$T/r.json"
	refused 1 'resources' update -r "$T/r.json" "$ID"
	echo '{"pids":{"limit":"3"}}' >"$T/r.json"
	refused 1 'resources.pids.limit' update -r "$T/r.json" "$ID"
	berth kill "$ID" KILL
	wait_until 10 is_state "$ID" stopped
	refused 1 'not running' update --pids-limit 3 "$ID"
	berth delete "$ID"
}

@test "what has no effect any more is said" {
	up
	berth update --kernel-memory 64M "$ID"
	has "$err" memory.kernel
	remove
}
