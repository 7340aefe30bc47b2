#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: help, version, options, formats and the log.

load helpers

COMMANDS="create start state list ps kill stop delete pause resume exec attach wait logs run spec features gc update events explain check"

# berth without a state root.
plain() {
	status=0
	timeout 20 "$BERTH" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '+ %s\n%s\n%s\n' "$*" "$out" "$err"
	return $status
}

@test "--help of the program" {
	local how
	for how in --help -h help; do
		plain $how
		is "$(sed -n 1p "$T/out")" "NAME:"
		[[ $(sed -n 2p "$T/out") =~ ^[[:space:]]*berth\ - ]]
		local c
		for c in $COMMANDS; do grep -qE "^ +$c\b" "$T/out" || fail "$c is not listed"; done
		is "$err" ""
	done
	plain
	is "$(sed -n 1p "$T/out")" "NAME:"
}

@test "--help of each command" {
	local c
	for c in $COMMANDS; do
		plain "$c" --help
		is "$(sed -n 1p "$T/out")" "NAME:"
		[[ $(sed -n 2p "$T/out") =~ ^[[:space:]]*berth\ $c\ -\  ]]
		plain "$c" -h
		plain help "$c"
		[[ $(sed -n 2p "$T/out") =~ ^[[:space:]]*berth\ $c\ -\  ]]
	done
	not plain help foo
	has "$out$err" "No help topic for 'foo'"
}

# bats test_tags=compat
@test "--version has the lines that callers parse" {
	plain --version
	[[ $(sed -n 1p "$T/out") =~ ^[a-z]+\ version\ [0-9]+\.[0-9]+ ]]
	grep -qE '^commit: [^ ]+' "$T/out"
	grep -qE '^spec: 1\.[0-9]+\.[0-9]+' "$T/out"
	is "$err" ""
	plain -v
}

@test "--version names libseccomp" {
	plain --version
	is "$(sed -n 1p "$T/out" | cut -d' ' -f1)" berth
	grep -qE '^libseccomp: [0-9]+\.[0-9]+\.[0-9]+$' "$T/out"
}

@test "unknown command, unknown option and missing value are named" {
	not plain frobnicate
	has "$out$err" frobnicate
	not plain --frobnicate list
	has "$out$err" frobnicate
	not plain create --frobnicate x
	has "$out$err" frobnicate
	not plain create x --bundle
	[[ $out$err == *"flag needs an argument"* || $out$err == *"requires an argument"* ]]
	not plain --root
	[[ $out$err == *"flag needs an argument"* || $out$err == *"requires an argument"* ]]
}

@test "the number of arguments is checked" {
	local c
	for c in create start state kill delete pause resume run; do
		not plain "$c"
		is "$status" 1
		grep -Eq "^(time=.*)?.*\"$c\" requires" "$T/err" || fail "no word of the number of arguments: $err"
		has "$out" "Incorrect Usage."
	done
	not plain state a b
	has "$err" '"state" requires exactly 1 argument'
}

# bats test_tags=compat
@test "global options with one dash, with =, and booleans with a value" {
	plain -root "$STATE" list -q
	plain --root="$STATE" --debug=false list
	plain -root="$STATE" -log-format=json --rootless=false --systemd-cgroup=false list --quiet
}

