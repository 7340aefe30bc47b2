/* SPDX-License-Identifier: Apache-2.0 */
/* Interruption at safe points: see interrupt.h. */
#include "runtime/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

static int fd = -1; /* one for the process, like the signal mask that it mirrors */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void interrupt_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int interrupt_fd(void)
{
	return fd;
}

int interrupt_check(struct err *err)
{
	sigset_t pending;

	if (fd < 0 || sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (!sigismember(&pending, signals[i]))
			continue;
		err_text(err, -EINTR, "interrupted by signal %d (%s): undone", signals[i],
		         strsignal(signals[i]));
		if (err)
			err->exit_status = 128 + signals[i];
		return -EINTR;
	}
	return 0;
}
