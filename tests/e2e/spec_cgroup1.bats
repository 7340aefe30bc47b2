#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Properties of linux.resources that only cgroup v1 has.
# worlds: v1 hybrid

load helpers

# bats test_tags=compat
@test "memory: the OOM killer switched off" {
	bundle sleep 1000
	config_edit '.linux.resources.memory = {limit: 67108864, disableOOMKiller: true}'
	berth create "$ID"
	grep -qx 'oom_kill_disable 1' "$(cgroup_of "$(pid_of)" memory)/memory.oom_control"
	remove
}