# bats test_tags=compat
@test "--cgroup-manager: cgroupfs, disabled, and what is refused" {
	bundle sleep 1000
	config_edit --arg path "/$TAG" '.linux.cgroupsPath = $path'
	GLOBAL=(--cgroup-manager=cgroupfs)
	berth run -d "$ID"
	has "$(cat "/proc/$(pid_of)/cgroup")" ":/$TAG"
	remove
	GLOBAL=(--cgroup-manager disabled)
	berth run -d "$ID"
	is "$(cat "/proc/$(pid_of)/cgroup")" "$(cat /proc/self/cgroup)"
	# The others need not be told.
	GLOBAL=()
	berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(cat "/proc/$(cat "$T/pid")/cgroup")" "$(cat /proc/self/cgroup)"
	is "$(find /sys/fs/cgroup -name "*$TAG*")" ""
	refused 1 'runs without a cgroup \(cgroups are disabled\)' pause "$ID"
	berth events --stats "$ID"
	is "$(jq -c '.data.cpu.usage' "$T/out")" '{"kernel":0,"user":0}'
	has "$err" "without a cgroup of its own"
	remove
	gone "$(cat "$T/pid")"
	config_edit '.linux.resources.pids.limit = 10'
	GLOBAL=(--cgroup-manager disabled)
	refused 1 'limits were asked for, and cgroups are disabled' create "$ID"
	GLOBAL=(--cgroup-manager=none)
	refused 1 'cgroup-manager: "none" is none of' list
	GLOBAL=(--cgroup-manager=cgroupfs --systemd-cgroup)
	refused 1 'contradicts --systemd-cgroup' list
}

# bats test_tags=compat
@test "an unknown log format is refused" {
	not plain --log-format xml list
	has "$err" "invalid log-format"
}

# bats test_tags=compat
@test "--root / is refused, and so is an empty one" {
	not plain --root / list
	has "$err" "Option --root argument should not be set to /"
	not plain --root '' list
}

# bats test_tags=compat
@test "an explicit root that does not exist is an error for list" {
	not plain --root "$T/none" list
	[ -n "$err" ]
	[ ! -e "$T/none" ]
}

@test "the default root is /run/berth, private, and empty is no error" {
	plain list -q
	is "$out" ""
	bundle sleep 100
	plain create --bundle "$BUNDLE" "$ID"
	is "$(stat -c %a /run/berth)" 700
	plain list -q
	is "$out" "$ID"
	plain delete --force "$ID"
	rm -rf /run/berth
}

# bats test_tags=compat
@test "list: table, quiet and JSON" {
	berth list --format json
	is "$out" null
	berth list
	[[ $out =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER$ ]]
	bundle sleep 100
	config_edit '.annotations = {"org.example.a": "b"}'
	berth create "$ID-1"
	berth create "$ID-2"
	berth start "$ID-2"
	berth list
	is "$(wc -l <"$T/out")" 3
	local line
	line=$(grep "^$ID-2 " "$T/out")
	[[ $line =~ ^$ID-2\ +[0-9]+\ +running\ +$BUNDLE\ +20[0-9T:.-]+Z\ +root ]]
	grep -qE "^$ID-1 +[0-9]+ +created +" "$T/out"
	berth list -q
	is "$(sort "$T/out" | tr '\n' ' ')" "$ID-1 $ID-2 "
	berth list -f json
	is "$(wc -l <"$T/out")" "$(grep -c . "$T/out")"
	is "$(jq -r 'sort_by(.id) | map(.id + ":" + .status + ":" + .owner) | join(" ")' "$T/out")" "$ID-1:created:root $ID-2:running:root"
	is "$(jq -r '.[0].annotations["org.example.a"]' "$T/out")" b
	is "$(jq -r '.[0].bundle' "$T/out")" "$BUNDLE"
	remove "$ID-1" "$ID-2"
}

# bats test_tags=compat
@test "list refuses an unknown format" {
	refused 1 'invalid format' list --format xml
}

# bats test_tags=compat
@test "state prints the keys of the specification" {
	bundle sleep 100
	config_edit '.annotations = {"a": "1", "b": "\"quoted\" \\ and é"}'
	berth create "$ID"
	berth state "$ID"
	jq -e '.ociVersion | test("^1\\.")' "$T/out"
	is "$(jq -r .id "$T/out")" "$ID"
	is "$(jq -r .status "$T/out")" created
	jq -e '.pid | type == "number" and . > 1' "$T/out"
	is "$(jq -r .bundle "$T/out")" "$BUNDLE"
	is "$(jq -r .rootfs "$T/out")" "$BUNDLE/rootfs"
	is "$(jq -c .annotations "$T/out")" '{"a":"1","b":"\"quoted\" \\ and é"}'
	jq -e '.created | test("^20..-..-..T..:..:..[.][0-9]+Z$")' "$T/out"
	jq -e 'has("owner")' "$T/out"
	remove
}

