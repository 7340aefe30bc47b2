#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman with berth as its runtime by the configuration in docs/managers, conmon in between. With another program in berth's
# place (BERTH=/usr/bin/crun) the same tests say whether a failure is ours.

load ../e2e/helpers
load vm
load podman

setup_file() { podman_up; }
teardown_file() { podman_down; }

@test "podman run: output and exit codes" {
	need podman
	local code
	for code in 0 1 42; do
		pod_run --rm "$IMAGE" sh -c "echo text; exit $code" || true
		is "$status" $code
		is "$out" text
	done
}

@test "podman run: commands that cannot be run are 127 and 126" {
	need podman
	pod_run --rm "$IMAGE" no-such-command || true
	is "$status" 127
	pod_run --rm "$IMAGE" /etc/passwd || true
	is "$status" 126
}

@test "podman run -d: logs, exec, stop, wait, rm" {
	need podman
	pod_run -d "$IMAGE" sh -c 'trap "exit 43" TERM; echo started; while :; do sleep 0.1; done'
	no_shim
	logs_started() { pod logs "$ID" && [ "$out" = started ]; }
	wait_until 30 logs_started
	pod exec "$ID" sh -c 'echo from exec; exit 7' || true
	is "$status" 7
	is "$out" "from exec"
	pod inspect -f '{{.State.Status}}' "$ID"
	is "$out" running
	pod stop -t 20 "$ID"
	pod wait "$ID"
	is "$out" 43
	pod rm "$ID"
}

@test "podman create, start, kill" {
	need podman
	pod create --network none --name "$ID" "$IMAGE" sleep 1000
	pod start "$ID"
	pod kill -s KILL "$ID"
	pod wait "$ID"
	is "$out" 137
	pod rm "$ID"
}

@test "podman run -t: a terminal" {
	need podman
	local rc=0
	ptydrive -t 90 'expect:/dev/pts/0' 'send:exit 9\r' -- podman run --network none --rm -it --name "$ID" "$IMAGE" sh -c 'tty; exec sh' >"$T/screen" || rc=$?
	cat "$T/screen"
	is $rc 9
}

@test "podman run -i: standard input" {
	need podman
	is "$(echo typed | podman run --network none --rm -i --name "$ID" "$IMAGE" cat)" typed
}

@test "podman run: limits" {
	need podman
	pod_run --rm --memory 64m --pids-limit 50 --cpus 0.5 "$IMAGE" sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	is "$(tr '\n' ' ' <<<"$out")" "67108864 50 50000 100000 "
}

@test "podman run: an OOM kill is seen" {
	need podman
	# Not as init: a manager that hears of the exit first has no cgroup left to look at, whichever the runtime.
	pod_run --memory 32m --memory-swap 32m "$IMAGE" sh -c 'workload hog 128; e=$?; sleep 3; exit $e' || true
	is "$status" 137
	pod inspect -f '{{.State.OOMKilled}}' "$ID"
	is "$out" true
	pod rm "$ID"
}

@test "podman run: a volume, a user, the environment" {
	need podman
	echo from the host >"$T/file"
	pod_run --rm -v "$T/file:/file:ro" -u 12:13 -e A=b "$IMAGE" sh -c 'cat /file; id -u; id -g; echo $A'
	is "$(tr '\n' ' ' <<<"$out")" "from the host 12 13 b "
}

@test "podman run: its seccomp profile and capabilities" {
	need podman
	pod_run --rm "$IMAGE" awk '/^(Seccomp|NoNewPrivs):/ { print $1 $2 }' /proc/self/status
	has "$out" Seccomp:2
}

@test "podman pause, unpause" {
	need podman
	pod_run -d "$IMAGE" sleep 1000
	pod pause "$ID"
	pod inspect -f '{{.State.Status}}' "$ID"
	is "$out" paused
	pod unpause "$ID"
	pod rm -f -t 0 "$ID"
}

@test "podman run with systemd as the cgroup manager, its default" {
	need podman
	pod_run -d --memory 64m "$IMAGE" sleep 1000
	local scope=libpod-$out.scope
	property_is "$scope" MemoryMax 67108864
	property_is "$scope" Slice machine.slice
	pod exec "$ID" cat /sys/fs/cgroup/memory.max
	is "$out" 67108864
	pod rm -f -t 0 "$ID"
	property_is "$scope" ActiveState inactive
}

@test "podman run with cgroupfs in place of systemd as the cgroup manager" {
	need podman
	pod --cgroup-manager cgroupfs run --network none --name "$ID" --rm --pids-limit 30 "$IMAGE" cat /sys/fs/cgroup/pids.max
	is "$out" 30
}

