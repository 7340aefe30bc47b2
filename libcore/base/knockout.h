/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protections that can be taken out, in the build of `make knockouts` alone: a test of the record in
 * docs/SECURITY.md that passes without the protection proves nothing. The names are those of the
 * rules there. In every other build nothing of this is left.
 */
#pragma once

#include <stdbool.h>

#ifdef BERTH_KNOCKOUTS
/* Is the rule in the list that the environment variable BERTH_KNOCKOUT has, "rule:NAME,NAME"? */
bool knocked_out(const char *rule);
#else
#define knocked_out(rule) false
#endif
