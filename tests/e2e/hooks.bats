#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks: order, name spaces, standard input, environment, failure and time.

load helpers

# A hook that notes its kind, its state document, its environment and where it is.
note_hook() {
	cat >"$T/hook" <<EOT
#!/bin/sh
echo "\$1" >>$T/order
cat >$T/state.\$1
env | sort >$T/env.\$1
readlink /proc/self/ns/mnt >$T/mnt.\$1
readlink /proc/self/ns/net >$T/net.\$1
pwd >$T/cwd.\$1
ls -l /proc/self/fd >$T/fds.\$1
EOT
	chmod 755 "$T/hook"
}

all_hooks() {
	config_edit --arg h "$T/hook" 'def hook(k): [{path: $h, args: ["hook", k], env: ["KIND=" + k]}];
		.hooks = {prestart: hook("prestart"), createRuntime: hook("createRuntime"), createContainer: hook("createContainer"),
			poststart: hook("poststart"), poststop: hook("poststop")}'
}

# bats test_tags=compat
@test "the order of the kinds over a life" {
	bundle sleep 100
	note_hook
	all_hooks
	berth create "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer "
	berth start "$ID"
	is "$(tail -n +4 "$T/order" | tr '\n' ' ')" "poststart "
	berth delete --force "$ID"
	is "$(tail -n +5 "$T/order" | tr '\n' ' ')" "poststop "
}

# bats test_tags=compat
@test "each hook gets the state on its standard input" {
	bundle sleep 100
	note_hook
	all_hooks
	config_edit '.annotations = {"org.example": "v"}'
	berth create "$ID"
	local pid kind
	pid=$(pid_of)
	berth start "$ID"
	berth delete --force "$ID"
	for kind in prestart createRuntime createContainer poststart poststop; do
		jq -e --arg i "$ID" --arg b "$BUNDLE" '.id == $i and .bundle == $b and .annotations["org.example"] == "v" and (.ociVersion | test("^1"))' "$T/state.$kind"
	done
	for kind in prestart createRuntime poststart; do is "$(jq .pid "$T/state.$kind")" "$pid"; done
	[[ $(jq -r .status "$T/state.prestart") == creat* ]]
	is "$(jq -r .status "$T/state.poststart")" running
	is "$(jq -r .status "$T/state.poststop")" stopped
	is "$(jq '.pid // 0' "$T/state.poststop")" 0
}

# bats test_tags=compat
@test "where each hook runs: name spaces and environment" {
	bundle sleep 100
	note_hook
	all_hooks
	berth create "$ID"
	berth start "$ID"
	local pid host kind
	pid=$(pid_of)
	host=$(readlink /proc/self/ns/mnt)
	for kind in prestart createRuntime poststart; do
		is "$(cat "$T/mnt.$kind")" "$host"
		is "$(grep -c . "$T/env.$kind")" "$(grep -cE '^(KIND|PWD|SHLVL|_|OLDPWD)=' "$T/env.$kind")"
		grep -qx "KIND=$kind" "$T/env.$kind"
	done
	is "$(cat "$T/mnt.createContainer")" "$(readlink "/proc/$pid/ns/mnt")"
	is "$(cat "$T/net.createContainer")" "$(readlink "/proc/$pid/ns/net")"
	remove
	is "$(cat "$T/mnt.poststop")" "$host"
}

@test "hooks get no descriptors of ours" {
	bundle sleep 100
	note_hook
	all_hooks
	berth create "$ID"
	berth start "$ID"
	remove
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		# 0, 1, 2, the script itself (busybox or dash) and the directory that ls reads.
		is "$(awk '{ print $9 }' "$T/fds.$kind" | grep -E '^[0-9]+$' | grep -vE '^([0-3]|10)$' | tr -d '\n')" ""
		not grep -E "$STATE|/run/|/sys/fs/cgroup" "$T/fds.$kind"
	done
}

