/* SPDX-License-Identifier: Apache-2.0 */
/* Terminal modes. */
#include "runtime/tty.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "base/fd.h"

int tty_raw(int fd, struct tty *ret)
{
	struct termios raw;

	if (tcgetattr(fd, &ret->saved) < 0)
		return -errno;
	raw = ret->saved;
	cfmakeraw(&raw);
	/* The terminal inside does the line discipline, but for the carriage returns of a new line
	 * (console_deliver()): those depend on where the output ends, and here it is a screen. */
	raw.c_oflag |= OPOST | ONLCR;
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return -errno;
	ret->fd = fd;
	return 0;
}

void tty_restore(struct tty *tty)
{
	sigset_t ttou, old;

	if (tty->fd < 0)
		return;
	/* In the background tcsetattr() would stop us. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	(void)tcsetattr(tty->fd, TCSADRAIN, &tty->saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	tty->fd = FD_INVALID;
}

bool tty_size(int fd, uint16_t *ret_rows, uint16_t *ret_cols)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0 || !ws.ws_row || !ws.ws_col)
		return false;
	*ret_rows = ws.ws_row;
	*ret_cols = ws.ws_col;
	return true;
}
