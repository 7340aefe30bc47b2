#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore: what each option is for, with something in the container that needs it. The containers have the host's
# network, since criu rebuilds one of their own by a dozen programs.

load ../e2e/helpers
load vm
load checkpoint

PROFILES=(berth-cr-one berth-cr-two)

teardown() {
	local f
	for f in "$T"/ns-*; do umount "$f" 2>/dev/null; done
	[ ! -e "$T/listener" ] || kill "$(cat "$T/listener")" 2>/dev/null
	vm_teardown
}

@test "--file-locks: a lock is held again" {
	holds lock /lock
	start
	not berth exec "$ID" holder locked /bin/holder
	berth exec "$ID" holder locked /lock
	needs --file-locks 'file locks'
	again --file-locks
	berth exec "$ID" holder locked /lock
	remove
}

@test "--link-remap: an open file whose name is gone while another stays" {
	holds nameless /file
	start
	[ ! -e rootfs/file ] && [ -e rootfs/file.other ]
	needs --link-remap 'link.remap'
	compgen -G 'rootfs/link_remap.*'
	again --link-remap
	not compgen -G 'rootfs/link_remap.*'
	[ "$(stat -c %i rootfs/file.other)" = "$(stat -Lc %i "/proc/$(pid_of "$ID")/fd/3")" ]
	remove
}

blocks() { du -ck "$T/$1"/pages-*.img | awk 'END { print $1 }'; }

@test "--auto-dedup: what newer images hold goes from older ones, and from all as it is restored" {
	local first second last
	holds memory 4
	start
	berth checkpoint --pre-dump --image-path "$T/a" "$ID"
	first=$(blocks a)
	[ "$first" -ge 4096 ]
	berth checkpoint --pre-dump --parent-path ../a --image-path "$T/b" "$ID"
	is "$(blocks a)" "$first"
	second=$(blocks b)
	[ "$second" -ge 4096 ]
	dump --auto-dedup --parent-path ../b
	[ "$(blocks b)" -lt $((second - 4000)) ]
	last=$(blocks i)
	again
	is "$(blocks i)" "$last"
	remove
	again --auto-dedup
	[ "$(blocks i)" -lt $((last - 4000)) ]
	remove
}

# criu finds the other end among the sockets of the container's network namespace, and connects to the name that it was bound to.
@test "--ext-unix-sk: a datagram socket whose other end is outside" {
	mkdir "$T/d"
	socat -u "UNIX-RECV:$T/d/sock" "CREATE:$T/told" 3>&- &
	echo $! >"$T/listener"
	wait_until 30 [ -S "$T/d/sock" ]
	holds told "$T/d/sock"
	config_edit --arg d "$T/d" '.mounts += [{destination: $d, type: "bind", source: $d, options: ["bind"]}]'
	start
	needs --ext-unix-sk 'external socket'
	again --ext-unix-sk
	wait_until 30 file_has "$T/told" "n $(log_number)"
	is "$(sed -n 's/^n //p' "$T/told" | sort -n | uniq -d)" ""
	remove
}

@test "--lsm-profile: restored under another AppArmor profile, where the old one is gone" {
	local p
	for p in "${PROFILES[@]}"; do
		printf 'profile %s flags=(attach_disconnected,mediate_deleted) { file, capability, network, mount, umount, signal, ptrace, unix, }\n' "$p"
	done | apparmor_parser -r
	holds memory 1 # one process: criu waits for ever when it has to kill several whose profile is gone
	config_edit --arg p "${PROFILES[0]}" '.process.apparmorProfile = $p'
	current() { cat "/proc/$(pid_of "$ID")/attr/apparmor/current"; }
	start
	is "$(current)" "${PROFILES[0]} (enforce)"
	dump
	again
	is "$(current)" "${PROFILES[0]} (enforce)"
	remove
	echo -n "${PROFILES[0]}" >/sys/kernel/security/apparmor/.remove
	refused 1 'criu failed to restore: .*log file' restore -d --shim=always --image-path "$T/i" "$ID"
	again --lsm-profile "apparmor:${PROFILES[1]}"
	is "$(current)" "${PROFILES[1]} (enforce)"
	remove
	echo -n "${PROFILES[1]}" >/sys/kernel/security/apparmor/.remove
}

