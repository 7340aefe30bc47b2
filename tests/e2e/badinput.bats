#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bad input: one line that says what and where, exit status 1, and nothing left behind. The check that nothing is left
# is that of every test (see helpers.bash); here it also covers what failed half-way.

load helpers

# reject TEXT [JQ...]: the edited bundle must be refused by create and by run.
reject() {
	local text=$1
	shift
	cp "$BUNDLE/config.json" "$T/saved"
	config_edit "$@"
	refused 1 "$text" create "$ID"
	refused 1 "$text" run "$ID"
	nothing_left
	cp "$T/saved" "$BUNDLE/config.json"
}

nothing_left() {
	is "$(find "$STATE" -mindepth 1 -not -name '.*')" ""
	# Somebody who was reaped by pid 1 may take a moment to be gone from /proc.
	wait_until 2 eval '[ -z "$(residue)" ]' || fail "left behind: $(residue)"
}

# bats test_tags=compat
@test "a missing config.json" {
	refused 1 'config\.json' create "$ID"
	has "${err,,}" "no such file or directory"
	mkdir "$T/empty"
	refused 1 'config\.json' create --bundle "$T/empty" "$ID"
	refused 1 "no such file or directory" create --bundle "$T/none" "$ID"
}

@test "a config.json that is no regular file" {
	mkdir config.json
	refused 1 'config\.json' create "$ID"
	rmdir config.json
	mkfifo config.json
	refused 1 'config\.json' create "$ID"
	rm config.json
	ln -s /dev/zero config.json
	refused 1 'config\.json' create "$ID"
	rm config.json
	ln -s config.json config.json
	refused 1 'config\.json' create "$ID"
	rm config.json
}

@test "a syntax error, with its place" {
	bundle true
	local text
	for text in '' '{' '[]' 'null' '"x"' '1' '{"ociVersion": }' '{"a":1,}' '{"a":1}}' '{"a":1} x' '// c
{}' '{"a":01}' '{"a":NaN}' '{"a":0x10}' '{'\''a'\'':1}'; do
		printf %s "$text" >config.json
		refused 1 'config\.json' create "$ID"
	done
	bundle_text=$(jq . "$BUNDLE/config.json" 2>/dev/null || true)
	nothing_left
}

@test "a config.json cut off at any place is refused" {
	bundle true
	local size n
	cp config.json "$T/whole"
	size=$(stat -c %s config.json)
	for n in $(seq 0 $((size / 25)) $((size - 3))); do
		head -c "$n" "$T/whole" >config.json
		refused 1 'config\.json' create "$ID"
	done
	nothing_left
}

@test "doubled keys, NUL escapes, raw control characters and broken UTF-8" {
	bundle true
	cp config.json "$T/good"
	sed 's/"ociVersion"/"hostname": "a", "ociVersion"/' "$T/good" >config.json
	refused 1 'hostname' create "$ID"
	sed 's/"true"/"tr\\u0000ue"/' "$T/good" >config.json
	grep -q u0000 config.json
	refused 1 'config\.json' create "$ID"
	printf '{"ociVersion":"1.0.0\001"}' >config.json
	refused 1 'config\.json' create "$ID"
	printf '{"ociVersion":"1.0.0\377"}' >config.json
	refused 1 'config\.json' create "$ID"
	nothing_left
}

@test "too deep, too large" {
	bundle true
	{ printf '{"a":' && head -c 100000 /dev/zero | tr '\0' '['; } >config.json
	refused 1 'config\.json' create "$ID"
	truncate -s 1G config.json
	refused 1 'config\.json' create "$ID"
	rm config.json
}

