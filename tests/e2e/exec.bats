#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One more process in a container: foreground, detached and named, with a terminal, from a file.

load helpers

up() {
	[ -e config.json ] || bundle sleep 1000
	command_is sleep 1000
	berth create "$ID"
	berth start "$ID"
}

# exec_probe [OPTION...]: the probe's report is in $out.
exec_probe() { berth exec "$@" "$ID" probe; }
p() { jq -r "$1" <<<"$out"; }

# bats test_tags=compat
@test "exec: output, input, and the name spaces and cgroups of the container" {
	up
	berth exec "$ID" sh -c 'echo o; echo e >&2; hostname; pwd'
	is "$(tr '\n' ' ' <"$T/out")" "o $(jq -r .hostname config.json) / "
	is "$err" e
	echo hello >"$T/in"
	berth exec "$ID" cat <"$T/in"
	is "$out" hello
	local pid kind
	pid=$(pid_of)
	exec_probe
	for kind in ipc mnt net pid uts cgroup; do
		is "$(p ".ns.$kind")" "$(readlink "/proc/$pid/ns/$kind")"
	done
	berth exec "$ID" cat /proc/self/cgroup
	is "$(sort "$T/out")" "$(berth exec "$ID" cat /proc/1/cgroup >/dev/null && sort "$T/out")"
	remove
}

# bats test_tags=compat
@test "options after the id belong to the command" {
	up
	berth exec "$ID" ls -d /proc
	is "$out" /proc
	berth exec "$ID" echo --help -d
	is "$out" "--help -d"
	remove
}

# bats test_tags=compat
@test "exec --env, --cwd, --user, --additional-gids, --cap, --no-new-privs" {
	up
	exec_probe --env A=1 --env B=2,3 -e A=4 --cwd /tmp --user 1000:2000 --additional-gids 5 --additional-gids 6
	is "$(p '.env | map(select(startswith("A=") or startswith("B="))) | sort | join(" ")')" "A=4 B=2,3"
	is "$(p .cwd)" /tmp
	is "$(p '.uid + .gid | map(tostring) | join(" ")')" "1000 1000 1000 2000 2000 2000"
	is "$(p '.groups | sort | map(tostring) | join(" ")')" "5 6"
	is "$(p .caps.effective)" 0000000000000000
	exec_probe --cap CAP_NET_RAW
	is "$(p .caps.effective)" "$(printf %016x $((1 << 29 | 1 << 5 | 1 << 10 | 1 << 13)))"
	is "$(p .caps.inheritable)" 0000000000000000
	remove
	config_edit '.process.noNewPrivileges = false'
	up
	exec_probe
	is "$(p .no_new_privs)" 0
	exec_probe --no-new-privs
	is "$(p .no_new_privs)" 1
	remove
}

# bats test_tags=compat
@test "exec --process takes all from the file" {
	up
	jq '.process | .args = ["probe"] | .cwd = "/etc" | .user = {uid: 7, gid: 8, additionalGids: [9]} | .env = ["PATH=/bin", "ONLY=this"]
		| .capabilities = {} | .rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] | .terminal = false' config.json >"$T/process.json"
	berth exec --process "$T/process.json" "$ID"
	is "$(p '.uid + .gid + .groups | map(tostring) | join(" ")')" "7 7 7 8 8 8 9"
	is "$(p .cwd)" /etc
	is "$(p '.env | map(select(startswith("ONLY"))) | join(" ")')" "ONLY=this"
	is "$(p '.rlimits.RLIMIT_NOFILE | join(" ")')" "77 88"
	is "$(p .caps.permitted)" 0000000000000000
	echo '{"args": 1}' >"$T/bad.json"
	not berth exec --process "$T/bad.json" "$ID"
	not berth exec --process "$T/none.json" "$ID"
	remove
}

# bats test_tags=compat
@test "exec in a created, not yet started container" {
	bundle sleep 1000
	berth create "$ID"
	berth exec "$ID" echo early
	is "$out" early
	is "$(state_of)" created
	berth start "$ID"
	remove
}

