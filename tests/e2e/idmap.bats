#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Id-mapped mounts: owners as they are seen inside and as they are on disk.

load helpers

# source_dir NAME: a directory with files of several owners.
source_dir() {
	mkdir "$T/$1"
	echo text >"$T/$1/root"
	echo text >"$T/$1/user"
	chown 0:0 "$T/$1/root" "$T/$1"
	chown 1000:1001 "$T/$1/user"
	chmod 777 "$T/$1"
}
# add_mount DESTINATION SOURCE OPTIONS MAPPINGS: OPTIONS and MAPPINGS are JSON.
add_mount() {
	config_edit --arg d "$1" --arg s "$2" --argjson o "$3" --argjson m "${4:-{\}}" '.mounts += [{destination: $d, source: $s, options: $o} + $m]'
}
maps() { echo "{\"uidMappings\": [{\"containerID\": $1, \"hostID\": $2, \"size\": $3}], \"gidMappings\": [{\"containerID\": $1, \"hostID\": $2, \"size\": $3}]}"; }
userns() {
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$BUNDLE/rootfs"
}
owners() { stat -c %u:%g "$@" | tr '\n' ' '; }

# bats test_tags=compat
@test "idmap: mappings of the mount, without a user name space" {
	bundle sh -c 'stat -c %u:%g /a/root /a/user; echo new >/a/new; stat -c %u:%g /a/new'
	source_dir a
	add_mount /a "$T/a" '["bind", "idmap"]' "$(maps 0 5000 2000)"
	config_edit '.process.user = {uid: 6000, gid: 6001}'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "5000:5000 6000:6001 6000:6001 "
	is "$(owners "$T/a/new")" "1000:1001 "
}

@test "idmap: mappings without the option mean idmap" {
	bundle stat -c %u /a/user
	source_dir a
	add_mount /a "$T/a" '["bind"]' "$(maps 1000 70000 1)"
	berth run "$ID"
	is "$out" 70000
}

# bats test_tags=compat
@test "idmap: the container's own mappings" {
	bundle sh -c 'stat -c %u:%g /a/root /a/user /b/root; echo new >/a/new; stat -c %u /a/new'
	userns
	source_dir a
	source_dir second
	add_mount /a "$T/a" '["bind", "idmap"]'
	add_mount /b "$T/second" '["bind"]'
	berth run "$ID"
	# Without mapping the host's root is nobody.
	is "$(tr '\n' ' ' <"$T/out")" "0:0 1000:1001 65534:65534 0 "
	is "$(owners "$T/a/new")" "0:0 "
}

# bats test_tags=compat
@test "idmap: mappings of the mount in a container with others" {
	bundle stat -c %u:%g /a/root /a/user
	userns
	source_dir a
	add_mount /a "$T/a" '["bind", "idmap"]' "$(maps 0 200007 2000)"
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "7:7 1007:1008 "
}

# bats test_tags=compat
@test "idmap and ridmap: what is mounted below" {
	bundle stat -c %u /one/user /one/sub/user /tree/user /tree/sub/user
	source_dir a
	source_dir second
	mkdir "$T/a/sub"
	mount --bind "$T/second" "$T/a/sub"
	add_mount /one "$T/a" '["rbind", "idmap"]' "$(maps 0 5000 2000)"
	add_mount /tree "$T/a" '["rbind", "ridmap"]' "$(maps 0 5000 2000)"
	berth run "$ID"
	umount "$T/a/sub"
	is "$(tr '\n' ' ' <"$T/out")" "6000 1000 6000 6000 "
}

@test "idmap: several mounts, the same and other mappings, a file, read-only" {
	bundle sh -c 'stat -c %u /a/user /b/user /c/user /f; echo x >/c/user'
	source_dir a
	add_mount /a "$T/a" '["bind", "idmap"]' "$(maps 0 5000 2000)"
	add_mount /b "$T/a" '["bind", "idmap"]' "$(maps 0 7000 2000)"
	add_mount /c "$T/a" '["bind", "idmap", "ro", "nosuid"]' "$(maps 0 5000 2000)"
	add_mount /f "$T/a/user" '["bind", "idmap"]' "$(maps 1000 9 1)"
	berth run "$ID" || true
	is "$(tr '\n' ' ' <"$T/out")" "6000 8000 6000 9 "
	has "$err" "Read-only file system"
}

@test "idmap: the form with mappings in the option" {
	bundle stat -c %u:%g /a/user /b/user
	userns
	source_dir a
	add_mount /a "$T/a" '["bind", "idmap=uids=0-200000-10#1000-200500-1;gids=1001-200600-1"]'
	add_mount /b "$T/a" '["rbind", "ridmap=uids=@1000-5-1;gids=@1001-6-1"]'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "500:600 5:6 "
}