@test "wrong types, each with its JSON path" {
	bundle true
	reject 'process\.args' '.process.args = "true"'
	reject 'process\.args\[0\]' '.process.args = [1]'
	reject 'process\.user\.uid' '.process.user.uid = "1000"'
	reject 'process\.user\.uid' '.process.user.uid = true'
	reject 'process\.user\.uid' '.process.user.uid = [0]'
	reject 'process\.user\.uid' '.process.user.uid = 1.5'
	reject 'process\.user\.uid' '.process.user.uid = -1'
	reject 'process\.user\.uid' '.process.user.uid = 4294967295'
	reject 'process\.user\.uid' '.process.user.uid = 4294967296'
	reject 'process\.user\.gid' '.process.user.gid = 4294967295'
	reject 'process\.user\.additionalGids\[1\]' '.process.user.additionalGids = [1, "2"]'
	reject 'process\.noNewPrivileges' '.process.noNewPrivileges = "true"'
	reject 'process\.capabilities' '.process.capabilities = "x"'
	reject 'process\.env\[0\]' '.process.env = [7]'
	reject 'process\.cwd' '.process.cwd = 7'
	reject 'root' '.root = "rootfs"'
	reject 'root\.readonly' '.root.readonly = 1'
	reject 'mounts' '.mounts = {}'
	reject 'mounts\[0\]\.destination' '.mounts[0].destination = 1'
	reject 'mounts\[1\]\.options' '.mounts[1].options = "ro"'
	reject 'linux\.resources\.memory\.limit' '.linux.resources.memory.limit = "1M"'
	reject 'linux\.resources\.pids\.limit' '.linux.resources.pids.limit = {}'
	reject 'hostname' '.hostname = []'
	reject 'linux\.namespaces' '.linux.namespaces = "pid"'
	reject 'annotations' '.annotations = {"a": 1}'
}

# bats test_tags=compat
@test "unknown and doubled name spaces" {
	bundle true
	reject 'namespace.*"?foo' '.linux.namespaces += [{type: "foo"}]'
	reject 'pid' '.linux.namespaces += [{type: "pid"}]'
}

@test "values that mean nothing are refused by name" {
	bundle true
	reject 'RLIMIT_FROB' '.process.rlimits = [{type: "RLIMIT_FROB", soft: 1, hard: 1}]'
	reject 'process\.rlimits' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 10, hard: 1}]'
	reject 'process\.rlimits' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1, hard: 1}, {type: "RLIMIT_NOFILE", soft: 1, hard: 1}]'
	reject 'frobnicate' '.mounts += [{destination: "/x", type: "tmpfs", source: "tmpfs", options: ["frobnicate"]}]'
	reject 'sideways' '.linux.rootfsPropagation = "sideways"'
	reject 'SCMP_ACT_FROB' '.linux.seccomp = {defaultAction: "SCMP_ACT_FROB"}'
	reject 'kernel\.frob' '.linux.sysctl = {"kernel.frob": "1"}'
	reject 'ociVersion' '.ociVersion = "99.0.0"'
	reject 'ociVersion' 'del(.ociVersion)'
	reject 'oomScoreAdj' '.process.oomScoreAdj = 5000'
	reject 'umask' '.process.user.umask = 4096'
	reject 'hostname' '.hostname = ("x" * 65)'
}

@test "an unknown capability is only told of" {
	bundle true
	config_edit '.process.capabilities.bounding += ["CAP_FROB"]'
	berth run "$ID"
	grep -q 'level=warning.*CAP_FROB' "$T/err"
	is "$(wc -l <"$T/err")" 1
}

@test "a field that is not supported yet is refused by name" {
	bundle true
	reject 'intelRdt' '.linux.intelRdt = {closID: "x"}'
}

@test "what process must have" {
	bundle true
	reject 'process' 'del(.process)'
	reject 'args' '.process.args = []'
	reject 'args' 'del(.process.args)'
	reject 'executable file not found' '.process.args = [""]'
	reject 'cwd' '.process.cwd = ""'
	reject 'cwd' '.process.cwd = "relative"'
	reject 'cwd' 'del(.process.cwd)'
	reject 'env' '.process.env = ["=x"]'
	reject 'env' '.process.env = ["novalue"]'
	reject 'root' 'del(.root)'
}

# bats test_tags=compat
@test "a missing root file system" {
	bundle true
	reject 'none' '.root.path = "none"'
	has "${err,,}" "no such file or directory"
}

@test "a root file system that is a file" {
	bundle true
	: >"$BUNDLE/afile"
	reject 'afile' '.root.path = "afile"'
}

