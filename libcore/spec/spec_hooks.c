/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of all six kinds (config.md, "POSIX-platform Hooks"). */
#include <errno.h>

#include "base/mem.h"
#include "base/strv.h"
#include "spec/parts.h"

static const char *const hook_names[HOOK_KINDS] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

/* So that seconds can be turned into milliseconds without a check at each use. */
#define TIMEOUT_MAX (INT64_MAX / 1000)

/*
 * path is resolved by the kernel in the namespace in which the hook runs, so only its form can be
 * checked. args is a whole argv, its first element included.
 */
static int finish_hook(struct load *l, void *object)
{
	struct spec_hook *hook = object;

	if (hook->path[0] != '/')
		return load_fail_at(l, "path", "must be absolute");
	if (!hook->args)
		strv_add(&hook->args, hook->path);
	return 0;
}

#define AT(member) .offset = offsetof(struct spec_hook, member)

/* An empty env is one without variables, an absent one is the caller's choice: hence env_set. */
static const struct field hook_fields[] = {
	{ .name = "path", .kind = F_STRING, .required = true, AT(path) },
	{ .name = "args", .kind = F_STRV, AT(args) },
	{ .name = "env",
	  .kind = F_STRV,
	  AT(env),
	  .present_1 = offsetof(struct spec_hook, env_set) + 1 },
	{ .name = "timeout", .kind = F_I64, AT(timeout_s), .min = 1, .max = TIMEOUT_MAX },
	{ .name = NULL },
};

#define HOOKS(json, kind_)                                                                         \
	{                                                                                          \
		.name = json, .kind = F_ARRAY, .offset = offsetof(struct spec_hooks, list[kind_]), \
		.n_offset = offsetof(struct spec_hooks, n[kind_]),                                 \
		.elem_size = sizeof(struct spec_hook), .sub = hook_fields, .finish = finish_hook   \
	}

const struct field spec_hooks_fields[] = {
	HOOKS("prestart", HOOK_PRESTART),
	HOOKS("createRuntime", HOOK_CREATE_RUNTIME),
	HOOKS("createContainer", HOOK_CREATE_CONTAINER),
	HOOKS("startContainer", HOOK_START_CONTAINER),
	HOOKS("poststart", HOOK_POSTSTART),
	HOOKS("poststop", HOOK_POSTSTOP),
	{ .name = NULL },
};

const char *spec_hook_name(enum spec_hook_kind kind)
{
	return hook_names[kind];
}