# bats test_tags=compat
@test "exec in a stopped container, in none, and without a command" {
	bundle true
	berth create "$ID"
	berth start "$ID"
	wait_until 5 is_state "$ID" stopped
	refused 255 'cannot exec in a stopped container' exec "$ID" true
	berth delete "$ID"
	not berth exec "$ID" true
	has "$err" "does not exist"
	up
	not berth exec "$ID"
	remove
}

# bats test_tags=compat
@test "exec -d with a pid file: the process is in the container" {
	up
	berth exec -d --pid-file "$T/pid" "$ID" sleep 555
	local pid
	pid=$(cat "$T/pid")
	is "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 555 "
	is "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$(pid_of)/ns/pid")"
	berth ps --format json "$ID"
	jq -e "index($pid)" "$T/out"
	remove
	gone "$pid"
}

# bats test_tags=compat
@test "exec -d of what does not exist: no pid file, status 255" {
	up
	refused 255 'executable file not found' exec -d --pid-file "$T/pid" "$ID" no-such-command
	[ ! -e "$T/pid" ]
	remove
}

@test "exec -d --name: listed as ID/NAME, attached to, waited for, gone with the container" {
	up
	berth exec -d --name job "$ID" sh -c 'echo started; read line; echo "got $line"; exit 21'
	printf 'input\n' | "$BERTH" --root "$STATE" attach "$ID/job" >"$T/o" 2>&1 || is $? 21
	has "$(cat "$T/o")" "got input"
	berth wait "$ID/job"
	is "$out" 21
	berth logs "$ID/job"
	has "$out" started
	refused 255 'already' exec -d --name job "$ID" true
	berth exec -d --name other "$ID" sleep 1000
	refused 1 'does not exist|no such' wait "$ID/none"
	not berth exec -d --name ../x "$ID" true
	not berth exec -d --name '' "$ID" true
	remove
}

@test "exec -d without a name gets one, and two do not meet" {
	up
	berth exec -d "$ID" sleep 1000
	berth exec -d "$ID" sleep 1000
	wait_until 5 eval 'berth ps --format json "$ID" && [ "$(jq length "$T/out")" -eq 3 ]'
	remove
}

@test "exec -d -t: a terminal that can be attached to" {
	up
	config_edit '.process.env += ["PS1=sub> "]'
	berth exec -d -t --name tty "$ID" sh
	ptydrive -t 15 'expect:sub> ' 'send:tty; stty size\r' 'expect:/dev/pts/' 'expect:24 80' 'send:exit 9\r' -- \
		"$BERTH" --root "$STATE" attach "$ID/tty" >"$T/screen" || is $? 9
	berth wait "$ID/tty"
	is "$out" 9
	remove
}

# bats test_tags=compat
@test "exec -t: a terminal of the container's own, its size, and the code" {
	up
	config_edit '.process.env += ["PS1=sub> "]'
	local rc=0
	ptydrive -t 15 -s 31x91 'expect:sub> ' 'send:stty size; tty; id -u\r' 'expect:31 91' 'expect:/dev/pts/' 'send:exit 17\r' -- \
		"$BERTH" --root "$STATE" exec -t "$ID" sh >"$T/screen" || rc=$?
	is $rc 17
	remove
}

@test "exec -t: the detach keys leave it running, under a name" {
	up
	config_edit '.process.env += ["PS1=sub> "]'
	ptydrive -t 15 'expect:sub> ' 'send:\x1d' -- "$BERTH" --root "$STATE" exec -t --name left --detach-keys 'ctrl-]' "$ID" sh >"$T/screen"
	ptydrive -t 15 'expect:sub> ' 'send:exit 4\r' -- "$BERTH" --root "$STATE" attach "$ID/left" >"$T/screen" || is $? 4
	berth wait "$ID/left"
	is "$out" 4
	remove
}

# bats test_tags=compat
@test "without -t exec has no terminal even where the container has one" {
	bundle sleep 1000
	config_edit '.process.terminal = true'
	if [ "${BERTH##*/}" = berth ]; then
		berth run -d "$ID"
	else
		skip "another runtime"
	fi
	exec_probe
	is "$(p '.fds | map(.tty) | any')" false
	remove
}

