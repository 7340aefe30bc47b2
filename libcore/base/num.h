/* SPDX-License-Identifier: Apache-2.0 */
/* Strict number parsing: whole string, no sign unless signed, no space, no overflow. The only place
 * of strto*. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int num_parse_u64(const char *s, uint64_t *ret); /* -EINVAL, -ERANGE */
int num_parse_i64(const char *s, int64_t *ret);  /* accepts one leading '-' */
int num_parse_u32(const char *s, uint32_t *ret);
int num_parse_int(const char *s, int *ret);
int num_parse_octal(const char *s, unsigned int *ret);
int num_parse_size(
    const char *s,
    int64_t *ret); /* bytes with suffix b k m g t (any case, optional 'b'/"ib"); -1 allowed */
/* Durations: "10", "1.5" (seconds), "500ms", "10s", "2m", "1h30m"; result in milliseconds. */
int num_parse_duration_ms(const char *s, int64_t *ret);
/*
 * A list of numbers and ranges as the kernel writes sets of CPUs and nodes ("0-1,3"), each below
 * n_bits: set in bits (bit i of word i / 64), which is zeroed first. Spaces around a comma and
 * empty elements are taken. Returns how many bits are set; -EINVAL, -ERANGE.
 */
int num_parse_set(const char *s, uint64_t *bits, size_t n_bits);
/* UID[:GID]; each 0..2^32-2, nothing else accepted. *ret_gid is left alone when absent. */
int num_parse_user(const char *s, uid_t *ret_uid, gid_t *ret_gid);
