# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # some variables are for those who source this
# Shared by the scripts of this directory: a place to work in, bundles, worlds, and the oracle that finds
# what a runtime has left. Wants runtime; sets work, token, kind.
#
# The oracle goes by names, since other containers may live on the machine: every id carries the token, and
# so do its cgroups; processes carry the id in their arguments, environment or cgroup. State and mounts
# belong to this run alone and are compared as a whole.

kind=$(basename "${runtime:?}")
work=$(mktemp -d /tmp/berth-faults.XXXXXX) || exit 2
chmod 755 "$work"
# The pid is not enough: sweeps in pid name spaces of their own share the machine.
token=f$$-$(head -c 8 /proc/sys/kernel/random/uuid)
# Within the end-to-end tests: for their runner, should this sweep be killed before it has cleaned up.
[ -z "${E2E_RUN:-}" ] || echo "$token" >>"$E2E_RUN/tags.$$"
cleanup() {
	: >"$work/residue"
	[ -z "$(list_cgroups)" ] || scrub "$token"
	umount "$work/netns" 2>/dev/null
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Once in a private mount namespace, the netns by path can be made.
make_netns() {
	: >"$work/netns"
	unshare --net="$work/netns" true || exit 2
}

# ---------------------------------------------------------------- set-up

make_rootfs() {
	mkdir -p "$work/bundle/rootfs"/{bin,proc,sys,dev,tmp,etc}
	cp /bin/busybox "$work/bundle/rootfs/bin/busybox"
	ln -sf busybox "$work/bundle/rootfs/bin/sleep"
	ln -sf busybox "$work/bundle/rootfs/bin/sh"
}

# config.json of the current variant: the shape of `spec`, plus what the variant asks for.
make_config() {
	local edit='.'
	# crun cannot load a device filter without CAP_SYS_RESOURCE, which sandboxes often lack
	[ "$kind" = crun ] && edit='del(.linux.resources)'
	# shellcheck disable=SC2016 # the dollars are jq's
	case $1 in
	userns)
		edit+=' | .linux.namespaces += [{type:"user"}]
		      | .linux.uidMappings = [{containerID:0,hostID:100000,size:65536}]
		      | .linux.gidMappings = .linux.uidMappings'
		;;
	netns)
		edit+=' | (.linux.namespaces[] | select(.type=="network")).path = $netns' ;;
	hostmnt)
		edit+=' | .linux.namespaces -= [{type:"mount"}] | del(.linux.maskedPaths, .linux.readonlyPaths)
		      | .mounts += [{destination:"/tmp",type:"bind",source:"/etc",options:["rbind","ro"]}]' ;;
	nested)
		edit+=' | .linux.cgroupsPath = "/" + $token + "-upper/" + $token + "-leaf"' ;;
	esac
	jq --arg netns "$work/netns" --arg token "$token" "$edit" >"$work/bundle/config.json" <<-'CONFIG'
	{ "ociVersion": "1.0.2",
	  "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": [ "/bin/sleep", "1000" ],
	    "env": [ "PATH=/bin" ], "cwd": "/", "noNewPrivileges": true,
	    "capabilities": { "bounding": [ "CAP_KILL" ], "effective": [ "CAP_KILL" ], "permitted": [ "CAP_KILL" ] },
	    "rlimits": [ { "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 } ] },
	  "root": { "path": "rootfs", "readonly": true }, "hostname": "faults",
	  "mounts": [
	    { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
	      "options": [ "nosuid", "strictatime", "mode=755", "size=65536k" ] },
	    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
	      "options": [ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" ] },
	    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
	      "options": [ "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" ] },
	    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
	      "options": [ "nosuid", "noexec", "nodev" ] },
	    { "destination": "/sys", "type": "sysfs", "source": "sysfs",
	      "options": [ "nosuid", "noexec", "nodev", "ro" ] },
	    { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
	      "options": [ "nosuid", "noexec", "nodev", "relatime", "ro" ] } ],
	  "linux": {
	    "resources": { "devices": [ { "allow": false, "access": "rwm" } ] },
	    "namespaces": [ { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" },
	      { "type": "mount" }, { "type": "cgroup" } ],
	    "maskedPaths": [ "/proc/kcore", "/proc/keys" ], "readonlyPaths": [ "/proc/sys", "/proc/bus" ] } }
	CONFIG
}

# Worlds: native leaves /sys/fs/cgroup as it is found; v1 is the same, but makes sure that it is not v2; v2 has
# cgroup2 mounted over it. The mount table of this namespace is ours alone, so it is compared as a whole.
enter_world() {
	while grep -q ' /sys/fs/cgroup .* - cgroup2 berth-faults ' /proc/self/mountinfo; do umount /sys/fs/cgroup; done
	case $1 in
	native) ;;
	v1) [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || { echo "no v1 world here" >&2; exit 2; } ;;
	v2)
		# The same file system cannot be mounted on itself: where it is there already, it is the world.
		[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] ||
			mount -t cgroup2 berth-faults /sys/fs/cgroup || exit 2
		;;
	*) echo "no world $1" >&2; exit 2 ;;
	esac
}