@test "state tells where the shim is, its log, and nothing of one when there is none" {
	bundle sleep 100
	berth create --shim=always "$ID"
	berth state "$ID"
	local shim
	shim=$(jq -r .shim.pid "$T/out")
	is "$(readlink "/proc/$shim/exe" | sed 's/.*[/]//')" berth-shim
	[ -S "$(jq -r .shim.address "$T/out")" ]
	[ -n "$(jq -r '.shim.log // empty' "$T/out")" ]
	remove
	berth create --shim=never "$ID"
	is "$(shim_pid "$ID")" ""
	remove
}

# bats test_tags=compat
@test "features is JSON on standard output and nothing else" {
	"$BERTH" features --help >/dev/null 2>&1 || skip "no features command"
	[ "${BERTH##*/}" = berth ] || skip "another runtime"
	plain features
	is "$err" ""
	jq -e '.ociVersionMin == "1.0.0" and (.ociVersionMax | test("^1\\.[23]"))' "$T/out"
	is "$(jq -c .hooks "$T/out")" '["prestart","createRuntime","createContainer","startContainer","poststart","poststop"]'
	is "$(jq -c '.linux.namespaces | sort' "$T/out")" '["cgroup","ipc","mount","network","pid","time","user","uts"]'
	jq -e '.mountOptions | index("rbind") and index("ro") and index("nosuid") and . == sort' "$T/out"
	jq -e '.linux.capabilities | index("CAP_SYS_ADMIN") and length >= 41' "$T/out"
	jq -e '.linux.cgroup.v1 and .linux.cgroup.v2' "$T/out"
	jq -e '.linux.seccomp.enabled and (.linux.seccomp.actions | index("SCMP_ACT_ERRNO")) and (.linux.seccomp.operators | index("SCMP_CMP_EQ")) and (.linux.seccomp.archs | index("SCMP_ARCH_X86_64"))' "$T/out"
}

# bats test_tags=compat
@test "spec writes a config.json that runs, and does not overwrite one" {
	cp -a "$E2E_RUN/rootfs" rootfs
	plain spec
	is "$(jq -r '.process.args | join(" ")' config.json)" sh
	is "$(jq -c '[.process.terminal, .process.cwd, .root.path, .root.readonly, .process.noNewPrivileges]' config.json)" '[true,"/","rootfs",true,true]'
	is "$(jq -c '.process.rlimits' config.json)" '[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024}]'
	is "$(jq -c '.process.capabilities.bounding' config.json)" '["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"]'
	is "$(jq -c '.mounts | map(.destination)' config.json)" '["/proc","/dev","/dev/pts","/dev/shm","/dev/mqueue","/sys","/sys/fs/cgroup"]'
	jq -e '.linux.namespaces | map(.type) | index("pid") and index("network") and index("ipc") and index("uts") and index("mount")' config.json
	grep -q "$(printf '^\t"ociVersion"')" config.json
	not plain spec
	has "$err" "File config.json exists. Remove it first"
	mkdir "$T/other"
	plain spec --bundle "$T/other"
	cmp config.json "$T/other/config.json"
	config_edit '.process.terminal = false | .process.args = ["echo", "runs"]'
	berth run "$ID"
	is "$out" runs
}

# bats test_tags=compat
@test "spec --rootless" {
	plain spec --rootless
	jq -e '.linux.namespaces | map(.type) | index("user") and (index("network") | not)' config.json
	is "$(jq -c '.linux.uidMappings, .linux.gidMappings' config.json | tr '\n' ' ')" '[{"containerID":0,"hostID":0,"size":1}] [{"containerID":0,"hostID":0,"size":1}] '
	is "$(jq -c '.mounts[] | select(.destination == "/sys") | .options | index("rbind") != null' config.json)" true
	is "$(jq -c '.linux.resources // {} | length' config.json)" 0
}

@test "spec names its host berth" {
	plain spec
	is "$(jq -r .hostname config.json)" berth
}

