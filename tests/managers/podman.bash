# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# podman for tests, set up by the configuration that docs/managers shows.

IMAGE=localhost/berthvm:latest

# podman_up: our configuration, and an image to run.
podman_up() {
	command -v podman >/dev/null || return 0
	mkdir -p /etc/containers/containers.conf.d
	sed "s|/usr/local/bin/berth|$BERTH|" "$E2E_TOP/docs/managers/podman-containers.conf" >/etc/containers/containers.conf.d/berth.conf
	image_tar "$BATS_FILE_TMPDIR/image.tar" "$IMAGE"
	chmod 644 "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
}

podman_down() {
	command -v podman >/dev/null || return 0
	podman rmi -f "$IMAGE" >/dev/null
	rm -f /etc/containers/containers.conf.d/berth.conf
}

# pod ARG...: sets $status, $out, $err
pod() {
	printf '+ podman %s\n' "$*"
	status=0
	timeout -k 5 "$CMD_TIMEOUT" podman "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}
pod_run() { pod run --network none --name "$ID" "$@"; }
