/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detach keys. What is held back is always the beginning of the sequence itself, so its length is
 * the whole state.
 */
#include "runtime/detach_keys.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* One element: a character, or ctrl- and a letter or one of @ [ \ ] ^ _ */
static int parse_key(const char *s, size_t len)
{
	int c;

	if (len == 1)
		return (unsigned char)s[0] > ' ' && (unsigned char)s[0] < 127 ? s[0] : -EINVAL;
	if (len != 6 || strncmp(s, "ctrl-", 5) != 0)
		return -EINVAL;
	c = toupper((unsigned char)s[5]);
	return c >= '@' && c <= '_' ? c - '@' : -EINVAL;
}

int detach_keys_parse(const char *spec, struct detach_keys *ret, struct err *err)
{
	struct detach_keys k = { .len = 0 };

	while (*spec) {
		/* The first character belongs to the key, so that "," alone is a key too. */
		size_t len = 1 + strcspn(spec + 1, ",");
		int key = parse_key(spec, len);

		if (key < 0)
			return err_text(err, -EINVAL, "detach keys: \"%.*s\" is not a key",
			                (int)len, spec);
		if (k.len == DETACH_KEYS_MAX)
			return err_text(err, -EINVAL, "detach keys: more than %d keys",
			                DETACH_KEYS_MAX);
		k.seq[k.len++] = (uint8_t)key;
		spec += len;
		if (*spec && !*++spec)
			return err_text(err, -EINVAL, "detach keys: a key is missing at the end");
	}
	*ret = k;
	return 0;
}

/* One more byte on top of what is held back; returns how many bytes are now input for sure. */
static size_t step(struct detach_keys *k, uint8_t byte, uint8_t *out)
{
	uint8_t held[DETACH_KEYS_MAX + 1];
	size_t n = k->matched, skip = 0;

	memcpy(held, k->seq, n);
	held[n++] = byte;
	/* The longest end of the input that is a beginning of the sequence stays held back. */
	while (skip < n && (n - skip > k->len || memcmp(held + skip, k->seq, n - skip) != 0))
		skip++;
	memcpy(out, held, skip);
	k->matched = n - skip;
	return skip;
}

size_t detach_keys_feed(struct detach_keys *k, const uint8_t *in, size_t len, uint8_t *out,
                        bool *ret_detach)
{
	size_t n = 0;

	*ret_detach = false;
	if (!k->len) {
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		n += step(k, in[i], out + n);
		if (k->matched == k->len) {
			k->matched = 0;
			*ret_detach = true;
			break;
		}
	}
	return n;
}

size_t detach_keys_flush(struct detach_keys *k, uint8_t out[static DETACH_KEYS_MAX])
{
	size_t n = k->matched;

	memcpy(out, k->seq, n);
	k->matched = 0;
	return n;
}
