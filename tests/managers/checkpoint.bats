#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore with CRIU: what a container was doing goes on, under the same keeper or another.

load ../e2e/helpers
load vm
load checkpoint

teardown() {
	[ ! -e "/run/netns/$TAG" ] || ip netns del "$TAG"
	vm_teardown
}

teardown_file() { containerd_down; }

@test "a counting loop with a shim: dumped, gone, restored: log, wait, exit code" {
	local n
	bundle sh -c "$(counts)"
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	n=$(log_number)
	berth checkpoint --image-path "$T/i" "$ID"
	not berth state "$ID"
	no_shim
	[ -e "$T/i/inventory.img" ]
	is "$(stat -c %a "$T/i")" 700
	is "$(jq -r 'map(test("^pipe:")) | all' "$T/i/descriptors.json")" true
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	is_state "$ID" running
	wait_until 60 beyond "$ID" $((n + 10))
	complete
	[ ! -e "$STATE/$ID/criu-root" ]
	let_end
	berth wait "$ID"
	is "$out" 42
	log_has "$ID" '^end$'
	berth delete "$ID"
}

@test "a terminal with a shim: attached to again after the restore" {
	local n
	bundle sh -c "stty rows 33 cols 99; $(counts)"
	config_edit '.process.terminal = true'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	n=$(log_number)
	berth checkpoint --image-path "$T/i" "$ID"
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	wait_until 60 beyond "$ID" $((n + 10))
	complete
	berth exec "$ID" sh -c 'stty -F /dev/console size; readlink /proc/1/fd/0'
	has "$out" "33 99"
	has "$out" "/dev/pts/0"
	status=0
	ptydrive -t 60 'expect:n ' "run:touch $BUNDLE/rootfs/go" expect:end exit -- "$BERTH" --root "$STATE" attach "$ID" || status=$?
	is "$status" 42
	berth delete "$ID"
}

@test "leave-running: the same process goes on; a new id comes out of the images" {
	local pid n
	bundle sh -c "$(counts)"
	config_edit 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	pid=$(pid_of "$ID")
	berth checkpoint --leave-running --image-path "$T/i" --work-path "$T/w" "$ID"
	is_state "$ID" running
	is "$(pid_of "$ID")" "$pid"
	n=$(log_number "$ID")
	wait_until 60 beyond "$ID" "$n"
	[ -e "$T/w/dump.log" ]
	[ ! -e "$T/i/dump.log" ]
	remove "$ID"
	berth restore -d --shim=always --pid-file "$T/pid" --image-path "$T/i" --work-path "$T/w" "$ID-2"
	is "$(cat "$T/pid")" "$(pid_of "$ID-2")"
	has "$(cat "/proc/$(pid_of "$ID-2")/cgroup")" "$ID-2"
	wait_until 60 beyond "$ID-2" 3
	berth exec "$ID-2" sh -c 'grep " /sys/fs/cgroup " /proc/self/mountinfo; ls -d /sys/fs/cgroup/*'
	has "$out" "$ID-2 /sys/fs/cgroup"
	has "$out" cgroup.procs
	remove "$ID-2"
}

@test "pre-dump, then a dump with parent" {
	bundle sh -c "$(counts)"
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --pre-dump --image-path "$T/pre" "$ID"
	is_state "$ID" running
	refused 1 'invalid --parent-path' checkpoint --parent-path ../none --image-path "$T/final" "$ID"
	berth checkpoint --parent-path ../pre --image-path "$T/final" "$ID"
	is "$(readlink "$T/final/parent")" ../pre
	berth restore -d --shim=always --image-path "$T/final" "$ID"
	wait_until 60 beyond "$ID" 3
	remove
}

@test "without a shim: a foreground restore shows the output and has the exit code" {
	local n
	bundle sh -c "$(counts)"
	"$BERTH" --root "$STATE" run "$ID" </dev/null 2>&1 > >(cat >"$T/first") &
	seen() { [ "$(number <"$T/$1")" -gt 3 ]; }
	wait_until 60 seen first
	berth checkpoint --image-path "$T/i" "$ID"
	wait
	"$BERTH" --root "$STATE" restore --image-path "$T/i" "$ID" </dev/null 2>&1 > >(cat >"$T/second") &
	wait_until 60 seen second
	let_end
	status=0
	wait $! || status=$?
	is "$status" 42
	n=$(sed -n 's/^n //p' "$T/second" | head -1)
	[ "$n" -gt 3 ] || fail "it began again: $n"
	not berth state "$ID"
}

