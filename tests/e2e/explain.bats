#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# explain: what it says is what create then does, and it does nothing itself.

load helpers

# docker_bundle COMMAND...: a configuration as Docker writes them. Its seccomp rules name two calls only, so they are
# turned around here: everything else is allowed.
docker_bundle() {
	cp -a "$E2E_RUN/rootfs" "$BUNDLE/rootfs"
	mkdir -p "$T/src/data"
	: >"$T/src/resolv.conf"
	: >"$T/src/hostname"
	jq --arg t "$T/src" --arg id "$ID" --argjson words "$(words "$@")" '.process.args = $words | del(.hooks)
		| .mounts |= map(if .type == "bind" then .source |= ($t + "/" + split("/")[-1]) else . end)
		| .linux.seccomp.defaultAction = "SCMP_ACT_ALLOW" | del(.linux.seccomp.defaultErrnoRet)
		| .linux.cgroupsPath = "/" + $id + "/c" | del(.linux.resources.blockIO)' "$E2E_TOP/tests/fixtures/docker.json" >"$BUNDLE/config.json"
}
without_limits() { config_edit 'del(.linux.resources.memory, .linux.resources.cpu, .linux.resources.pids)'; }

# explained [OPTION...]: as JSON, in $T/explained.
explained() {
	berth explain --format json "$@" "$ID" >/dev/null || return
	cp "$T/out" "$T/explained"
	jq -e .version "$T/explained" >/dev/null || fail "not JSON"
}
ask() { jq -r "$@" "$T/explained"; }
# items SIDE STEP FILTER (STEP: how its name begins)
items() { ask --arg side "$1" --arg step "$2" ".steps[] | select(.side == \$side and (.name | startswith(\$step))) | .items[] | $3"; }

# Every path leads to something in config.json.
paths_resolve() {
	local path n=0
	while IFS= read -r path; do
		jq -e ".$path | . != null" "$BUNDLE/config.json" >/dev/null || fail "no $path in config.json"
		n=$((n + 1))
	done < <(ask '.steps[].items[].path, .notes[].path | select(. != null)' | sort -u)
	[ "$n" -gt 20 ] || fail "only $n paths"
}

# The mount points that a container with this bundle has, by explain; what is masked and not there is left alone.
expected_mounts() {
	echo /
	items init mounts .target
	items init devices 'select(.by == "bind") | .node'
	{ items init "masked and read-only paths" .target; } | while IFS= read -r path; do
		! grep -qxF -e "$path" "$T/there" || echo "$path"
	done
}

# same_mounts: run the bundle and compare with its mountinfo: mount points, types, and the four options that matter.
same_mounts() {
	local target type option line
	shell "for p in $(jq -r '(.linux.maskedPaths + .linux.readonlyPaths)[]' "$BUNDLE/config.json" | tr '\n' ' '); do [ ! -e \$p ] || echo there \$p; done; cat /proc/self/mountinfo"
	explained --shim=never
	berth run "$ID"
	sed -n 's/^there //p' "$T/out" >"$T/there"
	grep -v '^there ' "$T/out" >"$T/mountinfo"
	diff -u <(expected_mounts | sort) <(awk '{ print $5 }' "$T/mountinfo" | sort) || fail "the mounts differ"
	while read -r target type; do
		# The last one at that place is the one that is seen.
		line=$(awk -v t="$target" '$5 == t' "$T/mountinfo" | tail -1)
		[ "$type" = bind ] || is "$target $(sed 's/.* - //; s/ .*//' <<<"$line")" "$target $type"
		for option in nosuid nodev noexec ro; do
			if items init mounts "select(.target == \"$target\") | .options // [] | .[]" | grep -qx "$option"; then
				[[ ,$(cut -d' ' -f6 <<<"$line"), == *,$option,* ]] || fail "$target is not $option: $line"
			fi
		done
	done < <(items init mounts '"\(.target) \(.type)"')
	# In the order of the configuration.
	diff -u <(jq -r '.mounts[].destination' "$BUNDLE/config.json") <(items init mounts '"\(.path) \(.target)"' | awk '!seen[$1]++ { print $2 }')
}

@test "the mounts are those of the container: the standard configuration" {
	bundle true
	same_mounts
}

@test "the mounts are those of the container: a Docker-shaped configuration" {
	docker_bundle true
	without_limits
	same_mounts
}

