/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share.
 *
 * A target is a file fuzz_NAME.c with the one function LLVMFuzzerTestOneInput(), and a folder
 * corpus/NAME of inputs. It is built twice: against clang's fuzzer (`make fuzz`), and against
 * replay.c, which runs the corpus as a unit test. "No crash" is what the sanitizers look for; what
 * else must hold is said at the head of each target and checked with CHECK().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "berth/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must not be compiled out, and must end the program for the fuzzer to see. */
#define CHECK(what)                                             \
	do {                                                    \
		if (!(what))                                    \
			fuzz_broken(__FILE__, __LINE__, #what); \
	} while (0)
void fuzz_broken(const char *file, int line, const char *what) __attribute__((noreturn));

/* An error's text is there exactly when an error was returned: one line, no control characters,
 * UTF-8, within its bounds. */
void fuzz_check_err(int r, const struct err *err);
/* That of any text that is printed: what of it may be a line's end is the caller's to say. */
bool fuzz_is_printable(const char *s, size_t len);

/* A copy of exactly that size with a NUL behind it, so that reading beyond it is seen. */
char *fuzz_text(const uint8_t *data, size_t size);

/*
 * Cut an input with several parts at lines "---": the next part, as fuzz_text(). The last one, and
 * all after it, may be empty. The caller frees.
 */
struct fuzz_parts {
	const uint8_t *data;
	size_t size;
};
char *fuzz_part(struct fuzz_parts *in);

/* A descriptor of an empty directory of this process alone, in memory, made on the first call. */
int fuzz_dir(void);
/* A file there, anew. */
void fuzz_file(const char *name, const void *data, size_t len);
