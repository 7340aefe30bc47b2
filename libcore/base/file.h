/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, always relative to a directory descriptor (AT_FDCWD works), always O_CLOEXEC and
 * O_NOFOLLOW on the last component. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "berth/err.h"

/*
 * Read a file of at most max bytes into a new NUL-terminated buffer (len in *ret_len, may be NULL).
 * Opens O_NONBLOCK and refuses anything but a regular file or a kernel file (procfs, sysfs,
 * cgroupfs report S_ISREG too); -EFBIG above max.
 */
int file_read_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len);
int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len);
/* One write(2) of the whole text to an existing file (kernel interfaces); -EIO on a short write. */
int file_write_at(int dirfd, const char *name, const char *text);
/* Atomic replace: temporary O_EXCL name in the same directory, write, optional fdatasync, rename.
 */
int file_replace_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
                    bool sync);
/* Remove a tree below dirfd without following links or crossing file systems. Missing is success.
 */
int file_remove_tree_at(int dirfd, const char *name);
/* mkdir -p with mode for all new components; path absolute or relative to cwd. */
int file_mkdir_p(const char *path, mode_t mode);