@test "every path is one of config.json, and every kind is documented" {
	bundle true
	explained
	paths_resolve
	docker_bundle true
	without_limits
	config_edit '.hooks = {"createRuntime": [{"path": "/bin/true"}], "poststop": [{"path": "/bin/true"}]}'
	explained
	paths_resolve
	is "$(ask '[.steps[].items[] | select(.kind == null)] | length')" 0
	for kind in $(ask '.steps[].items[].kind' | sort -u); do
		grep -qF -e "\`$kind\`" "$E2E_TOP/docs/EXPLAIN.md" || fail "docs/EXPLAIN.md does not know $kind"
	done
}

@test "the steps are those that create runs" {
	bundle true
	explained
	GLOBAL=(--debug)
	berth create --shim=never "$ID"
	diff -u <(ask '.steps[] | select(.side == "create") | .name') <(sed -n 's/.*create: \(.*\): done .*/\1/p' "$T/err") || fail "the creator's steps differ"
	diff -u <(ask '.steps[] | select(.side == "init") | .name' | head -17) <(sed -n 's/.*msg="init: \(.*\): done .*/\1/p' "$T/err" | head -17) ||
		fail "init's steps differ"
	GLOBAL=()
	remove
}

# each_write CHECK: every write of explain is read back from the file that it names, as the kernel shows it.
each_write() {
	local file value got n=0
	while IFS=$'\t' read -r file value; do
		got=$(cat "$file")
		case $file in
		*/cpu.max | */memory.max | */memory.swap.max | */pids.max | */cpu.weight) ;;
		*/memory.*limit_in_bytes | */cpu.shares | */cpu.cfs_*) ;;
		*) fail "what is $file?" ;;
		esac
		is "$file $got" "$file $value"
		n=$((n + 1))
	done < <(items create "cgroup and limits" 'select(.kind == "write" and (.["if-there"] | not)) | "\(.file)\t\(.value)"')
	is "$n" "$1"
}

@test "the cgroup is where it says, and its files have the values it says" {
	need_controller memory
	need_controller cpu
	need_controller pids
	docker_bundle sleep 1000
	config_edit 'del(.linux.resources.memory.swap)'
	explained
	while IFS= read -r d; do [ ! -e "$d" ] || fail "$d was made"; done < <(items create "cgroup and limits" '.directory // empty')
	berth create "$ID"
	while IFS= read -r d; do [ -d "$d" ] || fail "there is no $d"; done < <(items create "cgroup and limits" '.directory // empty')
	on_v2 && each_write 4 || each_write 5
	remove
}

@test "a limit without its controller is refused, by explain as by create" {
	has_controller memory && skip "the memory controller is here"
	docker_bundle true
	berth explain "$ID" || true
	is "$status" 1
	has "$out" 'refused    cannot set memory'
	refused 1 'cannot set memory' create "$ID"
}

@test "credentials, limits, program, hooks in order" {
	bundle sh -c 'grep -E "^(Uid|Gid|Groups|CapBnd|CapEff|NoNewPrivs):" /proc/self/status; ulimit -n; hostname'
	config_edit '.process.user = {uid: 5, gid: 6, additionalGids: [7]} | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]
		| .hostname = "exp" | .hooks = {createRuntime: [{path: "/bin/true"}, {path: "/bin/false", args: ["false", "x"], timeout: 3}]}'
	explained
	is "$(items init credentials 'select(.kind == "user") | "\(.uid) \(.gid) \(.groups[])"')" "5 6 7"
	is "$(items init credentials 'select(.set == "effective") | .names | sort | join(" ")')" "$(jq -r '.process.capabilities.effective | sort | join(" ")' config.json)"
	is "$(items create "rlimits" '"\(.type) \(.soft) \(.hard)"')" "RLIMIT_NOFILE 77 88"
	is "$(items init "hostname, domainname, umask" '.name // empty')" exp
	is "$(items init "find the program" 'select(.args) | .args | join(" ")')" "$(jq -r '.process.args | join(" ")' config.json)"
	is "$(items create "prestart and createRuntime hooks" '"\(.path) \(.program) \(.timeout)"')" $'hooks.createRuntime[0] /bin/true null\nhooks.createRuntime[1] /bin/false 3'
}

@test "the options of create change what it says" {
	bundle true
	explained --shim=never
	is "$(ask '.steps[].items[] | select(.kind == "shim") | .wanted')" no
	is "$(items init "change root" '.by // empty')" pivot_root
	explained --shim=always --no-pivot --no-new-keyring
	is "$(ask '.steps[].items[] | select(.kind == "shim") | .wanted')" yes
	is "$(items init "change root" '.by // empty')" "move and chroot"
	is "$(items init "session and keyring" .session)" "the caller's"
}

# notes KIND [PATH]
notes() { ask --arg k "$1" '.notes[] | select(.kind == $k) | "\(.text) @\(.path)"'; }

