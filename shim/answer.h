/* SPDX-License-Identifier: Apache-2.0 */
/* What the shim says on its socket; shim/ops.c decides what is answered. */
#pragma once

#include "shim/shim.h"

#define REPLY_MAX 16384 /* bytes of one answer */

/* The result of c's call: params is its object, NULL for {}. continues: more answers follow. */
void answer(struct client *c, const struct buf *params, bool continues);
/* An error by its full name, with the parameter key = value unless key is NULL. */
void answer_error(struct client *c, const char *error, const char *key, const char *value);
/* The same with parameters as the text of an object. */
void answer_error_with(struct client *c, const char *error, const char *params);
/* An error of io.berth.Shim. */
void answer_own_error(struct client *c, const char *name);
void answer_invalid_parameter(struct client *c, const char *name);
/* A call without result: {} for r >= 0, else the error that the -errno r stands for. */
void answer_result(struct client *c, int r);
/* Wait: how the process ended, or that it has not. */
void answer_wait(struct client *c, bool continues);
/* Pending Wait or Monitor: tell what has happened since. */
void answer_pending(struct client *c);

/* Pieces of an object, appended to b. 0 or -errno. */
int answer_put_state(struct buf *b, const struct shim *shim);
int answer_put_range(struct buf *b, const char *name, const struct source *src, uint64_t first);