# bats test_tags=compat
@test "startContainer runs in the container, before the process, with the container's own file" {
	bundle sh -c 'cat /shared/order; sleep 100'
	mkdir "$BUNDLE/rootfs/shared"
	printf '#!/bin/sh\necho "startContainer $1 $V" >>/shared/order; cat >/shared/state; readlink /proc/self/ns/pid >/shared/ns\n' >"$BUNDLE/rootfs/bin/inside"
	chmod 755 "$BUNDLE/rootfs/bin/inside"
	writable
	config_edit '.hooks = {startContainer: [{path: "/bin/inside", args: ["inside", "arg"], env: ["PATH=/bin", "V=v"]}]}'
	berth create "$ID"
	[ ! -e "$BUNDLE/rootfs/shared/order" ]
	berth start "$ID"
	is "$(cat "$BUNDLE/rootfs/shared/order")" "startContainer arg v"
	is "$(cat "$BUNDLE/rootfs/shared/ns")" "$(readlink "/proc/$(pid_of)/ns/pid")"
	jq -e --arg i "$ID" '.id == $i' "$BUNDLE/rootfs/shared/state"
	remove
}

# bats test_tags=compat
@test "the limits are in place before createRuntime, the network name space before prestart" {
	need_controller pids
	bundle sleep 100
	cat >"$T/hook" <<EOT
#!/bin/sh
pid=\$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -1)
readlink /proc/\$pid/ns/net >$T/net
cat /proc/\$pid/cgroup >$T/cgroup
EOT
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.linux.resources.pids = {limit: 33} | .hooks = {prestart: [{path: $h}]}'
	berth create "$ID"
	is "$(cat "$T/net")" "$(readlink "/proc/$(pid_of)/ns/net")"
	is "$(cat "$T/cgroup")" "$(cat "/proc/$(pid_of)/cgroup")"
	remove
}

# bats test_tags=compat
@test "timeout: a hook that is quick enough is let through" {
	bundle true
	printf '#!/bin/sh\nsleep 0.2\n' >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {prestart: [{path: $h, timeout: 10}], poststart: [{path: $h, timeout: 10}], poststop: [{path: $h, timeout: 10}]}'
	berth run "$ID"
}

@test "timeout: poststart that takes too long ends the container, poststop that does not is only told" {
	bundle sleep 100
	printf '#!/bin/sh\nexec sleep 300\n' >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {poststart: [{path: $h, timeout: 1}]}'
	berth create "$ID"
	refused 1 'error running poststart hook #0' start "$ID"
	[[ $(state_of) != running ]] || fail "still running"
	berth delete --force "$ID"
	config_edit --arg h "$T/hook" '.hooks = {poststop: [{path: $h, timeout: 1}, {path: "/bin/false"}]}'
	berth create "$ID"
	berth delete "$ID"
	has "$err" "poststop"
	refused 1 'does not exist' state "$ID"
}

# bats test_tags=compat
@test "poststop runs also when the create failed or the container was killed" {
	bundle sleep 100
	note_hook
	config_edit --arg h "$T/hook" '.hooks = {poststop: [{path: $h, args: ["hook", "poststop"]}]}'
	berth run "$ID" &
	local runner=$!
	wait_until 5 is_state "$ID" running
	"$BERTH" --root "$STATE" kill "$ID" KILL
	wait $runner || true
	is "$(cat "$T/order")" poststop
}

# bats test_tags=compat
@test "several hooks of one kind run in their order; the first failure ends the row" {
	bundle true
	printf '#!/bin/sh\necho "$1" >>%s/order\n' "$T" >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {createRuntime: [{path: $h, args: ["h", "1"]}, {path: $h, args: ["h", "2"]}, {path: "/bin/false"}, {path: $h, args: ["h", "3"]}]}'
	refused 1 'createRuntime hook #2' create "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "1 2 "
}

# bats test_tags=compat
@test "hooks of a bundle with name spaces by path" {
	ip netns add "$TAG"
	bundle true
	note_hook
	all_hooks
	config_edit --arg n "/run/netns/$TAG" '.linux.namespaces |= map(if .type == "network" then .path = $n else . end)'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer poststart poststop "
	ip netns del "$TAG"
}
