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

# What config.json below asks for; what it does not name is the caller's, or the kernel's default.
everything() {
	jq -S --argjson host "$(probe)" -n '{uid: [1000, 1000, 1000], gid: [2000, 2000, 2000], groups: [5, 70000],
		caps: {bounding: "0000000000002021", permitted: "0000000000000020", effective: "0000000000000020", inheritable: "0000000000000020", ambient: "0000000000000020"},
		securebits: 0, no_new_privs: 1, seccomp: 2, dumpable: 1, umask: "0027", oom_score_adj: 321, cwd: "/work", hostname: "name", domainname: "domain", tty: false,
		signals: {blocked: "0", ignored: "0", caught: "0", death: 0}, leads: true, args: ["probe", "one", ""], env: ["A=1", "B=two words", "HOME=/home/of", "PATH=/bin"],
		fds: [0, 1, 2], nice: 5, policy: 3, ioprio: 16387, personality: $host.personality, cpus: $host.cpus, mempolicy: $host.mempolicy,
		rlimits: ($host.rlimits + {RLIMIT_NOFILE: ["100", "200"], RLIMIT_CORE: ["0", "0"], RLIMIT_FSIZE: ["1000000", "2000000"]})}'
}
seen() {
	jq -S '{uid, gid, groups: (.groups | sort), caps, securebits, no_new_privs, seccomp, dumpable, umask, oom_score_adj, cwd, hostname, domainname, tty, signals, leads: (.sid == .pid and .pgid == .pid),
		args, env: (.env | sort), fds: (.fds | map(.fd)), nice, policy: .scheduler.policy, ioprio, personality, cpus, mempolicy, rlimits}' "$1"
}

# bats test_tags=compat
@test "read-back: everything at once, for run, for create and start, and for exec" {
	bundle probe one ''
	mkdir "$BUNDLE/rootfs/work"
	config_edit '.process |= (del(.apparmorProfile, .selinuxLabel) | .user = {uid: 1000, gid: 2000, additionalGids: [5, 70000], umask: 23} | .cwd = "/work" | .env = ["PATH=/bin", "A=1", "B=two words", "HOME=/home/of"]
		| .capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}
		| .rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0}, {type: "RLIMIT_FSIZE", soft: 1000000, hard: 2000000}]
		| .oomScoreAdj = 321 | .scheduler = {policy: "SCHED_BATCH", nice: 5} | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 3})
		| .hostname = "name" | .domainname = "domain" | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}'
	everything >"$T/want"
	berth run "$ID"
	seen "$T/out" | diff "$T/want" -
	local own inside kind
	for kind in mnt pid net ipc uts; do
		own=$(readlink /proc/self/ns/$kind) inside=$(p .ns.$kind)
		[ -n "$inside" ] && [ "$own" != "$inside" ] || fail "$kind is the host's"
	done
	is "$(p .ns.user)" "$(readlink /proc/self/ns/user)"
	is "$(p .cwd_inode)" "$(stat -c '%d:%i' "$BUNDLE/rootfs/work")"
	is "$(p .keyring.name)" "_ses.$ID"

	"$BERTH" --root "$STATE" create --shim=never "$ID" >"$T/o" 2>"$T/e" </dev/null
	berth start "$ID"
	wait_until 10 is_state "$ID" stopped
	seen "$T/o" | diff "$T/want" -
	remove

	command_is sleep 1000
	berth create "$ID" && berth start "$ID"
	berth exec "$ID" probe one ''
	seen "$T/out" | diff "$T/want" -
	for kind in mnt pid net ipc uts cgroup; do is "$(p .ns.$kind)" "$(readlink "/proc/$(pid_of)/ns/$kind")"; done
	is "$(p .root_inode)" "$(stat -c %d:%i "/proc/$(pid_of)/root/")"
	remove
}

@test "read-back: the table of mounts, with flags and propagation, and what is masked" {
	bundle sh -c 'cut -d" " -f 5,6,7- /proc/self/mountinfo | sed "s/ - \([^ ]*\) .*/ \1/"'
	config_edit '.mounts += [{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "nodev", "ro", "size=8k"]}, {destination: "/s", type: "tmpfs", source: "tmpfs", options: ["shared", "nodiratime"]}]'
	berth run "$ID"
	grep -qE '^/ ro,[^ ]+ ' "$T/out"
	grep -qx '/t ro,nosuid,nodev,noexec,relatime tmpfs' "$T/out"
	grep -qE '^/s rw,nodiratime,relatime shared:[0-9]+ tmpfs$' "$T/out"
	# One line for each mount that was asked for, one for each path that is covered, and the root.
	local want path
	while read -r path; do grep -q "^$path " "$T/out" || fail "$path is not mounted"; done < <(jq -r '.mounts[].destination' config.json)
	while read -r path; do
		case $path in /proc/*) ;; *) continue ;; esac
		[ ! -e "$path" ] || grep -qE "^$path ro,[^ ]* " "$T/out" || case $path in /proc/kcore | /proc/sysrq-trigger) ;; *) fail "$path is not covered" ;; esac
	done < <(jq -r '.linux.maskedPaths[], .linux.readonlyPaths[]' config.json)
	not grep -E "$E2E_RUN|$T/| /host" "$T/out"
}
