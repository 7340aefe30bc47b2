#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman as an ordinary user in a session of his own: systemd as the cgroup manager, subordinate ids.

load ../e2e/helpers
load vm
load podman

# podman itself keeps a process and a mount for the user between commands; it is asked to go at the end.
setup_file() {
	command -v podman >/dev/null || return 0
	podman_up
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	BUNDLE=/ in_session podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	command -v podman >/dev/null || return 0
	BUNDLE=/ in_session podman system migrate
	BUNDLE=/ in_session podman rmi -f "$IMAGE" >/dev/null
	podman_down
}

pod() {
	printf '+ (user) podman %s\n' "$*"
	status=0
	KEEP=1 in_session timeout -k 5 "$CMD_TIMEOUT" podman "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}

@test "rootless podman run: output, exit codes, ids" {
	need podman
	pod_run --rm "$IMAGE" sh -c 'id -u; cat /proc/self/uid_map; exit 42' || true
	is "$status" 42
	is "$(head -n 1 <<<"$out")" 0
	has "$(tr -s ' ' <<<"$out")" " 0 $VM_UID 1"
}

@test "rootless podman run -d: exec, logs, pause, stop" {
	need podman
	pod_run -d "$IMAGE" sh -c 'trap "exit 43" TERM; echo started; while :; do sleep 0.1; done'
	logs_started() { pod logs "$ID" && [ "$out" = started ]; }
	wait_until 30 logs_started
	pod exec "$ID" sh -c 'echo from exec; exit 7' || true
	is "$status" 7
	pod pause "$ID"
	pod unpause "$ID"
	pod stop -t 20 "$ID"
	pod wait "$ID"
	is "$out" 43
	pod rm "$ID"
}

@test "rootless podman run: limits, and update" {
	need podman
	pod_run -d --memory 64m --pids-limit 50 "$IMAGE" sleep 1000
	pod exec "$ID" sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max'
	is "$(tr '\n' ' ' <<<"$out")" "67108864 50 "
	pod update --memory 96m "$ID"
	pod exec "$ID" cat /sys/fs/cgroup/memory.max
	is "$out" 100663296
	pod rm -f -t 0 "$ID"
}

@test "rootless podman run --userns=keep-id" {
	need podman
	pod_run --rm --userns=keep-id "$IMAGE" id -u
	is "$out" "$VM_UID"
}

@test "rootless podman run: read-only, no capabilities, a volume" {
	need podman
	echo from the host >"$T/file"
	chmod 644 "$T/file"
	pod_run --rm --read-only --cap-drop ALL -v "$T/file:/file:ro" "$IMAGE" sh -c 'cat /file; ! echo x >/x; grep CapEff /proc/self/status'
	has "$out" "from the host"
	has "$out" 0000000000000000
}

@test "rootless podman pod, and build" {
	need buildah
	pod pod create --network none --name "$TAG-pod" --infra-command "/bin/sleep 10000" --infra-image "$IMAGE"
	pod run -d --pod "$TAG-pod" --name "$ID" "$IMAGE" sleep 1000
	pod pod rm -f -t 0 "$TAG-pod"
	mkdir -m 755 "$T/context"
	printf 'FROM %s\nRUN echo built >/made\nCMD ["cat", "/made"]\n' "$IMAGE" >"$T/context/Containerfile"
	pod build -q --network none -t "localhost/$TAG-image" "$T/context"
	pod_run --rm "localhost/$TAG-image"
	is "$out" built
	pod rmi -f "localhost/$TAG-image"
}