@test "what is dangerous is named" {
	bundle true
	explained
	has "$(notes danger)" 'no user namespace @process.user.uid'
	has "$(notes danger)" 'linux.seccomp is absent'
	hasnt "$(notes danger)" CAP_SYS_ADMIN
	hasnt "$(notes danger)" docker.sock
	hasnt "$(notes danger)" '/proc/sys can be written'
	mkdir "$T/run"
	config_edit '.process.capabilities.bounding += ["CAP_SYS_ADMIN"] | .linux.namespaces |= map(select(.type != "network" and .type != "pid"))
		| .mounts += [{destination: "/d", type: "bind", source: "/var/run/docker.sock", options: ["rbind", "rshared"]}]
		| .linux.resources.devices = [{allow: true, access: "rwm"}] | .linux.rootfsPropagation = "rshared" | del(.linux.readonlyPaths, .linux.maskedPaths)
		| .process.noNewPrivileges = false'
	explained || true
	has "$(notes danger)" 'CAP_SYS_ADMIN: '
	has "$(notes danger)" 'no network namespace'
	has "$(notes danger)" 'no pid namespace'
	has "$(notes danger)" '/var/run/docker.sock is bound from the host: who may write to it is root of the host @mounts[7]'
	has "$(notes danger)" '/d is shared'
	has "$(notes danger)" 'all devices are allowed'
	has "$(notes danger)" 'shared: what the container mounts'
	has "$(notes danger)" '/proc/sys can be written'
	has "$(notes danger)" 'linux.maskedPaths is absent'
	has "$(notes danger)" 'process.noNewPrivileges is off'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	explained || true
	hasnt "$(notes danger)" CAP_SYS_ADMIN
	hasnt "$(notes danger)" 'no user namespace'
}

# as_user ARG...: an ordinary user without subordinate ids.
as_user() {
	status=0
	(cd "$BUNDLE" && timeout --foreground -k 5 "$CMD_TIMEOUT" setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all \
		env -i PATH="$PATH" HOME=/tmp "$BERTH" --root "$T/nowhere" "$@") >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n' "${out:0:800}" "$err"
	return $status
}

@test "an ordinary user: what create would refuse is listed, and the rest told all the same" {
	bundle true
	as_user explain "$ID" || true
	is "$status" 1
	is "$err" ""
	has "$out" 'refused    rootless container requires user namespaces'
	has "$out" 'mount         /proc'
	rm config.json
	chmod 777 .
	as_user spec --rootless
	as_user explain --format json "$ID"
	cp "$T/out" "$T/explained"
	is "$(ask .refused)" false
	is "$(items create "id maps" 'select(.map) | "\(.kind) \(.map) \(.by)"')" $'uid_map 0 7002 1 write\ngid_map 0 7002 1 write'
	is "$(items create "id maps" 'select(.kind == "setgroups") | .value')" deny
	[ ! -e "$T/nowhere" ] || fail "a state directory was made"
	config_edit '.linux.uidMappings[0].size = 2'
	as_user explain --format json "$ID" || true
	cp "$T/out" "$T/explained"
	has "$(items create "id maps" 'select(.kind == "uid_map") | .by')" newuidmap
}

@test "nothing is made: no call that makes or mounts succeeds" {
	command -v strace >/dev/null || skip "no strace here"
	docker_bundle true
	without_limits
	strace -f -qq -o "$T/trace" -e trace=mkdir,mkdirat,mount,umount2,move_mount,fsopen,fsmount,open_tree,mount_setattr,mknod,mknodat,symlink,symlinkat,link,linkat,unlink,unlinkat,rmdir,rename,renameat,renameat2,unshare,setns,pivot_root,chroot,bpf,sethostname,execve,creat,chmod,fchmod,chown,fchownat \
		"$BERTH" --root "$STATE" explain "$ID" >"$T/out"
	[ -s "$T/trace" ] || fail "nothing was traced"
	grep -c '= 0$' "$T/trace" | grep -qx 1 || fail "$(grep '= 0$' "$T/trace")" # its own execve
	hasnt "$(grep -v execve "$T/trace")" '= 3'
	is "$(find "$STATE" -mindepth 1)" ""
}

@test "refusals: an id that exists, one that is none, a format, a bundle that is none" {
	bundle sleep 1000
	berth create "$ID"
	berth explain "$ID" || true
	is "$status" 1
	has "$out" 'already exists'
	remove
	berth explain
	refused 1 'invalid' explain '../x'
	refused 1 'text, json' explain --format yaml "$ID"
	printf '{' >config.json
	refused 1 'config.json' explain "$ID"
	rm config.json
	refused 1 'config.json' explain "$ID"
}
