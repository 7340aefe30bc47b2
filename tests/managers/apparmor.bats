#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor profiles in force: a profile of the test's own is loaded, and what a process is under is what the kernel says.

load ../e2e/helpers
load vm

PROFILE=berth-vm-test
INNER=berth-vm-inner

setup_file() {
	# What is denied here is nothing that a container needs; mediation is seen by it.
	apparmor_parser -r <<-PROFILES
		profile $PROFILE flags=(attach_disconnected,mediate_deleted) {
		  file,
		  capability,
		  network,
		  mount,
		  umount,
		  signal,
		  ptrace,
		  unix,
		  deny /forbidden rw,
		}
		profile $INNER flags=(attach_disconnected,mediate_deleted) {
		  file,
		  capability,
		  signal,
		}
	PROFILES
}

teardown_file() { for p in $PROFILE $INNER; do echo -n "$p" >/sys/kernel/security/apparmor/.remove; done; }

profile_is() { config_edit --arg p "$1" '.process.apparmorProfile = $p'; }
current() { cat "/proc/$1/attr/apparmor/current"; }

@test "run: the process is under its profile" {
	bundle cat /proc/self/attr/current
	profile_is $PROFILE
	berth run "$ID"
	is "$out" "$PROFILE (enforce)"
	profile_is unconfined
	berth run "$ID"
	is "$out" unconfined
	profile_is ''
	berth run "$ID"
	is "$out" unconfined
}

@test "run: the profile denies, with and without no_new_privs, masked paths and an ordinary user" {
	bundle sh -c 'cat /allowed; cat /forbidden'
	cp -a "$E2E_RUN/rootfs/etc/passwd" rootfs/allowed
	echo secret | tee rootfs/forbidden >rootfs/allowed
	berth run "$ID"
	is "$(tr '\n' ' ' <<<"$out")" "secret secret "
	profile_is $PROFILE
	local nnp uid
	for nnp in true false; do
		for uid in 0 1000; do
			config_edit --argjson n $nnp --argjson u $uid '.process.noNewPrivileges = $n | .process.user.uid = $u'
			berth run "$ID" || true
			is "$out" secret
			has "$err" "Permission denied"
		done
	done
}

@test "create, start: init waits under the caller's profile and executes under its own" {
	bundle sleep 1000
	profile_is $PROFILE
	berth create "$ID"
	local pid
	pid=$(pid_of)
	berth start "$ID"
	is "$(current "$pid")" "$PROFILE (enforce)"
	remove
}

@test "exec: the container's profile, or that of its process" {
	bundle sleep 1000
	profile_is $PROFILE
	berth create "$ID"
	berth start "$ID"
	berth exec "$ID" cat /proc/self/attr/current
	is "$out" "$PROFILE (enforce)"
	jq '.process | .args = ["cat", "/proc/self/attr/current"] | del(.apparmorProfile)' config.json >"$T/p.json"
	berth exec --process "$T/p.json" "$ID"
	is "$out" "$PROFILE (enforce)"
	jq --arg p $INNER '.process | .args = ["cat", "/proc/self/attr/current"] | .apparmorProfile = $p' config.json >"$T/p.json"
	berth exec --process "$T/p.json" "$ID"
	is "$out" "$INNER (enforce)"
	jq '.process | .args = ["cat", "/proc/self/attr/current"] | .apparmorProfile = "unconfined"' config.json >"$T/p.json"
	berth exec --process "$T/p.json" "$ID"
	is "$out" unconfined
	remove
}

@test "exec --apparmor: in place of the container's profile" {
	bundle sleep 1000
	profile_is $PROFILE
	berth create "$ID"
	berth start "$ID"
	berth exec --apparmor $INNER "$ID" cat /proc/self/attr/current
	is "$out" "$INNER (enforce)"
	berth exec --apparmor unconfined "$ID" cat /proc/self/attr/current
	is "$out" unconfined
	refused 255 'no-such-profile' exec --apparmor no-such-profile "$ID" true
	refused 255 'process.selinuxLabel' exec --process-label a:b:c:s0 "$ID" true
	remove
}

@test "exec: a container that was given no profile" {
	bundle sleep 1000
	berth create "$ID"
	berth start "$ID"
	jq --arg p $PROFILE '.process | .args = ["cat", "/proc/self/attr/current"] | .apparmorProfile = $p' config.json >"$T/p.json"
	berth exec --process "$T/p.json" "$ID"
	is "$out" "$PROFILE (enforce)"
	remove
}

@test "a user namespace: the profile holds there, too" {
	bundle sh -c 'cat /proc/self/attr/current; cat /forbidden'
	echo secret >rootfs/forbidden
	chmod 755 "$BUNDLE"
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	profile_is $PROFILE
	berth run "$ID" || true
	is "$out" "$PROFILE (enforce)"
	has "$err" "Permission denied"
	command_is sleep 1000
	berth create "$ID"
	berth start "$ID"
	berth exec "$ID" cat /proc/self/attr/current
	is "$out" "$PROFILE (enforce)"
	remove
}

@test "a profile that is not loaded fails the creation, by name, and leaves nothing" {
	bundle true
	profile_is no-such-profile
	refused 1 'unable to apply apparmor profile .no-such-profile. \(it is not loaded\)' create "$ID"
	profile_is ''
	command_is sleep 1000
	berth create "$ID"
	berth start "$ID"
	jq '.process | .args = ["true"] | .apparmorProfile = "no-such-profile"' config.json >"$T/p.json"
	refused 255 'no-such-profile' exec --process "$T/p.json" "$ID"
	remove
}

@test "a container that mounts something else over its attributes" {
	bundle sleep 1000
	profile_is $PROFILE
	config_edit '.process.capabilities |= with_entries(.value = ["CAP_SYS_ADMIN"]) | .process.capabilities.ambient = [] | .process.capabilities.inheritable = []'
	writable
	berth create "$ID"
	berth start "$ID"
	berth exec "$ID" sh -c 'mkdir -p /fake/self/attr /fake/thread-self/attr/apparmor && touch /fake/self/attr/exec /fake/thread-self/attr/exec /fake/thread-self/attr/apparmor/exec && mount -o bind /fake /proc'
	jq --arg p $INNER '.process | .args = ["sleep", "1000"] | .apparmorProfile = $p' config.json >"$T/p.json"
	# Under its profile, or not at all: never an exec that only seems to be confined.
	if berth exec -d --shim=never --pid-file "$T/pid" --process "$T/p.json" "$ID"; then
		is "$(current "$(cat "$T/pid")")" "$INNER (enforce)"
	fi
	not [ -s rootfs/fake/thread-self/attr/apparmor/exec ]
	not [ -s rootfs/fake/self/attr/exec ]
	remove
}
