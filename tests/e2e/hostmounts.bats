#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Containers without a mount name space: their mounts are made on the host, and nothing of them stays. What is left over
# is found after each test, as everywhere.

load helpers

# on_host COMMAND...: the standard bundle without a mount name space.
on_host() {
	bundle "$@"
	config_edit '.linux.namespaces -= [{type: "mount"}] | del(.linux.maskedPaths, .linux.readonlyPaths)'
}
# The mount points below the bundle.
mounted() { awk -v b="$BUNDLE/" 'index($5, b) == 1 { print substr($5, length(b)) }' "${1:-/proc/self/mountinfo}"; }

# bats test_tags=compat
@test "without a mount name space the container has the host's, with its root and mounts in it" {
	on_host sh -c 'readlink /proc/self/ns/mnt; cut -d" " -f5 /proc/self/mountinfo; ls -d /proc/1 /dev/null /dev/pts; pwd'
	berth run "$ID"
	is "$(head -n 1 "$T/out")" "$(readlink /proc/self/ns/mnt)"
	has "$out" $'\n/proc/1\n'
	has "$out" $'\n/dev/pts\n'
	is "$(tail -n 1 "$T/out")" /
	has "$err" 'no mount namespace: the container sees the mounts of the host and can change them'
	is "$(mounted)" ""
}

@test "the mounts are on the host until delete, which takes those of the container too" {
	on_host sh -c 'mount -t tmpfs inner /tmp && mkdir /tmp/x && mount -t tmpfs inner /tmp/x && echo mounted; exec sleep 1000'
	config_edit '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	berth create "$ID"
	berth start "$ID"
	wait_until 5 log_has "$ID" mounted
	has "$(mounted)" /rootfs/dev/pts
	has "$(mounted)" /rootfs/tmp/x
	berth delete --force "$ID"
	is "$(mounted)" ""
}

# bats test_tags=compat
@test "exec is in the root of the container, from any mount name space" {
	on_host sleep 1000
	echo inside >"$BUNDLE/rootfs/which"
	berth create "$ID"
	berth exec "$ID" cat /which
	is "$out" inside
	berth start "$ID"
	berth exec "$ID" sh -c 'cat /which; pwd; ls /proc/self/fd | wc -l; cd ..; ls -d /which'
	# Standard input, output, error and the directory itself.
	is "$(tr '\n' ' ' <"$T/out")" "inside / 4 /which "
	not berth exec --cwd /no/such "$ID" true
	local real=$BERTH
	printf '#!/bin/sh\nexec unshare -m --propagation private "%s" "$@"\n' "$real" >"$T/elsewhere"
	chmod 755 "$T/elsewhere"
	BERTH=$T/elsewhere
	berth exec "$ID" sh -c 'cat /which; readlink /proc/self/ns/mnt'
	is "$out" "inside"$'\n'"$(readlink /proc/self/ns/mnt)"
	# So does delete.
	berth delete --force "$ID"
	BERTH=$real
	is "$(mounted)" ""
}

@test "exec does not follow a first process that has left its root" {
	on_host chroot /tmp /sleep 1000
	config_edit '.process.capabilities |= map_values(. + ["CAP_SYS_CHROOT"]) | .root.readonly = false'
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/tmp/sleep"
	berth create "$ID"
	berth start "$ID"
	wait_until 5 sh -c "[ \"\$(readlink /proc/$(pid_of)/root)\" = '$BUNDLE/rootfs/tmp' ]"
	refused 255 'has left the root' exec "$ID" /sleep 1
	remove
}

@test "a terminal, and a root that is read-only" {
	on_host sh -c 'test -t 0 && tty; touch /x 2>&1; ls /x 2>&1; echo end'
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" end
	berth logs "$ID"
	has "$out" /dev/pts/0
	has "$out" "Read-only file system"
	remove
	[ ! -e "$BUNDLE/rootfs/x" ]
}

@test "binds: nothing of the host's goes with them, and nothing travels back" {
	mkdir -p "$T/src/below"
	mount -t tmpfs src "$T/src"
	mount --make-rshared "$T/src"
	mkdir "$T/src/below"
	mount -t tmpfs below "$T/src/below"
	echo still >"$T/src/below/there"
	on_host sh -c 'cat /tmp/below/there; mkdir /tmp/new && mount -t tmpfs new /tmp/new; echo done; exec sleep 1000'
	config_edit --arg s "$T/src" '.mounts += [{destination: "/tmp", type: "bind", source: $s, options: ["rbind"]}]
		| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" "done"
	berth logs "$ID"
	has "$out" still
	[ -d "$T/src/new" ]
	not mountpoint -q "$T/src/new"
	remove
	is "$(cat "$T/src/below/there")" still
	umount "$T/src/below"
	umount "$T/src"
}

@test "where the root is on a shared mount, other name spaces keep nothing" {
	on_host sleep 1000
	mount --bind "$BUNDLE" "$BUNDLE"
	mount --make-shared "$BUNDLE"
	cd "$BUNDLE"
	mkdir "$BUNDLE/rootfs/data"
	mount -t tmpfs data "$BUNDLE/rootfs/data"
	unshare -m --propagation unchanged sleep 1000 &
	local peer=$!
	wait_until 5 sh -c "[ \"\$(readlink /proc/$peer/ns/mnt)\" != \"\$(readlink /proc/self/ns/mnt)\" ] && grep -q rootfs/data /proc/$peer/mountinfo"
	local before
	before=$(mounted "/proc/$peer/mountinfo")
	berth create "$ID"
	has "$(mounted)" /rootfs/proc
	hasnt "$(mounted "/proc/$peer/mountinfo")" /rootfs/proc
	remove
	is "$(mounted "/proc/$peer/mountinfo")" "$before"
	kill "$peer"
	wait "$peer" || true
	umount "$BUNDLE/rootfs/data"
	cd /
	umount "$BUNDLE"
	is "$(mounted)" ""
}

