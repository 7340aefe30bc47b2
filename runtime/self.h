/* SPDX-License-Identifier: Apache-2.0 */
/* Our own binary: where it lies, and its protection against the container. */
#pragma once

#include "berth/err.h"
#include "berth/spec.h"
#include "runtime/cmd.h"

/* Directory of the installed binary, also after a re-execution from a descriptor. Never NULL. */
const char *self_directory(void);
/* Re-execute from an unwritable handle when a container with this process could write our binary;
 * may not return. */
int self_protect(const struct ctx *ctx, const struct spec *spec, const struct spec_process *process,
                 struct err *err);
