#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pods of containerd's CRI plug-in, as the kubelet makes them, with the configuration in docs/managers. The containerd is the test's
# own; the kubelet is played by curl, which speaks HTTP/2 (that is what gRPC is), and protoc, which writes and reads the messages.

load ../e2e/helpers
load vm

IMAGE=localhost/berthvm-cri:latest
ROOT=/run/containerd/runc/k8s.io # where containerd's shim has the runtime keep its state
SERVICE=berth-cri.service

setup_file() {
	image_tar "$BATS_FILE_TMPDIR/image.tar" $IMAGE sleep 100000
	cri_up .
	con image import "$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() { cri_down; }

# cri_up SED: our configuration, edited, and the image of the sandbox; no registry is asked for one.
cri_up() {
	local config=$BATS_FILE_TMPDIR/config.toml
	sed "s|/usr/local/bin/berth|$BERTH|; ${1#.}" "$E2E_TOP/docs/managers/containerd-config.toml" >"$config"
	printf '\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "%s"\n' $IMAGE >>"$config"
	systemctl reset-failed $SERVICE 2>/dev/null || :
	systemd-run -q --unit $SERVICE --service-type=notify --property=Delegate=yes -- "$(command -v containerd)" --config "$config" \
		--root "$BATS_FILE_TMPDIR/root" --state "$BATS_FILE_TMPDIR/state" --address "$BATS_FILE_TMPDIR/sock"
	wait_until 90 con version
}
cri_down() { systemctl stop $SERVICE 2>/dev/null || :; }

con() { ctr --address "$BATS_FILE_TMPDIR/sock" --namespace k8s.io "$@"; }

# cri METHOD [REQUEST]: one call, in protobuf's text form; so is the answer, in $out.
cri() {
	local size code head
	printf '+ %s %s\n' "$1" "${2:-}"
	protoc -I "$BATS_TEST_DIRNAME" --encode="runtime.v1.$1Request" cri.proto <<<"${2:-}" >"$T/message"
	size=$(stat -c %s "$T/message")
	# Not compressed, the length, and the message.
	printf -v head '\\x%02x' 0 $((size >> 24)) $((size >> 16 & 255)) $((size >> 8 & 255)) $((size & 255))
	printf '%b' "$head" | cat - "$T/message" >"$T/request"
	curl -sS --max-time "$CMD_TIMEOUT" --http2-prior-knowledge --unix-socket "$BATS_FILE_TMPDIR/sock" -H 'content-type: application/grpc' -H 'te: trailers' \
		-D "$T/head" -o "$T/answer" --data-binary "@$T/request" "http://localhost/runtime.v1.RuntimeService/$1"
	code=$(sed -nE 's/^grpc-status: *([0-9]+).*/\1/p' "$T/head")
	[ "$code" = 0 ] || fail "$1: $(cat "$T/head")"
	out=$(tail -c +6 "$T/answer" | protoc -I "$BATS_TEST_DIRNAME" --decode="runtime.v1.$1Response" cri.proto)
	printf '%s\n' "$out"
}
# field NAME: of the last answer
field() { sed -nE "s/^ *$1: \"?([^\"]*)\"?$/\1/p" <<<"$out"; }

# A pod in the host's network, so that no network plug-in is needed.
pod_config() {
	echo "metadata { name: '$TAG' uid: '$TAG' namespace: 'berth' } log_directory: '$T/logs'
		linux { cgroup_parent: '/$TAG.slice' security_context { namespace_options { network: NODE pid: CONTAINER } seccomp { profile_type: RuntimeDefault } } }"
}
# pod [HANDLER]: sets $pod
pod() {
	UNITS+=("$TAG.slice")
	cri RunPodSandbox "config { $(pod_config) } runtime_handler: '${1:-}'"
	pod=$(field pod_sandbox_id)
}
# container COMMAND...: create one in it; sets $container
container() {
	local word command=''
	for word; do command+=" command: '$word'"; done
	cri CreateContainer "pod_sandbox_id: '$pod' sandbox_config { $(pod_config) } config { metadata { name: 'one' } image { image: '$IMAGE' } $command
		log_path: 'one.log' linux { resources { memory_limit_in_bytes: 67108864 oom_score_adj: 500 }
		security_context { namespace_options { network: NODE pid: CONTAINER } seccomp { profile_type: RuntimeDefault } } } }"
	container=$(field container_id)
}
end_pod() {
	cri StopPodSandbox "pod_sandbox_id: '$pod'"
	cri RemovePodSandbox "pod_sandbox_id: '$pod'"
}
# known ID: its status as berth knows it
known() { "$BERTH" --root "$ROOT" list -f json | jq -r --arg id "$1" '.[]? | select(.id == $id).status'; }
pid_in() { "$BERTH" --root "$ROOT" state "$1" | jq .pid; }
exited() { cri ContainerStatus "container_id: '$container'" && [ "$(field state)" = CONTAINER_EXITED ]; }