# ---------------------------------------------------------------- commands

rt() { "$runtime" --root "$work/root" "$@" </dev/null >"$work/out" 2>&1; }
rt5() { timeout -s KILL "${FAULTS_TIMEOUT:-5}" "$runtime" --root "$work/root" "$@" </dev/null >"$work/out" 2>&1; }

set_create_args() {
	create_args=(create --bundle "$work/bundle")
	case $1 in
	always | never) create_args+=("--shim=$1") ;;
	systemd) create_args=(--systemd-cgroup "${create_args[@]}") ;;
	esac
}

json_field() { jq -r "$1 // empty" "$work/out" 2>/dev/null; }

note_before() {
	sort /proc/self/mountinfo >"$work/mounts.before"
	list_state >"$work/state.before"
}

# A healthy life: it shows that the set-up works, and whatever it leaves is not for us to judge.
healthy_life() {
	local id=$token-00000
	{ rt5 "${create_args[@]}" "$id" && rt5 start "$id" && rt5 delete --force "$id"; } || {
		echo "$kind does not work here ($*): $(head -c 300 "$work/out")" >&2
		rt5 delete --force "$id"
		exit 2
	}
	note_before
}

# ---------------------------------------------------------------- the oracle

list_state() {
	{
		find "$work/root" "$work/bundle" -mindepth 1
		find /run /tmp -maxdepth 2 -name "*$token*"
	} 2>/dev/null | sort
}

list_cgroups() { find /sys/fs/cgroup -depth -type d -name "*$token*" 2>/dev/null; }

live() { # of the /proc/PID/file names on stdin, the pids that are no zombies
	local f pid
	while read -r f; do
		pid=${f#/proc/}
		pid=${pid%%/*}
		case $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
		'' | Z | X) ;;
		*) echo "process $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | head -c 60))" ;;
		esac
	done 2>/dev/null | sort -u
}

residue() {
	local id=$1
	echo "$id" >"$work/id" # a file, or grep would find its own arguments
	grep -lsaF -f "$work/id" /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/cgroup | live
	list_cgroups | sed 's/^/cgroup /'
	[ ! -d /run/systemd/system ] || systemctl list-units --all --plain --no-legend "*$id*" | sed 's/^/unit /'
	list_state | comm -13 "$work/state.before" - | sed 's/^/file /'
	sort /proc/self/mountinfo | comm -13 "$work/mounts.before" - | cut -d' ' -f5 | sed 's/^/mount /'
}

# Something is left: note it, then remove it, so that every point is judged by itself.
scrub() {
	local id=$1 pid d
	while read -r pid; do
		kill -9 "$pid" 2>/dev/null
	done < <(sed -n 's/^process \([0-9]*\).*/\1/p' "$work/residue")
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		while read -r d; do
			# a live process may sit in the cgroup without carrying the id anywhere else
			while read -r pid; do [ "$pid" != 0 ] && kill -9 "$pid"; done <"$d/cgroup.procs" 2>/dev/null
			[ -e "$d/freezer.state" ] && echo THAWED >"$d/freezer.state" 2>/dev/null
			rmdir "$d" 2>/dev/null
		done < <(list_cgroups)
		[ -z "$(list_cgroups)" ] && break
		sleep 0.05
	done
	sed -n 's/^mount //p' "$work/residue" | sort -r | while read -r d; do umount -l "$d"; done
	rm -rf --one-file-system "$work/root/$id" "$work/root"/.trash*"$id"*
	sed -n 's/^file //p' "$work/residue" | sort -r | while read -r d; do
		case $d in "$work"/*) rm -rf --one-file-system "$d" ;; esac
	done
}

# Look for what container $1 left until nothing is there any more, or a deadline: what delete has ended may
# still be going, and that is no leak. Returns 1 and scrubs when something stays.
nothing_left() {
	local _
	for _ in $(seq 20); do
		residue "$1" >"$work/residue"
		[ -s "$work/residue" ] || return 0
		sleep 0.05
	done
	left=$(tr '\n' ';' <"$work/residue" | head -c 300)
	scrub "$1"
	return 1
}
