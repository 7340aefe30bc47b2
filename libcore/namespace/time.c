/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets of a new time namespace (time_namespaces(7), 5.6).
 *
 * They can be set only while nobody is in the namespace: the joiner unshares it, which moves its
 * children but not itself, writes the offsets and then clones init. The write takes CAP_SYS_TIME in
 * the user namespace that owns it.
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kernel/syscalls.h"
#include "namespace/internal.h"

#define OFFSETS_FILE "timens_offsets"

void ns_time_text(const struct spec_time_offsets *offsets, char *buf, size_t size)
{
	const struct {
		const char *name;
		const struct spec_time_offset *offset;
	} clocks[] = { { "monotonic", &offsets->monotonic }, { "boottime", &offsets->boottime } };
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		const struct spec_time_offset *o = clocks[i].offset;

		if (o->present && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s %" PRId64 " %u\n",
			                        clocks[i].name, o->secs, o->nanosecs);
	}
}

int ns_make_time(const struct spec_time_offsets *offsets, struct err *err)
{
	char text[128];
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return err_set(err, -errno, "linux.timeOffsets: make a time namespace");
	ns_time_text(offsets, text, sizeof(text));
	r = file_write_at(AT_FDCWD, "/proc/self/" OFFSETS_FILE, text);
	if (r < 0)
		return err_set(err, r, "linux.timeOffsets: set the offsets of the time namespace%s",
		               r == -ERANGE ? " (a clock would be before its start or too late)"
		                            : "");
	return 0;
}

/* The line of one clock says what was asked for; a clock that was not named has no offset. */
static bool line_equals(const char *text, const char *clock, const struct spec_time_offset *want)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		char name[16];
		int64_t secs;
		uint32_t nanosecs;

		line += *line == '\n';
		if (sscanf(line, "%15s %" SCNd64 " %" SCNu32, name, &secs, &nanosecs) == 3 &&
		    streq(name, clock))
			return secs == (want->present ? want->secs : 0) &&
			       nanosecs == (want->present ? want->nanosecs : 0);
	}
	return false;
}

bool ns_time_equals(const char *text, const struct spec_time_offsets *offsets)
{
	return line_equals(text, "monotonic", &offsets->monotonic) &&
	       line_equals(text, "boottime", &offsets->boottime);
}

int ns_check_time(int proc_fd, pid_t pid, const struct spec_time_offsets *offsets, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	int r;

	snprintf(path, sizeof(path), "%d/" OFFSETS_FILE, pid);
	r = file_read_at(proc_fd, path, 4096, &text, NULL);
	if (r < 0)
		return err_set(err, r, "read back /proc/%s", path);
	if (!ns_time_equals(text, offsets))
		return err_text(err, -EPERM,
		                "read back: the offsets of the time namespace are not those of "
		                "linux.timeOffsets");
	return 0;
}
