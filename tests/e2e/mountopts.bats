#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mount options one by one, as the container's own mount table shows them.

load helpers

# mounted DESTINATION: the line of the container's mountinfo in $out that is on top there, as "options | type source superoptions".
mounted() {
	awk -v d="$1" '$5 == d { n = index($0, " - "); line = $6 " | " substr($0, n + 3) } END { print line }' <<<"$out"
}
# attrs DESTINATION: its own options alone.
attrs() { mounted "$1" | cut -d' ' -f1; }
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
# tree NAME OPTION...: a source with a mount below it, both with these options.
tree() {
	local d=$T/$1
	shift
	mkdir -p "$d"
	mount -t tmpfs "$@" top "$d"
	mkdir "$d/sub"
	mount -t tmpfs "$@" sub "$d/sub"
}
untree() { umount "$T/$1/sub" "$T/$1"; }
with() { [[ ,$1, == *,$2,* ]] || fail "$2 is not among $1"; }
without() { [[ ,$1, != *,$2,* ]] || fail "$2 is among $1"; }

# bats test_tags=compat
@test "recursive attributes: each one set reaches what is mounted below, its plain form does not" {
	bundle
	tree src
	local o shown
	for o in ro nosuid nodev noexec nodiratime noatime nosymfollow; do
		add_mount "/r$o" bind "$T/src" rbind "r$o"
		add_mount "/p$o" bind "$T/src" rbind "$o"
	done
	table
	for o in ro nosuid nodev noexec nodiratime noatime nosymfollow; do
		shown=$o
		with "$(attrs "/r$o")" "$shown"
		with "$(attrs "/r$o/sub")" "$shown"
		with "$(attrs "/p$o")" "$shown"
		without "$(attrs "/p$o/sub")" "$shown"
	done
	untree src
}

# bats test_tags=compat
@test "recursive attributes: each one cleared reaches what is mounted below" {
	bundle
	tree src
	mount -o remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime "$T/src/sub"
	mount -o remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime "$T/src"
	local pair
	for pair in rrw:ro rsuid:nosuid rdev:nodev rexec:noexec rdiratime:nodiratime; do
		add_mount "/${pair%:*}" bind "$T/src" rbind "${pair%:*}"
	done
	for pair in ratime rrelatime rnorelatime rnostrictatime rstrictatime; do
		add_mount "/$pair" bind "$T/src" rbind "$pair"
	done
	table
	for pair in rrw:ro rsuid:nosuid rdev:nodev rexec:noexec rdiratime:nodiratime; do
		without "$(attrs "/${pair%:*}")" "${pair#*:}"
		without "$(attrs "/${pair%:*}/sub")" "${pair#*:}"
		# Nothing else was named.
		with "$(attrs "/${pair%:*}/sub")" noatime
	done
	for pair in ratime rrelatime rnorelatime rnostrictatime; do
		with "$(attrs "/$pair")" relatime
		with "$(attrs "/$pair/sub")" relatime
	done
	without "$(attrs /rstrictatime/sub)" relatime
	without "$(attrs /rstrictatime/sub)" noatime
	without "$(attrs /rstrictatime)" noatime
	untree src
	mkdir "$T/links"
	mount -t tmpfs -o nosymfollow links "$T/links"
	config_edit '.mounts |= .[:7]'
	add_mount /rsymfollow bind "$T/links" rbind rsymfollow
	table
	without "$(attrs /rsymfollow)" nosymfollow
	umount "$T/links"
}

@test "recursive attributes: with plain ones, in a new file system, and the last one wins" {
	bundle
	tree src
	add_mount /a bind "$T/src" rbind rro rrw rnosuid
	add_mount /b bind "$T/src" rbind ro rnodev rnoatime
	add_mount /c tmpfs tmpfs rro rnosuid
	table
	with "$(attrs /a/sub)" rw
	with "$(attrs /a/sub)" nosuid
	with "$(attrs /b)" ro
	with "$(attrs /b/sub)" rw
	with "$(attrs /b/sub)" nodev
	with "$(attrs /b/sub)" noatime
	with "$(attrs /c)" ro
	with "$(attrs /c)" nosuid
	untree src
}

# bats test_tags=compat
@test "every option of the specification is taken" {
	bundle
	mkdir "$T/src"
	local o
	for o in async atime dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid \
		nosymfollow private ratime rdev rdiratime relatime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw \
		rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable defaults; do
		add_mount "/t-$o" tmpfs tmpfs "$o"
		[ $o = tmpcopyup ] || add_mount "/b-$o" bind "$T/src" rbind "$o"
	done
	table
	with "$(mounted /t-sync | cut -d' ' -f5)" sync
	with "$(mounted /t-dirsync | cut -d' ' -f5)" dirsync
	with "$(mounted /t-lazytime | cut -d' ' -f5)" lazytime
	without "$(mounted /t-async | cut -d' ' -f5)" sync
	has "$(propagation /t-shared)" shared:
	has "$(propagation /b-rshared)" shared:
	has "$(propagation /t-unbindable)" unbindable
	is "$(propagation /b-rprivate)" ""
}

