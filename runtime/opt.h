/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows -> parser and help text. */
#pragma once

#include "runtime/cmd.h"

/*
 * Parse options out of argv (argv[0] is not looked at), in place: positionals are moved to the
 * front. Returns their number, or -EINVAL with err.
 * "--x v", "--x=v", "-x v"; "-long v" is accepted too. "--" ends the options. *ret_help is set when
 * -h/--help was among them.
 */
int opt_parse(const struct opt *opts, bool stop_at_positional, int argc, char **argv,
              bool *ret_help, struct err *err);
int opt_parse_bool(const char *text, bool *ret); /* -EINVAL */
void opt_print_help(const struct opt *opts);
