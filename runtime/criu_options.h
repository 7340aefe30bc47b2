/* SPDX-License-Identifier: Apache-2.0 */
/* The options that checkpoint and restore share, over a struct ctr_criu_opts. */
#pragma once

#include "berth/container.h"
#include "runtime/cmd.h"

#define CRIU_FLAG(o, name, member, help)                          \
	{                                                         \
		name, 0, OPT_FLAG, &(o).member, NULL, help, false \
	}
#define CRIU_TEXT(o, name, member, arg, help)                      \
	{                                                          \
		name, 0, OPT_STRING, &(o).member, arg, help, false \
	}

/* clang-format off */
#define CRIU_OPTIONS(o)                                                                            \
	CRIU_TEXT(o, "image-path", image_path, "DIR", "directory of the images (default: ./checkpoint)"), \
	CRIU_TEXT(o, "work-path", work_path, "DIR", "directory of logs and temporary files (default: that of the images)"), \
	CRIU_FLAG(o, "tcp-established", tcp_established, "allow established TCP connections"),     \
	CRIU_FLAG(o, "ext-unix-sk", ext_unix_sk, "allow unix sockets whose other end is outside"), \
	CRIU_FLAG(o, "shell-job", shell_job, "allow a terminal or session of the caller"),         \
	CRIU_FLAG(o, "lazy-pages", lazy_pages, "transfer memory when it is asked for"),            \
	CRIU_FLAG(o, "file-locks", file_locks, "allow file locks"),                                \
	CRIU_FLAG(o, "link-remap", link_remap, "allow open files without a name (temporary links)"), \
	CRIU_FLAG(o, "auto-dedup", auto_dedup, "drop from older images what newer ones hold"),     \
	CRIU_TEXT(o, "manage-cgroups-mode", cgroups_mode, "MODE", "soft, full, strict or ignore (default: soft)"), \
	{ "empty-ns", 0, OPT_LIST, &(o).empty_ns, "NAMESPACE", "leave this namespace empty: network", false }
/* clang-format on */

/* Check them and that there is a criu; makes the paths absolute, for the life of the process. */
int criu_options_check(struct ctx *ctx, struct ctr_criu_opts *o);