@test "idmap: the mappings of a user name space that is joined by path" {
	bundle sleep 1000
	userns
	berth create "$ID"
	berth start "$ID"
	local pid
	pid=$(pid_of)
	source_dir a
	add_mount /a "$T/a" '["bind", "idmap"]'
	config_edit --arg p "/proc/$pid/ns/user" '(.linux.namespaces[] | select(.type == "user")).path = $p | del(.linux.uidMappings, .linux.gidMappings)
		| .process.args = ["stat", "-c", "%u:%g", "/a/root", "/a/user"]'
	berth run "$ID-2"
	is "$(tr '\n' ' ' <"$T/out")" "0:0 1000:1001 "
	remove "$ID"
}

# nested OPTIONS: /a from outside; of it /a/sub goes, by way of its place below the root, to /late.
nested() {
	source_dir a
	source_dir a/sub
	mkdir -p "$BUNDLE/rootfs/a/sub"
	add_mount /a "$T/a" '["bind"]'
	add_mount /late "$1" "$2" "$(maps 0 "$3" 2000)"
}

# bats test_tags=compat
@test "idmap: a source on what the container mounts before" {
	bundle stat -c %u:%g /a/sub/user /late/user
	nested "$BUNDLE/rootfs/a/sub" '["bind", "idmap"]' 5000
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "1000:1001 6000:6001 "
}

# bats test_tags=compat
@test "idmap: a source on what the container mounts before, in a user name space that cannot reach it" {
	bundle stat -c %u:%g /late/user
	userns
	nested "$BUNDLE/rootfs/a/sub" '["rbind", "idmap"]' 200000
	chmod 700 "$T/a"
	berth run "$ID"
	is "$out" 1000:1001
}

@test "idmap: a source that a link leads into the container's mounts" {
	bundle stat -c %u:%g /late/user
	ln -s "$BUNDLE/rootfs" "$T/link"
	nested "$T/link/a/sub" '["bind", "idmap"]' 5000
	berth run "$ID"
	is "$out" 6000:6001
	# Where only the container's mount makes the path whole.
	rmdir "$BUNDLE/rootfs/a/sub"
	berth run "$ID-2"
	is "$out" 6000:6001
}

@test "a bind in a user name space whose source is out of reach on what the container mounts before" {
	bundle cat /late/file
	userns
	mkdir -p "$BUNDLE/rootfs/a/sub" "$T/a/sub"
	chown -R 200000:200000 "$BUNDLE/rootfs/a"
	echo below >"$BUNDLE/rootfs/a/sub/file"
	echo above >"$T/a/sub/file"
	chmod 700 "$T/a"
	add_mount /a "$T/a" '["bind"]'
	add_mount /late "$BUNDLE/rootfs/a/sub" '["bind"]'
	berth run "$ID"
	is "$out" above
}

@test "idmap: a source that is nowhere, or cannot be mapped, on what the container mounts before" {
	bundle true
	cp config.json "$T/plain"
	nested "$BUNDLE/rootfs/a/none" '["bind", "idmap"]' 5000
	refused 1 'error mounting ".*/a/none" to rootfs at "/late": bind source .*No such file' run "$ID"
	cp "$T/plain" config.json
	add_mount /late "$BUNDLE/rootfs/proc" '["bind", "idmap"]' "$(maps 0 1 1)"
	refused 1 'rootfs at "/late": mapping the ids of .*may not support id-mapped mounts' run "$ID"
	[ ! -e "$STATE/$ID" ]
}

@test "idmap: what cannot be is refused by name, before anything is made" {
	bundle true
	source_dir a
	cp config.json "$T/plain"
	add_mount /a "$T/a" '["bind", "idmap"]'
	refused 1 'mounts\[7\].*both uid and gid mappings' run "$ID"
	cp "$T/plain" config.json
	add_mount /a "$T/a" '["bind", "idmap=uids=0-0"]'
	refused 1 'idmap=uids=0-0.*expected uids' run "$ID"
	cp "$T/plain" config.json
	add_mount /a tmpfs '["idmap"]' "$(maps 0 1 1)"
	config_edit '.mounts[7].type = "tmpfs"'
	refused 1 'only supported for bind-mounts' run "$ID"
	cp "$T/plain" config.json
	add_mount /a /proc '["rbind", "idmap"]' "$(maps 0 1 1)"
	refused 1 'may not support id-mapped mounts' run "$ID"
	[ ! -e "$STATE/$ID" ]
}
