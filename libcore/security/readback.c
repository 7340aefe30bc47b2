/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says that a process is allowed, compared with what was asked for.
 *
 * The creator reads /proc/PID/status of a process that has applied everything and not yet called
 * execve(2). It believes the kernel, not the process: a step that was skipped, or undone by a later
 * one, shows here whatever the reason. Stricter than asked is no difference where it was inherited
 * (no_new_privs, filters); anything else is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "security/identity.h"
#include "security/security.h"

#define STATUS_MAX          (1u << 20) /* 65536 groups of ten digits fit */
#define SECCOMP_MODE_FILTER 2

/* The value of "Field:" up to the end of its line, as a copy; NULL: no such line. */
static char *status_value(const char *status, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = status; line && *line;) {
		const char *end = strchr(line, '\n');

		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			const char *value = line + len + 1 + strspn(line + len + 1, " \t");
			size_t n = end ? (size_t)(end - value) : strlen(value);

			return xstrndup(value, value > end && end ? 0 : n);
		}
		line = end ? end + 1 : NULL;
	}
	return NULL;
}

/* All numbers of a line, *ret_n of them; NULL: it is missing or holds something else. */
static uint64_t *status_numbers(const char *status, const char *name, int base, size_t *ret_n)
{
	_cleanup_free_ char *value = status_value(status, name);
	_cleanup_free_ uint64_t *v = NULL;
	char *save = NULL;
	size_t n = 0;

	if (!value)
		return NULL;
	v = xcalloc(strlen(value) + 1, sizeof(*v));
	for (char *word = strtok_r(value, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		char tail;

		if (sscanf(word, base == 16 ? "%" SCNx64 "%c" : "%" SCNu64 "%c", &v[n++], &tail) !=
		    1)
			return NULL;
	}
	*ret_n = n;
	return take_ptr(v);
}

int sec_status_number(const char *status, const char *name, int base, uint64_t *ret)
{
	size_t n;
	_cleanup_free_ uint64_t *v = status_numbers(status, name, base, &n);

	if (!v || n != 1)
		return -ENOENT;
	*ret = v[0];
	return 0;
}

/* Real, effective, saved and file system id. */
static int compare_ids(const char *status, const char *name, uint32_t want, struct err *err)
{
	static const char *const which[] = { "real", "effective", "saved", "file system" };
	size_t n;
	_cleanup_free_ uint64_t *v = status_numbers(status, name, 10, &n);

	if (!v || n != ARRAY_SIZE(which))
		return err_text(err, -EPERM, "read back: the kernel shows no %s", name);
	for (size_t i = 0; i < ARRAY_SIZE(which); i++)
		if (v[i] != want)
			return err_text(err, -EPERM, "read back: the %s %s is %" PRIu64 ", not %u",
			                which[i], name, v[i], want);
	return 0;
}

static int compare_groups(const char *status, const struct sec_expect *want, struct err *err)
{
	size_t n;
	_cleanup_free_ uint64_t *v = status_numbers(status, "Groups", 10, &n);
	_cleanup_free_ gid_t *have = NULL;

	if (!v)
		return err_text(err, -EPERM, "read back: the kernel shows no Groups");
	have = xcalloc(n + 1, sizeof(*have));
	for (size_t i = 0; i < n; i++)
		have[i] = (gid_t)v[i];
	if (!cred_same_groups(have, n, want->host_groups, want->n_groups))
		return err_text(err, -EPERM,
		                "read back: the supplementary groups are not those of "
		                "process.user.additionalGids");
	return 0;
}

static int compare_caps(const char *status, const struct sec_expect *want, struct err *err)
{
	const struct spec_caps *caps = &want->process->caps;
	uint64_t possible = caps->present ? want->caps_possible : 0;
	const struct {
		const char *field, *name;
		uint64_t mask;
	} sets[] = {
		{ "CapBnd", "bounding", caps->bounding },
		{ "CapPrm", "permitted", caps->permitted },
		{ "CapEff", "effective", caps->effective },
		{ "CapInh", "inheritable", caps->inheritable },
		{ "CapAmb", "ambient", caps->ambient },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		uint64_t have, mask = sets[i].mask & possible;

		if (sec_status_number(status, sets[i].field, 16, &have) < 0)
			return err_text(err, -EPERM, "read back: the kernel shows no %s",
			                sets[i].field);
		if (have & ~mask)
			return err_text(err, -EPERM,
			                "read back: %s is in the %s set and should not be",
			                caps_first_name(have & ~mask), sets[i].name);
		if (mask & ~have)
			return err_text(err, -EPERM, "read back: %s is missing in the %s set",
			                caps_first_name(mask & ~have), sets[i].name);
	}
	return 0;
}

static int compare_locks(const char *status, const struct sec_expect *want, uint64_t min_filters,
                         struct err *err)
{
	uint64_t v;

	if (want->process->no_new_privileges &&
	    (sec_status_number(status, "NoNewPrivs", 10, &v) < 0 || v != 1))
		return err_text(err, -EPERM, "read back: no_new_privs is not set");
	if (!want->seccomp)
		return 0;
	if (sec_status_number(status, "Seccomp", 10, &v) < 0 || v != SECCOMP_MODE_FILTER)
		return err_text(err, -EPERM, "read back: no seccomp filter is in force");
	/* 5.9. A filter that the creator runs under itself does not stand for ours. */
	if (sec_status_number(status, "Seccomp_filters", 10, &v) == 0 && v < min_filters)
		return err_text(err, -EPERM,
		                "read back: %" PRIu64 " seccomp filters are in force, not %" PRIu64,
		                v, min_filters);
	return 0;
}

int sec_compare_status(const char *status, const struct sec_expect *want, uint64_t min_filters,
                       struct err *err)
{
	int r = 0;

	if (!want->ids_unchecked) {
		r = compare_ids(status, "Uid", want->host_uid, err);
		if (r == 0)
			r = compare_ids(status, "Gid", want->host_gid, err);
	}
	if (r == 0 && !want->groups_unchecked && !want->ids_unchecked)
		r = compare_groups(status, want, err);
	if (r == 0)
		r = compare_caps(status, want, err);
	return r == 0 ? compare_locks(status, want, min_filters, err) : r;
}

int sec_read_back(int proc_fd, pid_t pid, const struct sec_expect *want, struct err *err)
{
	_cleanup_free_ char *status = NULL, *own = NULL;
	uint64_t filters = 0;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%d/status", pid);
	r = file_read_at(proc_fd, path, STATUS_MAX, &status, NULL);
	if (r < 0)
		return err_set(err, r, "read back /proc/%s", path);
	if (want->seccomp && file_read_at(proc_fd, "self/status", STATUS_MAX, &own, NULL) == 0)
		(void)sec_status_number(own, "Seccomp_filters", 10, &filters);
	return sec_compare_status(status, want, filters + 1, err);
}