@test "a listener with an established connection, in a network namespace by path" {
	bundle nc -ll -p 5000 -e cat
	ip netns add "$TAG"
	ip -n "$TAG" link set lo up
	config_edit --arg ns "/run/netns/$TAG" '(.linux.namespaces[] | select(.type == "network")).path = $ns'
	berth run -d --shim=always "$ID"
	listens() { ip netns exec "$TAG" ss -ltn | grep -q ':5000 '; }
	wait_until 30 listens
	# shellcheck disable=SC2016
	timeout 300 ip netns exec "$TAG" bash -c 'exec 3<>/dev/tcp/127.0.0.1/5000 || exit 1
		for word in one two three; do
			echo $word >&3; read -r answer <&3 || exit 2; echo "$answer" >>"$0/said"
			while [ ! -e "$0/$word" ]; do sleep 0.1; done
		done' "$T" &
	said() { grep -qx "$1" "$T/said"; }
	wait_until 30 said one
	refused 1 'criu failed to dump the container: .*log file' checkpoint --image-path "$T/bad" "$ID"
	is_state "$ID" running
	is "$(ls "$T/bad")" dump.log
	refused 1 'criu failed to dump the container: .*log file' checkpoint --image-path "$T/bad2" --work-path "$T/w" "$ID"
	[ ! -e "$T/bad2" ]
	berth checkpoint --tcp-established --image-path "$T/i" "$ID"
	berth restore -d --shim=always --tcp-established --image-path "$T/i" "$ID"
	touch "$T/one"
	wait_until 60 said two
	touch "$T/two" "$T/three"
	wait $!
	wait_until 30 said three
	remove
}

@test "binds through links, files and masks; another source and another cgroup after the restore" {
	bundle sh -c 'while [ ! -e /go ]; do cat /data/f; sleep 0.2; done; exit 7'
	mkdir -p "$T/d1/sub" "$T/d2/sub"
	mount -t tmpfs none "$T/d1/sub"
	mount -t tmpfs none "$T/d2/sub"
	echo below >"$T/d2/sub/f"
	echo one >"$T/d1/f"
	echo two >"$T/d2/f"
	echo file >"$T/file"
	ln -s var/lib "$BUNDLE/rootfs/link"
	mkdir -p "$BUNDLE/rootfs/var/lib"
	config_edit --arg d "$T/d1" --arg f "$T/file" --arg c "/$TAG-a" '.root.readonly = false | .linux.cgroupsPath = $c
		| .mounts += [{destination: "/data", type: "bind", source: $d, options: ["rbind", "ro"]},
			{destination: "/link/inner", type: "bind", source: $f, options: ["bind"]}]'
	berth run -d --shim=always "$ID"
	says() { [ "$("$BERTH" --root "$STATE" logs "$ID" | tail -1)" = "$1" ]; }
	wait_until 30 says one
	berth checkpoint --manage-cgroups-mode ignore --image-path "$T/i" "$ID"
	rm -r "$BUNDLE/rootfs/var/lib/inner" "$BUNDLE/rootfs/data"
	config_edit --arg d "$T/d2" --arg c "/$TAG-b" '(.mounts[] | select(.destination == "/data")).source = $d | .linux.cgroupsPath = $c'
	berth restore -d --shim=always --manage-cgroups-mode ignore --image-path "$T/i" "$ID"
	wait_until 30 says two
	has "$(cat "/proc/$(pid_of "$ID")/cgroup")" "/$TAG-b"
	berth exec "$ID" sh -c 'cat /var/lib/inner; grep " /data " /proc/mounts; wc -c </proc/kcore; ls /proc/acpi | wc -l'
	has "$out" file
	has "$out" "ro,"
	is "$(tail -2 <<<"$out")" "$(printf '0\n0')"
	berth exec "$ID" cat /data/sub/f
	is "$out" below
	umount "$T/d1/sub" "$T/d2/sub" || umount -l "$T/d2/sub"
	let_end
	berth wait "$ID"
	is "$out" 7
	berth delete "$ID"
	no_cgroup
}

@test "mounts below binds, a source that is no clean path, a network device: there again after the restore" {
	bundle sh -c "$(counts)"
	mkdir "$T/outer" "$T/inner"
	echo found >"$T/inner/f"
	ip netns add "$TAG"
	ip link add "$TAG" address 02:00:00:00:00:07 type dummy
	config_edit --arg ns "/run/netns/$TAG" --arg t "$T" --arg dev "$TAG" '.root.readonly = false
		| (.linux.namespaces[] | select(.type == "network")).path = $ns | .linux.netDevices[$dev] = {}
		| .mounts += [{destination: "/bundle", type: "bind", source: ".", options: ["bind"]},
			{destination: "/outer", type: "bind", source: ($t + "/outer"), options: ["bind"]},
			{destination: "/outer/for/nested", type: "bind", source: ($t + "/inner"), options: ["bind"]}]'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --image-path "$T/i" "$ID"
	rm -r "$T/outer/for"
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	wait_until 60 beyond "$ID" 3
	berth exec "$ID" cat /outer/for/nested/f "/sys/class/net/$TAG/address"
	is "$out" "$(printf 'found\n02:00:00:00:00:07')"
	berth exec "$ID" test -e /bundle/config.json
	remove
}

