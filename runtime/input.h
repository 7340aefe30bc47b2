/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that the caller names on the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "berth/err.h"

/*
 * Read the whole of a file, a pipe ("<(...)", /dev/stdin) or, for "-" where dash_is_stdin, standard
 * input. At most SPEC_FILE_MAX bytes; NUL-terminated; caller frees. Links are followed: the path is
 * the caller's own.
 */
int input_read(const char *path, bool dash_is_stdin, char **ret, size_t *ret_len, struct err *err);

/* Around an execution of ourselves, which reads the same command line once more: what came from a
 * pipe is there for the second reading as well. */
void input_survive(bool on);