# bats test_tags=compat
@test "--log takes the error, as text and as JSON, beside standard error" {
	GLOBAL=(--log "$T/log")
	not berth state "$ID"
	grep -qE '^time="[^"]+" level=error msg=".*does not exist' "$T/log"
	has "$err" "does not exist"
	GLOBAL=(--log "$T/log.json" --log-format json)
	not berth state "$ID"
	is "$(wc -l <"$T/log.json")" 1
	is "$(jq -r .level "$T/log.json")" error
	has "$(jq -r .msg "$T/log.json")" "does not exist"
	date -d "$(jq -r .time "$T/log.json")" >/dev/null
	is "$(stat -c %a "$T/log")" 644
}

@test "the log holds one line for a refused command, whatever the bundle says" {
	bundle true
	config_edit '.process.args = ["no\nsuch\u001b[31m\"command\""]'
	GLOBAL=(--log "$T/log.json" --log-format json)
	not berth create "$ID"
	is "$(wc -l <"$T/log.json")" 1
	jq -e '.level == "error"' "$T/log.json"
	not env LC_ALL=C grep -q "$(printf '\033')" "$T/err"
	is "$(wc -l <"$T/err")" 1
	# Who reads it may read late: it fits into any pipe. (1 KiB, and what is in front.)
	config_edit '.process.args = ["no" + "such" * 5000]'
	not berth create "$ID"
	has "$err" nosuch
	[ "$(wc -c <"$T/err")" -le 1100 ] || fail "$(wc -c <"$T/err") bytes"
	is "$(wc -l <"$T/log.json")" 2
	[ "$(tail -1 "$T/log.json" | wc -c)" -le 1280 ]
}

@test "--debug prints the steps of parent and init, with their durations" {
	bundle true
	GLOBAL=(--log "$T/log" --debug)
	berth run "$ID"
	grep -q level=debug "$T/log"
	[ "$(grep -c level=debug "$T/log")" -gt 10 ]
}

@test "the exit status of run and exec is that of the process" {
	bundle sh -c 'exit 42'
	not berth run "$ID"
	is "$status" 42
}

@test "booleans, single dashes and short flags in a row, as callers write them" {
	local form
	for form in --debug=t --debug=1 --debug=True --debug=F -debug=false; do plain "$form" --root "$STATE" list -q; done
	not plain --debug=maybe list
	has "$err" 'berth: option --debug: "maybe" is neither true nor false'
	for form in true false auto 1 0 t F; do plain --rootless="$form" --root "$STATE" list -q; done
	not plain --rootless=maybe list
	has "$err" "option --rootless"
	bundle sleep 100
	berth run -d --no-subreaper "$ID"
	berth exec -dt --name two "$ID" sleep 100
	is "$(state_of "$ID")" running
	remove
}

@test "help goes by the name that the program has" {
	ln -s "$BERTH" "$T/runc"
	"$T/runc" --help >"$T/out"
	is "$(sed -n 2p "$T/out")" "   runc - Open Container Initiative runtime"
	"$T/runc" kill -h >"$T/out"
	[[ $(sed -n 2p "$T/out") =~ ^\ +runc\ kill\ -\  ]]
}

@test "without a state root no container exists, in the words that callers look for" {
	local c
	for c in state start delete pause resume kill ps wait attach logs "update --pids-limit 1"; do
		# shellcheck disable=SC2086
		not plain --root "$T/none" $c "$ID"
		has "$err" "does not exist"
	done
	not plain --root "$T/none" exec "$ID" true
	is "$status" 255
	has "$err" "does not exist"
	plain --root "$T/none" delete --force "$ID"
}

@test "what is wrong with a command line is in the log, too" {
	not plain --log "$T/log" --log-format json state
	jq -e '.level == "error" and (.msg | contains("requires exactly 1 argument"))' "$T/log"
	rm "$T/log"
	not plain --log "$T/log" --log-format json state --nosuch x
	jq -e '.level == "error" and (.msg | contains("nosuch"))' "$T/log"
}