# bats test_tags=compat
@test "a missing binary is found at create, with the words that managers match" {
	bundle true
	reject 'executable file not found in \$PATH' '.process.args = ["no-such-command"]'
	has "$err" 'no-such-command'
	reject 'no such file or directory' '.process.args = ["/no/such/command"]'
}

@test "a missing binary: the errno text ends the line" {
	bundle true
	reject 'executable file not found in \$PATH.*no such file or directory' '.process.args = ["no-such-command"]'
}

# bats test_tags=compat
@test "a binary that may not be executed" {
	bundle true
	: >"$BUNDLE/rootfs/bin/noexec"
	reject 'permission denied' '.process.args = ["/bin/noexec"]'
}

@test "a binary that is a directory" {
	bundle true
	reject 'permission denied|is a directory|not a regular file' '.process.args = ["/bin"]'
}

@test "a mount target through a symlink that leaves the root stays inside or is refused" {
	bundle true
	mkdir "$T/outside"
	ln -s "$T/outside" "$BUNDLE/rootfs/escape"
	mkdir "$T/src" && echo canary >"$T/src/f"
	config_edit --arg s "$T/src" '.mounts += [{destination: "/escape/deep", type: "bind", source: $s, options: ["bind"]}]'
	writable
	berth run "$ID" || true
	is "$(ls -A "$T/outside")" ""
	config_edit '.mounts[-1].destination = "/../../../escape/x"'
	berth run "$ID" || true
	is "$(ls -A "$T/outside")" ""
}

# bats test_tags=compat
@test "a proc target that is a symlink is refused" {
	bundle true
	rmdir "$BUNDLE/rootfs/proc"
	mkdir "$BUNDLE/rootfs/elsewhere"
	ln -s elsewhere "$BUNDLE/rootfs/proc"
	reject 'must be mounted on ordinary directory' .
	rm "$BUNDLE/rootfs/proc"
	ln -s / "$BUNDLE/rootfs/proc"
	reject 'must be mounted on ordinary directory|not a directory|symbolic link|symlink' .
}

# bats test_tags=compat
@test "a mount source that does not exist" {
	bundle true
	reject '/no/such/source' '.mounts += [{destination: "/data", type: "bind", source: "/no/such/source", options: ["bind"]}]'
	has "${err,,}" "no such file or directory"
}

@test "bad ids" {
	bundle true
	local id long
	long=$(printf 'x%.0s' {1..300})
	for id in ../x a/b . .. .hid -- 'a b' 'a;b' 'a%sb' 'é' 'a\b' $'a\nb' "$long"; do
		refused 1 'id|usage|argument' create --bundle "$BUNDLE" -- "$id"
		refused 1 'id|usage|argument|does not exist' state -- "$id"
		refused 1 'id|usage|argument|does not exist' delete -- "$id"
	done
	refused 1 'container id cannot be empty' create ''
	refused 1 'invalid container id format' create ../x
	[ ! -e "$STATE/../x" ]
}

# bats test_tags=compat
@test "an id in use, and the container that has it goes on" {
	bundle sleep 100
	berth create "$ID"
	berth start "$ID"
	refused 1 'container with given id already exists' create "$ID"
	refused 1 'container with given id already exists' run "$ID"
	is "$(state_of)" running
	remove
}

@test "a hook that fails stops the create, with its number and its words" {
	bundle true
	printf '#!/bin/sh\necho hook speaks >&2\nexit 3\n' >"$T/hook"
	chmod 755 "$T/hook"
	local kind
	for kind in prestart createRuntime createContainer; do
		config_edit --arg h "$T/hook" --arg k "$kind" '.hooks = {($k): [{path: "/bin/true"}, {path: $h}]}'
		refused 1 "error running $kind hook #1:.*" create "$ID"
		has "$err" "hook speaks"
		nothing_left
	done
	config_edit '.hooks = {startContainer: [{path: "/bin/false"}]}'
	refused 1 'error running startContainer hook #0' run "$ID"
	nothing_left
	config_edit --arg h "$T/hook" '.hooks = {poststart: [{path: $h}]}'
	refused 1 'error running poststart hook #0' run "$ID"
	nothing_left
}

