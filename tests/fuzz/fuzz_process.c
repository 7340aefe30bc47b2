/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.json (`exec --process`). The input is the document.
 *
 * Holds: what is refused has its one line; what is taken passes the check that comes after options
 * have changed it, has a program, an absolute working directory, real ids, an environment of
 * NAME=VALUE in which no name is there twice; a copy is equal to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "berth/spec.h"
#include "fuzz.h"

static void check_same_strings(char *const *a, char *const *b)
{
	CHECK(strv_len(a) == strv_len(b));
	for (size_t i = 0; a && a[i]; i++)
		CHECK(streq(a[i], b[i]));
}

static void check_environment(char *const *env)
{
	for (size_t i = 0; env && env[i]; i++) {
		const char *equals = strchr(env[i], '=');

		if (!equals)
			continue;
		for (size_t k = 0; k < i; k++)
			CHECK(strncmp(env[i], env[k], (size_t)(equals - env[i]) + 1) != 0);
	}
}

static void check_process(const struct spec_process *p)
{
	struct spec_process copy = { 0 };
	struct err err = { 0 };

	CHECK(p->args && p->args[0]);
	CHECK(p->cwd && p->cwd[0] == '/');
	CHECK(p->user.uid != (uid_t)-1 && p->user.gid != (gid_t)-1);
	if (strv_len(p->env) < 200)
		check_environment(p->env);
	for (size_t i = 0; i < p->n_rlimits; i++)
		CHECK(p->rlimits[i].soft <= p->rlimits[i].hard);
	CHECK(spec_process_check(p, &err) == 0 && err.code == 0);
	CHECK(spec_process_copy(p, &copy) == 0);
	check_same_strings(p->args, copy.args);
	check_same_strings(p->env, copy.env);
	CHECK(streq(p->cwd, copy.cwd) && p->user.uid == copy.user.uid &&
	      p->user.gid == copy.user.gid && p->n_rlimits == copy.n_rlimits &&
	      p->no_new_privileges == copy.no_new_privileges &&
	      memcmp(&p->caps, &copy.caps, sizeof(p->caps)) == 0);
	spec_process_done(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_process process = { 0 };
	struct err err = { 0 };
	int r = spec_load_process((const char *)data, size, &process, &err);

	fuzz_check_err(r, &err);
	if (r == 0)
		check_process(&process);
	spec_process_done(&process);
	return 0;
}
