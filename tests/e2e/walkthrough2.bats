#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The way of an OCI runtime's own README: a busybox bundle, run, then create and start by hand, then as an ordinary user.

load helpers

@test "run: sh as the first process, on a terminal" {
	cp -a "$E2E_RUN/rootfs" rootfs
	berth spec
	local rc=0
	ptydrive -t 15 'expect:# ' 'send:ps -o pid,comm\r' 'expect:1 sh' 'expect:# ' 'send:tty\r' 'expect:/dev/' 'send:exit\r' -- \
		"$BERTH" --root "$STATE" run "$ID" >"$T/screen" || rc=$?
	cat -v "$T/screen"
	is $rc 0
}

@test "terminal false, sleep 5: create, list, start, list after five seconds, delete" {
	cp -a "$E2E_RUN/rootfs" rootfs
	berth spec
	config_edit '.process.terminal = false | .process.args = ["sleep", "5"]'
	berth create "$ID"
	berth list
	grep -qE "^$ID +[1-9][0-9]* +created " "$T/out"
	berth start "$ID"
	berth list
	grep -qE "^$ID +[1-9][0-9]* +running " "$T/out"
	wait_until 30 is_state "$ID" stopped
	berth list
	grep -qE "^$ID +0 +stopped " "$T/out"
	berth delete "$ID"
	berth list -q
	is "$out" ""
}

@test "as an ordinary user: spec --rootless, --root in a folder of its own, run" {
	cp -a "$E2E_RUN/rootfs" rootfs
	chown -R 7002:7002 "$BUNDLE"
	mkdir "$T/home"
	chown 7002:7002 "$T/home"
	local user=(setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all env -i PATH="$PATH" HOME="$T/home")
	"${user[@]}" "$BERTH" spec --rootless
	local rc=0
	ptydrive -t 15 'expect:# ' 'send:id -u; id -g\r' 'expect:0' 'expect:# ' 'send:exit 3\r' -- "${user[@]}" "$BERTH" --root "$T/home/berth" run "$ID" >"$T/screen" || rc=$?
	cat -v "$T/screen"
	is $rc 3
	is "$(find "$T/home/berth" -mindepth 1 -not -name '.*')" ""
}
