#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What was asked for is what the process has, and what hostile bundles and containers try does not work. Tests that are
# named after an advisory keep its lesson.

load helpers

p() { jq -r "$1" <<<"$out"; }

# A directory of the host that nothing may touch.
canary() {
	mkdir -p "$T/canary/dir"
	local f
	for f in secret null console ptmx fd stdin core zero; do echo "canary $f" >"$T/canary/$f"; done
	chmod 640 "$T/canary/secret"
	canary_sum >"$T/canary.before"
}
canary_sum() { find "$T/canary" -printf '%p %i %m %U:%G %C@ %s\n' | sort && { cat "$T"/canary/[a-z]* 2>/dev/null || :; }; }
canary_safe() { canary_sum | cmp - "$T/canary.before"; }

# try: create, start and delete, whatever comes of it; the canary must be as before.
try() {
	if berth create "$ID"; then
		berth start "$ID" || true
		wait_until 5 is_state "$ID" stopped || true
	fi
	berth delete --force "$ID"
	canary_safe
}

bits() {
	local n=0 c
	for c; do n=$((n | 1 << c)); done
	printf %016x "$n"
}

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
@test "read-back: the caller's own groups are never kept (CVE-2022-2989 and its kin)" {
	bundle
	command_is probe
	config_edit 'del(.process.user.additionalGids)'
	setpriv --groups 11,12,13,14,15 "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(jq -c .groups "$T/out")" "[]"
	config_edit '.process.user.additionalGids = [] | .process.user.uid = 3'
	setpriv --groups 11,12,13,14,15 "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(jq -c .groups "$T/out")" "[]"
}

# bats test_tags=compat
@test "read-back: large ids stay what they are (CVE-2024-40635)" {
	local id
	bundle
	for id in 2147483647 2147483648 4294967294; do
		config_edit --argjson i "$id" '.process.user = {uid: $i, gid: $i}'
		probe_run
		is "$(p '.uid[1]')" "$id"
		is "$(p '.gid[1]')" "$id"
	done
}