@test "a bundle that is renamed meanwhile, a mount name space that ends, a root with something over it" {
	on_host sleep 1000
	berth create "$ID"
	cd "$T"
	mv "$BUNDLE" "$T/moved"
	has "$(awk '{ print $5 }' /proc/self/mountinfo)" "$T/moved/rootfs/proc"
	remove
	hasnt "$(awk '{ print $5 }' /proc/self/mountinfo)" "$T/moved/rootfs"
	mv "$T/moved" "$BUNDLE"
	cd "$BUNDLE"
	unshare -m --propagation private "$BERTH" --root "$STATE" create "$ID" >/dev/null 2>&1 </dev/null
	is "$(mounted)" ""
	remove
	# One over the other: it is not the lower one that is taken for the upper.
	berth create "$ID"
	berth create "$ID-2"
	refused 1 'something is mounted over the root ".*/rootfs".*remove that first' delete --force "$ID"
	berth exec "$ID-2" ls /proc/1 >/dev/null
	remove "$ID-2"
	remove "$ID"
	is "$(mounted)" ""
}

@test "a failure takes the mounts with it" {
	on_host true
	config_edit '.mounts += [{destination: "/x", type: "bind", source: "/no/such", options: ["bind"]}]'
	not berth run "$ID"
	has "$err" /no/such
	is "$(mounted)" ""
	config_edit 'del(.mounts[-1]) | .process.args = ["/no/such"]'
	not berth run "$ID"
	is "$(mounted)" ""
	config_edit '.process.args = ["true"] | .hooks.createRuntime = [{path: "/bin/false"}]'
	not berth run "$ID"
	is "$(mounted)" ""
}

# bats test_tags=compat
@test "hooks, propagation of the root, id-mapped binds and no name space at all" {
	on_host sh -c 'stat -c %u /tmp/file; grep -c "^[^ ]* [^ ]* [^ ]* [^ ]* / .*shared:" /proc/self/mountinfo'
	mkdir "$T/src"
	echo >"$T/src/file"
	chown 1000 "$T/src/file"
	config_edit --arg s "$T/src" --arg t "$T" '.linux.rootfsPropagation = "shared" | .hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "cat >" + $t + "/hook"]}]
		| .mounts += [{destination: "/tmp", type: "bind", source: $s, options: ["bind", "idmap"],
			uidMappings: [{containerID: 0, hostID: 5000, size: 2000}], gidMappings: [{containerID: 0, hostID: 5000, size: 2000}]}]'
	berth run "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "6000 1 "
	is "$(jq -r .status "$T/hook")" creating
	config_edit 'del(.linux.namespaces, .hostname, .hooks) | .process.args = ["ls", "/proc/self/fd"] | .mounts |= map(select(.destination == "/proc"))'
	berth run "$ID"
	has "$out" 0
}

@test "what cannot be without a mount name space is refused" {
	on_host true
	cp config.json "$T/plain"
	config_edit '.linux.maskedPaths = ["/proc/kcore"]'
	refused 1 'linux.maskedPaths: unable to restrict sys entries without a private MNT namespace' create "$ID"
	cp "$T/plain" config.json
	config_edit '.linux.readonlyPaths = ["/proc/sys"]'
	refused 1 'linux.readonlyPaths: .*private MNT namespace' create "$ID"
	cp "$T/plain" config.json
	config_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	refused 1 'a user namespace without a mount namespace' create "$ID"
	[ ! -e "$STATE/$ID" ]
}

@test "explain says so" {
	on_host true
	berth explain --format json "$ID"
	cp "$T/out" "$T/explained"
	items() { jq -r --arg side "$1" --arg step "$2" ".steps[] | select(.side == \$side and .name == \$step) | .items[] | $3" "$T/explained"; }
	is "$(items create "root on the host" '"\(.kind) \(.target) \(.propagation)"')" "host-mount $BUNDLE/rootfs private"
	is "$(items init "change root" 'select(.by) | .by')" chroot
	is "$(items init "root file system" .kind)" root
	is "$(items init mounts .target | head -n 1)" /proc
	is "$(items delete undo '"\(.kind) \(.target)"')" "unmount $BUNDLE/rootfs"
	jq -e '.notes[] | select(.kind == "danger") | select(.text | startswith("no mount namespace: the host'"'"'s mounts can be seen and changed"))' "$T/explained" >/dev/null
	jq -r '.steps[].items[].kind' "$T/explained" | sort -u | while read -r kind; do
		grep -qF -e "\`$kind\`" "$E2E_TOP/docs/EXPLAIN.md" || fail "docs/EXPLAIN.md does not know $kind"
	done
	config_edit '.linux.namespaces += [{type: "mount"}]'
	berth explain --format json "$ID"
	cp "$T/out" "$T/explained"
	is "$(items create "root on the host" .kind)$(items delete undo .kind)" ""
}
