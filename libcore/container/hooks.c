/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: programs that the bundle names, run at six points of the life cycle with the state
 * document on their standard input.
 *
 * A hook gets default signals, no descriptor of ours, its own process group, and its time-out ends
 * the whole group. Children that it leaves behind do not hold us up. What it printed becomes part
 * of the error.
 */
#include "container/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/proc.h"

/* "killed by signal 31 (bad system call)": a number is little help in a message. */
static void signal_words(int sig, char *text, size_t size)
{
	const char *name = sigdescr_np(sig);
	int n = snprintf(text, size, "killed by signal %d%s%s%s", sig, name ? " (" : "",
	                 name ? name : "", name ? ")" : "");

	for (int i = 0; name && i < n && (size_t)i < size; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
}

static int describe(enum spec_hook_kind kind, size_t n, const struct spec_hook *hook, int status,
                    const char *output, struct err *err)
{
	char why[96];
	const char *sep = *output ? ", output: " : "";

	if (status == -ETIMEDOUT)
		snprintf(why, sizeof(why), "timed out after %lld s", (long long)hook->timeout_s);
	else if (status < 0)
		return err_set(err, status, "error running %s hook #%zu: \"%s\"",
		               spec_hook_name(kind), n, hook->path);
	else if (WIFSIGNALED(status))
		signal_words(WTERMSIG(status), why, sizeof(why));
	else
		snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));
	return err_text(err, status == -ETIMEDOUT ? -ETIMEDOUT : -ECANCELED,
	                "error running %s hook #%zu: \"%s\": %s%s%s", spec_hook_name(kind), n,
	                hook->path, why, sep, output);
}

int hooks_run(const struct spec_hooks *hooks, enum spec_hook_kind kind, const char *state_json,
              char *const *default_env, struct err *err)
{
	for (size_t i = 0; i < hooks->n[kind]; i++) {
		const struct spec_hook *hook = &hooks->list[kind][i];
		int64_t timeout_ms = hook->timeout_s > 0 ? hook->timeout_s * 1000 : -1;
		char output[512] = "";
		int status;

		status = proc_run(hook->path, hook->args, hook->env_set ? hook->env : default_env,
		                  state_json, timeout_ms, output, sizeof(output));
		if (status != 0) {
			size_t len = strlen(output);

			while (len > 0 && output[len - 1] == '\n')
				output[--len] = '\0';
			return describe(kind, i, hook, status, output, err);
		}
	}
	return 0;
}

int ctr_run_hooks(const struct ctr *ctr, const struct spec *spec, enum spec_hook_kind kind,
                  enum ctr_status status, pid_t pid, struct err *err)
{
	_cleanup_free_ char *state = NULL;

	if (spec->hooks.n[kind] == 0)
		return 0;
	state = state_document(ctr, spec, status, pid);
	return hooks_run(&spec->hooks, kind, state, NULL, err);
}
