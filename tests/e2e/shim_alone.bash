# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A shim without a container: a small keeper makes the streams and the hand-over.

# keep [OPTION...] -- COMMAND...: a shim in $S with $SHIM, $PID.
keep() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	S=$(mktemp -d "$T/shim.XXXX")
	"$BERTH_BUILD/tests/helpers/shim-keeper" -l "$S/log" "${options[@]}" "$BERTH_BUILD/berth-shim" "$S" "$@" >"$S/pids"
	read -r SHIM PID <"$S/pids"
	: "$SHIM" "$PID"
}

# ask METHOD [PARAMETERS]
ask() { varlink "$S/shim.sock" "{\"method\":\"io.berth.Shim.$1\",\"parameters\":${2:-{\}}}"; }
parameter() { ask State | jq -r ".parameters$1"; }
is_parameter() { [ "$(parameter "$1")" = "$2" ]; }
log_is() { [ "$(cut -d' ' -f2- "$S/log")" = "$1" ]; }

# attach_raw [PARAMETERS]: frames of standard input to the shim, everything it says to standard output.
attach_raw() {
	{
		printf '{"method":"io.berth.Shim.Attach","upgrade":true,"parameters":%s}\0' "${1:-{\}}"
		cat
	} | timeout 20 socat -t 20 - "UNIX-CONNECT:$S/shim.sock" 2>/dev/null
}

end() {
	ask Shutdown | jq -e '.error == null' >/dev/null
	wait_until 5 gone "$SHIM"
}

finish() {
	kill -KILL "$PID" 2>/dev/null || true
	ask Wait >/dev/null
	end
}

# client NAME [PARAMETERS]: one that stays until the shim or a signal ends it: what is written to $INPUT goes to the shim,
# what it gets is in NAME.out, the answer first; its process is $CLIENT.
client() {
	mkfifo "$T/$1.in"
	socat -t 0.1 - "UNIX-CONNECT:$S/shim.sock" <>"$T/$1.in" >"$T/$1.out" 2>/dev/null &
	CLIENT=$!
	: "$CLIENT"
	exec {INPUT}>"$T/$1.in"
	printf '{"method":"io.berth.Shim.Attach","upgrade":true,"parameters":%s}\0' "${2:-{\}}" >&"$INPUT"
	wait_until 10 test -s "$T/$1.out"
}

# Frames, as formats of printf: a line of data, resize ROWS COLS (below 256), and two without a payload.
byte() { printf '\\%03o' "$1"; }
frame_line() { printf '\\1\\0\\0\\0\\0\\0\\0%s%s\\n' "$(byte $((${#1} + 1)))" "$1"; }
frame_resize() { printf '\\4\\0\\0\\0\\0\\0\\0\\4\\0%s\\0%s' "$(byte "$1")" "$(byte "$2")"; }
FRAME_EOF='\3\0\0\0\0\0\0\0'
FRAME_DETACH='\5\0\0\0\0\0\0\0'
# to DESCRIPTOR FRAME...
# shellcheck disable=SC2059 # the frame is the format
to() {
	local fd=$1 frame
	shift
	for frame; do printf "$frame" >&"$fd"; done
}
# What the answer in a client's output says.
answered() { head -z -n 1 "$T/$1.out" | tr -d '\0' | jq -r ".parameters$2"; }
