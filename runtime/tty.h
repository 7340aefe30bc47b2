/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal: raw mode and back, and its size. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct tty {
	int fd; /* borrowed; negative: nothing to restore */
	struct termios saved;
};

/* Raw mode; *ret remembers what was. 0 or -errno (-ENOTTY). */
int tty_raw(int fd, struct tty *ret);
/* Idempotent; also from a process that is not in the foreground. */
void tty_restore(struct tty *tty);
/* false: not a terminal, or its size is unknown. */
bool tty_size(int fd, uint16_t *ret_rows, uint16_t *ret_cols);
