/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type.
 *
 * Functions return 0 (or a documented positive outcome) on success and -errno on failure; those
 * with a story to tell also fill a caller-owned struct err. The failing function writes step,
 * object and cause with err_set(), which appends strerror(); callers that know more context prepend
 * it. The struct is fixed in size and holds no pointer, so it crosses the sync socket between a
 * container's creator and its init as it is, and the failure path never allocates.
 *
 * Every function here accepts a NULL err.
 */
#pragma once

#include <stdarg.h>

#define ERR_MSG_MAX 1016

struct err {
	int code;              /* -errno of the first cause; 0: nothing set */
	int exit_status;       /* suggested exit status of a command, 0: the command's default */
	char msg[ERR_MSG_MAX]; /* one line, control characters escaped, always terminated */
};

/*
 * Set code and message: "<fmt>: <strerror(-code)>". code is -errno (a positive errno is accepted
 * and negated); exit_status goes back to 0. Returns the (negative) code, for `return err_set(...)`.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same without the strerror text, for messages that are complete in themselves. */
int err_text(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyzer cannot see that these never return success. */
#define err_negative(call)                       \
	({                                       \
		int _code = (call);              \
		if (_code >= 0)                  \
			__builtin_unreachable(); \
		_code;                           \
	})
#define err_set(...)  err_negative(err_set(__VA_ARGS__))
#define err_text(...) err_negative(err_text(__VA_ARGS__))
#endif

/* Prepend "<fmt>: " to the message. Returns err->code (or -EINVAL when err is NULL or unset). */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);
