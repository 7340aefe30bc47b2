#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Docker with berth as its default runtime, by the configuration in docs/managers. With another program in berth's place
# (BERTH=/usr/bin/crun) the same tests say whether a failure is ours.

load ../e2e/helpers
load vm

IMAGE=berthvm

setup_file() {
	command -v dockerd >/dev/null || return 0
	load ../e2e/helpers
	load vm
	docker_up
	tar -C "$E2E_RUN/rootfs" -c . | docker import - "$IMAGE" >/dev/null
}

teardown_file() {
	command -v dockerd >/dev/null || return 0
	load ../e2e/helpers
	load vm
	docker rmi -f "$IMAGE" >/dev/null
	docker_down
}

# docker_up [JQ]: start Docker with our configuration, edited.
docker_up() {
	mkdir -p /etc/docker
	jq --arg path "$BERTH" ".runtimes.berth.path = \$path | ${1:-.}" "$E2E_TOP/docs/managers/docker-daemon.json" >/etc/docker/daemon.json
	systemctl reset-failed docker docker.socket 2>/dev/null || true
	systemctl start docker
}

docker_down() {
	systemctl stop docker docker.socket containerd
	rm -f /etc/docker/daemon.json
}

# dock ARG...: sets $status, $out, $err
dock() {
	printf '+ docker %s\n' "$*"
	status=0
	timeout -k 5 "$CMD_TIMEOUT" docker "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}
dock_run() { dock run --name "$ID" "$@"; }
logs_are() { dock logs "$ID" && [ "$out" = "$1" ]; }
none_left() { [ -z "$(docker ps -aq --filter "name=$TAG")" ] && is_empty /run/docker/runtime-runc/moby; }
is_empty() { [ -z "$(find "$1" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null)" ]; }

@test "docker info: berth is the default runtime" {
	need docker
	dock info -f '{{.DefaultRuntime}}'
	is "$out" berth
}

@test "docker run: output and exit codes" {
	need docker
	local code
	for code in 0 42; do
		dock_run --rm "$IMAGE" sh -c "echo text; exit $code" || true
		is "$status" $code
		is "$out" text
	done
	none_left
}

@test "docker run --runtime: named" {
	need docker
	dock_run --rm --runtime berth "$IMAGE" echo named
	is "$out" named
}

@test "docker run: commands that cannot be run are 127 and 126" {
	need docker
	dock_run --rm "$IMAGE" no-such-command || true
	is "$status" 127
	has "$err" "executable file not found in \$PATH"
	dock_run --rm "$IMAGE" /etc || true
	is "$status" 126
	none_left
}

@test "docker run -d: logs, exec, restart, stop, rm" {
	need docker
	dock_run -d "$IMAGE" sh -c 'trap "exit 43" TERM; echo started; while :; do sleep 0.1; done'
	wait_until 30 logs_are started
	dock exec "$ID" sh -c 'echo from exec; exit 7' || true
	is "$status" 7
	is "$out" "from exec"
	dock restart -t 20 "$ID"
	wait_until 30 logs_are $'started\nstarted'
	dock stop -t 20 "$ID"
	dock wait "$ID"
	is "$out" 43
	dock rm "$ID"
	none_left
}

@test "docker run -it: a terminal" {
	need docker
	local rc=0
	ptydrive -t 90 'expect:/dev/pts/0' 'send:exit 9\r' -- docker run --rm -it --name "$ID" "$IMAGE" sh -c 'tty; exec sh' >"$T/screen" || rc=$?
	cat "$T/screen"
	is $rc 9
}

@test "docker run -i: standard input" {
	need docker
	is "$(echo typed | docker run --rm -i --name "$ID" "$IMAGE" cat)" typed
}

@test "docker exec -it: a terminal in a running container" {
	need docker
	dock_run -d "$IMAGE" sleep 1000
	local rc=0
	ptydrive -t 90 'expect:/dev/pts/' 'send:exit 8\r' -- docker exec -it "$ID" sh -c 'tty; exec sh' >"$T/screen" || rc=$?
	is $rc 8
	dock rm -f "$ID"
}

@test "docker run: limits, update and stats" {
	need docker
	dock_run -d --memory 64m --pids-limit 50 --cpus 0.5 "$IMAGE" sleep 1000
	dock exec "$ID" sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	is "$(tr '\n' ' ' <<<"$out")" "67108864 50 50000 100000 "
	dock update --memory 96m --memory-swap 96m --pids-limit 40 --cpus 1 "$ID"
	dock exec "$ID" sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	is "$(tr '\n' ' ' <<<"$out")" "100663296 40 100000 100000 "
	dock stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' "$ID"
	has "$out" "/ 96MiB"
	dock rm -f "$ID"
}

@test "docker run: an OOM kill is seen" {
	need docker
	# Not as init: a manager that hears of the exit first has no cgroup left to look at, whichever the runtime.
	dock_run --memory 32m --memory-swap 32m "$IMAGE" sh -c 'workload hog 128; e=$?; sleep 3; exit $e' || true
	is "$status" 137
	dock inspect -f '{{.State.OOMKilled}}' "$ID"
	is "$out" true
	dock rm "$ID"
}

@test "docker pause, unpause, top, kill" {
	need docker
	dock_run -d "$IMAGE" sleep 1000
	dock pause "$ID"
	dock inspect -f '{{.State.Status}}' "$ID"
	is "$out" paused
	dock unpause "$ID"
	dock top "$ID"
	has "$out" "sleep 1000"
	dock kill -s KILL "$ID"
	dock wait "$ID"
	is "$out" 137
	dock rm "$ID"
}

@test "docker run --cgroupns: private shows the root of its own, host the path" {
	need docker
	dock_run --rm --cgroupns private "$IMAGE" cat /proc/self/cgroup
	is "$out" "0::/"
	dock_run --rm --cgroupns host "$IMAGE" cat /proc/self/cgroup
	has "$out" "docker-"
}

@test "docker run: capabilities, seccomp, AppArmor, no new privileges, read-only" {
	need docker
	dock_run --rm --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges "$IMAGE" sh -c \
		'grep -E "^(CapEff|CapBnd|Seccomp|NoNewPrivs):" /proc/self/status | tr -d "[:space:]"; cat /proc/self/attr/current'
	has "$out" CapBnd:0000000000000001
	has "$out" CapEff:0000000000000001
	has "$out" NoNewPrivs:1
	has "$out" Seccomp:2
	has "$out" "docker-default (enforce)"
	dock_run --rm --security-opt seccomp=unconfined --security-opt apparmor=unconfined "$IMAGE" sh -c \
		'grep ^Seccomp: /proc/self/status; cat /proc/self/attr/current'
	has "$out" unconfined
	has "$out" $'Seccomp:\t0'
	dock_run --rm --read-only --tmpfs /tmp "$IMAGE" sh -c 'echo x >/tmp/x && ! echo x >/x'
}

@test "docker run: volumes, user, environment, work directory, hostname" {
	need docker
	echo from the host >"$T/file"
	dock_run --rm -v "$T/file:/file:ro" -u 12:13 -e A=b -w /tmp -h named "$IMAGE" sh -c 'cat /file; id -u; id -g; echo $A; pwd; hostname'
	is "$(tr '\n' ' ' <<<"$out")" "from the host 12 13 b /tmp named "
}

@test "docker run --init, and a health check" {
	need docker
	dock_run -d --init --health-cmd 'test -e /ok' --health-interval 1s "$IMAGE" sh -c 'touch /ok; sleep 1000'
	healthy() { dock inspect -f '{{.State.Health.Status}}' "$ID" && [ "$out" = healthy ]; }
	wait_until 60 healthy
	dock exec "$ID" cat /proc/1/comm
	has "$out" init
	dock rm -f "$ID"
}

@test "docker: two containers on a network find each other by name" {
	need docker
	dock network create "$TAG-net"
	dock_run -d --network "$TAG-net" "$IMAGE" sleep 1000
	dock run --rm --name "$TAG-b" --network "$TAG-net" "$IMAGE" ping -c 1 -W 5 "$ID"
	dock rm -f "$ID"
	dock network rm "$TAG-net"
}

@test "docker build: RUN goes through the default runtime" {
	need docker
	mkdir "$T/context"
	printf 'FROM %s\nRUN echo built >/made && id -u >>/made\nCMD ["cat", "/made"]\n' "$IMAGE" >"$T/context/Dockerfile"
	DOCKER_BUILDKIT=0 dock build -q -t "$TAG-image" "$T/context"
	dock_run --rm "$TAG-image"
	is "$out" $'built\n0'
	dock rmi "$TAG-image"
}

@test "docker service: a swarm task runs with the default runtime" {
	need docker
	dock swarm init --advertise-addr 127.0.0.1
	dock service create -q --detach --name "$TAG-service" --restart-condition none --no-resolve-image "$IMAGE" sh -c 'echo from the task; sleep 1000'
	task_says() { dock service logs --raw "$TAG-service" && has "$out" "from the task"; }
	wait_until 90 task_says
	dock service rm "$TAG-service"
	dock swarm leave --force
	wait_until 60 none_left
}

@test "docker with userns-remap" {
	need docker
	docker_down
	grep -q dockremap /etc/subuid || {
		useradd -r -s /usr/sbin/nologin dockremap
		echo dockremap:300000:65536 >>/etc/subuid
		echo dockremap:300000:65536 >>/etc/subgid
	}
	docker_up '."userns-remap" = "default"'
	tar -C "$E2E_RUN/rootfs" -c . | docker import - "$IMAGE"-remapped
	dock_run --rm "$IMAGE"-remapped sh -c 'id -u; cat /proc/self/uid_map'
	local remapped=$out
	dock rmi "$IMAGE"-remapped
	docker_down
	docker_up
	is "$(tr -s ' \n' ' ' <<<"$remapped")" "0 0 300000 65536 "
}
