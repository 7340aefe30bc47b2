/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detach keys: a sequence of keys in the input of an attached terminal that leaves the container
 * running. Written as "ctrl-p,ctrl-q" or "ctrl-]" or "~,."; "" for none. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "berth/err.h"

#define DETACH_KEYS_DEFAULT "ctrl-]"
#define DETACH_KEYS_MAX     16
#define DETACH_KEYS_MS      500 /* a sequence that was begun is input after this */

struct detach_keys {
	uint8_t seq[DETACH_KEYS_MAX];
	size_t len;     /* 0: none */
	size_t matched; /* keys of the sequence that are held back */
};

/* -EINVAL with the element that is no key. */
int detach_keys_parse(const char *spec, struct detach_keys *ret, struct err *err);
/*
 * Pass len bytes of input: what is not (the beginning of) the sequence goes to out, which has room
 * for len + DETACH_KEYS_MAX bytes. Returns the bytes put there. *ret_detach: the sequence is
 * complete; the input behind it is dropped.
 */
size_t detach_keys_feed(struct detach_keys *k, const uint8_t *in, size_t len, uint8_t *out,
                        bool *ret_detach);
/* Time is over: hand out what is held back. Returns the bytes put into out. */
size_t detach_keys_flush(struct detach_keys *k, uint8_t out[static DETACH_KEYS_MAX]);
