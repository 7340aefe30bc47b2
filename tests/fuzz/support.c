/* SPDX-License-Identifier: Apache-2.0 */
/* See fuzz.h. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

bool fuzz_is_printable(const char *s, size_t len)
{
	while (len > 0) {
		size_t n = text_utf8(s, len);

		if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
		if (n == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0) /* C1 */
			return false;
		s += n;
		len -= n;
	}
	return true;
}

void fuzz_check_err(int r, const struct err *err)
{
	size_t len = strnlen(err->msg, sizeof(err->msg));

	CHECK(len < sizeof(err->msg));
	if (r >= 0) {
		CHECK(err->code == 0 && len == 0);
		return;
	}
	CHECK(err->code < 0 && len > 0);
	CHECK(fuzz_is_printable(err->msg, len));
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

char *fuzz_part(struct fuzz_parts *in)
{
	static const char cut[] = "---\n";
	const uint8_t *start = in->data;
	size_t left = in->size;

	for (size_t i = 0; i + sizeof(cut) - 1 <= left; i++) {
		if (memcmp(start + i, cut, sizeof(cut) - 1) != 0 || (i > 0 && start[i - 1] != '\n'))
			continue;
		in->data = start + i + sizeof(cut) - 1;
		in->size = left - i - (sizeof(cut) - 1);
		return fuzz_text(start, i);
	}
	in->data = start + left;
	in->size = 0;
	return fuzz_text(start, left);
}

static char dir_name[64];

static void remove_dir(void)
{
	(void)file_remove_tree_at(AT_FDCWD, dir_name);
}

int fuzz_dir(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	snprintf(dir_name, sizeof(dir_name), "%s/berth-fuzz-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(dir_name));
	atexit(remove_dir);
	fd = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

void fuzz_file(const char *name, const void *data, size_t len)
{
	int fd = openat(fuzz_dir(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}
