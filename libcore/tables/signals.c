/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal names in both directions.
 *
 * Realtime signals are counted from libc's SIGRTMIN and SIGRTMAX, as kill(1) and systemd do: the
 * kernel's first two belong to libc's threads. Several names may stand for one number; the first
 * row with it is the one that is printed.
 */
#include "tables/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <strings.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/num.h"

#define ROW(sig)          \
	{                 \
#sig, sig \
	}

/* clang-format off */
static const struct name_value signal_table[] = {
	ROW(SIGHUP),
	ROW(SIGINT),
	ROW(SIGQUIT),
	ROW(SIGILL),
	ROW(SIGTRAP),
	ROW(SIGABRT),
	ROW(SIGIOT),
	ROW(SIGBUS),
	ROW(SIGFPE),
	ROW(SIGKILL),
	ROW(SIGUSR1),
	ROW(SIGSEGV),
	ROW(SIGUSR2),
	ROW(SIGPIPE),
	ROW(SIGALRM),
	ROW(SIGTERM),
#ifdef SIGSTKFLT
	ROW(SIGSTKFLT),
#endif
	ROW(SIGCHLD),
	{ "SIGCLD", SIGCHLD },
	ROW(SIGCONT),
	ROW(SIGSTOP),
	ROW(SIGTSTP),
	ROW(SIGTTIN),
	ROW(SIGTTOU),
	ROW(SIGURG),
	ROW(SIGXCPU),
	ROW(SIGXFSZ),
	ROW(SIGVTALRM),
	ROW(SIGPROF),
	ROW(SIGWINCH),
	ROW(SIGIO),
	{ "SIGPOLL", SIGIO },
	ROW(SIGPWR),
	ROW(SIGSYS),
	{ NULL, 0 },
};

/* SIGRTMIN is not a constant, so these have a table of their own: index = distance from SIGRTMIN. */
static const char *const realtime_table[] = {
	"SIGRTMIN", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5",
	"SIGRTMIN+6", "SIGRTMIN+7", "SIGRTMIN+8", "SIGRTMIN+9", "SIGRTMIN+10", "SIGRTMIN+11",
	"SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+16", "SIGRTMIN+17",
	"SIGRTMIN+18", "SIGRTMIN+19", "SIGRTMIN+20", "SIGRTMIN+21", "SIGRTMIN+22", "SIGRTMIN+23",
	"SIGRTMIN+24", "SIGRTMIN+25", "SIGRTMIN+26", "SIGRTMIN+27", "SIGRTMIN+28", "SIGRTMIN+29",
	"SIGRTMIN+30",
};
/* clang-format on */

/* "RTMIN", "RTMIN+3", "RTMAX-1" with the "SIG" already gone. */
static int parse_realtime(const char *s)
{
	int base, sign, offset = 0;

	if (strncasecmp(s, "RTMIN", 5) == 0) {
		base = SIGRTMIN;
		sign = 1;
	} else if (strncasecmp(s, "RTMAX", 5) == 0) {
		base = SIGRTMAX;
		sign = -1;
	} else {
		return -EINVAL;
	}
	s += 5;
	if (*s) {
		uint32_t v;

		if (*s != (sign > 0 ? '+' : '-') || num_parse_u32(s + 1, &v) < 0 || v > 64)
			return -EINVAL;
		offset = (int)v;
	}
	base += sign * offset;
	return base >= SIGRTMIN && base <= SIGRTMAX ? base : -EINVAL;
}

int signal_parse(const char *s)
{
	uint32_t number;

	if (*s >= '0' && *s <= '9') {
		/* 0 is the existence check of kill(2). */
		if (num_parse_u32(s, &number) < 0 || (int64_t)number > SIGRTMAX)
			return -EINVAL;
		return (int)number;
	}
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	for (const struct name_value *row = signal_table; row->name; row++) {
		if (strcasecmp(s, row->name + 3) == 0)
			return (int)row->value;
	}
	return parse_realtime(s);
}

const char *signal_name(int sig)
{
	if (sig >= SIGRTMIN && sig <= SIGRTMAX) {
		size_t i = (size_t)(sig - SIGRTMIN);

		return i < ARRAY_SIZE(realtime_table) ? realtime_table[i] : NULL;
	}
	return names_name(signal_table, sig);
}