@test "the systemd driver: restored into a scope of its own, with limits" {
	GLOBAL=(--systemd-cgroup)
	bundle sh -c "$(counts)"
	config_edit --arg id "$ID" '.linux.cgroupsPath = "system.slice:berth:" + $id | .linux.resources.pids = {limit: 33}'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --image-path "$T/i" "$ID"
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	wait_until 60 beyond "$ID" 3
	has "$(cat "/proc/$(pid_of "$ID")/cgroup")" "/system.slice/berth-$ID.scope"
	is "$(property "berth-$ID.scope" ActiveState)" active
	is "$(cat "/sys/fs/cgroup/system.slice/berth-$ID.scope/pids.max")" 33
	remove
}

@test "descriptors: the null device and a file of the host" {
	local n
	bundle sh -c "$(counts)"
	berth run -d --shim=always --stdio=null "$ID"
	berth checkpoint --image-path "$T/i" "$ID"
	berth restore -d --shim=always --stdio=null --image-path "$T/i" "$ID"
	is_state "$ID" running
	remove
	"$BERTH" --root "$STATE" run -d --shim=never "$ID" </dev/null >"$T/file1" 2>&1
	more() { [ "$(number <"$T/$1")" -gt 3 ]; }
	wait_until 30 more file1
	berth checkpoint --image-path "$T/i2" "$ID"
	n=$(number <"$T/file1")
	"$BERTH" --root "$STATE" restore -d --shim=never --image-path "$T/i2" "$ID" </dev/null >>"$T/file1" 2>&1
	goes_on() { [ "$(number <"$T/file1")" -gt $((n + 3)) ]; }
	wait_until 30 goes_on
	is "$(sed -n 's/^n //p' "$T/file1" | sort -n | uniq -d)" ""
	remove
}

@test "hooks around a restore, and nothing left of one that fails" {
	bundle sh -c "$(counts)"
	config_edit --arg t "$T" '.hooks = ({prestart: "prestart", createRuntime: "createRuntime", poststart: "poststart", poststop: "poststop"}
		| map_values([{path: "/bin/sh", args: ["sh", "-c", "jq -r .status >>\($t)/hook-" + .]}]))'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --image-path "$T/i" "$ID"
	is "$(cat "$T/hook-poststop")" stopped
	rm "$T"/hook-*
	berth restore -d --shim=always --image-path "$T/i" "$ID"
	is "$(cat "$T/hook-prestart" "$T/hook-createRuntime" "$T/hook-poststart")" "$(printf 'creating\ncreating\nrunning')"
	remove
	config_edit '.hooks = {createRuntime: [{path: "/bin/false"}]}'
	refused 1 createRuntime restore -d --shim=always --image-path "$T/i" "$ID"
	not berth state "$ID"
	config_edit 'del(.hooks)'
	rm "$T/i/core-1.img" "$T/i/restore.log"
	echo precious >"$T/precious"
	ln -s "$T/precious" "$T/i/restore.log"
	refused 1 'criu failed to restore: .*log file: .*restore.log' restore -d --shim=always --image-path "$T/i" "$ID"
	not berth state "$ID"
	is "$(cat "$T/precious")" precious
	berth create "$ID"
	refused 1 'cannot be checkpointed in created state' checkpoint --image-path "$T/i" "$ID"
	remove
}

