#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The systemd cgroup driver: a scope for each container, which systemd knows of, limits and forgets.

load ../e2e/helpers
load vm

setup() {
	vm_setup
	GLOBAL=(--systemd-cgroup)
	SCOPE=berth-$ID.scope
}

no_unit() { [ -z "$(systemctl list-units --all --no-legend "*$TAG*")" ]; }

# The flag is for create and run alone: the rest has to know by itself.
without_flag() { GLOBAL=(); }

# files FILE...: the container's cgroup files on one line.
files() {
	berth exec "$ID" sh -c 'cd /sys/fs/cgroup; cat "$@"' sh "$@"
	out=$(tr '\n' ' ' <<<"$out")
}

# sleeper EDIT: a container that sleeps, without a cgroupsPath.
sleeper() {
	bundle sleep 1000
	config_edit "del(.linux.cgroupsPath)${1:+ | $1}"
}

stopped() { berth state "$ID" && [ "$(jq -r .status "$T/out")" = stopped ]; }

@test "run: a scope with the limits as properties and in the files, and nothing afterwards" {
	sleeper '.linux.resources.memory = {limit: 67108864, reservation: 33554432, swap: 100663296}
		| .linux.resources.pids = {limit: 77} | .linux.resources.cpu = {quota: 12345, period: 100000, shares: 512, cpus: "0", mems: "0"}'
	berth run -d "$ID"
	property_is "$SCOPE" ControlGroup "/system.slice/$SCOPE"
	property_is "$SCOPE" Delegate yes
	property_is "$SCOPE" MemoryMax 67108864
	property_is "$SCOPE" MemoryLow 33554432
	property_is "$SCOPE" MemorySwapMax 33554432
	property_is "$SCOPE" TasksMax 77
	property_is "$SCOPE" CPUWeight 59
	property_is "$SCOPE" CPUQuotaPerSecUSec 130ms
	property_is "$SCOPE" AllowedCPUs 0
	property_is "$SCOPE" AllowedMemoryNodes 0
	property_is "$SCOPE" DevicePolicy strict
	without_flag
	files memory.max memory.low memory.swap.max pids.max cpu.weight cpu.max cpuset.cpus cpuset.mems
	is "$out" "67108864 33554432 33554432 77 59 13000 100000 0 0 "
	berth delete --force "$ID"
	no_unit
}

@test "the whole life, the flag given once" {
	bundle sleep 1000
	config_edit '.linux.cgroupsPath = "machine.slice:x:'"$ID"'"'
	SCOPE=x-$ID.scope
	berth create "$ID"
	property_is "$SCOPE" ControlGroup "/machine.slice/$SCOPE"
	without_flag
	berth start "$ID"
	berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(cat "/proc/$(cat "$T/pid")/cgroup")" "0::/machine.slice/$SCOPE"
	berth ps -f json "$ID"
	is "$(jq length "$T/out")" 2
	berth pause "$ID"
	berth list
	has "$out" paused
	berth resume "$ID"
	berth kill "$ID" KILL
	wait_until 20 stopped
	berth delete "$ID"
	no_unit
}

@test "the shim has a scope of its own, out of the caller's unit" {
	need_berth
	sleeper
	systemd-run --quiet --pipe --wait --collect "$BERTH" --root "$STATE" --systemd-cgroup run -d --bundle "$BUNDLE" "$ID"
	without_flag
	berth state "$ID"
	has "$(cat "/proc/$(jq -r .shim.pid "$T/out")/cgroup")" "0::/system.slice/berth-shim-$ID-"
	is "$(jq -r .status "$T/out")" running
	berth delete --force "$ID"
	no_unit
}

@test "in the foreground, with its exit code, and the scope goes by itself" {
	bundle sh -c 'exit 42'
	config_edit 'del(.linux.cgroupsPath)'
	berth run "$ID" || true
	is "$status" 42
	no_unit
}