# bats test_tags=compat
@test "a hook that does not exist" {
	bundle true
	reject 'no such file or directory' '.hooks = {prestart: [{path: "/no/such/hook"}]}'
	reject 'no such file or directory' '.hooks = {createRuntime: [{path: "/no/such/hook"}]}'
}

@test "a hook that takes too long is killed with all it started" {
	bundle true
	printf '#!/bin/sh\nsleep 311 &\nexec sleep 312\n' >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {prestart: [{path: $h, timeout: 1}]}'
	refused 1 'error running prestart hook #0.*(timed out|timeout|deadline)' create "$ID"
	not pgrep -f '^sleep 31[12]'
	nothing_left
}

@test "a hook with a bad timeout or a relative path is refused" {
	bundle true
	reject 'hooks\.prestart\[0\]\.timeout' '.hooks = {prestart: [{path: "/bin/true", timeout: 0}]}'
	reject 'hooks\.prestart\[0\]\.timeout' '.hooks = {prestart: [{path: "/bin/true", timeout: -1}]}'
	reject 'hooks\.poststop\[0\]\.path' '.hooks = {poststop: [{path: "bin/true"}]}'
}

@test "a state root that somebody else owns or may write to is refused" {
	bundle true
	chown 7001 "$STATE"
	refused 1 "(belongs to|is owned by) uid 7001" create "$ID"
	refused 1 "(belongs to|is owned by) uid 7001" list
	chown 0 "$STATE"
	chmod 777 "$STATE"
	refused 1 "writ|mode|permission" create "$ID"
	chmod 700 "$STATE"
	is "$(ls -A "$STATE")" ""
}

@test "a state directory that somebody else has put there is refused and not touched" {
	bundle true
	mkdir "$T/theirs"
	: >"$T/theirs/file"
	ln -s "$T/theirs" "$STATE/$ID"
	not berth create "$ID"
	not berth state "$ID"
	not berth delete "$ID"
	berth delete --force "$ID" || true
	[ -e "$T/theirs/file" ]
	rm -f "$STATE/$ID"
	: >"$STATE/$ID"
	not berth create "$ID"
	not berth state "$ID"
	rm -f "$STATE/$ID"
	mkdir "$STATE/$ID"
	chown 7001 "$STATE/$ID"
	not berth create "$ID"
	not berth state "$ID"
	rmdir "$STATE/$ID"
}

@test "garbage in a state directory: said so, and --force cleans it" {
	bundle sleep 100
	berth create "$ID"
	local pid
	pid=$(pid_of)
	cp "$STATE/$ID/state.json" "$T/state.json"
	echo '{"garbage' >"$STATE/$ID/state.json"
	not berth state "$ID"
	not berth start "$ID"
	berth delete --force "$ID"
	gone "$pid"
}

@test "no privileges: an ordinary user without a user name space is told so" {
	bundle true
	mkdir "$T/uroot"
	chown 7001 "$T/uroot"
	chmod -R a+rX "$BUNDLE"
	local rc=0
	setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -u XDG_RUNTIME_DIR \
		"$BERTH" --root "$T/uroot" create --bundle "$BUNDLE" "$ID" 2>"$T/err" || rc=$?
	is $rc 1
	is "$(wc -l <"$T/err")" 1
	chown 7002 "$T/uroot"
	rc=0
	setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -u XDG_RUNTIME_DIR \
		"$BERTH" --root "$T/uroot" create --bundle "$BUNDLE" "$ID" 2>"$T/err" || rc=$?
	is $rc 1
	is "$(wc -l <"$T/err")" 1
	grep -qi 'user namespace' "$T/err"
	is "$(ls -A "$T/uroot")" ""
}

@test "no privileges: root without capabilities is told what is missing" {
	bundle true
	# Not beside the cgroups of other tests, which come and go with the directory that they share.
	config_edit --arg path "/$ID" '.linux.cgroupsPath = $path'
	local rc=0
	setpriv --bounding-set=-all --inh-caps=-all "$BERTH" --root "$STATE" create "$ID" 2>"$T/err" </dev/null || rc=$?
	is $rc 1
	cat "$T/err"
	is "$(wc -l <"$T/err")" 1
	grep -Eqi 'not permitted|permission denied|capabilit' "$T/err"
	nothing_left
}

