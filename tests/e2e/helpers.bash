# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What every end-to-end test is built from. A test has, fresh: $TAG (a name nobody else uses), $ID (its container),
# $STATE (its state root), $BUNDLE, $T (its own directory, kept short for socket paths). After it, successful or not,
# nothing of its own may be left: no process, mount, cgroup, network name space or link, no file in the state root,
# /tmp or /run. A test that passed but left something fails (see residue).

# What is left over is removed by force below: never outside of a world that tests/e2e/run has made.
if [ -z "${E2E_WORLD_IS_OURS:-}" ]; then
	echo "these tests are run by tests/e2e/run" >&2
	exit 1
fi

E2E_TOP=${E2E_TOP:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
CMD_TIMEOUT=${CMD_TIMEOUT:-30}
PATH=$E2E_RUN/bin:$PATH

setup() { e2e_setup; }
teardown() { e2e_teardown; }

# ---- before and after

e2e_setup() {
	TAG=e$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	echo "$TAG" >>"$E2E_RUN/tags.$$"
	ID=$TAG
	T=$BATS_TEST_TMPDIR
	chmod 755 "$T" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR/.."
	STATE=$T/s
	BUNDLE=$T/b
	GLOBAL=()
	mkdir "$STATE" "$BUNDLE"
	chmod 700 "$STATE"
	cd "$BUNDLE" || return 1
	snapshot BEFORE
}

e2e_teardown() {
	local rc=0 tries=0 left=''
	cd /
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ]; then
		while left=$(residue) && [ -n "$left" ] && [ $tries -lt 30 ]; do
			sleep 0.05
			tries=$((tries + 1))
		done
		[ -z "$left" ] || {
			printf 'left behind:\n%s\n' "$left"
			rc=1
		}
	fi
	sweep
	return $rc
}

# One line for each thing that exists: "kind what".
inventory() {
	local p d
	for p in /proc/[0-9]*; do
		p=${p#/proc/}
		case " $$ $BASHPID $PPID " in *" $p "*) continue ;; esac
		proc_line "$p"
	done
	# Without the options of superblocks: those of cgroup2 are the whole machine's.
	sed 's/^/mount /; s/ - \([^ ]* [^ ]*\) .*/ - \1/' /proc/self/mountinfo
	find /sys/fs/cgroup -mindepth 1 -type d 2>/dev/null | sed 's/^/cgroup /' | { if [ "${E2E_EXCLUSIVE:-}" = 1 ]; then cat; else grep -F -e "$TAG" || :; fi; }
	for d in /run/netns/*; do [ ! -e "$d" ] || echo "netns $d"; done
	for d in /sys/class/net/*"$TAG"*; do [ ! -e "$d" ] || echo "link $d"; done
	find /tmp /run -xdev -path "$BATS_RUN_TMPDIR" -prune -o -path /run/netns -prune -o -print | sed 's/^/file /'
	# The cache of compiled filters stays, that is its purpose; and so does the directory of short socket names.
	if [ -d "$STATE" ]; then find "$STATE" -mindepth 1 -path "$STATE/.seccomp*" -prune -o -path "$STATE/.s" -o -print | sed 's/^/state /'; fi
	return 0
}

# A process and when it started, so that a reused number is not taken for the same. Zombies of the test's own shell
# and the pipelines of this inventory do not count.
proc_line() {
	local stat comm rest
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	comm=${stat#*\(} rest=${stat##*\) } comm=${comm%\)*}
	# shellcheck disable=SC2086
	set -- "$1" $rest
	case " $$ $BASHPID " in *" $3 "*) return 0 ;; esac
	# The state changes all the time; only the end of a process is a difference.
	case $2 in Z) comm="$comm, dead" ;; esac
	[ -z "${21:-}" ] || echo "process $1 $comm (parent $3, start ${21})"
}

snapshot() { inventory | sort >"$T/.inventory-${1,,}"; }

residue() {
	snapshot AFTER
	# The shells of this function, and those of bats, are no containers; a process is new if its line is.
	comm -13 "$T/.inventory-before" "$T/.inventory-after" | grep -v -E '^process [0-9]+ (bats|bats-[a-z-]*|sort|sed|find|grep|tr|tee|comm) '
	return 0
}

# Take away by force whatever is left; only failed tests need it.
sweep() {
	local kind what d
	comm -13 "$T/.inventory-before" <(inventory | sort) >"$T/.left"
	while read -r kind what; do
		case $kind in
		process)
			# The first processes of this world are never left over.
			[ "${what%% *}" -gt 10 ] || continue
			case ${what#* } in bats* | sort* | sed* | find* | comm*) ;; *) kill -KILL "${what%% *}" 2>/dev/null ;; esac
			;;
		netns) ip netns del "${what##*/}" 2>/dev/null ;;
		link) ip link del "${what##*/}" 2>/dev/null ;;
		file) [ -d "$what" ] || rm -f "$what" ;;
		esac
	done <"$T/.left"
	while read -r kind d; do [ "$kind" != cgroup ] || [ ! -e "$d/cgroup.kill" ] || echo 1 >"$d/cgroup.kill"; done <"$T/.left" 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		find /sys/fs/cgroup -depth -type d -path "*$TAG*" -exec rmdir {} + 2>/dev/null
		[ -z "$(find /sys/fs/cgroup -type d -name "*$TAG*" -print -quit 2>/dev/null)" ] && break
		sleep 0.05
	done
	tac /proc/self/mountinfo | awk -v t="$T/" 'index($5, t) == 1 { print $5 }' | while read -r d; do umount -l "$d"; done
	return 0
}

# ---- running berth