@test "a scope that failed says why until delete" {
	sleeper '.annotations += {"org.systemd.property.RuntimeMaxSec": "15", "org.systemd.property.TimeoutStopSec": "1"}'
	berth run -d "$ID"
	without_flag
	wait_until 60 stopped
	wait_until 20 property_is "$SCOPE" ActiveState failed
	property_is "$SCOPE" Result timeout
	berth delete "$ID"
	no_unit
}

@test "limits stay when systemd looks at its cgroups again" {
	sleeper '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 77} | .linux.resources.cpu = {shares: 512}
		| .linux.resources.unified = {"memory.high": "50331648"} | .linux.resources.blockIO = {weight: 750}'
	berth run -d "$ID"
	without_flag
	systemctl daemon-reload
	systemctl set-property --runtime "$SCOPE" CPUWeight=60
	files memory.max pids.max memory.high
	is "$out" "67108864 77 50331648 "
	property_is "$SCOPE" IOWeight 7475
	# The device filter, too.
	berth exec "$ID" sh -c ': >/dev/null && cat /dev/zero | head -c 1 | wc -c'
	berth delete --force "$ID"
}

@test "a quota that systemd rounds is what it becomes, and stays so" {
	sleeper '.linux.resources.cpu = {quota: 500000, period: 1000000}'
	berth run -d "$ID"
	without_flag
	files cpu.max
	is "$out" "500000 1000000 "
	berth update --cpu-period 900000 "$ID"
	property_is "$SCOPE" CPUQuotaPerSecUSec 560ms
	files cpu.max
	is "$out" "504000 900000 "
	berth update --cpu-share 200 "$ID"
	systemctl set-property --runtime "$SCOPE" CPUWeight=60
	files cpu.max
	is "$out" "504000 900000 "
	# Rounded from what was asked for, not from what it had become.
	berth update --cpu-period 1000000 "$ID"
	files cpu.max
	is "$out" "500000 1000000 "
	berth delete --force "$ID"
}

@test "an idle cgroup has no weight, a weight ends it, also by the files of v2" {
	sleeper '.linux.resources.cpu = {shares: 512}'
	berth run -d "$ID"
	without_flag
	berth update -r - "$ID" <<<'{"unified": {"cpu.weight": "8", "cpu.idle": "1"}}'
	has "$err" "unable to apply both"
	files cpu.idle
	is "$out" "1 "
	property_is "$SCOPE" CPUWeight idle
	berth update -r - "$ID" <<<'{"unified": {"cpu.weight": "8"}}'
	files cpu.idle cpu.weight
	is "$out" "0 8 "
	property_is "$SCOPE" CPUWeight 8
	berth update --cpu-share 200 --cpu-idle 1 "$ID"
	has "$err" "unable to apply both"
	files cpu.idle
	is "$out" "1 "
	berth update --cpu-idle 0 "$ID"
	# systemd knows of it: it does not make it idle again.
	systemctl set-property --runtime "$SCOPE" CPUQuota=50%
	files cpu.idle cpu.weight
	is "$out" "0 100 "
	berth delete --force "$ID"
}

@test "what systemd has no property for is set in the files" {
	sleeper '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}] | .linux.resources.unified = {"pids.max": "66"}'
	berth run -d "$ID"
	property_is "$SCOPE" TasksMax 66
	files hugetlb.2MB.max pids.max
	is "$out" "4194304 66 "
	berth delete --force "$ID"
}

@test "a scope has all controllers, also those that systemd does not know" {
	local all
	all=$(cat /sys/fs/cgroup/cgroup.controllers)
	[[ " $all " = *" hugetlb "* ]] || skip "no controller that systemd does not know"
	sleeper
	berth run -d "$ID"
	files cgroup.controllers
	is "$out" "$all "
	berth delete --force "$ID"
}

