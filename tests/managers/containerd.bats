#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd's own shim for runc with berth in runc's place: it is the subreaper, so berth keeps no shim.

load ../e2e/helpers
load vm

IMAGE=docker.io/library/berthvm:latest

setup_file() {
	command -v ctr >/dev/null || return 0
	containerd_up
	image_tar "$BATS_FILE_TMPDIR/image.tar" $IMAGE
	ctr image import "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	containerd_down
}

# task ID: its state
task() { ctr task ls | awk -v id="$1" '$1 == id { print $3 }'; }
task_is() { [ "$(task "$1")" = "$2" ]; }
# manager ARG...: ctr run with berth; the rest as for `ctr run`
manager() { ctr run --runc-binary "$BERTH" "$@"; }
task_pid() { ctr task ls | awk -v id="$1" '$1 == id { print $2 }'; }
# code_is CODE: take the stopped task away, which says the code.
code_is() {
	ctr task delete "$ID" >"$T/delete" 2>&1
	grep -q "exit code $1\"" "$T/delete" || fail "$(cat "$T/delete")"
}
# The parent of a task's init is containerd's shim, and nothing of ours is between them.
kept_by_containerd() {
	has "$(cat "/proc/$(awk '/^PPid/ { print $2 }' "/proc/$(task_pid "$1")/status")/comm")" containerd-shim
	no_shim
}

@test "ctr run: output and exit codes" {
	need ctr
	local code rc
	for code in 0 1 42; do
		rc=0
		manager --rm $IMAGE "$ID" sh -c "echo text; echo other >&2; exit $code" >"$T/out" 2>"$T/err" || rc=$?
		is $rc $code
		is "$(cat "$T/out")" text
		has "$(cat "$T/err")" other
	done
	rc=0
	manager --rm $IMAGE "$ID" sh -c 'kill -KILL $$' || rc=$? # from inside, pid 1 is safe from itself
	is $rc 0
}

@test "ctr run: standard input" {
	need ctr
	mkfifo "$T/in"
	ctr run --runc-binary "$BERTH" --rm $IMAGE "$ID" cat <"$T/in" >"$T/out" &
	local client=$!
	exec 9>"$T/in"
	echo typed >&9
	# An end of input before the task runs would be lost by ctr, with any runtime.
	wait_until 60 file_has "$T/out" typed
	exec 9>&-
	wait $client
}

@test "ctr run -t: a terminal" {
	need ctr
	local rc=0
	ptydrive -t 60 'expect:/dev/pts/0' 'send:exit 9\r' -- ctr run --runc-binary "$BERTH" --rm -t $IMAGE "$ID" sh -c 'tty; exec sh' >"$T/screen" || rc=$?
	is $rc 9
}

@test "ctr run -d: exec, pause, resume, kill, delete" {
	need ctr
	manager -d $IMAGE "$ID" sleep 1000
	is "$(task "$ID")" RUNNING
	kept_by_containerd "$ID"
	local rc=0
	ctr task exec --exec-id one "$ID" sh -c 'echo from exec; exit 7' >"$T/out" || rc=$?
	is $rc 7
	is "$(cat "$T/out")" "from exec"
	ctr task ps "$ID" | grep -qw "$(task_pid "$ID")"
	ctr task pause "$ID"
	is "$(task "$ID")" PAUSED
	ctr task resume "$ID"
	is "$(task "$ID")" RUNNING
	ctr task metrics "$ID" | grep -q pids
	ctr task kill -s KILL "$ID"
	wait_until 30 task_is "$ID" STOPPED
	code_is 137
	ctr container delete "$ID"
}

@test "ctr run -d: the code of a task that ends by itself" {
	need ctr
	manager -d $IMAGE "$ID" sh -c 'exit 42'
	wait_until 30 task_is "$ID" STOPPED
	code_is 42
	ctr container delete "$ID"
}

@test "ctr run: a limit arrives, and a hog is killed" {
	need ctr
	local rc=0
	manager -d --memory-limit 33554432 $IMAGE "$ID" sleep 1000
	is "$(cat "$(cgroup_of "$(task_pid "$ID")")/memory.max")" 33554432
	ctr task kill -s KILL "$ID"
	wait_until 30 task_is "$ID" STOPPED
	code_is 137
	ctr container delete "$ID"
	manager --rm --memory-limit 33554432 $IMAGE "$ID" workload hog 128 >"$T/out" || rc=$?
	is $rc 137
	hasnt "$(cat "$T/out")" survived
}

@test "ctr run: a command that does not exist is an error, and nothing stays" {
	need ctr
	local rc=0
	manager --rm $IMAGE "$ID" no-such-command >"$T/out" 2>"$T/err" || rc=$?
	cat "$T/err"
	is $rc 1
	grep -Eq 'no such file or directory|executable file not found' "$T/err"
	is "$(ctr task ls -q)" ""
}

@test "ctr run: the seccomp profile of containerd, no new privileges" {
	need ctr
	is "$(manager --rm --seccomp $IMAGE "$ID" sh -c 'awk "/^Seccomp:/ { print \$2 }" /proc/self/status')" 2
}

@test "ctr run --rootfs: a bundle of one's own, with host networking" {
	need ctr
	cp -a "$E2E_RUN/rootfs" "$T/rootfs"
	is "$(manager --rm --net-host --rootfs "$T/rootfs" "$ID" /bin/sh -c '/bin/readlink /proc/self/ns/net')" "$(readlink /proc/self/ns/net)"
}

@test "ctr run --runc-systemd-cgroup: a scope, known to systemd" {
	need ctr
	manager -d --runc-systemd-cgroup --cgroup "system.slice:ctr:$ID" --memory-limit 33554432 $IMAGE "$ID" sleep 1000
	property_is "ctr-$ID.scope" MemoryMax 33554432
	is "$(cat "/proc/$(task_pid "$ID")/cgroup")" "0::/system.slice/ctr-$ID.scope"
	is "$(cat "/sys/fs/cgroup/system.slice/ctr-$ID.scope/memory.max")" 33554432
	ctr task exec --exec-id one "$ID" cat /proc/self/cgroup >"$T/out"
	has "$(cat "$T/out")" 0::/
	ctr task kill -s KILL "$ID"
	wait_until 30 task_is "$ID" STOPPED
	code_is 137
	ctr container delete "$ID"
	property_is "ctr-$ID.scope" ActiveState inactive
}
