#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check: rows, states, exit status; and what happens on a host that lacks something, which is what the rows say.

load helpers

row() { jq -c --arg n "$1" '.checks[] | select(.name == $n)' "$T/out"; }
state() { jq -r .state <<<"$(row "$1")"; }
checked() { berth check --format json >/dev/null; }

# without CALL... -- ARG...: berth where these calls answer ENOSYS. Results as of berth.
without() {
	local calls=()
	while [ "$1" != -- ]; do
		calls+=("$1")
		shift
	done
	shift
	printf '+ without %s: berth %s\n' "${calls[*]}" "$*"
	status=0
	timeout --foreground -k 5 "$CMD_TIMEOUT" deny "${calls[@]}" -- "$BERTH" --root "$STATE" "$@" >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n' "${out:0:800}" "${err:0:800}"
	return $status
}
# without_refused TEXT CALL... -- ARG...: it fails with this one line.
without_refused() {
	local text=$1
	shift
	without "$@" || true
	is "$status" 1
	is "$(wc -l <"$T/err")" 1
	has "$err" "$text"
}

@test "all here: exit status 0, every row has its words where it is not ok" {
	checked
	jq -e '.version == 1 and .usable and (.checks | length > 45)' "$T/out"
	jq -e 'all(.checks[]; if .state == "ok" then .consequence == null and .remedy == null else (.consequence | length > 0) and (.remedy | length > 0) end)' "$T/out"
	jq -e 'all(.checks[]; .state == "ok" or .state == "limited" or .state == "missing")' "$T/out"
	for name in openat2 mount_setattr close_range pidfd_open clone3 proc state mount; do is "$name $(state $name)" "$name ok"; done
	berth check
	has "$out" 'containers can run here'
}

@test "the rows of the cgroup controllers are what this machine has" {
	checked
	for c in cpu memory pids; do
		if has_controller $c; then is "$c $(state $c)" "$c ok"; else is "$c $(state $c)" "$c missing"; fi
	done
	if on_v2; then is "$(state layout)" ok; else is "$(state layout)" limited; fi
	is "$(state delegation)" ok
}

@test "an ordinary user: it works, and tells of subordinate ids" {
	mkdir "$T/r"
	chown 7001:7001 "$T/r"
	for uid in 7001 7002; do
		chown "$uid:$uid" "$T/r"
		setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all env -i PATH="$PATH" "$BERTH" --root "$T/r" check --format json >"$T/out"
		jq -e .usable "$T/out"
		if [ $uid = 7001 ]; then is "$(state subuid)" ok; else is "$(state subuid)" missing; fi
	done
	has "$(row subuid | jq -r .remedy)" 'usermod --add-subuids'
	setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -i PATH="$PATH" "$BERTH" check >"$T/out" || status=$?
	is "$status" 1 # nowhere for state
	has "$(cat "$T/out")" 'needed: '
	rmdir "$T/r"
}

@test "a call that is missing is a row that is missing, with its consequence" {
	for pair in openat2:openat2 fsconfig:fsopen open_tree:open_tree mount_setattr:mount_setattr close_range:close_range pidfd_open:pidfd_open; do
		without "${pair%:*}" -- check --format json || true
		is "$status" 1
		is "${pair#*:} $(state "${pair#*:}")" "${pair#*:} missing"
		has "$(row "${pair#*:}" | jq -r .consequence)" 'no container'
		has "$(row "${pair#*:}" | jq -r .remedy)" 'or newer'
	done
	without clone3 landlock_create_ruleset keyctl seccomp -- check --format json
	for name in clone3 clone_into_cgroup landlock keyrings seccomp; do is "$name $(state $name)" "$name missing"; done
	jq -e .usable "$T/out"
}

@test "fallback: without openat2, mount_setattr, close_range, pidfd_open: one line that names it" {
	bundle true
	for call in openat2 mount_setattr close_range pidfd_open open_tree; do
		without_refused "this kernel has no $call, or a sandbox forbids it: berth needs Linux 5.12 or newer" $call -- create "$ID"
		[ ! -e "$STATE/$ID" ] || fail "something was made"
		without "$call" -- explain "$ID" || true
		has "$out" "refused    this kernel has no $call"
	done
}

@test "fallback: without clone3 everything runs, by clone(2)" {
	bundle sh -c 'echo hello; read x; echo "got $x"'
	without clone3 -- run "$ID" <<<word
	is "$out" $'hello\ngot word'
	command_is sleep 1000
	without clone3 -- create "$ID"
	without clone3 -- start "$ID"
	is_state "$ID" running
	without clone3 -- exec "$ID" echo inside
	is "$out" inside
	without clone3 -- delete --force "$ID"
}

@test "fallback: without keyrings the caller's session keyring is kept" {
	bundle echo hello
	without keyctl -- run "$ID"
	is "$out" hello
}

@test "fallback: without seccomp a profile is refused by name, and nothing else" {
	bundle echo hello
	without seccomp -- run "$ID"
	is "$out" hello
	config_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["ptrace"], action: "SCMP_ACT_ERRNO"}]}'
	without_refused seccomp seccomp -- create "$ID"
}

# Of those that can be reached: in the world cgroup2 one lies over the others.
cgroup_mounts() {
	local d
	while read -r d; do mount -o "remount,bind,$1" "$d" 2>/dev/null || true; done < <(awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo)
}

@test "fallback: without the permission over cgroups: no limits is fine, a limit is refused by name" {
	# Of ours alone: this world has its own mount name space.
	bundle sleep 1000
	berth create --shim=never "$ID-other" # keeps the level above
	command_is echo hello
	cgroup_mounts ro
	checked
	is "$(state delegation)" missing
	run_status=0
	berth run "$ID" || run_status=$?
	ran=$out refusal=$err
	config_edit '.linux.resources.pids = {limit: 10}'
	berth run "$ID" || limit_status=$?
	limit=$err
	cgroup_mounts rw
	remove "$ID-other"
	is "$run_status $ran" "0 hello"
	is "$refusal" ""
	is "$limit_status" 1
	is "$(wc -l <<<"$limit")" 1
	has "$limit" 'cgroup'
}
