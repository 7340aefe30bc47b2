#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mounts, the root, devices, masked and read-only paths, as the container's own mount table shows them.

load helpers

# mounted DESTINATION: the line of the container's mountinfo in $out that is on top there, as "options | type source superoptions".
mounted() {
	awk -v d="$1" '$5 == d { n = index($0, " - "); line = $6 " | " substr($0, n + 3) } END { print line }' <<<"$out"
}
propagation() { awk -v d="$1" '$5 == d { l = ""; for (i = 7; $i != "-"; i++) l = l $i " " } END { print l }' <<<"$out"; }
table() {
	command_is cat /proc/self/mountinfo
	berth run "$ID"
}
# add_mount DESTINATION TYPE SOURCE OPTION...
add_mount() {
	local d=$1 t=$2 s=$3
	shift 3
	config_edit --arg d "$d" --arg t "$t" --arg s "$s" --argjson o "$(words "$@")" '.mounts += [{destination: $d, type: $t, source: $s, options: $o}]'
}

# bats test_tags=compat
@test "the standard mounts" {
	bundle
	table
	[[ $(mounted /proc) == rw,*"| proc proc "* ]]
	[[ $(mounted /dev) == *nosuid*"| tmpfs tmpfs "*mode=755* ]]
	[[ $(mounted /dev/pts) == *nosuid,noexec*"| devpts devpts "*ptmxmode=666* ]]
	[[ $(mounted /dev/shm) == *nosuid,nodev,noexec*"| tmpfs shm "*size=65536k* ]]
	[[ $(mounted /dev/mqueue) == *nosuid,nodev,noexec*"| mqueue "* ]]
	[[ $(mounted /sys) == ro,nosuid,nodev,noexec*"| sysfs "* ]]
	[[ $(mounted /) == ro,* ]]
	[[ -n $(mounted /sys/fs/cgroup) ]]
}

# bats test_tags=compat
@test "a tmpfs with size, mode and flags" {
	bundle
	add_mount /tmp tmpfs tmpfs nosuid nodev noexec size=5m mode=1750
	table
	[[ $(mounted /tmp) == rw,nosuid,nodev,noexec*"| tmpfs tmpfs "*size=5120k*mode=1750* ]]
	command_is sh -c 'stat -c %a /tmp; dd if=/dev/zero of=/tmp/f bs=1M count=10 2>/dev/null; stat -c %s /tmp/f'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "1750 5242880 "
}

# bats test_tags=compat
@test "bind: a directory, read-only, and nothing of it in the host's table" {
	bundle
	mkdir "$T/src"
	echo text >"$T/src/f"
	add_mount /data bind "$T/src" bind
	add_mount /ro bind "$T/src" bind ro nosuid nodev noexec
	command_is sh -c 'cat /data/f /ro/f; echo new >/data/g; echo new >/ro/h'
	berth run "$ID" || true
	has "$out" text
	has "$err" "Read-only file system"
	[ -e "$T/src/g" ] && [ ! -e "$T/src/h" ]
	table
	[[ $(mounted /ro) == ro,nosuid,nodev,noexec* ]]
	[[ $(mounted /data) == rw,* ]]
}

# bats test_tags=compat
@test "bind: a file, a source relative to the bundle, targets that are made" {
	bundle cat /deep/in/here/file /deep/other
	echo one >"$T/one"
	echo two >"$BUNDLE/two"
	add_mount /deep/in/here/file bind "$T/one" bind
	add_mount /deep/other bind two rbind ro
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "one two "
	[ -f "$BUNDLE/rootfs/deep/in/here/file" ]
	is "$(stat -c %a "$BUNDLE/rootfs/deep/in")" 755
}

# bats test_tags=compat
@test "bind and rbind: what is mounted below the source" {
	bundle
	mkdir -p "$T/src/sub"
	mount -t tmpfs below "$T/src/sub"
	echo text >"$T/src/sub/f"
	add_mount /flat bind "$T/src" bind
	add_mount /whole bind "$T/src" rbind
	command_is sh -c 'ls /flat/sub; echo -; ls /whole/sub'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "- f "
	umount "$T/src/sub"
}