# There is no SELinux here, which alone makes mounts with a context: the images are made to say so, and the log says what criu mounts.
@test "--lsm-mount-context: the context of a mount in the images is replaced" {
	holds memory 1
	config_edit '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=12345676k"]}]'
	start
	dump
	grep -l 'size=12345676k' "$T"/i/mountpoints-*.img
	LC_ALL=C sed -i 's/size=12345676k/context="abcd"/' "$T"/i/mountpoints-*.img
	refused 1 'criu failed to restore' restore -d --shim=always --image-path "$T/i" "$ID"
	hasnt "$(cat "$T/i/restore.log")" "Changed mount 'context='"
	refused 1 'criu failed to restore' restore -d --shim=always --lsm-mount-context system_u:object_r:new_t:s0 --image-path "$T/i" "$ID"
	grep "Changed mount 'context=' to .*context=\"system_u:object_r:new_t:s0\"" "$T/i/restore.log"
	LC_ALL=C sed -i 's/context="abcd"/size=12345676k/' "$T"/i/mountpoints-*.img
	again --lsm-mount-context system_u:object_r:new_t:s0
	remove
}

# Without a hierarchy of cgroups v2 in sight, and with those of v1 that v2 does not need. In a mount namespace of its own.
@test "cgroup v1: the freezer of the container's own, and its cgroups after a restore" {
	local holder real=$BERTH
	unshare -m sleep 10000 3>&- &
	holder=$!
	echo $holder >"$T/listener"
	own() { [ "$(readlink /proc/$holder/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; }
	wait_until 30 own
	nsenter -t $holder -m sh -ec 'mount -t tmpfs none /sys/fs/cgroup; cd /sys/fs/cgroup; for c in freezer devices; do mkdir $c; mount -t cgroup -o $c $c $c; done'
	BERTH=$T/berth
	printf '#!/bin/sh\nexec nsenter -t %s -m --wdns="$PWD" %s "$@"\n' $holder "$real" >"$BERTH"
	chmod +x "$BERTH"
	holds memory 1
	config_edit --arg c "/$TAG" '.linux.cgroupsPath = $c'
	start
	has "$(cat "/proc/$(pid_of "$ID")/cgroup")" ":freezer:/$TAG"
	dump
	grep -q "/sys/fs/cgroup/freezer/$TAG" "$T/i/dump.log"
	again
	has "$(cat "/proc/$(pid_of "$ID")/cgroup")" ":freezer:/$TAG"
	has "$(cat "/proc/$(pid_of "$ID")/cgroup")" ":devices:/$TAG"
	remove
	BERTH=$real
}

# namespaces NAME: of ipc, uts and time, with a host name and clocks of their own, as files
namespaces() {
	touch "$T/ns-$1-"{ipc,uts,time}
	unshare --ipc="$T/ns-$1-ipc" --uts="$T/ns-$1-uts" --time="$T/ns-$1-time" --monotonic 1000000 --fork hostname "$1"
}
# joins NAME: the container's configuration says so; is_in NAME: and so it is
joins() {
	config_edit --arg f "$T/ns-$1-" '.linux.namespaces |= (map(select(.type | IN("ipc", "uts", "time") | not))
		+ (["ipc", "uts", "time"] | map({type: ., path: ($f + .)})))'
}
is_in() {
	local type pid
	pid=$(pid_of "$ID")
	for type in ipc uts time; do is "$type $(stat -Lc %i "/proc/$pid/ns/$type")" "$type $(stat -Lc %i "$T/ns-$1-$type")"; done
}
segments() { nsenter --ipc="$T/ns-$1-ipc" ipcs -m | grep -c '^0x'; }

@test "ipc, uts and time namespaces by path: a restore joins those that are named then, and changes nothing in them" {
	local host
	host=$(hostname)
	namespaces one
	namespaces two
	holds memory 1
	config_edit 'del(.hostname)'
	joins one
	nsenter --ipc="$T/ns-one-ipc" ipcmk -M 4096
	start
	is_in one
	dump
	nsenter --uts="$T/ns-one-uts" hostname renamed
	config_edit --arg t "$T" '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "hostname >\($t)/hook"]}]}'
	again
	is_in one
	berth exec "$ID" hostname
	is "$out" renamed
	is "$(segments one)" 1
	is "$(cat "$T/hook")" "$host"
	dump
	joins two
	again
	is_in two
	is "$(segments two)" 0
	is "$(nsenter --uts="$T/ns-two-uts" hostname)" two
	is "$(hostname)" "$host"
	remove
}