@test "podman update, stats, top" {
	need podman
	pod_run -d --memory 64m "$IMAGE" sleep 1000
	pod update --memory 96m --pids-limit 40 "$ID"
	pod exec "$ID" sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max'
	is "$(tr '\n' ' ' <<<"$out")" "100663296 40 "
	pod stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' "$ID"
	has "$out" "/ 100.7MB 1"
	pod top "$ID" args
	has "$out" "sleep 1000"
	pod rm -f -t 0 "$ID"
}

@test "podman run: capabilities, no new privileges, read-only, AppArmor" {
	need podman
	pod_run --rm --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges --read-only "$IMAGE" sh -c \
		'grep -E "^(CapEff|CapBnd|NoNewPrivs):" /proc/self/status | tr -d "[:space:]"; ! echo x >/x; cat /proc/self/attr/current'
	has "$out" CapBnd:0000000000000001
	has "$out" CapEff:0000000000000001
	has "$out" NoNewPrivs:1
	has "$out" "containers-default"
	pod_run --rm --security-opt apparmor=unconfined "$IMAGE" cat /proc/self/attr/current
	has "$out" unconfined
}

@test "podman run: user namespaces by --uidmap and --userns=auto" {
	need podman
	pod_run --rm --uidmap 0:200000:1000 --gidmap 0:200000:1000 "$IMAGE" cat /proc/self/uid_map
	is "$(tr -s ' ' <<<"$out")" " 0 200000 1000"
	grep -q ^containers: /etc/subuid || {
		echo containers:2147483647:2147483648 >>/etc/subuid
		echo containers:2147483647:2147483648 >>/etc/subgid
	}
	pod_run --rm --userns=auto "$IMAGE" awk '{ print $1, ($2 >= 2147483647) }' /proc/self/uid_map
	is "$out" "0 1"
}

@test "podman run: a volume with mapped ids" {
	need podman
	mkdir "$T/volume"
	: >"$T/volume/file"
	chown 0:0 "$T/volume" "$T/volume/file"
	pod_run --rm --uidmap 0:200000:1000 --gidmap 0:200000:1000 -v "$T/volume:/volume:idmap" "$IMAGE" sh -c 'stat -c %u:%g /volume/file; touch /volume/new'
	is "$out" 0:0
	is "$(stat -c %u:%g "$T/volume/new")" 0:0
}

@test "podman run --init, and a health check" {
	need podman
	pod_run -d --init --health-cmd 'test -e /ok' --health-interval disable "$IMAGE" sh -c 'touch /ok; sleep 1000'
	wait_until 30 pod exec "$ID" test -e /ok
	pod healthcheck run "$ID"
	pod exec "$ID" cat /proc/1/comm
	has "$out" init
	pod rm -f -t 0 "$ID"
}

@test "podman run --systemd=always: systemd as pid 1" {
	need podman
	# This machine's own files below an overlay.
	pod run -d --network none --name "$ID" --systemd=always --security-opt apparmor=unconfined --rootfs /:O \
		/lib/systemd/systemd --unit=basic.target
	basic_is_active() { pod exec "$ID" systemctl is-active basic.target; }
	wait_until 180 basic_is_active
	pod exec "$ID" cat /proc/1/comm
	is "$out" systemd
	pod stop -t 60 "$ID"
	pod rm -f "$ID"
}

@test "podman run --preserve-fds" {
	need podman
	is "$(podman run --rm --network none --name "$ID" --preserve-fds 1 "$IMAGE" sh -c 'cat <&3' 3<<<handed)" handed
}

@test "podman pod: containers that share a pod" {
	need podman
	pod pod create --network none --name "$TAG-pod" --infra-command "/bin/sleep 10000" --infra-image "$IMAGE"
	pod run -d --pod "$TAG-pod" --name "$ID" "$IMAGE" sleep 1000
	pod run --rm --pod "$TAG-pod" --name "$TAG-b" "$IMAGE" readlink /proc/self/ns/net
	local net=$out
	pod exec "$ID" readlink /proc/self/ns/net
	is "$out" "$net"
	pod pod rm -f -t 0 "$TAG-pod"
}

@test "podman build: RUN goes through the runtime" {
	need buildah
	mkdir "$T/context"
	printf 'FROM %s\nRUN echo built >/made && id -u >>/made\nCMD ["cat", "/made"]\n' "$IMAGE" >"$T/context/Containerfile"
	pod build -q --network none --runtime "$BERTH" -t "localhost/$TAG-image" "$T/context"
	pod_run --rm "localhost/$TAG-image"
	is "$out" $'built\n0'
	pod rmi -f "localhost/$TAG-image"
}

@test "podman container checkpoint, restore" {
	need criu
	pod_run -d "$IMAGE" sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.1; done'
	counted() { pod exec "$ID" cat /count && [ "${out:-0}" -ge "$1" ]; }
	wait_until 30 counted 3
	pod container checkpoint "$ID"
	pod inspect -f '{{.State.Checkpointed}}' "$ID"
	is "$out" true
	pod container restore "$ID"
	wait_until 30 counted 4
	pod rm -f -t 0 "$ID"
}