@test "recursive read-only: rro reaches what is mounted below, ro does not" {
	bundle
	mkdir -p "$T/src/sub"
	mount -t tmpfs below "$T/src/sub"
	add_mount /ro bind "$T/src" rbind ro
	add_mount /rro bind "$T/src" rbind rro
	table
	[[ $(mounted /ro) == ro,* && $(mounted /ro/sub) == rw,* ]]
	[[ $(mounted /rro) == ro,* && $(mounted /rro/sub) == ro,* ]]
	umount "$T/src/sub"
}

# bats test_tags=compat
@test "mounts are made in their order, later ones in and over earlier ones" {
	bundle sh -c 'ls /a /a/b'
	mkdir "$T/src"
	: >"$T/src/in-b"
	add_mount /a tmpfs tmpfs mode=755
	add_mount /a/b tmpfs tmpfs
	add_mount /a/b bind "$T/src" bind
	berth run "$ID"
	has "$out" in-b
	[ ! -e "$BUNDLE/rootfs/a/b" ]
}

# bats test_tags=compat
@test "flags: each of them, set and cleared, the last one wins" {
	bundle
	add_mount /a tmpfs a noatime nodiratime sync dirsync
	add_mount /b tmpfs b strictatime nosuid suid nodev dev noexec exec ro rw
	add_mount /c tmpfs c ro nosymfollow
	table
	[[ $(mounted /a) == *noatime*sync*dirsync* || $(mounted /a) == *noatime*nodiratime*sync* ]]
	is "$(mounted /b | cut -d' ' -f1)" rw
	[[ $(mounted /c) == ro,*nosymfollow* ]]
}

# bats test_tags=compat
@test "propagation of the root and of single mounts" {
	bundle
	mkdir "$T/src"
	mount -t tmpfs src "$T/src"
	mount --make-shared "$T/src"
	add_mount /private bind "$T/src" bind private
	add_mount /slave bind "$T/src" bind slave
	add_mount /shared bind "$T/src" bind shared
	add_mount /unbindable bind "$T/src" bind unbindable
	table
	is "$(propagation /private)" ""
	has "$(propagation /slave)" master:
	has "$(propagation /shared)" shared:
	has "$(propagation /unbindable)" unbindable
	umount "$T/src"
}

@test "rslave: what the host mounts later shows inside, and not the other way round" {
	bundle sh -c 'while [ ! -e /data/sub/f ]; do usleep 20000; done; echo seen; mount -t tmpfs in /data/inside; sleep 1000'
	mkdir "$T/src"
	mount -t tmpfs src "$T/src"
	mount --make-shared "$T/src"
	mkdir "$T/src/sub" "$T/src/inside"
	add_mount /data bind "$T/src" rbind rslave
	config_edit '.linux.rootfsPropagation = "rslave" | (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYS_ADMIN"]'
	berth run -d "$ID"
	mount -t tmpfs sub "$T/src/sub"
	: >"$T/src/sub/f"
	wait_until 5 log_has "$ID" seen
	not mountpoint -q "$T/src/inside"
	remove
	umount "$T/src/sub"
	umount "$T/src"
}

# bats test_tags=compat
@test "rootfsPropagation" {
	local mode
	bundle
	for mode in private rprivate slave rslave; do
		config_edit --arg m "$mode" '.linux.rootfsPropagation = $m'
		table
		hasnt "$(propagation /)" shared
	done
	config_edit '.linux.rootfsPropagation = "shared"'
	table
	has "$(propagation /)" shared
	config_edit '.linux.rootfsPropagation = "unbindable"'
	table
	has "$(propagation /)" unbindable
}