@test "the configuration is what containerd takes it for, and the CRI plug-in is ready" {
	containerd --config "$BATS_FILE_TMPDIR/config.toml" config dump >"$T/dump"
	is "$(sed -nE 's/^ *default_runtime_name = "(.*)"/\1/p' "$T/dump")" berth
	is "$(sed -nE '/containerd\.runtimes\.berth\.options\]/,/^$/ s/^ *(BinaryName|SystemdCgroup) = //p' "$T/dump")" "$(printf '"%s"\ntrue' "$BERTH")"
	is "$(con plugins ls | awk '$1 == "io.containerd.grpc.v1" && $2 == "cri" { print $NF }')" ok
	cri Status
	grep -A 1 'type: "RuntimeReady"' <<<"$out" | grep -q 'status: true'
}

@test "a pod and a container: states, limits, exec, update, exit code, log" {
	local pod container pid scope
	pod
	is "$(known "$pod")" running
	is "$(readlink "/proc/$(pid_in "$pod")/ns/net")" "$(readlink /proc/self/ns/net)"
	container sh -c 'echo text; echo other >&2; while [ ! -e /go ]; do sleep 0.1; done; exit 42'
	is "$(known "$container")" ''
	cri StartContainer "container_id: '$container'"
	is "$(known "$container")" running
	pid=$(pid_in "$container")
	is "$(readlink "/proc/$pid/ns/ipc")" "$(readlink "/proc/$(pid_in "$pod")/ns/ipc")"
	scope=/$TAG.slice/cri-containerd-$container.scope
	is "$(cat "/proc/$pid/cgroup")" "0::$scope"
	is "$(cat "/sys/fs/cgroup$scope/memory.max")" 67108864
	is "$(cat "/proc/$pid/oom_score_adj")" 500
	is "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
	property_is "cri-containerd-$container.scope" MemoryMax 67108864
	cri UpdateContainerResources "container_id: '$container' linux { memory_limit_in_bytes: 33554432 }"
	is "$(cat "/sys/fs/cgroup$scope/memory.max")" 33554432
	cri ExecSync "container_id: '$container' cmd: 'sh' cmd: '-c' cmd: 'echo in; echo on >&2; exit 7' timeout: 60"
	is "$(field stdout) $(field stderr) $(field exit_code)" 'in\n on\n 7'
	cri ExecSync "container_id: '$container' cmd: 'touch' cmd: '/go' timeout: 60"
	wait_until 60 exited
	is "$(field exit_code)" 42
	is "$(field log_path)" "$T/logs/one.log"
	is "$(cut -d' ' -f2- "$T/logs/one.log" | sort)" "$(printf 'stderr F other\nstdout F text')"
	cri RemoveContainer "container_id: '$container'"
	end_pod
	is "$("$BERTH" --root "$ROOT" list -q)" ''
	no_shim
}

@test "stopping a pod ends what runs in it" {
	local pod container
	pod
	container sleep 100000
	cri StartContainer "container_id: '$container'"
	cri StopContainer "container_id: '$container' timeout: 1"
	exited
	is "$(field exit_code)" 137
	cri RemoveContainer "container_id: '$container'"
	container sleep 100000
	cri StartContainer "container_id: '$container'"
	end_pod
	is "$("$BERTH" --root "$ROOT" list -q)" ''
	is "$(con task ls -q)" ''
}

# For a RuntimeClass, as the file says: pods that do not name the handler are not ours.
@test "runc as the default: the handler is chosen by its name" {
	local pod default
	cri_down
	cri_up '/default_runtime_name/s/berth/runc/'
	pod
	default=$pod
	runc --root "$ROOT" state "$default"
	is "$(con task ls | awk -v id="$default" '$1 == id { print $3 }')" RUNNING
	end_pod
	pod berth
	is "$(known "$pod")" running
	not runc --root "$ROOT" state "$pod"
	end_pod
}