# bats test_tags=compat
@test "read-back: a number is a number, whatever the image's passwd says (CVE-2016-3697)" {
	bundle
	echo '1000:x:0:0::/:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	probe_run
	is "$(p '.uid[1]')" 1000
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

# bats test_tags=compat
@test "leaked descriptors of the caller are not passed on, those asked for are" {
	bundle probe
	local fd
	for fd in $(seq 20 50); do eval "exec $fd</sys/fs/cgroup"; done
	berth run "$ID"
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2"
	(exec 3</etc/passwd 4</etc/group && berth run --preserve-fds 2 "$ID")
	out=$(cat "$T/out")
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2 3 4"
	for fd in $(seq 20 50); do eval "exec $fd<&-"; done
}

# bats test_tags=compat
@test "LISTEN_FDS are passed on, with their variables" {
	bundle probe
	bash -c 'exec 3</etc/hostname 4</etc/passwd; export LISTEN_FDS=2 LISTEN_PID=$$; exec "$@"' sh "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	out=$(cat "$T/out")
	is "$(p '.fds | map(.fd | tostring) | join(" ")')" "0 1 2 3 4"
	is "$(p '.env | map(select(startswith("LISTEN_FDS=") or startswith("LISTEN_PID="))) | sort | join(" ")')" "LISTEN_FDS=2 LISTEN_PID=1"
}

# bats test_tags=compat
@test "a working directory through a leaked descriptor is refused (CVE-2024-21626)" {
	bundle probe
	local fd
	for fd in $(seq 20 64); do
		[ -e "/proc/self/fd/$fd" ] || eval "exec $fd</sys/fs/cgroup"
	done
	for fd in 3 5 6 7 8 9 10 11 12 20; do
		config_edit --arg c "/proc/self/fd/$fd" '.process.cwd = $c'
		berth run "$ID" || true
		[ "$status" -ne 0 ] || is "$(p '.cwd[0:1]')" /
		[ "$status" -ne 0 ] || hasnt "$(p .cwd)" unreachable
		hasnt "$(cat "$T/out")" '"cwd":"(unreachable)'
		berth delete --force "$ID"
	done
	config_edit '.process.cwd = "/" | .process.args = ["sleep", "1000"]'
	berth create "$ID"
	berth start "$ID"
	for fd in 3 5 6 7 8 9 10 11; do
		berth exec --cwd "/proc/self/fd/$fd" "$ID" probe || continue
		hasnt "$(p .cwd)" unreachable
		is "$(p '.cwd_inode | split(":")[0]')" "$(p '.root_inode | split(":")[0]')"
	done
	remove
	for fd in $(seq 20 64); do eval "exec $fd<&-"; done
}

# bats test_tags=compat
@test "the program itself cannot be had through /proc/self/exe (CVE-2019-5736)" {
	bundle sleep 1000
	local before
	before=$(sha256sum "$BERTH")
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/trap"
	chmod 755 "$BUNDLE/rootfs/bin/trap"
	# Watches for foreign processes and tries to open what they run for writing.
	printf '#!/bin/sh\nwhile :; do for e in /proc/[0-9]*/exe; do [ "$e" = /proc/$$/exe ] || (: >>"$e") 2>/dev/null && readlink "$e" >>/tmp/won; done; done\n' >"$BUNDLE/rootfs/bin/watch-exe"
	chmod 755 "$BUNDLE/rootfs/bin/watch-exe"
	config_edit '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}] | .process.args = ["/bin/watch-exe"]'
	berth create "$ID"
	berth start "$ID"
	local i
	for i in $(seq 30); do
		berth exec "$ID" /bin/trap || true
		berth exec "$ID" /proc/self/exe || true
		berth exec "$ID" true || true
	done
	berth exec "$ID" sh -c 'cat /tmp/won 2>/dev/null | grep -v busybox || true'
	is "$out" ""
	is "$(sha256sum "$BERTH")" "$before"
	remove
	config_edit '.process.args = ["/proc/self/exe"]'
	berth run "$ID" || true
	is "$(sha256sum "$BERTH")" "$before"
}

@test "init before its start: the program file cannot be written through it" {
	bundle sleep 1000
	berth create "$ID"
	local before
	before=$(sha256sum "$BERTH")
	(: >>"/proc/$(pid_of)/exe") 2>/dev/null && fail "opened for writing"
	is "$(sha256sum "$BERTH")" "$before"
	remove
}

# bats test_tags=compat
@test "a /proc that is a symlink in the image is refused (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642)" {
	bundle true
	canary
	local target
	for target in canary-rel "$T/canary" /nowhere dir/sub /; do
		rm -rf "$BUNDLE/rootfs/proc"
		ln -s "$target" "$BUNDLE/rootfs/proc"
		mkdir -p "$BUNDLE/rootfs/canary-rel" "$BUNDLE/rootfs/dir/sub"
		not berth create "$ID"
		canary_safe
	done
	rm -rf "$BUNDLE/rootfs/proc"
	mkdir "$BUNDLE/rootfs/proc"
	rmdir "$BUNDLE/rootfs/sys"
	ln -s "$T/canary" "$BUNDLE/rootfs/sys"
	not berth create "$ID"
	canary_safe
}

@test "a proc destination by a roundabout way through a symlink is refused" {
	bundle true
	canary
	ln -s ../proc "$BUNDLE/rootfs/mnt-x"
	mkdir -p "$BUNDLE/rootfs/x"
	config_edit '.mounts[0].destination = "/mnt-x"'
	not berth create "$ID"
	config_edit '.mounts[0].destination = "/x/../proc"'
	berth run "$ID" || true
	config_edit '.mounts[0].destination = "//proc/"'
	berth run "$ID"
	canary_safe
}

@test "a /dev symlink in the image is not followed (CVE-2026-41579, CVE-2026-47766)" {
	bundle true
	canary
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.devices = [{path: "/dev/extra", type: "c", major: 1, minor: 3}]'
	local target
	for target in "$T/canary" ../../canary /../../../canary; do
		rm -rf "$BUNDLE/rootfs/dev"
		ln -s "$target" "$BUNDLE/rootfs/dev"
		try
	done
	rm -f "$BUNDLE/rootfs/dev"
	ln -s second "$BUNDLE/rootfs/dev"
	ln -s "$T/canary" "$BUNDLE/rootfs/second"
	try
}

@test "/dev/console and /dev/ptmx planted in the image (CVE-2026-88264, CVE-2025-52565)" {
	bundle true
	canary
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false'
	local name kind
	for name in console ptmx fd stdin stdout core null zero pts shm; do
		for kind in "$T/canary/secret" "$T/canary/new"; do
			rm -rf "$BUNDLE/rootfs/dev"
			mkdir "$BUNDLE/rootfs/dev"
			ln -s "$kind" "$BUNDLE/rootfs/dev/$name"
			try
		done
	done
	rm -rf "$BUNDLE/rootfs/dev"
	mkdir "$BUNDLE/rootfs/dev"
	ln -s "$T/canary/new" "$BUNDLE/rootfs/dev/console"
	config_edit '.process.terminal = true'
	ptydrive -t 10 -- "$BERTH" --root "$STATE" run "$ID" || true
	berth delete --force "$ID"
	canary_safe
}

@test "/dev/null that is something else: standard files and masks are not taken from it (CVE-2025-31133, CVE-2026-88265)" {
	bundle sh -c 'stat -L -c "%F %t:%T" /proc/self/fd/0; cat /proc/kcore | head -c 10 | wc -c; cat /secret | wc -c'
	canary
	mkdir "$T/dev"
	echo text >"$BUNDLE/rootfs/secret"
	config_edit --arg d "$T/dev" '.mounts |= map(select(.destination | startswith("/dev") | not)) | .mounts += [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]}]
		| .linux.maskedPaths += ["/secret"] | .process.user = {uid: 1000, gid: 1000}'
	local plant
	for plant in "ln -s $T/canary/secret" "ln -s /proc/sys/kernel/core_pattern" "ln $T/canary/secret" mkfifo mkdir "cp $T/canary/secret"; do
		rm -rf "$T/dev/null"
		$plant "$T/dev/null" || continue
		[ "$plant" != "ln $T/canary/secret" ] || canary_sum >"$T/canary.before"
		berth run "$ID" || true
		[ "$status" -ne 0 ] || is "$(sed -n 3p "$T/out")" 0
		berth delete --force "$ID"
		is "$(stat -c %U:%a "$T/canary/secret")" root:640
	done
	rm -rf "$T/dev/null"
	grep -q . /proc/sys/kernel/core_pattern
}

# bats test_tags=compat
@test "something else mounted at /proc, with a label asked for, is refused (CVE-2019-16884)" {
	bundle true
	mkdir -p "$T/fake/self/attr"
	config_edit --arg s "$T/fake" '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $s, options: ["bind"]} else . end)'
	not berth create "$ID"
}

@test "an AppArmor or SELinux label on a machine without is an error, not ignored" {
	[ ! -e /sys/module/apparmor/parameters/enabled ] || grep -q N /sys/module/apparmor/parameters/enabled || skip "AppArmor is on"
	bundle true
	config_edit '.process.apparmorProfile = "some-profile"'
	refused 1 'apparmor' create "$ID"
}

@test "file names in cgroup limits (GHSA-5g49-rx9x-qfc6)" {
	bundle true
	config_edit '.linux.resources = {hugepageLimits: [{pageSize: "../../x", limit: 1}]}'
	not berth create "$ID"
	config_edit '.linux.resources = {unified: {"../memory.max": "1"}}'
	not berth create "$ID"
	config_edit '.linux.resources = {rdma: {"a/../b": {hcaHandles: 1}}}'
	not berth create "$ID"
}

@test "huge or odd passwd and group files of the image (CVE-2026-47262, CVE-2024-9676)" {
	bundle probe
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	local plant
	for plant in 'mkfifo' 'ln -s /dev/zero' 'mkdir' 'ln -s passwd' "ln -s $T/canary/secret"; do
		rm -rf "$BUNDLE/rootfs/etc/passwd"
		$plant "$BUNDLE/rootfs/etc/passwd"
		CMD_TIMEOUT=5 berth run "$ID" || true
		[ "$status" -ne 124 ] || fail "hung on $plant"
		berth delete --force "$ID"
	done
	rm -rf "$BUNDLE/rootfs/etc/passwd"
	head -c 3000000 /dev/zero | tr '\0' x >"$BUNDLE/rootfs/etc/passwd"
	CMD_TIMEOUT=5 berth run "$ID" || true
	[ "$status" -ne 124 ]
	berth delete --force "$ID"
}

@test "nothing that an image or annotation says is run on the host (CVE-2026-53488)" {
	bundle true
	printf '#!/bin/sh\n: >%s/ran\n' "$T" >"$T/evil"
	chmod 755 "$T/evil"
	config_edit --arg e "$T/evil" '.annotations = {"run.oci.handler": "krun", "run.oci.hooks.stdout": $e, "io.containerd.log": ("binary://" + $e), "org.criu.config": $e} | .process.env += ["LD_PRELOAD=" + $e]'
	berth run "$ID" || true
	[ ! -e "$T/ran" ]
}

@test "the environment of the caller has no say in the runtime" {
	bundle echo fine
	LD_LIBRARY_PATH=$T GCONV_PATH=$T LOCPATH=$T NLSPATH=$T TMPDIR=/no/such HOME=/no/such "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(cat "$T/out")" fine
	env -i "$BERTH" --root "$STATE" run "$ID" >"$T/out" </dev/null
	is "$(cat "$T/out")" fine
}

# bats test_tags=compat
@test "a container with CAP_SYS_PTRACE finds no directory of the host in a process on its way in (CVE-2016-9962)" {
	bundle sh -c 'while :; do for d in /proc/[0-9]*; do for f in $d/fd/*; do l=$(readlink $f 2>/dev/null) && [ -d "$f/" ] && echo "$d $l" >>/tmp/seen; done; done; done'
	config_edit '(.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYS_PTRACE"] | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
	berth create "$ID"
	berth start "$ID"
	local i
	for i in $(seq 20); do berth exec "$ID" true; done
	berth exec "$ID" sh -c 'grep -v " /tmp$" /tmp/seen 2>/dev/null | grep -v " /proc" | head -n 3'  || true
	is "$out" ""
	remove
}

@test "the shim: not dumpable, no capabilities, no new privileges, filtered" {
	bundle sleep 1000
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	wait_until 5 grep -q '^Seccomp:.2' "/proc/$shim/status"
	grep -q '^NoNewPrivs:.1' "/proc/$shim/status"
	local caps
	caps=$(awk '/^CapEff/ { print $2 }' "/proc/$shim/status")
	[ "$caps" = "$(bits)" ] || [ "$caps" = "$(bits 5)" ] || fail "the shim has capabilities $caps"
	is "$(awk '/^CapBnd/ { print $2 }' "/proc/$shim/status")" "$(bits)"
	remove
}

@test "the shim: an oom score as low as may be, which is nobody else's" {
	bundle sleep 1000
	local low=0
	# CAP_SYS_RESOURCE
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 0 ] || low=-999
	echo 300 >"/proc/$BASHPID/oom_score_adj"
	berth run -d "$ID"
	berth exec -d --shim=always --name side --pid-file "$T/pid" "$ID" sleep 1000
	wait_until 5 grep -qx -e $low "/proc/$(shim_pid)/oom_score_adj"
	wait_until 5 grep -qx -e $low "/proc/$(jq .shim.pid "$STATE/$ID/exec/side/session.json")/oom_score_adj"
	is "$(cat "/proc/$(pid_of)/oom_score_adj") $(cat "/proc/$(cat "$T/pid")/oom_score_adj")" "300 300"
	remove
}