# bats test_tags=compat
@test "exec many at once" {
	up
	local i pids=()
	for i in $(seq 20); do
		"$BERTH" --root "$STATE" exec "$ID" sh -c "echo $i" >"$T/o.$i" 2>&1 </dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$(cat "$T"/o.* | sort -n | tr '\n' ' ')" "$(seq 20 | tr '\n' ' ')"
	remove
}

# bats test_tags=compat
@test "a killed foreground exec takes its process along, or leaves it to delete" {
	up
	"$BERTH" --root "$STATE" exec "$ID" sleep 777 >"$T/o" 2>&1 </dev/null &
	local runner=$!
	wait_until 5 running 1 '^sleep 777'
	kill -KILL $runner
	wait $runner || true
	is "$(state_of)" running
	remove
	running 0 '^sleep 777'
}

# bats test_tags=compat
@test "exec after the container's processes have set odd things: root by another path, full fds" {
	up
	berth exec "$ID" sh -c 'ulimit -n 64; exec probe'
	is "$(p '.rlimits.RLIMIT_NOFILE[0]')" 64
	berth exec "$ID" sh -c 'cd /proc/1/fd 2>/dev/null; exec pwd'
	remove
}

# bats test_tags=compat
@test "exec --cgroup: a cgroup below the container's, and nothing else" {
	up
	local dir init
	init=$(pid_of)
	if on_v2; then dir=$(cgroup_of "$init" -); else dir=$(cgroup_of "$init" cpuset); fi
	mkdir "$dir/sub"
	if on_v2; then
		berth exec -d --pid-file "$T/pid" --cgroup sub "$ID" sleep 1000
		has "$(cat "/proc/$(cat "$T/pid")/cgroup")" "${dir#/sys/fs/cgroup}/sub"
		not berth exec --cgroup memory:sub "$ID" true
		has "$err" "unknown controller"
	else
		cat "$dir/cpuset.cpus" >"$dir/sub/cpuset.cpus"
		cat "$dir/cpuset.mems" >"$dir/sub/cpuset.mems"
		berth exec -d --pid-file "$T/pid" --cgroup cpuset:sub "$ID" sleep 1000
		grep -q ':cpuset:.*/sub$' "/proc/$(cat "$T/pid")/cgroup"
		not grep -q ':pids:.*/sub$' "/proc/$(cat "$T/pid")/cgroup"
		not berth exec --cgroup cpuset:none "$ID" true
		has "$err" " adding pid "
	fi
	is "$(tr '\0' ' ' <"/proc/$(cat "$T/pid")/cmdline")" "sleep 1000 "
	local bad
	for bad in .. sub/../.. ../../.. ; do
		not berth exec --cgroup "$bad" "$ID" true
		has "$err" "bad sub cgroup path"
	done
	not berth exec --cgroup none "$ID" true
	has "${err,,}" " adding pid "
	has "$err" " to cgroups: "
	has "$err" "o such file or directory"
	not berth exec --cgroup nosuch:sub "$ID" true
	has "$err" "unknown controller"
	remove
	gone "$(cat "$T/pid")"
}

