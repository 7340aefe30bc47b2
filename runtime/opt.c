/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option rows: the same table is the parser and the help text, so that neither can lie about the
 * other. Spellings are those of OCI runtimes: a value may follow
 * "=" or be the next argument, a boolean takes "=true" and "=false", one dash before a long name is
 * as good as two.
 */
#include "runtime/opt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

static const struct opt *find(const struct opt *opts, const char *name, size_t len)
{
	for (const struct opt *o = opts; o && o->name; o++)
		if ((strlen(o->name) == len && strncmp(o->name, name, len) == 0) ||
		    (len == 1 && o->short_name == name[0]))
			return o;
	return NULL;
}

/* The spellings that the flag packages of other runtimes take. */
int opt_parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!streq(text, yes[i]) && !streq(text, no[i]))
			continue;
		*ret = streq(text, yes[i]);
		return 0;
	}
	return -EINVAL;
}

static int set_flag(const struct opt *o, const char *value, struct err *err)
{
	bool on = true;

	if (value && opt_parse_bool(value, &on) < 0)
		return err_text(err, -EINVAL, "option --%s: \"%s\" is neither true nor false",
		                o->name, value);
	if (o->kind == OPT_SWITCH)
		*(int *)o->dest = on ? 1 : -1;
	else
		*(bool *)o->dest = on;
	return 0;
}

/* "-dt": several short flags at once, where that is no name of its own. */
static bool set_cluster(const struct opt *opts, const char *name, size_t len)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < len; i++) {
			const struct opt *o = find(opts, name + i, 1);

			if (!o || o->kind != OPT_FLAG)
				return false;
			if (pass == 1)
				*(bool *)o->dest = true;
		}
	return true;
}

static int set_value(const struct opt *o, const char *value, struct err *err)
{
	int r = 0;

	switch (o->kind) {
	case OPT_STRING:
		*(const char **)o->dest = value;
		break;
	case OPT_LIST:
		strv_add(o->dest, value);
		break;
	case OPT_INT:
		r = num_parse_int(value, o->dest);
		break;
	case OPT_DURATION:
		r = num_parse_duration_ms(value, o->dest);
		break;
	case OPT_FLAG:
	case OPT_SWITCH:
	case OPT_IGNORED:
		break;
	}
	return r < 0 ? err_set(err, r, "option --%s: invalid value \"%s\"", o->name, value) : 0;
}

/* One option at argv[*i]; steps over its value. */
static int parse_one(const struct opt *opts, int argc, char **argv, int *i, bool *ret_help,
                     struct err *err)
{
	const char *name = argv[*i] + 1 + (argv[*i][1] == '-');
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : NULL;
	const struct opt *o = find(opts, name, len);

	if (!o && ((len == 4 && strncmp(name, "help", 4) == 0) || (len == 1 && name[0] == 'h'))) {
		*ret_help = true;
		return 0;
	}
	if (!o && !value && argv[*i][1] != '-' && len > 1 && set_cluster(opts, name, len))
		return 0;
	if (!o)
		return err_text(err, -EINVAL, "flag provided but not defined: %.*s",
		                (int)(len + (size_t)(name - argv[*i])), argv[*i]);
	if (o->kind == OPT_FLAG || o->kind == OPT_SWITCH)
		return set_flag(o, value, err);
	if (!o->arg)
		return 0;
	if (!value) {
		if (*i + 1 >= argc)
			return err_text(err, -EINVAL, "flag needs an argument: --%s", o->name);
		value = argv[++*i];
	}
	return set_value(o, value, err);
}

int opt_parse(const struct opt *opts, bool stop_at_positional, int argc, char **argv,
              bool *ret_help, struct err *err)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (streq(argv[i], "--")) {
			while (++i < argc)
				argv[n++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[n++] = argv[i];
			if (!stop_at_positional)
				continue;
			while (++i < argc)
				argv[n++] = argv[i];
			break;
		}
		if (parse_one(opts, argc, argv, &i, ret_help, err) < 0)
			return -EINVAL;
	}
	if (n < argc)
		argv[n] = NULL; /* what is left over there has been moved to the front */
	return n;
}

void opt_print_help(const struct opt *opts)
{
	for (const struct opt *o = opts; o && o->name; o++) {
		char left[64];

		if (o->hidden)
			continue;
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : "  ",
		         o->short_name ? o->short_name : ' ', o->short_name ? ", " : " ", o->name,
		         o->arg ? " " : "", o->arg ? o->arg : "");
		printf("   %-34s %s\n", left, o->help);
	}
	printf("   %-34s %s\n", "-h, --help", "show help");
}
