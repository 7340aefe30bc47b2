#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Seccomp: actions, flags, arguments, architectures, and agents that answer for a process.

load helpers

# profile JQ-EXPRESSION: linux.seccomp.
profile() { config_edit ".linux.seccomp = ($1)"; }
# agent_start: a seccomp agent at $T/agent, its output in $T/agent.out.
agent_start() {
	notifyagent "$T/agent" >"$T/agent.out" 2>&1 &
	AGENT=$!
	wait_until 5 test -S "$T/agent"
}
agent_stop() {
	kill "$AGENT"
	wait "$AGENT" 2>/dev/null || true
	rm -f "$T/agent"
}
# notify METADATA NAME...: a profile that asks the agent about these calls.
notify() {
	local m=$1
	shift
	config_edit --arg m "$m" --arg p "$T/agent" --argjson n "$(words "$@")" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $p, listenerMetadata: $m, syscalls: [{names: $n, action: "SCMP_ACT_NOTIFY"}]}'
}
states() { sed -n 's/^state //p' "$T/agent.out" | jq -r "$1"; }
# told N: the agent has printed so many states.
told() { [ "$(grep -c '^state ' "$T/agent.out")" -eq "$1" ]; }
no_new_privs() { config_edit --argjson v "$1" '.process.noNewPrivileges = $v'; }

@test "notify: the agent is told who it is about, and answers" {
	bundle sh -c 'mkdir /tmp/x'
	config_edit '.annotations = {"org.example.key": "value"}'
	notify errno=28 mkdir mkdirat
	agent_start
	berth create "$ID"
	local pid
	pid=$(pid_of)
	wait_until 5 told 1
	is "$(states '.state.status')" creating
	is "$(states '.fds | join(" ")')" seccompFd
	is "$(states .pid)" "$pid"
	is "$(states .state.pid)" "$pid"
	is "$(states .metadata)" errno=28
	is "$(states .ociVersion)" "$(states .state.ociVersion)"
	is "$(states .state.id)" "$ID"
	is "$(states .state.bundle)" "$BUNDLE"
	is "$(states '.state.annotations["org.example.key"]')" value
	remove
	berth run "$ID" || true
	has "$err" "No space left"
	grep -q '^call ' "$T/agent.out"
	agent_stop
}

@test "notify: with and without no_new_privs, once for each process, exec too" {
	bundle sleep 1000
	notify errno=28 mkdir mkdirat
	agent_start
	local v n=0
	for v in true false; do
		no_new_privs "$v"
		berth create "$ID"
		wait_until 5 told $((n + 1))
		berth start "$ID"
		berth exec "$ID" mkdir /tmp/x || true
		has "$err" "No space left"
		n=$((n + 2))
		wait_until 5 told "$n"
		is "$(states '.state.status' | tail -n 1)" running
		is "$(states .state.pid | tail -n 1)" "$(pid_of)"
		not is "$(states .pid | tail -n 1)" "$(pid_of)"
		remove
	done
	agent_stop
}

@test "notify: where the pids limit has room for the process alone" {
	need_controller pids
	local v
	bundle mkdir /tmp/x
	config_edit '.linux.resources.pids = {limit: 1}'
	notify errno=28 mkdir mkdirat
	agent_start
	for v in true false; do
		no_new_privs "$v"
		berth run "$ID" || true
		has "$err" "No space left"
		is "$(states .state.status | tail -n 1)" creating
	done
	is "$(grep -c '^state ' "$T/agent.out")" 2
	command_is sleep 1000
	berth run -d "$ID"
	is "$(find "/proc/$(pid_of)/fd" -lname '*seccomp*')" ""
	remove
	agent_stop
}

@test "notify: nearly every call that the process makes on its way" {
	bundle sh -c 'echo alive'
	# All but write, by which the listener is found.
	notify continue close sendmsg sendto read setuid setresuid setgroups capset chdir getcwd prctl openat execve exit_group wait4 rt_sigaction rt_sigprocmask
	agent_start
	local v
	for v in true false; do
		no_new_privs "$v"
		berth run "$ID"
		is "$out" alive
	done
	agent_stop
}

@test "notify: startContainer hooks run, and no helper or descriptor is left" {
	bundle sleep 1000
	notify continue mkdir
	agent_start
	config_edit '.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "exit 0"]}]}'
	berth create "$ID"
	local pid
	pid=$(pid_of)
	wait_until 5 eval '[ -z "$(ls -l "/proc/$pid/fd" | grep -e seccomp -e pidfd)" ]'
	is "$(cat "/proc/$pid/task/$pid/children")" ""
	berth start "$ID"
	wait_until 5 is_state "$ID" running
	# What it forks must be waited for again.
	berth exec "$ID" sh -c 'sh -c "exit 7"; echo $?'
	is "$out" 7
	remove
	# By the first process, too.
	command_is sh -c '(exit 7); echo $?; true | cat; echo $?'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "7 0 "
	agent_stop
}

@test "notify: in a user name space" {
	bundle sh -c 'mkdir /tmp/x'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
	notify errno=28 mkdir mkdirat
	agent_start
	berth run "$ID" || true
	has "$err" "No space left"
	agent_stop
}