@test "a configuration of criu of the container's own; lazy pages over a page server" {
	local ready pages
	bundle sh -c "$(counts)"
	printf 'log-file=%s\n' mine.log >"$T/criu.conf"
	config_edit --arg f "$T/criu.conf" '.annotations["org.criu.config"] = $f'
	berth run -d --shim=always "$ID"
	wait_until 60 beyond "$ID" 3
	berth checkpoint --leave-running --image-path "$T/i" --work-path "$T/w" "$ID"
	[ -e "$T/w/mine.log" ]
	[ ! -e "$T/w/dump.log" ]
	rm "$T/criu.conf"
	refused 1 'annotation org.criu.config' checkpoint --image-path "$T/i" "$ID"
	is_state "$ID" running
	: >"$T/criu.conf"
	mkfifo "$T/ready"
	exec {ready}<>"$T/ready"
	timeout 300 "$BERTH" --root "$STATE" checkpoint --lazy-pages --page-server 127.0.0.1:27277 --status-fd "$ready" \
		--image-path "$T/lazy" --work-path "$T/w" "$ID" >"$T/dumped" 2>&1 &
	timeout 120 head -c 1 <&"$ready" >/dev/null
	[ -e "$T/lazy/inventory.img" ]
	is "$(ss -Hltn 'sport = :27277' | awk '{ print $4 }')" 127.0.0.1:27277
	mkdir "$T/w2"
	timeout 300 criu lazy-pages --page-server --address 127.0.0.1 --port 27277 -D "$T/lazy" -W "$T/w2" >"$T/daemon" 2>&1 &
	pages=$!
	serves() { [ -S "$T/w2/lazy-pages.socket" ]; }
	wait_until 60 serves
	berth restore -d --shim=always --lazy-pages --image-path "$T/lazy" --work-path "$T/w2" "$ID-2"
	wait_until 120 beyond "$ID-2" 3
	wait "$pages"
	exec {ready}>&-
	is_state "$ID-2" running
	remove "$ID-2"
	wait
	not berth state "$ID"
}

# podman keeps everything but the processes: network, root, what it knows of the container.
@test "podman container checkpoint and restore" {
	need podman
	local n image=localhost/berthvm-cr:latest
	image_tar "$T/image.tar" "$image"
	podman load -q -i "$T/image.tar"
	pod() { timeout -k 5 "$CMD_TIMEOUT" podman --runtime "$BERTH" --cgroup-manager cgroupfs "$@"; }
	pod run -dt --network none --name "$ID" "$image" sh -c "$(counts)"
	pod_beyond() { local n; n=$(pod logs "$ID" | number) && [ -n "$n" ] && [ "$n" -gt "$1" ]; }
	wait_until 60 pod_beyond 3
	pod container checkpoint "$ID"
	is "$(pod inspect -f '{{.State.Status}} {{.State.Checkpointed}}' "$ID")" "exited true"
	n=$(pod logs "$ID" | number)
	pod container restore "$ID"
	is "$(pod inspect -f '{{.State.Status}}' "$ID")" running
	wait_until 60 pod_beyond "$n"
	is "$(pod logs "$ID" | sort | uniq -d)" ""
	pod container checkpoint --export "$T/export.tar" "$ID"
	pod rm "$ID"
	pod container restore --import "$T/export.tar" --name "$ID-2"
	pod exec "$ID-2" touch /go
	is "$(pod wait "$ID-2")" 42
	pod rm "$ID-2"
	podman rmi -f "$image" >/dev/null
}

@test "ctr task checkpoint; ctr container checkpoint and restore" {
	need ctr
	local n image=localhost/berthvm-ct:latest
	image_tar "$T/image.tar" "$image"
	containerd_up
	ctr image import "$T/image.tar"
	ctr run -d --runc-binary "$BERTH" "$image" "$ID" sh -c 'i=0; while :; do i=$((i+1)); echo "n $i" >/tmp/n; sleep 0.1; done'
	at() { ctr task exec --exec-id "x$RANDOM" "$1" cat /tmp/n | number; }
	past() { local n; n=$(at "$1") && [ -n "$n" ] && [ "$n" -gt "$2" ]; }
	wait_until 60 past "$ID" 3
	ctr task checkpoint --image-path "$T/i" --work-path "$T/w" "$ID"
	[ -e "$T/i/inventory.img" ]
	ctr container checkpoint --image --rw --task "$ID" "localhost/$ID:1"
	n=$(at "$ID")
	ctr task checkpoint --exit --image-path "$T/i2" --work-path "$T/w2" "$ID"
	stopped() { ctr task ls | grep -q "^$ID .*STOPPED"; }
	wait_until 30 stopped
	ctr task delete "$ID" || true
	ctr container delete "$ID"
	ctr container restore --live --rw "$ID-2" "localhost/$ID:1" </dev/null >"$T/restored" 2>&1 &
	wait_until 90 past "$ID-2" 3
	[ "$(at "$ID-2")" -gt $((n / 2)) ] || fail "it began again"
	ctr task kill -s KILL "$ID-2"
	wait
	ctr task delete "$ID-2" >/dev/null 2>&1 || true
	ctr container delete "$ID-2" >/dev/null 2>&1 || true
	ctr image rm "localhost/$ID:1" "$image"
	ctr container ls -q | grep "$ID" && fail "left in containerd"
	no_shim
}
