/* SPDX-License-Identifier: Apache-2.0 */
/* See oom_count.h. */
#include "shim/wire/oom_count.h"

#include <string.h>
#include <unistd.h>

#include "base/num.h"

bool oom_count_read(int fd, uint64_t *ret)
{
	char text[512], *p, *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	/* At the start of a line: "oom_kill_disable" and "oom_group_kill" are others. */
	for (p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "oom_kill ", 9) != 0)
			continue;
		p += 9;
		end = strchr(p, '\n');
		if (end)
			*end = '\0';
		return num_parse_u64(p, ret) == 0;
	}
	return false;
}
