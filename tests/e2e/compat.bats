#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What callers of other runtimes rely on, small things that no specification says.

load helpers

@test "an ambient capability that cannot be is left out with a warning" {
	bundle grep CapAmb /proc/self/status
	config_edit '.process.capabilities |= (.permitted += ["CAP_CHOWN"] | .inheritable = ["CAP_KILL"] | .ambient = ["CAP_KILL", "CAP_CHOWN"])'
	berth run "$ID"
	has "$out" 0000000000000020
	has "$err" "can't raise ambient capability CAP_CHOWN: "
	hasnt "$err" CAP_KILL
}

@test "a property in another case is taken for what it means" {
	bundle hostname
	config_edit '.HostName = "another" | del(.hostname)'
	berth run "$ID"
	is "$out" another
	has "$err" 'HostName\" is taken for \"hostname'
}

@test "the output of a terminal has no carriage returns of its own" {
	local shim
	bundle printf 'one\ntwo\n'
	config_edit '.process.terminal = true'
	for shim in never always; do
		berth run --shim=$shim "$ID"
		is "$(od -An -c <"$T/out" | tr -d ' \n')" 'one\ntwo\n'
	done
}

@test "on a screen lines of a terminal begin at the left" {
	local shim
	bundle printf 'one\ntwo\n'
	config_edit '.process.terminal = true'
	for shim in never always; do
		ptydrive -t 15 'expect:two' -- "$BERTH" --root "$STATE" run --shim=$shim "$ID" >"$T/screen"
		has "$(<"$T/screen")" $'one\r\ntwo\r'
	done
}

@test "a program whose interpreter is missing is named" {
	bundle sleep 100
	printf '#!/no/such/program\n' >"$BUNDLE/rootfs/run.sh"
	chmod 755 "$BUNDLE/rootfs/run.sh"
	berth run -d "$ID"
	refused 255 'exec /run.sh: no such file or directory' exec "$ID" /run.sh
	remove
}

@test "kill KILL ends what lives on after init, where init was no special process" {
	local child pid
	bundle sleep 100
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	berth run -d "$ID"
	berth exec -d --pid-file "$T/pid" "$ID" sleep 100
	child=$(<"$T/pid") pid=$(pid_of)
	kill -9 "$pid"
	wait_until 10 gone "$pid"
	refused 1 'container not running' kill "$ID" TERM
	berth kill "$ID" KILL
	wait_until 10 gone "$child"
	refused 1 'container not running' kill "$ID" KILL
	remove
}

@test "a createContainer hook begins in the root of the container" {
	bundle cat /made-by-hook
	writable
	config_edit '.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo hooked >./made-by-hook"]}]'
	berth run "$ID"
	is "$out" hooked
}
