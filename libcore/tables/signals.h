/* SPDX-License-Identifier: Apache-2.0 */
/* Signal names. */
#pragma once

/* "9", "KILL", "SIGKILL", any case, "RTMIN+3": number, or -EINVAL. */
int signal_parse(const char *s);
const char *signal_name(int sig); /* "SIGKILL"; NULL: unknown */
