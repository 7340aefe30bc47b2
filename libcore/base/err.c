/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error type. Messages are formatted into a local buffer first, so that an argument may point
 * into the very err that is written. Foreign text gets escaped here, once, on its way in: what is
 * in msg is always printable, and prefixing does not escape it again. When room runs out, context
 * is cut and the cause at the end is kept.
 */
#include "berth/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The header wraps them for the static analyzer. */
#undef err_set
#undef err_text

static size_t format(char dst[static ERR_MSG_MAX], size_t cap, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Format and escape into dst, at most cap - 1 bytes. */
static size_t format(char dst[static ERR_MSG_MAX], size_t cap, const char *fmt, va_list ap)
{
	char raw[ERR_MSG_MAX + 4]; /* a little more than fits, so that a cut is seen and marked */
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);

	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(raw)) {
		size_t end = sizeof(raw) - 1, lead = end;

		/* A character cut in two would be shown as invalid bytes: drop its beginning. */
		while (lead > end - 3 && ((unsigned char)raw[lead - 1] & 0xc0) == 0x80)
			lead--;
		if ((unsigned char)raw[lead - 1] >= 0xc0 &&
		    text_utf8(raw + lead - 1, end - lead + 1) == 0)
			end = lead - 1;
		n = (int)end;
	}
	return text_escape(dst, cap, raw, (size_t)n, TEXT_PLAIN);
}

/* A code that makes `return err_set(...)` a failure whatever the caller passed. */
static int failure(int code)
{
	if (code == 0)
		return -EINVAL;
	return code > 0 ? -code : code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX], cause[128];
	size_t len, cause_len;
	va_list ap;

	code = failure(code);
	if (!err)
		return code;
	cause_len = (size_t)snprintf(cause, sizeof(cause), ": %s", strerror(-code));
	if (cause_len >= sizeof(cause))
		cause_len = sizeof(cause) - 1;
	va_start(ap, fmt);
	len = format(msg, sizeof(msg) - cause_len, fmt, ap);
	va_end(ap);
	memcpy(msg + len, cause, cause_len + 1);
	err->code = code;
	err->exit_status = 0;
	memcpy(err->msg, msg, len + cause_len + 1);
	return code;
}

int err_text(struct err *err, int code, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	size_t len;
	va_list ap;

	code = failure(code);
	if (!err)
		return code;
	va_start(ap, fmt);
	len = format(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err->code = code;
	err->exit_status = 0;
	memcpy(err->msg, msg, len + 1);
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char prefix[ERR_MSG_MAX];
	size_t len, old;
	va_list ap;

	if (!err || err->code == 0)
		return -EINVAL;
	old = strnlen(err->msg, sizeof(err->msg) - 1);
	err->msg[old] = '\0';
	if (old + 2 + 8 >= sizeof(err->msg)) /* no room for context worth reading */
		return err->code;
	va_start(ap, fmt);
	len = format(prefix, sizeof(prefix) - old - 2, fmt, ap);
	va_end(ap);
	memmove(err->msg + len + 2, err->msg, old + 1);
	memcpy(err->msg, prefix, len);
	memcpy(err->msg + len, ": ", 2);
	return err->code;
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err){ 0 };
}