# bats test_tags=compat
@test "rootfsPropagation shared on a host that shares its mounts: a group of the root's own" {
	local mode
	bundle
	mount --bind "$BUNDLE/rootfs" "$BUNDLE/rootfs"
	mount --make-shared "$BUNDLE/rootfs"
	for mode in shared rshared; do
		config_edit --arg m "$mode" '.linux.rootfsPropagation = $m'
		table
		has "$(propagation /)" shared:
		hasnt "$(propagation /)" master:
	done
	config_edit '.linux.rootfsPropagation = "slave"'
	table
	has "$(propagation /)" master:
	hasnt "$(propagation /)" shared:
	umount "$BUNDLE/rootfs"
}

# bats test_tags=compat
@test "a writable root, and a read-only one with writable mounts on it" {
	bundle sh -c 'echo x >/etc/new && echo written'
	not berth run "$ID"
	writable
	berth run "$ID"
	is "$out" written
	[ -e "$BUNDLE/rootfs/etc/new" ]
	config_edit '.root.readonly = true'
	add_mount /etc tmpfs tmpfs
	berth run "$ID"
	is "$out" written
}

# bats test_tags=compat
@test "devices: the standard ones, and those that are asked for" {
	bundle sh -c 'for d in null zero full random urandom tty fuse-like pipe; do stat -c "%n %F %t:%T %a %u:%g" /dev/$d; done; for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done'
	config_edit '.linux.devices = [{path: "/dev/fuse-like", type: "c", major: 10, minor: 229, fileMode: 432, uid: 3, gid: 4}, {path: "/dev/pipe", type: "p", fileMode: 384}]'
	berth run "$ID"
	grep -qx '/dev/null character special file 1:3 666 0:0' "$T/out"
	grep -qx '/dev/zero character special file 1:5 666 0:0' "$T/out"
	grep -qx '/dev/full character special file 1:7 666 0:0' "$T/out"
	grep -qx '/dev/random character special file 1:8 666 0:0' "$T/out"
	grep -qx '/dev/urandom character special file 1:9 666 0:0' "$T/out"
	grep -qx '/dev/tty character special file 5:0 666 0:0' "$T/out"
	grep -qx '/dev/fuse-like character special file a:e5 660 3:4' "$T/out"
	grep -qE '^/dev/pipe fifo .* 600 ' "$T/out"
	is "$(tail -n 5 "$T/out" | tr '\n' ' ')" "/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx "
}

# bats test_tags=compat
@test "/dev as a bind mount is left alone" {
	bundle sh -c 'ls /dev'
	mkdir "$T/dev"
	: >"$T/dev/mine"
	mknod -m 666 "$T/dev/null" c 1 3
	config_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
	add_mount /dev bind "$T/dev" rbind
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "mine null "
	is "$(ls "$T/dev" | tr '\n' ' ')" "mine null "
}

# bats test_tags=compat
@test "masked paths: files are empty, directories too, and missing ones are no error" {
	bundle sh -c 'cat /secret/file; ls /hidden; cat /proc/kcore | wc -c; echo x >/secret/file; stat -c %F /secret/file'
	mkdir "$BUNDLE/rootfs/secret" "$BUNDLE/rootfs/hidden"
	echo text >"$BUNDLE/rootfs/secret/file"
	: >"$BUNDLE/rootfs/hidden/file"
	config_edit '.linux.maskedPaths += ["/secret/file", "/hidden", "/no/such/path", "/secret/file"]'
	berth run "$ID" || true
	is "$(tr '\n' ' ' <"$T/out")" "0 character special file "
	table
	[[ $(mounted /hidden) == ro,*"| tmpfs "* ]]
	is "$(cat "$BUNDLE/rootfs/secret/file")" text
}

# bats test_tags=compat
@test "read-only paths" {
	bundle sh -c 'echo x >/locked/f; echo x >/proc/sys/net/ipv4/ip_forward; echo x >/open/f && echo done'
	mkdir "$BUNDLE/rootfs/locked" "$BUNDLE/rootfs/open"
	writable
	config_edit '.linux.readonlyPaths += ["/locked", "/no/such/path"]'
	berth run "$ID"
	is "$out" "done"
	is "$(grep -c 'Read-only file system' "$T/err")" 2
	table
	[[ $(mounted /proc/sys) == ro,* ]]
}

