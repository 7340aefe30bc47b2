#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What was asked for is what the process has.

load helpers

# bats test_tags=compat
@test "read-back: ids and groups" {
	bundle
	config_edit '.process.user = {uid: 1000, gid: 2000, additionalGids: [5, 6, 70000]}'
	probe_run
	is "$(p '.uid | map(tostring) | join(" ")')" "1000 1000 1000"
	is "$(p '.gid | map(tostring) | join(" ")')" "2000 2000 2000"
	is "$(p '.groups | sort | map(tostring) | join(" ")')" "5 6 70000"
	is "$(p .caps.effective)" "$(bits)"
	is "$(p .caps.permitted)" "$(bits)"
}

# bats test_tags=compat
@test "read-back: each capability set" {
	bundle
	config_edit '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		effective: ["CAP_KILL"], inheritable: [], ambient: []}'
	probe_run
	is "$(p .caps.bounding)" "$(bits 0 5 13)"
	# Root's execve fills what is effective from what is permitted; with no_new_privs it adds nothing to that.
	is "$(p .caps.permitted)" "$(bits 0 5)"
	is "$(p .caps.inheritable)" "$(bits)"
	is "$(p .caps.ambient)" "$(bits)"
	config_edit '.process.user = {uid: 1000, gid: 1000} | .process.capabilities.inheritable = ["CAP_KILL"] | .process.capabilities.ambient = ["CAP_KILL"]'
	probe_run
	is "$(p .caps.bounding)" "$(bits 0 5 13)"
	is "$(p .caps.permitted)" "$(bits 5)"
	is "$(p .caps.effective)" "$(bits 5)"
	is "$(p .caps.inheritable)" "$(bits 5)"
	is "$(p .caps.ambient)" "$(bits 5)"
}

# bats test_tags=compat
@test "read-back: no capabilities object means none, for root too" {
	bundle
	config_edit 'del(.process.capabilities)'
	probe_run
	is "$(p .caps.bounding)" "$(bits)"
	is "$(p .caps.permitted)" "$(bits)"
	config_edit '.process.capabilities = {}'
	probe_run
	is "$(p .caps.bounding)" "$(bits)"
}

# bats test_tags=compat
@test "read-back: no_new_privs, and a set-uid file that gains nothing" {
	bundle
	probe_run
	is "$(p .no_new_privs)" 1
	config_edit '.process.noNewPrivileges = false'
	probe_run
	is "$(p .no_new_privs)" 0
	is "$(p .securebits)" 0
}

# bats test_tags=compat
@test "read-back: limits, umask, oom score, working directory, environment, arguments" {
	bundle
	mkdir "$BUNDLE/rootfs/work"
	config_edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0}, {type: "RLIMIT_STACK", soft: 8388608, hard: 8388608}]
		| .process.user.umask = 23 | .process.oomScoreAdj = 321 | .process.cwd = "/work" | .process.env = ["PATH=/bin", "A=1", "B=two words", "A=2", "EMPTY="]'
	command_is probe 'one arg' '' '*'
	berth run "$ID"
	is "$(p '.rlimits.RLIMIT_NOFILE | join(" ")')" "100 200"
	is "$(p '.rlimits.RLIMIT_CORE | join(" ")')" "0 0"
	is "$(p '.rlimits.RLIMIT_STACK | join(" ")')" "8388608 8388608"
	is "$(p .umask)" 0027
	is "$(p .oom_score_adj)" 321
	is "$(p .cwd)" /work
	is "$(p '.args | join("|")')" "probe|one arg||*"
	is "$(p '.env | map(select(startswith("A=") or startswith("B=") or startswith("EMPTY"))) | sort | unique | last(.[]) ')" "EMPTY="
	is "$(p '.env | map(select(startswith("A="))) | last')" "A=2"
	is "$(p '.env | map(select(startswith("HOME="))) | join(" ")')" "HOME=/root"
}

# bats test_tags=compat
@test "read-back: the default umask, a working directory that is made, HOME of an ordinary user" {
	bundle
	writable
	config_edit '.process.cwd = "/made/for/it" | .process.user = {uid: 4242, gid: 1}'
	probe_run
	is "$(p .umask)" 0022
	is "$(p .cwd)" /made/for/it
	is "$(p '.env | map(select(startswith("HOME="))) | join(" ")')" "HOME=/"
	is "$(stat -c %a "$BUNDLE/rootfs/made")" 755
}

# bats test_tags=compat
@test "read-back: signals, session and descriptors" {
	bundle
	command_is probe
	(
		trap '' PIPE HUP USR1
		exec "$BERTH" --root "$STATE" run "$ID" </dev/null >"$T/out" 2>"$T/err"
	)
	out=$(cat "$T/out")
	is "$(p .signals.blocked)" 0
	is "$(p .signals.ignored)" 0
	is "$(p .signals.death)" 0
	is "$(p '.sid')" "$(p '.pid')"
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2"
	is "$(p .tty)" false
	is "$(p .dumpable)" 1
}

# bats test_tags=compat
@test "read-back: exec has all of it too" {
	bundle sleep 1000
	config_edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}] | .process.oomScoreAdj = 111 | .process.user = {uid: 0, gid: 0, umask: 63}'
	berth create "$ID"
	berth start "$ID"
	berth exec "$ID" probe
	is "$(p '.rlimits.RLIMIT_NOFILE | join(" ")')" "100 200"
	is "$(p .oom_score_adj)" 111
	is "$(p .no_new_privs)" 1
	is "$(p .caps.bounding)" "$(bits 5 10 29)"
	is "$(p .caps.inheritable)" "$(bits)"
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2"
	is "$(p '.root_inode')" "$(stat -c %d:%i "/proc/$(pid_of)/root/")"
	is "$(p .signals.blocked)" 0
	remove
}

# bats test_tags=compat
@test "read-back: seccomp, with its errno and its arguments" {
	bundle
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"], syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95},
		{names: ["no_such_call_at_all"], action: "SCMP_ACT_ERRNO"},
		{names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 38, args: [{index: 1, value: 10, op: "SCMP_CMP_EQ"}]}]}'
	probe_run
	is "$(p .seccomp)" 2
	command_is sh -c 'mkdir /tmp/x; kill -USR1 $$; kill -0 $$ && echo alive'
	berth run "$ID"
	has "$err" "not supported"
	has "$err" "Function not implemented"
	is "$out" alive
	config_edit '.process.noNewPrivileges = false'
	probe_run
	is "$(p .seccomp)" 2
	is "$(p .no_new_privs)" 0
}

# bats test_tags=compat
@test "seccomp: exec has the filter, a killed call ends the process, the second run is as the first" {
	bundle sleep 1000
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	local i
	for i in 1 2; do
		berth create "$ID"
		berth start "$ID"
		berth exec "$ID" probe
		is "$(p .seccomp)" 2
		berth exec "$ID" mkdir /tmp/x || true
		is "$status" 159
		remove
	done
}

@test "seccomp: an allow list as narrow as can be still starts the process" {
	bundle /bin/workload raise 11
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["read", "write", "close", "execve", "execveat", "exit", "exit_group", "brk", "mmap", "munmap",
		"arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "setrlimit", "mprotect", "readlink", "readlinkat", "getrandom", "rt_sigaction", "rt_sigprocmask", "uname",
		"newfstatat", "fstat", "futex", "close_range", "fcntl", "dup2", "dup3", "kill", "getpid"], action: "SCMP_ACT_ALLOW"}]}'
	berth run "$ID" || true
	is "$status" 139
	berth create "$ID"
	berth start "$ID"
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
}
