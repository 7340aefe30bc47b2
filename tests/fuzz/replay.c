/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: runs each file of the target's corpus (or those that are named)
 * through it, whole, cut short at many places, and with single bytes changed. The changes follow
 * from the input alone, so that what fails once fails again. TAP on stdout; a property that does
 * not hold ends the program, as it does under the fuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>

#include "base/file.h"
#include "base/mem.h"
#include "fuzz.h"

#define CORPUS  "tests/fuzz/corpus"
#define CUTS    64
#define CHANGES 64

/* In a block of its own size: reading beyond it is for the sanitizers to see. */
static void run(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = xmalloc(size + !size);

	if (size > 0)
		memcpy(copy, data, size);
	CHECK(LLVMFuzzerTestOneInput(copy, size) == 0);
}

static void run_changed(uint8_t *data, size_t size)
{
	static const uint8_t values[] = {
		0, 1, ' ', '"', '-', '/', '0', '9', ':', '\n', 0x7f, 0xff
	};
	size_t step = size / CHANGES + 1;

	for (size_t i = 0; i < size; i += size / CUTS + 1)
		run(data, i);
	for (size_t i = 0, k = 0; i < size; i += step, k++) {
		uint8_t was = data[i];

		data[i] = values[k % ARRAY_SIZE(values)];
		run(data, size);
		data[i] = was;
	}
}

static void replay(int n, const char *path)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	printf("# %s\n", path);
	r = file_read_at(AT_FDCWD, path, 16u << 20, &data, &size);
	if (r < 0) {
		printf("not ok %d - %s: %s\n", n, path, strerror(-r));
		exit(1);
	}
	run((const uint8_t *)data, size);
	run_changed((uint8_t *)data, size);
	printf("ok %d - %s\n", n, path);
}

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int replay_corpus(const char *name)
{
	_cleanup_free_ char *dir = xasprintf(CORPUS "/%s", name);
	struct dirent **list;
	int n = scandir(dir, &list, is_input, alphasort);

	if (n <= 0) {
		printf("1..1\nnot ok 1 - %s: %s\n", dir, n < 0 ? strerror(errno) : "no inputs");
		return 1;
	}
	printf("1..%d\n", n + 1);
	run(NULL, 0);
	printf("ok 1 - %s: nothing at all\n", name);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, list[i]->d_name);

		replay(i + 2, path);
		free(list[i]);
	}
	free(list);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = strstr(program_invocation_short_name, "fuzz_");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return replay_corpus(name ? name + strlen("fuzz_") : "?");
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		replay(i, argv[i]);
	return 0;
}