@test "the shim's socket does not serve the container itself" {
	bundle sleep 1000
	mkdir "$BUNDLE/rootfs/state"
	config_edit --arg s "$STATE" '.mounts += [{destination: "/state", type: "bind", source: $s, options: ["rbind"]}]'
	cp "$E2E_RUN/bin/varlink" "$BUNDLE/rootfs/bin/"
	berth run -d "$ID"
	berth exec "$ID" varlink -t 3 "/state/$ID/shim.sock" '{"method":"io.berth.Shim.State"}' || true
	hasnt "$out" '"pid"'
	remove
}

@test "state files: modes under any umask" {
	bundle sleep 1000
	local mask f
	for mask in 000 022 077; do
		(umask $mask && exec "$BERTH" --root "$T/root.$mask" run -d "$ID" >"$T/o" 2>&1 </dev/null)
		is "$(stat -c %a "$T/root.$mask")" 700
		is "$(stat -c %a "$T/root.$mask/$ID")" 700
		while read -r f; do
			case $(stat -c %a "$f") in *[2367]? | *[2367]) fail "others may write $f" ;; esac
		done < <(find "$T/root.$mask" -type f -o -type s -o -type p)
		"$BERTH" --root "$T/root.$mask" delete --force "$ID"
	done
	umask 022
}