@test "exec follows an init that has given its own cgroup controllers" {
	on_v2 || skip "v1 has no rule against inner processes"
	need_controller pids
	up
	local dir
	dir=$(cgroup_of "$(pid_of)" -)
	mkdir "$dir/inner"
	pid_of >"$dir/inner/cgroup.procs"
	echo +pids >"$dir/cgroup.subtree_control"
	berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(cat "/proc/$(cat "$T/pid")/cgroup")" "0::${dir#/sys/fs/cgroup}/inner"
	remove
}

# bats test_tags=compat
@test "exec follows an init whose own cgroup is gone" {
	on_v2 || skip "v1 has a cgroup in each hierarchy"
	up
	local dir other=/sys/fs/cgroup/$TAG.other pid how
	dir=$(cgroup_of "$(pid_of)" -)
	mkdir "$other"
	pid_of >"$other/cgroup.procs"
	# As long as it is there it is where the limits are.
	berth exec --shim=never -d --pid-file "$T/pid" "$ID" sleep 1000
	pid=$(cat "$T/pid")
	is "$(cgroup_of "$pid" -)" "$dir"
	kill -KILL "$pid"
	wait_until 5 rmdir "$dir"
	for how in --shim=never --shim=always; do
		berth exec $how -d --pid-file "$T/pid" "$ID" sleep 1000
		is "$(cgroup_of "$(cat "$T/pid")" -)" "$other"
	done
	berth exec "$ID" cat /proc/self/cgroup
	not berth exec --cgroup sub "$ID" true
	[ ! -d "$dir" ]
	remove
	is "$(cat "$other/cgroup.procs")" ""
	wait_until 5 rmdir "$other"
}

@test "exec --pidfd-socket: the pidfd of the process, with or without a shim" {
	up
	local how
	for how in "" "-d --shim=always" "-d --shim=never"; do
		rm -f "$T/sock"
		pidfdsock "$T/sock" >"$T/message" &
		wait_until 5 test -S "$T/sock"
		# shellcheck disable=SC2086
		berth exec $how --pid-file "$T/pid" --pidfd-socket "$T/sock" "$ID" sh -c 'sleep 1; exit 0'
		wait $!
		is "$(cat "$T/message")" "setns $(cat "$T/pid")"
	done
	refused 255 'pidfd socket' exec --pidfd-socket "$T/none" "$ID" true
	remove
}

@test "create --pidfd-socket: the pidfd of init, with or without a shim" {
	bundle sleep 1000
	local shim
	for shim in always never; do
		rm -f "$T/sock"
		pidfdsock "$T/sock" >"$T/message" &
		wait_until 5 test -S "$T/sock"
		berth create --shim=$shim --pidfd-socket "$T/sock" "$ID"
		wait $!
		is "$(cat "$T/message")" "standard $(pid_of)"
		remove
	done
	refused 1 'pidfd socket' create --pidfd-socket "$T/none" "$ID"
}

# bats test_tags=compat
@test "exec --preserve-fds: the descriptors from 3 on, and only those" {
	up
	echo three >"$T/3" && echo four >"$T/4"
	berth exec --preserve-fds 2 "$ID" sh -c 'cat <&3; cat <&4; cat <&5' 3<"$T/3" 4<"$T/4" 5<"$T/4" || true
	is "$(tr '\n' ' ' <"$T/out")" "three four "
	[[ $err == *5*"Bad file descriptor"* ]] || fail "descriptor 5: $err"
	remove
}

# bats test_tags=compat
@test "exec --process: capabilities that are not given are the container's" {
	up
	jq '.process | {args: ["probe"], cwd: "/", user: {uid: 0, gid: 0}, env: ["PATH=/bin"]}' config.json >"$T/process.json"
	berth exec --process "$T/process.json" "$ID"
	is "$(p .caps.permitted)" "$(printf %016x $((1 << 29 | 1 << 5 | 1 << 10)))"
	remove
}

# bats test_tags=compat
@test "exec in a paused container is refused, or waits for it to be resumed" {
	up
	berth pause "$ID"
	not berth exec "$ID" true
	is "$status" 255
	has "$err" "cannot exec in a paused container (use --ignore-paused to override)"
	"$BERTH" --root "$STATE" exec --ignore-paused "$ID" echo thawed >"$T/o" 2>&1 </dev/null &
	local runner=$!
	wait_until 10 eval 'berth ps --format json "$ID" && [ "$(jq length "$T/out")" -ge 2 ]'
	[ ! -s "$T/o" ]
	berth resume "$ID"
	wait $runner
	is "$(cat "$T/o")" thawed
	remove
}

@test "exec --apparmor and --process-label: refused by name where the kernel has neither" {
	up
	[ -d /sys/kernel/security/apparmor ] || refused 255 'apparmor' exec --apparmor some-profile "$ID" true
	[ -e /sys/fs/selinux/enforce ] || refused 255 'selinux' exec --process-label some:label "$ID" true
	berth exec --apparmor '' --process-label '' "$ID" echo plain
	is "$out" plain
	remove
}
