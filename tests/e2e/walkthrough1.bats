#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A tutorial for OCI runtimes, with berth in its place: a memcached root file system, an edited config.json, hooks, a shell
# on a terminal, and a network made by hand.

load helpers

setup_file() {
	[ -e "$E2E_RUN/memcached/usr/bin/memcached" ] || "$E2E_TOP/scripts/make-rootfs" memcached "$E2E_RUN/memcached" >"$BATS_FILE_TMPDIR/log" 2>&1 || {
		cat "$BATS_FILE_TMPDIR/log"
		return 1
	}
}

mycontainer() {
	cp -a "$E2E_RUN/memcached" "$BUNDLE/rootfs"
	berth spec
	[ -s config.json ]
}

edit_as_told() {
	mkdir "$T/host-data"
	echo "from the host" >"$T/host-data/file"
	config_edit --arg d "$T/host-data" '
		.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=1777", "size=20m"]},
			{destination: "/data", type: "bind", source: $d, options: ["rbind", "rw"]}]
		| .process.rlimits = [{type: "RLIMIT_NOFILE", hard: 1024, soft: 1024}]
		| .root.readonly = true
		| .process.capabilities = (["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID"] | {bounding: ., effective: ., permitted: .})'
}

@test "spec, edit, run: a shell on a terminal with what was asked for" {
	mycontainer
	edit_as_told
	config_edit '.process.env += ["PS1=in-container# "]'
	local rc=0
	ptydrive -t 20 'expect:in-container# ' \
		'send:echo pid=$$\r' 'expect:pid=1' \
		'send:df -k /tmp | tail -n 1\r' 'expect:20480' \
		'send:cat /data/file\r' 'expect:from the host' \
		'send:echo back >/data/reply\r' \
		'send:ulimit -n\r' 'expect:1024' \
		'send:touch /x || echo ro""ot-is-ro\r' 'expect:root-is-ro' \
		'send:grep CapBnd /proc/self/status\r' 'expect:00000000200004e0' \
		'send:hostname\r' 'expect:berth' \
		"run:[ \"\$($BERTH --root $STATE state $ID | jq -r .status)\" = running ]" \
		'send:exit\r' -- "$BERTH" --root "$STATE" run "$ID" >"$T/screen" || rc=$?
	cat -v "$T/screen"
	is $rc 0
	is "$(cat "$T/host-data/reply")" back
	refused 1 'does not exist' state "$ID"
}

@test "hooks: prestart, poststart and poststop, with and without timeout" {
	mycontainer
	edit_as_told
	printf '#!/bin/sh\necho "$(date) $1 $(cat)" >>%s/hooks.log\n' "$T" >"$T/hook"
	chmod 755 "$T/hook"
	config_edit --arg h "$T/hook" '.process.terminal = false | .process.args = ["true"] | .hooks = {
		prestart: [{path: $h, args: ["hook", "prestart"]}, {path: $h, args: ["hook", "prestart-quick"], timeout: 5}],
		poststart: [{path: $h, args: ["hook", "poststart"], timeout: 5}],
		poststop: [{path: $h, args: ["hook", "poststop"]}]}'
	berth run "$ID"
	is "$(grep -oE '(prestart|prestart-quick|poststart|poststop) ' "$T/hooks.log" | tr -d '\n')" "prestart prestart-quick poststart poststop "
	is "$(grep -c "\"id\": *\"$ID\"" "$T/hooks.log")" 4
	printf '#!/bin/sh\nsleep 60\n' >"$T/slow"
	chmod 755 "$T/slow"
	config_edit --arg h "$T/slow" '.hooks = {prestart: [{path: $h, timeout: 1}]}'
	refused 1 'prestart hook' run "$ID"
}

@test "create, list, start, list, stop, delete" {
	mycontainer
	edit_as_told
	config_edit '.process.terminal = false | .process.args = ["/usr/bin/memcached", "-u", "root", "-l", "127.0.0.1"]'
	berth create "$ID"
	berth list
	grep -qE "^$ID +[0-9]+ +created +$BUNDLE" "$T/out"
	berth start "$ID"
	berth list
	grep -qE "^$ID +[0-9]+ +running +$BUNDLE" "$T/out"
	berth stop "$ID"
	berth list
	grep -qE "^$ID +0 +stopped +$BUNDLE" "$T/out"
	berth delete "$ID"
	berth list -q
	is "$out" ""
}

@test "a bridge, a veth pair and a network name space: ping from the host, and memcached answers" {
	local net=10.201.$((RANDOM % 200 + 20)) br=b$TAG veth=v$TAG peer=p$TAG ns=$TAG
	# The host of this test is a network name space too, so that nothing of the machine's is touched.
	ip netns add "$TAG-host"
	local host=(ip netns exec "$TAG-host")
	"${host[@]}" ip link set lo up
	"${host[@]}" ip link add "$br" type bridge
	"${host[@]}" ip addr add "$net.1/24" dev "$br"
	"${host[@]}" ip link set "$br" up
	ip netns add "$ns"
	"${host[@]}" ip link add "$veth" type veth peer name "$peer"
	"${host[@]}" ip link set "$veth" master "$br" up
	"${host[@]}" ip link set "$peer" netns "$ns"
	ip -n "$ns" link set "$peer" name eth0
	ip -n "$ns" addr add "$net.2/24" dev eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns" link set lo up
	ip -n "$ns" route add default via "$net.1"

	mycontainer
	edit_as_told
	config_edit --arg n "/run/netns/$ns" '.linux.namespaces |= map(if .type == "network" then .path = $n else . end)
		| .process.terminal = false | .process.args = ["/usr/bin/memcached", "-u", "root", "-p", "11211"]'
	berth run -d "$ID"
	wait_until 10 "${host[@]}" "$E2E_RUN/rootfs/bin/ping" -c 1 -W 1 "$net.2"
	wait_until 10 "${host[@]}" socat -u OPEN:/dev/null "TCP:$net.2:11211"
	printf 'set greeting 0 60 5\r\nhello\r\nget greeting\r\nquit\r\n' | "${host[@]}" socat -t 5 - "TCP:$net.2:11211" >"$T/answer"
	is "$(tr -d '\r' <"$T/answer" | tr '\n' ' ')" "STORED VALUE greeting 0 5 hello END "
	is "$(readlink "/proc/$(pid_of)/ns/net")" "net:[$(stat -L -c %i "/run/netns/$ns")]"
	berth exec "$ID" ip -o addr show dev eth0
	has "$out" "$net.2"
	berth stop --timeout 5 "$ID"
	berth delete "$ID"
	# The name space was not ours to remove.
	[ -e "/run/netns/$ns" ]
	ip netns del "$ns"
	ip netns del "$TAG-host"
}