# berth ARG...: run it with this test's state root. Sets $status, $out, $err (also in $T/out, $T/err); what was run and
# came back is printed, which bats shows of a failed test. Its output is a file, never a pipe that a container could hold.
berth() {
	printf '+ berth %s\n' "$*"
	status=0
	timeout --foreground -k 5 "$CMD_TIMEOUT" "$BERTH" --root "$STATE" ${GLOBAL[@]+"${GLOBAL[@]}"} "$@" >"$T/out" 2>"$T/err" || status=$?
	out=$(tr -d '\0' <"$T/out") err=$(tr -d '\0' <"$T/err")
	[ -z "$out" ] || printf '%s\n' "${out:0:800}"
	[ -z "$err" ] || printf '%s\n' "${err:0:800}"
	[ $status -eq 0 ] || echo "  = $status"
	return $status
}

# refused STATUS TEXT ARG...: berth must fail so, on one line of standard error that has TEXT (a regular expression,
# any case), within the length that callers take.
refused() {
	local want=$1 text=$2
	shift 2
	berth "$@" || true
	[ "$status" -eq "$want" ] || fail "status $status instead of $want"
	[ "$(wc -l <"$T/err")" -eq 1 ] || fail "not one line on standard error"
	grep -Eiq -e "$text" "$T/err" || fail "the message does not say: $text"
	[ "$(wc -c <"$T/err")" -le 1024 ] || fail "the message is too long"
	! LC_ALL=C grep -q '[[:cntrl:]]' <<<"${err//$'\t'/}" || fail "control characters in the message"
}

fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# not COMMAND...: it must fail. (A bare "!" does not end a test.)
not() { ! "$@" || fail "this should have failed: $*"; }
is() { [ "$1" = "$2" ] || fail "got \"$1\", wanted \"$2\""; }
has() { [[ $1 == *"$2"* ]] || fail "\"$2\" is not in: $1"; }
hasnt() { [[ $1 != *"$2"* ]] || fail "\"$2\" is in: $1"; }

# wait_until SECONDS COMMAND...: poll until it succeeds.
wait_until() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt $deadline ] || fail "not in time: $*" || return 1
		sleep 0.03
	done
}

state_of() { "$BERTH" --root "$STATE" state "${1:-$ID}" 2>/dev/null | jq -r "${2:-.status}"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
pid_of() { state_of "${1:-$ID}" .pid; }
remove() { local i; for i in "${@:-$ID}"; do berth delete --force "$i"; done; }
log_has() { "$BERTH" --root "$STATE" logs "$1" 2>/dev/null </dev/null | grep -q -e "$2"; }
# running N PATTERN: so many processes have a command line that matches.
running() { [ "$(pgrep -c -f -- "$2")" -eq "$1" ]; }
gone() { [ ! -e "/proc/$1" ]; }
file_has() { grep -qF -e "$2" "$1" 2>/dev/null; }

# ---- the bundle

# bundle [COMMAND...]: a busybox root file system and the standard config.json, with no terminal and this command.
bundle() {
	cp -a "$E2E_RUN/rootfs" "$BUNDLE/rootfs"
	(cd "$BUNDLE" && rm -f config.json && "$BERTH" spec) || fail "spec failed"
	config_edit '.process.terminal = false'
	[ $# -eq 0 ] || command_is "$@"
}

# config_edit [JQ-OPTION...] EXPRESSION
config_edit() {
	jq "$@" "$BUNDLE/config.json" >"$T/config" && cat "$T/config" >"$BUNDLE/config.json"
}

# The words as a JSON array.
# shellcheck disable=SC2016
words() { jq -cn '$ARGS.positional' --args -- "$@"; }

# shellcheck disable=SC2016
command_is() { config_edit --argjson words "$(words "$@")" '.process.args = $words'; }

writable() { config_edit '.root.readonly = false'; }
shell() { command_is sh -c "$1"; }

# probe_json [RUN-OPTION...]: run the probe in the bundle, its report in $out.
probe_run() {
	command_is probe
	berth run "$@" "$ID"
}

# ---- worlds

has_controller() {
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		grep -qw -e "$1" /sys/fs/cgroup/cgroup.controllers
	else
		# Not a mere directory: some runtimes make those for controllers that no hierarchy has.
		[ "$(stat -fc %T "/sys/fs/cgroup/$1" 2>/dev/null)" = cgroupfs ]
	fi
}
need_controller() { has_controller "$1" || skip "no $1 controller in this world"; }
on_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# cgroup_of PID CONTROLLER: the directory of its cgroup.
cgroup_of() {
	local path
	if on_v2; then
		path=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
		echo "/sys/fs/cgroup$path"
	else
		path=$(awk -F: -v c="$2" '{ n = split($2, l, ","); for (i = 1; i <= n; i++) if (l[i] == c) print $3 }' "/proc/$1/cgroup")
		echo "/sys/fs/cgroup/$2$path"
	fi
}

# The shim of a container.
shim_pid() { state_of "${1:-$ID}" '.shim.pid // empty'; }
shim_addr() { state_of "${1:-$ID}" '.shim.address // empty'; }

# ---- terminals

# term STEP... -- ARG...: berth ARG... on a terminal that plays the steps; what it showed is in $T/screen,
# its process in $T/pid.
term() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	status=0
	ptydrive -t 20 -p "$T/pid" "${steps[@]}" -- "$BERTH" --root "$STATE" "$@" >"$T/screen" || status=$?
	printf -- '--- terminal of: %s (status %s)\n' "$*" "$status"
	cat -v "$T/screen"
	printf -- '\n---\n'
	return $status
}

# ---- Varlink: what a client needs to know
call() {
	local method=$1 parameters=${2:-}
	[ -n "$parameters" ] || parameters='{}'
	shift $(($# > 1 ? 2 : 1))
	varlink "$@" "$(shim_addr "$ID")" "{\"method\":\"$method\",\"parameters\":$parameters}"
}