@test "update: properties and files, all or nothing" {
	sleeper '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 77}'
	berth run -d "$ID"
	without_flag
	berth update --memory 134217728 --pids-limit 99 --cpu-quota 12345 "$ID"
	property_is "$SCOPE" MemoryMax 134217728
	property_is "$SCOPE" TasksMax 99
	property_is "$SCOPE" CPUQuotaPerSecUSec 130ms
	files memory.max pids.max cpu.max
	is "$out" "134217728 99 13000 100000 "
	systemctl daemon-reload
	files memory.max pids.max
	is "$out" "134217728 99 "
	berth update --pids-limit 55 --cpuset-cpus 4000 "$ID" && fail "processor 4000 was accepted"
	property_is "$SCOPE" TasksMax 99
	files pids.max
	is "$out" "99 "
	berth delete --force "$ID"
}

@test "annotations become properties" {
	sleeper '.annotations = {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.Description": "'"'own words'"'",
		"org.systemd.property.After": "['"'dbus.service'"']"}'
	berth run -d "$ID"
	property_is "$SCOPE" TimeoutStopUSec 7s
	property_is "$SCOPE" Description "own words"
	has "$(property "$SCOPE" After)" dbus.service
	berth delete --force "$ID"
	config_edit '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	berth run -d "$ID" && fail "an unknown property was accepted"
	has "$err" NoSuchThing
	config_edit '.annotations = {"org.systemd.property.TimeoutStopSec": "soon"}'
	berth run -d "$ID" && fail "a bad value was accepted"
	has "$err" org.systemd.property.TimeoutStopSec
	no_unit
}

@test "a cgroupsPath of another form is refused, and nothing is made" {
	sleeper '.linux.cgroupsPath = "/berth/x"'
	berth create "$ID" && fail accepted
	has "$err" 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/berth/x" instead'
	is "$(wc -l <"$T/err")" 1
	config_edit '.linux.cgroupsPath = "system:x:y"'
	berth create "$ID" && fail accepted
	has "$err" "invalid slice name: system"
	no_unit
}

@test "nested slices are made on the way" {
	sleeper '.linux.cgroupsPath = "'"$TAG"'-upper.slice:x:y"'
	berth run -d "$ID"
	UNITS+=("$TAG-upper.slice" "$TAG.slice")
	property_is x-y.scope ControlGroup "/$TAG.slice/$TAG-upper.slice/x-y.scope"
	berth delete --force "$ID"
	property_is x-y.scope ActiveState inactive
	systemctl stop "$TAG-upper.slice" "$TAG.slice"
}

@test "a scope that is somebody else's is neither taken nor stopped" {
	sleeper
	systemd-run --quiet --scope --unit="$SCOPE" sleep 1000 &
	local other=$!
	wait_until 20 property_is "$SCOPE" ActiveState active
	berth run -d "$ID" && fail "it was taken"
	has "$err" "container's cgroup is not empty"
	property_is "$SCOPE" ActiveState active
	# The same name elsewhere: only systemd can tell.
	config_edit '.linux.cgroupsPath = "machine.slice:berth:'"$ID"'"'
	berth run -d "$ID" && fail "it was taken"
	has "$err" "$SCOPE"
	property_is "$SCOPE" ActiveState active
	kill -0 $other
	systemctl stop "$SCOPE"
	wait $other || true
}

@test "a hog is killed; its scope is forgotten, and the name is free again" {
	need_berth
	bundle workload hog 128
	config_edit 'del(.linux.cgroupsPath) | .linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run -d "$ID"
	berth wait "$ID"
	is "$out" 137
	jq -e '.oom == true' "$STATE/$ID/exit.json"
	berth delete "$ID"
	no_unit
	berth run "$ID" || true
	is "$status" 137
	no_unit
}

@test "systemctl stop ends the container" {
	sleeper
	berth run -d "$ID"
	systemctl stop "$SCOPE"
	wait_until 30 stopped
	without_flag
	berth delete "$ID"
	no_unit
}

