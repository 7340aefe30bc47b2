/* SPDX-License-Identifier: Apache-2.0 */
/* NULL-terminated vectors of owned strings (args, env). A NULL vector is an empty one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define _cleanup_strv_ __attribute__((cleanup(strv_free_ptr)))

size_t strv_len(char *const *v);
/* Append a copy; *v is reallocated (amortised: capacity is the next power of two). */
void strv_add(char ***v, const char *s);
char **strv_dup(char *const *v);
void strv_free(char **v);
void strv_free_ptr(char ***v);
bool strv_contains(char *const *v, const char *s);
/* Value of NAME in an environment vector of NAME=VALUE strings; the last one wins; NULL: not there.
 */
const char *env_get(char *const *env, const char *name);
/* Set NAME=VALUE, replacing all earlier entries of that name. */
void env_set(char ***env, const char *name, const char *value);
