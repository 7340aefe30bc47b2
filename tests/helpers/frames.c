/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames [-s STREAM] EXPECTED: what an attached client has received (standard input: the answer to
 * Attach and its NUL, then frames) checked byte by byte, beginning at the offset that the answer
 * names. Data of the stream must be what the file EXPECTED has at that offset; gaps move the offset.
 * Prints "DATA GAPS EOF EXIT": bytes, bytes, and whether these frames came, and nothing else may
 * come. Status 1: at the first thing that is wrong.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wrong(const char *what, uint64_t offset)
{
	fprintf(stderr, "frames: %s at offset %" PRIu64 "\n", what, offset);
	return 1;
}

static uint64_t number(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

/* The first offset, from the answer to Attach; 0 where it names none. */
static uint64_t first_offset(int stream)
{
	const char *key = stream == 1 ? "\"stdout\":{\"first\":" : "\"stderr\":{\"first\":", *p;
	char answer[4096] = "";
	size_t n = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\0')
		if (n < sizeof(answer) - 1)
			answer[n++] = (char)c;
	p = strstr(answer, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	uint64_t offset, data = 0, gaps = 0, len;
	unsigned char head[8], payload[16384], expected[16384];
	int stream = 1, eof = 0, ended = 0;
	FILE *f;

	if (argc == 4 && strcmp(argv[1], "-s") == 0)
		stream = atoi(argv[2]);
	else if (argc != 2)
		return 254;
	f = fopen(argv[argc - 1], "r");
	if (!f)
		return 254;
	offset = first_offset(stream);
	while (fread(head, 1, 8, stdin) == 8) {
		len = number(head + 4, 4);
		if (head[2] || head[3] || len > sizeof(payload) || head[0] < 1 || head[0] > 6)
			return wrong("no frame", offset);
		if (fread(payload, 1, len, stdin) != len)
			return wrong("half a frame", offset);
		if (head[0] == 6)
			ended = 1;
		if (head[1] != stream)
			continue;
		if (head[0] == 1) {
			fseek(f, (long)offset, SEEK_SET);
			if (fread(expected, 1, len, f) != len || memcmp(expected, payload, len))
				return wrong("other bytes", offset);
			offset += len;
			data += len;
		} else if (head[0] == 2) {
			offset += number(payload, 8);
			gaps += number(payload, 8);
		} else if (head[0] == 3) {
			eof = 1;
		}
	}
	printf("%" PRIu64 " %" PRIu64 " %d %d\n", data, gaps, eof, ended);
	return 0;
}
