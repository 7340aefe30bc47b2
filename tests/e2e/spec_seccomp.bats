#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp by what a process meets. No test makes a call that the filter lets through to do harm.

load helpers

@test "actions and their errno" {
	bundle sh -c 'mkdir /tmp/x; rmdir /tmp/x; sh -c "kill -USR1 \$\$"; echo "kill $?"; exec /bin/probe'
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95},
		{names: ["rmdir", "unlinkat"], action: "SCMP_ACT_ERRNO"},
		{names: ["kill"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	berth run "$ID"
	has "$err" "can't create directory '/tmp/x': Operation not supported"
	has "$err" "'/tmp/x': Operation not permitted"
	has "$out" "kill 159"
	is "$(tail -n 1 "$T/out" | jq .seccomp)" 2
}

@test "the default action and its errno" {
	bundle mkdir /tmp/x
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 95, syscalls: [{names: ["read", "write", "close", "execve", "execveat", "exit",
		"exit_group", "brk", "mmap", "munmap", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "setrlimit", "mprotect", "readlink",
		"readlinkat", "getrandom", "rt_sigaction", "rt_sigprocmask", "uname", "newfstatat", "fstat", "futex", "close_range", "fcntl", "dup2", "dup3", "getuid",
		"getpid", "umask", "prctl", "geteuid", "getgid", "getegid", "stat"], action: "SCMP_ACT_ALLOW"}]}'
	berth run "$ID" || true
	has "$err" "Operation not supported"
	[ "$status" -ne 0 ]
}

@test "arguments: index, operator and both values" {
	bundle sh -c 'for n in 0 1 4 5 6; do if chmod $n /f 2>/dev/null; then echo "$n yes"; else echo "$n no"; fi; done; chown 5:6 /f && echo owned'
	writable
	: >"$BUNDLE/rootfs/f"
	# chmod is chmod(path, mode) or fchmodat(dir, path, mode): the mode is argument 1 or 2.
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 95, args: [{index: 1, value: 5, valueTwo: 4, op: "SCMP_CMP_MASKED_EQ"}]},
		{names: ["fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO", errnoRet: 95, args: [{index: 2, value: 5, valueTwo: 4, op: "SCMP_CMP_MASKED_EQ"}]}]}
		| (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_CHOWN"]'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "0 yes 1 yes 4 no 5 yes 6 no owned "
}

@test "architectures" {
	[ "$(uname -m)" = x86_64 ] || skip "no second architecture in this world"
	bundle workload getpid32
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	berth run "$ID"
	is "$out" "getpid 1"
	config_edit '.linux.seccomp.architectures = []'
	not berth run "$ID"
	hasnt "$out" getpid
}

# flags_loaded: the flags of each filter that a run loads, as the kernel is told them.
flags_loaded() {
	strace -f -qq -o "$T/trace" -e trace=seccomp "$BERTH" --root "$STATE" run --shim=never "$ID" </dev/null
	# libseccomp tries what there is with no filter at all.
	sed -n 's/.*SECCOMP_SET_MODE_FILTER, \([^,]*\), {len=.*/\1/p' "$T/trace"
}

# No file of the kernel shows the flags of a filter: the call itself is looked at.
@test "flags" {
	command -v strace >/dev/null || skip "no strace here"
	bundle true
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG"], syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	is "$(flags_loaded)" SECCOMP_FILTER_FLAG_LOG
	config_edit 'del(.linux.seccomp.flags)'
	is "$(flags_loaded)" SECCOMP_FILTER_FLAG_SPEC_ALLOW
}