# bats test_tags=compat
@test "data of the file system: what it knows, and what it does not" {
	bundle
	add_mount /a tmpfs tmpfs size=1m nr_inodes=77 mode=1711 uid=3 gid=4
	add_mount /p proc proc hidepid=2
	config_edit '.mounts |= map(select(.destination != "/p"))'
	config_edit '(.mounts[] | select(.destination == "/proc")).options = ["hidepid=invisible", "nosuid"]'
	table
	[[ $(mounted /a) == *size=1024k*nr_inodes=77*mode=1711*uid=3*gid=4* ]]
	[[ $(mounted /proc) == *hidepid=invisible* ]]
	with "$(attrs /proc)" nosuid
	add_mount /b tmpfs tmpfs nonsense=1
	refused 1 'error mounting "tmpfs" to rootfs at "/b".*nonsense' run "$ID"
	config_edit '.mounts[-1].options = ["size=many"]'
	refused 1 'error mounting "tmpfs" to rootfs at "/b".*size=many' run "$ID"
	config_edit '.mounts[-1] = {destination: "/b", type: "nosuchfs", source: "x"}'
	refused 1 'file system type "nosuchfs"' run "$ID"
}

# bats test_tags=compat
@test "remount: the flags of a mount that is there, and data of its file system" {
	bundle
	add_mount /a tmpfs tmpfs size=1m nosuid
	add_mount /a tmpfs tmpfs remount size=2m noexec
	add_mount /b bind "$T" bind
	add_mount /b bind "$T" bind remount ro nodev
	add_mount /c tmpfs tmpfs
	add_mount /c none none remount rro
	table
	[[ $(mounted /a) == *size=2048k* ]]
	# What is not named stays.
	with "$(attrs /a)" nosuid
	with "$(attrs /a)" noexec
	with "$(attrs /b)" ro
	with "$(attrs /b)" nodev
	with "$(attrs /c)" ro
	is "$(grep -c ' /a ' "$T/out")" 1
	is "$(grep -c ' /b ' "$T/out")" 1
}

@test "superblock flags: the last one wins, and a remount takes them back" {
	bundle
	add_mount /a tmpfs tmpfs sync async lazytime nolazytime mand nomand iversion noiversion
	add_mount /b tmpfs tmpfs async sync iversion mand
	add_mount /c tmpfs tmpfs sync lazytime
	add_mount /c none none remount async nolazytime noiversion
	table
	for o in sync lazytime; do
		without "$(mounted /a | cut -d' ' -f5)" $o
		without "$(mounted /c | cut -d' ' -f5)" $o
	done
	with "$(mounted /b | cut -d' ' -f5)" sync
}

@test "remount: where nothing is mounted, and through a link" {
	bundle true
	add_mount /nothing/here none none remount ro
	refused 1 'mount point "/nothing/here"' run "$ID"
	mkdir -p "$BUNDLE/rootfs/there"
	ln -s /proc "$BUNDLE/rootfs/link"
	config_edit '.mounts[-1].destination = "/link"'
	refused 1 'procfs|proc' run "$ID"
}

# bats test_tags=compat
@test "propagation: several options in their order" {
	bundle
	tree src
	mount --make-rshared "$T/src"
	add_mount /a bind "$T/src" rbind rslave rshared
	add_mount /b bind "$T/src" rbind rslave
	add_mount /c bind "$T/src" rbind slave
	add_mount /d bind "$T/src" rbind rprivate
	table
	[[ $(propagation /a) == *shared:*master:* ]]
	[[ $(propagation /a/sub) == *shared:*master:* ]]
	[[ $(propagation /b/sub) == master:* ]]
	[[ $(propagation /c) == master:* ]]
	is "$(propagation /d/sub)" ""
	untree src
}

# bats test_tags=compat
@test "sources: relative to the bundle, through links, of files, devices and sockets" {
	bundle sh -c 'cat /f /l; [ -c /null ] && echo device; [ -p /fifo ] && echo fifo; [ -S /sock ] && echo socket; ls /d'
	mkdir "$BUNDLE/dir"
	echo inside >"$BUNDLE/dir/file"
	echo two >"$T/two"
	ln -s "$T/two" "$BUNDLE/link"
	mkfifo "$T/fifo"
	notifyagent "$T/sock" >/dev/null &
	local agent=$!
	wait_until 5 test -S "$T/sock"
	add_mount /f bind dir/file bind
	add_mount /l bind ./link bind
	add_mount /d bind dir/../dir rbind
	add_mount /null bind /dev/null bind
	add_mount /fifo bind "$T/fifo" bind
	add_mount /sock bind "$T/sock" bind
	berth run "$ID"
	kill "$agent"
	is "$(tr '\n' ' ' <"$T/out")" "inside two device fifo socket file "
	add_mount /e bind nothing bind
	refused 1 'bind source.*nothing.*No such file' run "$ID"
}
