/* SPDX-License-Identifier: Apache-2.0 */
/* Our own binary: where it lies, and its protection against the container. */
#pragma once

#include "berth/err.h"
#include "berth/spec.h"
#include "runtime/cmd.h"
#include "security/security.h"

/* Directory of the installed binary, also after a re-execution from a descriptor. Never NULL. */
const char *self_directory(void);
/* Re-execute from an unwritable handle when a container with this process could write our binary;
 * may not return. */
/* preserve_fds: 3 .. 3+n-1 must survive the re-execution. */
int self_protect(const struct ctx *ctx, const struct spec *spec, const struct spec_process *process,
                 int preserve_fds, struct err *err);
/* What self_protect() would do. */
enum selfexe_need self_need(const struct spec *spec, const struct spec_process *process);
