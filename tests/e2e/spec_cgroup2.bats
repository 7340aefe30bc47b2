#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Properties of linux.resources by the one controller that cgroup v2 has on machines of the older kinds, too.
# worlds: cgroup2 v2

load helpers

need_hugetlb() {
	need_controller hugetlb
	[ -e /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages of 2 MB in this world"
}
file() { cat "$(cgroup_of "$(pid_of)" hugetlb)/$1"; }

@test "hugepageLimits: the limit and the one of reservations" {
	need_hugetlb
	bundle sleep 1000
	config_edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	berth create "$ID"
	is "$(file hugetlb.2MB.max)" 4194304
	is "$(file hugetlb.2MB.rsvd.max)" 4194304
	remove
}

@test "unified: a file of a controller" {
	need_hugetlb
	bundle sleep 1000
	config_edit '.linux.resources.unified = {"hugetlb.2MB.max": "6291456"}'
	berth create "$ID"
	is "$(file hugetlb.2MB.max)" 6291456
	remove
	config_edit '.linux.resources.unified = {"nosuch.max": "1"}'
	refused 1 'controller .nosuch. not available' create "$ID"
}
