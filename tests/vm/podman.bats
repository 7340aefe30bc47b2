#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman with berth as its runtime, conmon in between: a smoke test. Networks are podman's affair: none here. AppArmor is
# hidden from podman: berth still refuses a profile by name.

load ../e2e/helpers
load vm

IMAGE=localhost/berthvm:latest
APPARMOR=/sys/module/apparmor/parameters/enabled

setup_file() {
	command -v podman >/dev/null || return 0
	if [ -e $APPARMOR ]; then
		echo N >"$BATS_FILE_TMPDIR/no"
		mount --bind "$BATS_FILE_TMPDIR/no" $APPARMOR
	fi
	image_tar "$BATS_FILE_TMPDIR/image.tar" $IMAGE
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	command -v podman >/dev/null || return 0
	podman rmi -f $IMAGE >/dev/null
	[ ! -e $APPARMOR ] || umount $APPARMOR
}

# pod ARG...: sets $status, $out, $err
pod() {
	printf '+ podman %s\n' "$*"
	status=0
	timeout -k 5 "$CMD_TIMEOUT" podman --runtime "$BERTH" --cgroup-manager "${CGROUPS:-cgroupfs}" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}
pod_run() { pod run --network none --name "$ID" "$@"; }

@test "podman run: output and exit codes" {
	need podman
	local code
	for code in 0 1 42; do
		pod_run --rm $IMAGE sh -c "echo text; exit $code" || true
		is "$status" $code
		is "$out" text
	done
}

@test "podman run: commands that cannot be run are 127 and 126" {
	need podman
	pod_run --rm $IMAGE no-such-command || true
	is "$status" 127
	pod_run --rm $IMAGE /etc/passwd || true
	is "$status" 126
}

@test "podman run -d: logs, exec, stop, wait, rm" {
	need podman
	pod_run -d $IMAGE sh -c 'trap "exit 43" TERM; echo started; while :; do sleep 0.1; done'
	no_shim
	logs_started() { pod logs "$ID" && [ "$out" = started ]; }
	wait_until 30 logs_started
	pod exec "$ID" sh -c 'echo from exec; exit 7' || true
	is "$status" 7
	is "$out" "from exec"
	pod inspect -f '{{.State.Status}}' "$ID"
	is "$out" running
	pod stop -t 20 "$ID"
	pod wait "$ID"
	is "$out" 43
	pod rm "$ID"
}

@test "podman create, start, kill" {
	need podman
	pod create --network none --name "$ID" $IMAGE sleep 1000
	pod start "$ID"
	pod kill -s KILL "$ID"
	pod wait "$ID"
	is "$out" 137
	pod rm "$ID"
}

@test "podman run -t: a terminal" {
	need podman
	local rc=0
	ptydrive -t 90 'expect:/dev/pts/0' 'send:exit 9\r' -- podman --runtime "$BERTH" --cgroup-manager cgroupfs run --network none --rm -it --name "$ID" $IMAGE sh -c 'tty; exec sh' >"$T/screen" || rc=$?
	cat "$T/screen"
	is $rc 9
}

@test "podman run -i: standard input" {
	need podman
	is "$(echo typed | podman --runtime "$BERTH" --cgroup-manager cgroupfs run --network none --rm -i --name "$ID" $IMAGE cat)" typed
}

@test "podman run: limits" {
	need podman
	pod_run --rm --memory 64m --pids-limit 50 --cpus 0.5 $IMAGE sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	is "$(tr '\n' ' ' <<<"$out")" "67108864 50 50000 100000 "
}

@test "podman run: an OOM kill is seen" {
	need podman
	pod_run --memory 32m --memory-swap 32m $IMAGE workload hog 128 || true
	is "$status" 137
	pod inspect -f '{{.State.OOMKilled}}' "$ID"
	is "$out" true
	pod rm "$ID"
}

@test "podman run: a volume, a user, the environment" {
	need podman
	echo from the host >"$T/file"
	pod_run --rm -v "$T/file:/file:ro" -u 12:13 -e A=b $IMAGE sh -c 'cat /file; id -u; id -g; echo $A'
	is "$(tr '\n' ' ' <<<"$out")" "from the host 12 13 b "
}

@test "podman run: its seccomp profile and capabilities" {
	need podman
	pod_run --rm $IMAGE awk '/^(Seccomp|NoNewPrivs):/ { print $1 $2 }' /proc/self/status
	has "$out" Seccomp:2
}

@test "podman pause, unpause" {
	need podman
	pod_run -d $IMAGE sleep 1000
	pod pause "$ID"
	pod inspect -f '{{.State.Status}}' "$ID"
	is "$out" paused
	pod unpause "$ID"
	pod rm -f -t 0 "$ID"
}

@test "podman run with systemd as the cgroup manager, its default" {
	need podman
	CGROUPS=systemd pod_run -d --memory 64m $IMAGE sleep 1000
	local scope=libpod-$out.scope
	property_is "$scope" MemoryMax 67108864
	property_is "$scope" Slice machine.slice
	CGROUPS=systemd pod exec "$ID" cat /sys/fs/cgroup/memory.max
	is "$out" 67108864
	CGROUPS=systemd pod rm -f -t 0 "$ID"
	property_is "$scope" ActiveState inactive
}
