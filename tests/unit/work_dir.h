/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, open in `dir`: group set-up and tear-down. */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"

static char dir_name[] = "/tmp/berth-unit-XXXXXX";
static int dir = FD_INVALID;

static inline int work_dir_make(void **state)
{
	(void)state;
	strcpy(dir_name + sizeof(dir_name) - 7, "XXXXXX");
	if (!mkdtemp(dir_name))
		return -1;
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static inline int work_dir_remove(void **state)
{
	(void)state;
	fd_reset(&dir);
	return file_remove_tree_at(AT_FDCWD, dir_name);
}