@test "cgroup paths that leave or hit what is not ours are refused" {
	bundle true
	reject 'cgroupsPath' '.linux.cgroupsPath = "/../../x"'
	reject 'cgroup' '.linux.cgroupsPath = "/"'
	reject 'unified|cgroup' '.linux.resources.unified = {"../x": "1"}'
	reject 'unified|cgroup' '.linux.resources.unified = {"cgroup.procs": "1"}'
	reject 'pageSize|hugepage' '.linux.resources.hugepageLimits = [{pageSize: "../../x", limit: 1}]'
}

@test "a name space path of the wrong type or none" {
	bundle true
	reject 'network' '.linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/ipc" else . end)'
	reject 'no such file' '.linux.namespaces |= map(if .type == "network" then .path = "/no/such/ns" else . end)'
	reject 'path' '.linux.namespaces |= map(if .type == "network" then .path = "relative" else . end)'
}

# bats test_tags=compat
@test "terminal and console socket must fit together" {
	bundle true
	config_edit '.process.terminal = true'
	[ "${BERTH##*/}" = berth ] || GLOBAL+=()
	if [ "${BERTH##*/}" = berth ]; then
		refused 1 'cannot allocate tty if .* will detach without setting console socket' create --shim=never "$ID"
	else
		refused 1 'cannot allocate tty if .* will detach without setting console socket' create "$ID"
	fi
	config_edit '.process.terminal = false'
	refused 1 'cannot use console socket if .* will not detach or allocate tty' create --console-socket "$T/c" "$ID"
}

@test "user id mappings that contradict each other" {
	bundle true
	reject 'uidMappings|mappings' '.linux.namespaces += [{type: "user"}]'
	reject 'size' '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 0}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}]'
	reject 'uid' '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}] | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 10}] | .process.user.uid = 50'
}

@test "the systemd cgroup driver without systemd is refused by name, not ignored" {
	bundle true
	config_edit 'del(.linux.cgroupsPath)'
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs none /run/systemd 2>/dev/null; exec "$@"' sh \
		"$BERTH" --root "$STATE" --systemd-cgroup create "$ID" >"$T/out" 2>"$T/err" && fail "it was accepted"
	cat "$T/err"
	grep -Eq 'the systemd cgroup driver needs (systemd|libsystemd)' "$T/err"
	is "$(wc -l <"$T/err")" 1
	nothing_left
}

@test "numbers at the edges of 32 and 64 bits are exact, or refused" {
	bundle true
	local n
	for n in 18446744073709551616 1e400 -1e400 1.5 '"5"' 1e3 5.0; do
		# By hand: jq has doubles.
		config_edit 'del(.linux.resources) | .linux.resources.pids.limit = 77777'
		sed -i "s/77777/$n/" config.json
		refused 1 'linux.resources.pids.limit: (expected an integer|out of range)' create "$ID"
	done
	for n in -1 4294967295 4294967296 9007199254740993 9223372036854775807 18446744073709551615; do
		config_edit 'del(.linux.resources) | .process.user.uid = 77777'
		sed -i "s/77777/$n/" config.json
		refused 1 'process.user.uid: out of range 0..4294967294' create "$ID"
	done
	config_edit '.process.user.uid = 0 | .process.rlimits = [{type: "RLIMIT_FSIZE", soft: 77777, hard: 88888}]'
	sed -i 's/77777/9007199254740993/; s/88888/9223372036854775807/' config.json
	command_raw_probe
	is "$(jq -r '.rlimits.RLIMIT_FSIZE | join(" ")' <<<"$out")" "9007199254740993 9223372036854775807"
	sed -i 's/9223372036854775807/18446744073709551615/' config.json
	berth run "$ID"
	is "$(jq -r '.rlimits.RLIMIT_FSIZE | join(" ")' <<<"$out")" "9007199254740993 18446744073709551615"
}

# The probe in place of "true", without jq, which would round the numbers of the file.
command_raw_probe() {
	sed -i 's/"true"$/"probe"/' config.json
	grep -q '"probe"' config.json
	berth run "$ID"
}