@test "notify: for an ordinary user" {
	bundle sh -c 'mkdir /tmp/x'
	config_edit '.linux.namespaces |= map(select(.type != "network")) + [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 7002, size: 1}] | .linux.gidMappings = .linux.uidMappings
		| del(.linux.resources) | .mounts |= map(if .type == "devpts" then .options -= ["gid=5"] else . end | select(.type != "cgroup"))'
	chown -R 7002:7002 "$BUNDLE"
	notify errno=28 mkdir mkdirat
	agent_start
	chmod 777 "$T/agent"
	mkdir -m 700 "$T/u" && chown 7002:7002 "$T/u"
	(cd "$BUNDLE" && setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all "$BERTH" --root "$T/u" run "$ID") >"$T/out" 2>"$T/err" || true
	cat "$T/err"
	has "$(cat "$T/err")" "No space left"
	agent_stop
}

@test "notify: without an agent nothing is left, and the message says so" {
	bundle sleep 1000
	notify x mkdir
	refused 1 'linux.seccomp.listenerPath: failed to connect with seccomp agent' run "$ID"
	[ ! -e "$STATE/$ID" ]
	agent_start
	berth create "$ID"
	berth start "$ID"
	agent_stop
	berth exec "$ID" true || true
	is "$status" 255
	has "$err" "failed to connect with seccomp agent"
	remove
}

@test "notify: what the document may not ask for" {
	bundle true
	agent_start
	notify x mkdir write
	refused 1 'linux.seccomp.syscalls\[0\].names: SCMP_ACT_NOTIFY cannot be used for the write' run "$ID"
	notify x mkdir
	config_edit '.linux.seccomp.defaultAction = "SCMP_ACT_NOTIFY"'
	refused 1 'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default' run "$ID"
	notify x mkdir
	config_edit 'del(.linux.seccomp.listenerMetadata, .linux.seccomp.listenerPath)'
	refused 1 'linux.seccomp.listenerPath: required' run "$ID"
	agent_stop
}

# bats test_tags=compat
@test "actions: each of them, as the process feels it" {
	bundle sh -c 'mkdir /dev/shm/x; echo "status $?"'
	local action
	for action in SCMP_ACT_ALLOW SCMP_ACT_LOG; do
		profile "{defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"$action\"}]}"
		berth run "$ID"
		is "$out" "status 0"
	done
	for action in SCMP_ACT_KILL SCMP_ACT_KILL_THREAD SCMP_ACT_KILL_PROCESS SCMP_ACT_TRAP; do
		profile "{defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"$action\"}]}"
		berth run "$ID"
		is "$out" "status 159"
	done
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_TRACE"}]}'
	berth run "$ID"
	has "$err" "Function not implemented"
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28}]}'
	berth run "$ID"
	has "$err" "No space left"
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	berth run "$ID"
	has "$err" "Operation not permitted"
}

# bats test_tags=compat
@test "defaultErrnoRet, and system calls that are newer than the profile" {
	bundle sh -c 'mkdir /dev/shm/x; echo "status $?"'
	config_edit --slurpfile p "$E2E_TOP/tests/bench/seccomp-docker.json" '.linux.seccomp = $p[0] | .linux.seccomp.defaultErrnoRet = 28
		| .linux.seccomp.syscalls[].names -= ["mkdir", "mkdirat"]'
	berth run "$ID"
	is "$out" "status 1"
	has "$err" "No space left"
}

# bats test_tags=compat
@test "flags: each alone and all of them; unknown ones are refused" {
	bundle true
	local f
	for f in '[]' '["SECCOMP_FILTER_FLAG_TSYNC"]' '["SECCOMP_FILTER_FLAG_LOG"]' '["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]' '["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' \
		'["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'; do
		profile "{defaultAction: \"SCMP_ACT_ALLOW\", flags: $f, syscalls: [{names: [\"mkdir\"], action: \"SCMP_ACT_ERRNO\"}]}"
		berth run "$ID"
	done
	profile '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}'
	refused 1 'linux.seccomp.flags\[0\]: unknown flag' run "$ID"
}

@test "notify: WAIT_KILLABLE_RECV and the other flags beside a listener" {
	bundle sh -c 'mkdir /tmp/x'
	notify errno=28 mkdir mkdirat
	config_edit '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"]'
	agent_start
	berth run "$ID" || true
	has "$err" "No space left"
	agent_stop
}

@test "arguments: a masked comparison, with three architectures and an unknown call" {
	bundle true
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"], syscalls: [
		{names: ["no_such_call", "chmod", "fchmod"], action: "SCMP_ACT_ERRNO", args: [{index: 1, value: 511, valueTwo: 493, op: "SCMP_CMP_MASKED_EQ"}]},
		{names: ["fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO", args: [{index: 2, value: 511, valueTwo: 493, op: "SCMP_CMP_MASKED_EQ"}]}]}'
	command_is sh -c 'echo >/dev/shm/f; chmod 755 /dev/shm/f; echo $?; chmod 1755 /dev/shm/f; echo $?; chmod 700 /dev/shm/f; echo $?'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "1 1 0 "
	has "$err" "Operation not permitted"
}