@test "the container's own cgroup is delegated: it may divide it" {
	bundle sh -c 'mkdir /sys/fs/cgroup/sub && echo $$ >/sys/fs/cgroup/sub/cgroup.procs && echo +pids >/sys/fs/cgroup/cgroup.subtree_control && ls /sys/fs/cgroup/sub/pids.max'
	config_edit 'del(.linux.cgroupsPath) | (.mounts[] | select(.destination == "/sys/fs/cgroup")).options = ["rw", "nosuid", "noexec", "nodev"]'
	berth run "$ID"
	has "$out" pids.max
	no_unit
}

@test "no library: one line, and nothing is left" {
	sleeper
	: >"$T/empty"
	status=0
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$0" "$(ldconfig -p | sed -n "s/.*libsystemd.so.0 .* => //p" | head -1)" && exec "$@"' "$T/empty" \
		"$BERTH" --root "$STATE" --systemd-cgroup run -d "$ID" >"$T/out" 2>"$T/err" || status=$?
	cat "$T/err"
	is $status 1
	is "$(wc -l <"$T/err")" 1
	has "$(cat "$T/err")" "the systemd cgroup driver needs libsystemd.so.0"
	no_unit
}

@test "no bus: one line, and nothing is left; delete does without" {
	sleeper
	local hide='for d in /run/systemd /run/dbus; do mount -t tmpfs none $d; done; mkdir -p /run/systemd/system; exec "$@"'
	status=0
	unshare -m sh -c "$hide" sh "$BERTH" --root "$STATE" --systemd-cgroup run -d "$ID" >"$T/out" 2>"$T/err" || status=$?
	cat "$T/err"
	is $status 1
	is "$(wc -l <"$T/err")" 1
	has "$(cat "$T/err")" "cannot reach systemd"
	no_unit
	berth run -d "$ID"
	unshare -m sh -c "$hide" sh "$BERTH" --root "$STATE" delete --force "$ID"
	wait_until 20 no_unit
}

@test "over the message bus, without the manager's own socket" {
	sleeper '.linux.resources.pids = {limit: 77}'
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind /dev/null /run/systemd/private && exec "$@"' sh \
		"$BERTH" --root "$STATE" --systemd-cgroup run -d "$ID" >"$T/out" 2>"$T/err" || fail "$(cat "$T/err")"
	property_is "$SCOPE" TasksMax 77
	unshare -m sh -c 'mount --bind /dev/null /run/systemd/private && exec "$@"' sh "$BERTH" --root "$STATE" delete --force "$ID"
	no_unit
}

@test "create is killed anywhere: one delete --force takes scope and shim along" {
	need_berth
	FAULTS_TIMEOUT=60 "$E2E_TOP/tests/faults/sweep" --runtime "$BERTH" --world native --variant systemd --command create --shots 2
	is "$(systemctl list-units --all --no-legend 'berth-*')" ""
}

@test "checkpoint and restore: a new scope, with its limits, before the processes are there" {
	need_berth
	bundle sh -c 'while :; do sleep 0.2; done' # criu lets a sleep end early
	config_edit 'del(.linux.cgroupsPath) | .linux.resources.pids = {limit: 77}'
	berth run -d "$ID"
	without_flag
	berth checkpoint --image-path "$T/i" "$ID"
	no_unit
	GLOBAL=(--systemd-cgroup)
	berth restore -d --image-path "$T/i" "$ID"
	without_flag
	property_is "$SCOPE" TasksMax 77
	berth state "$ID"
	is "$(cat "/proc/$(jq -r .pid "$T/out")/cgroup")" "0::/system.slice/$SCOPE"
	berth delete --force "$ID"
	no_unit
}

@test "a name that is a slice: the slice itself is the container's" {
	sleeper '.linux.cgroupsPath = "system.slice:x:'"$TAG"'.slice" | .linux.resources.pids = {limit: 77}'
	berth run -d "$ID"
	without_flag
	property_is "$TAG.slice" TasksMax 77
	berth state "$ID"
	is "$(cat "/proc/$(jq -r .pid "$T/out")/cgroup")" "0::/$TAG.slice"
	berth delete --force "$ID"
	no_unit
}
