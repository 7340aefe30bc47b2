/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of credentials, capabilities and read-back, apart so that unit tests reach them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"
#include "security/security.h"

struct caps_sets {
	uint64_t permitted, effective, inheritable;
};

/*
 * What capset(2) is to be given: wanted reduced to what `own` can give (left-out bits in
 * *ret_lacking), refused by name where the sets contradict each other: effective beyond permitted,
 * inheritable beyond `bounding` and own inheritable.
 */
int caps_reduce(const struct spec_caps *want, const struct caps_sets *own, uint64_t bounding,
                struct caps_sets *ret, uint64_t *ret_lacking, struct err *err);
/* Name of the lowest capability in mask ("CAP_CHOWN"); "CAP_<n>" is not known: "an unknown one". */
const char *caps_first_name(uint64_t mask);

/* Home directory of uid in the text of a passwd file, or NULL. Caller frees. */
char *cred_home_in(const char *passwd, uid_t uid);
/* Same members, whatever the order and repetition. */
bool cred_same_groups(const gid_t *a, size_t n_a, const gid_t *b, size_t n_b);

/* The comparison of sec_read_back() on the text of /proc/PID/status. min_filters: how many filters
 * must be in force at least where one is wanted (the creator's own and one more). */
int sec_compare_status(const char *status, const struct sec_expect *want, uint64_t min_filters,
                       struct err *err);
/* A decimal or hexadecimal value of a status line ("Seccomp_filters"); -ENOENT: no such line. */
int sec_status_number(const char *status, const char *field, int base, uint64_t *ret);
