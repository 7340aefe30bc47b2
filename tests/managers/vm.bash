# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the tests of a whole machine add to tests/e2e/helpers.bash: they run on the machine as it is, next to systemd and the
# real managers, so a leftover is whatever carries the test's name, and any shim at all.

setup() { vm_setup; }

vm_setup() {
	TAG=v$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	ID=$TAG
	T=$BATS_TEST_TMPDIR
	STATE=$T/s
	BUNDLE=$T/b
	GLOBAL=()
	UNITS=()
	chmod 755 "$T" "$BATS_RUN_TMPDIR" "$T/.."
	mkdir "$STATE" "$BUNDLE"
	chmod 700 "$STATE"
	cd "$BUNDLE" || return 1
}

teardown() { vm_teardown; }
vm_teardown() {
	local rc=0
	cd /
	remove_units
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ] && ! wait_until 5 nothing_left 2>/dev/null; then
		printf 'left behind:\n%s\n' "$(inventory)"
		rc=1
	fi
	sweep
	return $rc
}

remove_units() {
	local unit
	for unit in ${UNITS[@]+"${UNITS[@]}"}; do
		case $unit in
		user:*)
			user_systemctl stop "${unit#user:}" 2>/dev/null
			user_systemctl reset-failed "${unit#user:}" 2>/dev/null
			rm -f "/run/user/$VM_UID/systemd/user/${unit#user:}"
			;;
		*)
			systemctl stop "$unit" 2>/dev/null
			systemctl reset-failed "$unit" 2>/dev/null
			rm -f "/run/systemd/system/$unit"
			;;
		esac
	done
}

