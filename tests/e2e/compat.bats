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

@test "a property beside the same one in another case: both count, the later first" {
	need_controller cpuset
	bundle sleep 1000
	config_edit '.linux.resources |= (.cpu = {cpus: "0", mems: "0"} | .CPU = {Cpus: "1"})'
	berth run -d "$ID"
	has "$err" 'property \"cpu\" is there more than once'
	is "$(<"$(cgroup_of "$(pid_of)" cpuset)/cpuset.cpus")" 1
	is "$(<"$(cgroup_of "$(pid_of)" cpuset)/cpuset.mems")" 0
	berth update -r - "$ID" <<<'{"CPU":{"Cpus":"0-1"}}'
	is "$(<"$(cgroup_of "$(pid_of)" cpuset)/cpuset.cpus")" 0-1
	berth update -r - "$ID" <<<'{"cpu":{"cpus":"1"},"CPU":{"Cpus":"0"}}'
	is "$(<"$(cgroup_of "$(pid_of)" cpuset)/cpuset.cpus")" 0
	is "$(<"$(cgroup_of "$(pid_of)" cpuset)/cpuset.mems")" 0
	remove
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
	command_is /run.sh
	refused 1 '^exec /run.sh: no such file or directory$' run "$ID"
}

@test "the process of an exec comes through a pipe" {
	bundle sleep 100
	berth run -d "$ID"
	berth exec --process <(echo '{"cwd": "/", "args": ["/bin/echo", "piped"]}') "$ID"
	is "$out" piped
	echo '{"cwd": "/", "args": ["/bin/echo", "again"]}' >"$T/process"
	berth exec --process /dev/fd/3 "$ID" 3<"$T/process"
	is "$out" again
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

# flags_of DESTINATION: the options of the mount there, as the container of the bundle sees them.
flags_of() {
	command_is awk -v "d=$1" '$2 == d { print "," $4 "," }' /proc/mounts
	berth run "$ID"
}

@test "options of a bind: what is not named goes, without any it stays" {
	local o
	bundle
	mkdir "$T/src"
	mount -t tmpfs -o mode=755 src "$T/src"
	mount -o remount,bind,ro,nosuid,noexec,noatime "$T/src"
	config_edit --arg s "$T/src" '.mounts += [{destination: "/m", type: "bind", source: $s, options: ["bind"]}]'
	flags_of /m
	for o in ro nosuid noexec noatime; do has "$out" ",$o,"; done
	config_edit '.mounts[-1].options = ["bind", "nodev"]'
	flags_of /m
	for o in rw nodev noatime; do has "$out" ",$o,"; done
	for o in nosuid noexec; do hasnt "$out" ",$o,"; done
	config_edit '.mounts[-1].options = ["bind", "atime"]'
	flags_of /m
	for o in rw noatime; do has "$out" ",$o,"; done
	config_edit '.mounts[-1].options = ["bind", "relatime", "nodiratime"]'
	flags_of /m
	for o in rw relatime nodiratime; do has "$out" ",$o,"; done
	hasnt "$out" ,noatime,
	# In a user namespace what is locked stays, unless it is to go by name.
	config_edit '.mounts[-1].options = ["bind", "nodev"] | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	flags_of /m
	for o in ro nosuid noexec nodev noatime; do has "$out" ",$o,"; done
	config_edit '.mounts[-1].options = ["bind", "rw"]'
	refused 1 'cannot clear locked flags ro' run "$ID"
	umount "$T/src"
}

@test "a destination may be named by its path on the host" {
	bundle cat /in/file
	mkdir "$T/src"
	echo here >"$T/src/file"
	config_edit --arg s "$T/src" --arg d "$BUNDLE/rootfs/in" '.mounts += [{destination: $d, type: "bind", source: $s, options: ["bind"]}]'
	mkdir "$BUNDLE/rootfs/in"
	berth run "$ID"
	is "$out" here
}

@test "a configured /dev/ptmx gives way to the link, in a user namespace too" {
	bundle sh -c 'readlink /dev/ptmx; stat -L -c "%t,%T %a" /dev/ptmx'
	config_edit '.linux.devices = [{path: "/dev/ptmx", type: "c", major: 5, minor: 2}]'
	berth run "$ID"
	is "$out" $'pts/ptmx\n5,2 666'
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings'
	berth run "$ID"
	is "$out" $'pts/ptmx\n5,2 666'
}

@test "a path that is masked twice has one mask" {
	bundle
	config_edit '.linux.readonlyPaths = [] | .linux.maskedPaths = ["/etc/hosts", "/proc/fs", "/etc/hosts", "/proc/fs", "/proc/../etc/hosts"]'
	command_is grep -e " /etc/hosts " -e " /proc/fs " /proc/mounts
	berth run "$ID"
	is "$(wc -l <"$T/out")" 2
}

@test "a hook that is killed: the signal has its name in the message" {
	bundle true
	config_edit '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "kill -SYS $$"]}]'
	refused 1 'killed by signal 31 \(bad system call\)' run "$ID"
}