# bats test_tags=compat
@test "a cgroup mount shows the container's own cgroups, read-only" {
	bundle sh -c 'ls /sys/fs/cgroup; find /sys/fs/cgroup -name cgroup.procs | head -n 1 | xargs cat; mkdir /sys/fs/cgroup/x /sys/fs/cgroup/pids/x || echo no'
	berth run "$ID"
	is "$(tail -n 1 "$T/out")" no
	if on_v2; then
		table
		has "$(mounted /sys/fs/cgroup)" "| cgroup2 "
	fi
}

# bats test_tags=compat
@test "--no-pivot" {
	bundle sh -c 'ls /; cat /proc/self/mountinfo | wc -l'
	berth run --no-pivot "$ID"
	has "$out" bin
	[ "$(tail -n 1 "$T/out")" -lt 60 ]
}

@test "--no-pivot with a private rootfsPropagation is refused before anything is made" {
	bundle true
	local p
	for p in private rprivate; do
		config_edit --arg p "$p" '.linux.rootfsPropagation = $p'
		GLOBAL=(--debug)
		berth run --no-pivot "$ID" && fail "it ran"
		has "$err" "linux.rootfsPropagation: [r]private is not safe without pivot_root"
		hasnt "$err" "clone init"
	done
	GLOBAL=()
	config_edit '.linux.rootfsPropagation = "rslave"'
	berth run --no-pivot "$ID"
}

# bats test_tags=compat
@test "no mount of the host is left in the container" {
	bundle
	table
	hasnt "$out" "$T/out"
	is "$(awk '{ print $5 }' "$T/out" | grep -cE '^/(tmp|run|var|work)')" 0
}

@test "a mount on the root itself, on /proc by something else, and below /proc are refused" {
	bundle true
	local dest
	cp config.json "$T/good"
	for dest in / /. //; do
		add_mount "$dest" tmpfs tmpfs
		refused 1 'mounts\[[0-9]+\]|root' create "$ID"
		cp "$T/good" config.json
	done
	for dest in /proc /proc/self /proc/sys /proc/1; do
		add_mount "$dest" tmpfs tmpfs
		refused 1 "/proc" create "$ID"
		cp "$T/good" config.json
	done
	add_mount /proc/loadavg bind /proc/loadavg bind ro
	berth run "$ID"
}

@test "tmpcopyup: the new tmpfs has what was below" {
	bundle sh -c 'cat /etc/group | head -n 1; echo x >/etc/new && echo done'
	add_mount /etc tmpfs tmpfs tmpcopyup
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "root:x:0: done "
	[ ! -e "$BUNDLE/rootfs/etc/new" ]
}

# bats test_tags=compat
@test "a root file system that is a mount itself, shared, and read-only on the host" {
	bundle sh -c 'echo runs'
	mount --bind "$BUNDLE/rootfs" "$BUNDLE/rootfs"
	mount --make-shared "$BUNDLE/rootfs"
	mount -o remount,bind,ro "$BUNDLE/rootfs"
	berth run "$ID"
	is "$out" runs
	umount "$BUNDLE/rootfs"
}

# bats test_tags=compat
@test "an absolute root path, and one in a directory that only root may search" {
	bundle sh -c 'echo runs'
	mkdir "$T/private"
	mv "$BUNDLE/rootfs" "$T/private/r"
	chmod 700 "$T/private"
	config_edit --arg r "$T/private/r" '.root.path = $r'
	berth run "$ID"
	is "$out" runs
	is "$(ls "$BUNDLE")" config.json
}

@test "a hundred mounts" {
	bundle
	config_edit '.mounts += [range(100) | {destination: "/m/\(.)", type: "tmpfs", source: "t\(.)", options: ["size=4k"]}]'
	table
	is "$(grep -c ' /m/' "$T/out")" 100
}