# What carries the test's name, in as few processes as can be: an emulated machine forks slowly.
inventory() {
	local f words
	while IFS= read -r f; do
		mapfile -d '' -t words <"$f" && [ ${#words[@]} -gt 0 ] && echo "process ${f//[!0-9]/} ${words[*]}"
	done < <(grep -lsF -f /dev/stdin /proc/[0-9]*/cmdline <<<"$TAG") 2>/dev/null
	pgrep -x berth-shim | sed 's/^/process /; s/$/ berth-shim/'
	sed -n "/$TAG/s/^/mount /p; \\|$T/|s/^/mount /p" /proc/self/mountinfo
	find /sys/fs/cgroup -type d -name "*$TAG*" -printf 'cgroup %p\n' 2>/dev/null
	for f in /run/netns/* /sys/class/net/*"$TAG"*; do [ ! -e "$f" ] || echo "netns $f"; done
	# The cache of compiled filters stays, that is its purpose; and so does the directory of short socket names.
	find "$STATE" -mindepth 1 -path "$STATE/.seccomp*" -prune -o -path "$STATE/.s" -o -printf 'state %p\n'
	find /run/berth "/run/user/$VM_UID/berth" -name "*$TAG*" -printf 'state %p\n' 2>/dev/null
	return 0
}

no_cgroup() {
	find /sys/fs/cgroup -depth -type d -name "*$TAG*" -exec rmdir {} + 2>/dev/null
	[ -z "$(find /sys/fs/cgroup -type d -name "*$TAG*" -print -quit)" ]
}
nothing_left() { [ -z "$(inventory)" ]; }

# Take away by force whatever is left.
sweep() {
	local kind what
	while read -r kind what; do
		case $kind in
		process) kill -KILL "${what%% *}" 2>/dev/null ;;
		mount) umount -l "$(awk '{ print $5 }' <<<"$what")" ;;
		cgroup) [ ! -e "$what/cgroup.kill" ] || echo 1 >"$what/cgroup.kill" ;;
		esac
	done < <(inventory)
	wait_until 2 no_cgroup 2>/dev/null
	return 0
}

no_shim() { ! pgrep -x berth-shim >/dev/null; }
is_berth() { [ "${BERTH##*/}" = berth ]; }
need_berth() { is_berth || skip "only berth has this"; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# ---- systemd

# unit NAME: a unit of the system manager from standard input.
unit() {
	cat >"/run/systemd/system/$1"
	UNITS+=("$1")
	systemctl daemon-reload
}

user_unit() {
	mkdir -p "/run/user/$VM_UID/systemd/user"
	cat >"/run/user/$VM_UID/systemd/user/$1"
	chown -R "$VM_UID:$VM_UID" "/run/user/$VM_UID/systemd"
	UNITS+=("user:$1")
	user_systemctl daemon-reload
}

# property UNIT NAME, user_property UNIT NAME
property() { systemctl show -P "$2" "$1"; }
user_property() { user_systemctl show -P "$2" "$1"; }
property_is() { [ "$(property "$1" "$2")" = "$3" ]; }
user_property_is() { [ "$(user_property "$1" "$2")" = "$3" ]; }

# ---- the ordinary user

# as_user COMMAND...: in the caller's cgroup, of which the user owns nothing.
as_user() {
	(cd "$BUNDLE" && exec setpriv --reuid="$VM_UID" --regid="$VM_UID" --init-groups --inh-caps=-all env -i PATH="$PATH" \
		HOME="/home/$VM_USER" USER="$VM_USER" XDG_RUNTIME_DIR="/run/user/$VM_UID" \
		DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$VM_UID/bus" "$@")
}
user_systemctl() { as_user systemctl --user "$@"; }

# in_session COMMAND...: as a child of the user's own manager, in a cgroup that is delegated. With KEEP set, what the
# command leaves behind lives on, as after a command on a terminal.
in_session() {
	as_user systemd-run --user --quiet --pipe --wait --collect --property=Delegate=yes ${KEEP:+--property=KillMode=process} --working-directory="$BUNDLE" \
		--setenv=PATH="$PATH" -- "$@"
}

# user_berth ARG..., session_berth ARG...: like berth, with a state root of the user's own.
user_berth() { user_cmd as_user "$@"; }
session_berth() { user_cmd in_session "$@"; }
user_cmd() {
	local how=$1
	shift
	printf '+ (%s) berth %s\n' "$how" "$*"
	status=0
	$how timeout --foreground -k 5 "$CMD_TIMEOUT" "$BERTH" --root "$STATE" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	printf '%s\n%s\n = %s\n' "${out:0:800}" "${err:0:800}" "$status"
	return $status
}

# user_bundle COMMAND...: everything of the test now belongs to the user.
user_bundle() {
	cp -a "$E2E_RUN/rootfs" "$BUNDLE/rootfs"
	chown -R "$VM_UID:$VM_UID" "$T"
	as_user "$BERTH" spec --rootless
	config_edit '.process.terminal = false | .root.readonly = false'
	command_is "$@"
}

# ---- a container that ends when it is told, however long the machine takes

# ends_with CODE, and later: let_go
ends_with() { echo "echo started; while [ ! -e /go ]; do sleep 0.1; done; echo ending; exit $1"; }
let_go() { : >"$BUNDLE/rootfs/go"; }

# ---- containerd

# It says that it runs before it takes calls.
containerd_up() {
	systemctl start containerd
	wait_until 90 ctr version >/dev/null
}
containerd_down() { systemctl stop containerd 2>/dev/null || :; }

# ---- an image of the busybox root file system, as managers import it

# image_tar FILE NAME [COMMAND...]: an archive in OCI layout with one layer.
image_tar() {
	local dir layer config manifest file=$1 name=$2
	shift 2
	[ $# -gt 0 ] || set -- sh
	dir=$(mktemp -d)
	mkdir -p "$dir/blobs/sha256"
	tar -C "$E2E_RUN/rootfs" -cf "$dir/layer" .
	layer=$(image_blob "$dir" "$dir/layer")
	jq -cn --arg l "$layer" --argjson cmd "$(words "$@")" '{architecture: "amd64", os: "linux", config: {Cmd: $cmd, Env: ["PATH=/bin:/usr/bin"]},
		rootfs: {type: "layers", diff_ids: ["sha256:\($l)"]}}' >"$dir/config"
	config=$(image_blob "$dir" "$dir/config")
	jq -cn --arg c "$config" --arg l "$layer" --argjson cs "$(stat -c %s "$dir/blobs/sha256/$config")" --argjson ls "$(stat -c %s "$dir/blobs/sha256/$layer")" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: "sha256:\($c)", size: $cs},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: "sha256:\($l)", size: $ls}]}' >"$dir/manifest"
	manifest=$(image_blob "$dir" "$dir/manifest")
	jq -cn --arg m "$manifest" --arg name "$name" --argjson ms "$(stat -c %s "$dir/blobs/sha256/$manifest")" '{schemaVersion: 2,
		manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:\($m)", size: $ms,
		annotations: {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": $name}}]}' >"$dir/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	tar -C "$dir" -cf "$file" oci-layout index.json blobs
	rm -rf "$dir"
}

image_blob() {
	local digest
	digest=$(sha256sum <"$2" | cut -d' ' -f1)
	mv "$2" "$1/blobs/sha256/$digest"
	echo "$digest"
}
