#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A full-screen program on real screens: tmux is the terminal, and what it shows is compared with what it should.

load helpers

tm() { tmux -S "$T/tmux" -f "$T/tmux.conf" "$@"; }

# screen NAME ROWS COLS COMMAND...: a terminal with berth COMMAND on it, and its status afterwards.
screen() {
	local name=$1 rows=$2 cols=$3
	shift 3
	printf 'set -g status off\nset -g default-shell /bin/sh\nset -s escape-time 0\nset -g default-terminal screen\n' >"$T/tmux.conf"
	printf '%q ' "$BERTH" --root "$STATE" "$@" >"$T/$name.sh"
	printf '\necho "status $?"\nexec sleep 1000\n' >>"$T/$name.sh"
	tm new-session -d -s "$name" -x "$cols" -y "$rows" "exec sh $T/$name.sh"
}

keys() { tm send-keys -t "$1" "${@:2}"; }
shown() { tm capture-pane -p -t "$1"; }
shows() { shown "$1" | grep -qF -e "$2"; }

# box ROWS COLS TYPED: what the program draws.
box() {
	awk -v rows="$1" -v cols="$2" -v typed="$3" 'BEGIN {
		for (i = 2; i < cols; i++) { edge = edge "-"; inner = inner " " }
		for (row = 1; row <= rows; row++) {
			text = row == 2 ? "[" rows "x" cols "]" : row == 3 ? "> " typed : ""
			print row == 1 || row == rows ? "+" edge "+" : "|" (text == "" ? inner : substr(" " text inner, 1, cols - 2)) "|"
		}
	}'
}

# Exactly this, from the first line to the last.
is_box() { [ "$(shown "$1" | sed 's/ *$//')" = "$(box "$2" "$3" "$4")" ]; }

box_on() {
	wait_until 15 is_box "$@" || {
		shown "$1" | cat -A
		fail "the screen of $1 is not $2x$3 with \"$4\""
	}
}

# The program runs on, and the terminal is as it was: no alternate screen, a cursor, the usual cursor keys.
left() {
	wait_until 10 shows "$1" 'status 0'
	is "$(state_of)" running
	is "$(tm display-message -p -t "$1" '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}')" '0 1 0'
}

teardown() {
	tm kill-server 2>/dev/null || true
	e2e_teardown
}

full_screen() {
	bundle workload box
	config_edit '.process.terminal = true'
}

@test "an editor: left, and taken up again on terminals of other sizes and of the same" {
	full_screen
	screen one 24 80 run "$ID"
	box_on one 24 80 ''
	keys one hello
	box_on one 24 80 hello
	keys one C-]
	left one
	# Larger, the same, smaller, and larger again, each a new terminal; nothing is typed before the screen is right.
	screen two 30 100 attach "$ID"
	box_on two 30 100 hello
	keys two ' wor'
	box_on two 30 100 'hello wor'
	keys two C-]
	left two
	screen three 30 100 attach "$ID"
	box_on three 30 100 'hello wor'
	keys three C-]
	left three
	screen four 11 44 attach "$ID"
	box_on four 11 44 'hello wor'
	keys four ld
	box_on four 11 44 'hello world'
	keys four C-]
	left four
	screen five 40 120 attach "$ID"
	box_on five 40 120 'hello world'
	# ctrl-p is a key like any other.
	keys five C-p C-q
	box_on five 40 120 'hello world??'
	keys five q
	wait_until 10 shows five 'status 7'
	shows five bye
	berth wait "$ID"
	is "$out" 7
	remove
}

@test "an editor that has drawn more than is kept comes back, on a terminal of the same size too" {
	full_screen
	screen one 24 80 run "$ID"
	box_on one 24 80 ''
	local i
	# Each key draws a screen of some two thousand bytes; ctrl-l forgets what was typed.
	for i in $(seq 5); do keys one xxxxxxxxxxxxxxx C-l; done
	keys one again
	box_on one 24 80 again
	[ "$(call io.berth.Shim.State | jq .parameters.stdout.first)" -gt 0 ] || fail "all of it is kept"
	keys one C-]
	left one
	screen two 24 80 attach "$ID"
	box_on two 24 80 again
	keys two C-]
	left two
	# Nothing of what was, either.
	screen three 24 80 attach --no-replay "$ID"
	box_on three 24 80 again
	keys three C-]
	left three
	remove
}

@test "two terminals: the newest has the size, and the other gets it back when that is closed" {
	full_screen
	screen one 24 80 run "$ID"
	box_on one 24 80 ''
	screen two 20 60 attach "$ID"
	box_on two 20 60 ''
	# Resizing the one that is not the owner changes nothing until it is.
	tm resize-window -t one -x 90 -y 26
	screen look 28 70 attach --no-stdin "$ID"
	wait_until 10 shows look '[20x60]'
	keys two ab
	box_on two 20 60 ab
	tm resize-window -t two -x 64 -y 22
	box_on two 22 64 ab
	tm kill-session -t two
	box_on one 26 90 ab
	keys one q
	wait_until 10 shows one 'status 7'
	wait_until 10 shows look 'status 7'
}
