/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of checkpoint and restore share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "berth/container.h"
#include "cgroup/cgroup.h"
#include "container/criu_api.h"
#include "mount/mount.h"
#include "namespace/namespace.h"

enum criu_op { CRIU_DUMP = 1, CRIU_RESTORE = 2 }; /* bits */

/* --- criu_run.c: one run of criu --- */
struct criu {
	struct criu_api api;
	enum criu_op op;
	const struct ctr_criu_opts *opts;
	int images_fd, work_fd, config_fd;
	char *binary, *log_path;
	int *lent; /* descriptors that criu inherits: ours to close */
	size_t n_lent;
	struct criu_home *homes; /* criu_ns.c */
	size_t n_homes;
	bool opened;      /* options of the library exist */
	bool made_images; /* the directory of the images was not there before */
};
#define CRIU_INIT(operation, options)                                                 \
	{                                                                             \
		.op = (operation), .opts = (options), .images_fd = -9, .work_fd = -9, \
		.config_fd = -9                                                       \
	}

/* Library and program, directories, log and every option that is only a flag. */
int criu_open(struct criu *c, const struct spec *spec, struct err *err);
void criu_close(struct criu *c);
/* Undo of a dump that failed: of a directory that was made for it only the log stays. */
void criu_discard_images(const struct criu *c);
/* Let criu have a copy of fd under the name `key` (an inherited descriptor of the restore). */
int criu_lend(struct criu *c, int fd, const char *key, struct err *err);
/* Call the library with criu's environment, in the namespaces where criu is to live; its return
 * value in *ret_code. < 0: it was not called, or there is no way back. */
int criu_call(struct criu *c, int (*call)(void), int *ret_code, struct err *err);
/* The error of a failed call: the last error line of the log, and where the log is. */
int criu_failed(const struct criu *c, int code, const char *what, struct err *err);

/* Decisions, for the tests. */
int criu_parse_mode(const char *text, enum criu_cg_mode *ret, struct err *err);
int criu_parse_page_server(const char *text, char **ret_address, int *ret_port, struct err *err);
int criu_check_empty_ns(char *const *names, struct err *err);
/* Does this configuration of criu choose the log itself? Its value, caller frees, or NULL. */
char *criu_config_log(const char *text);
/* The line of a log that says best what went wrong; caller frees, NULL: none. */
char *criu_log_error(const char *text);

/* --- criu_mounts.c: mounts whose source is outside of the container --- */
struct criu_external {
	char *name;     /* destination as the spec has it: the key in the images */
	char *source;   /* on the host */
	bool masked;    /* a mask: only a file has a source on the host */
	bool recursive; /* what is mounted below the source is there too */
};
/* All that the spec can have made; cg may be NULL. Pure. */
void criu_externals(const struct spec *spec, const struct mnt_plan *plan, const struct cg *cg,
                    struct criu_external **ret, size_t *ret_n);
void criu_externals_free(struct criu_external *list, size_t n);
/* Is there a mount that criu cannot dump or restore as it is? */
int criu_check_mounts(const struct mnt_plan *plan, struct err *err);
/* Name to criu what of the list is mounted in the container of `pid`. */
int criu_dump_mounts(struct criu *c, pid_t pid, const struct mnt_plan *plan,
                     const struct criu_external *list, size_t n, struct err *err);
int criu_restore_mounts(struct criu *c, const struct criu_external *list, size_t n,
                        struct err *err);

/* --- criu_stdio.c: descriptors 0, 1 and 2, whose other ends are outside --- */
#define CRIU_DESCRIPTORS "descriptors.json"
int criu_dump_stdio(struct criu *c, pid_t pid, struct err *err);
int criu_restore_stdio(struct criu *c, const struct ctr_process_io *io, struct err *err);

/* --- criu_ns.c: namespaces joined by path --- */
struct criu_home { /* one that criu lives in, so that it is not in the images */
	int fd, own;
	int flag; /* CLONE_NEW* */
	const char *file;
	bool inside; /* this process is in it now */
};
int criu_dump_namespaces(struct criu *c, const struct spec *spec, pid_t pid, struct err *err);
int criu_restore_namespaces(struct criu *c, const struct ns_plan *ns, struct err *err);
/* Into those namespaces, for criu to be started; and back, which does nothing outside of them. */
int criu_enter(struct criu *c, struct err *err);
int criu_leave(struct criu *c, struct err *err);
void criu_homes_free(struct criu *c);

/* --- criu_log.c: the log of a container with a shim goes along with its images --- */
/* Into the state directory; nothing to be found is success. */
int criu_restore_log(int images_fd, int state_fd, struct err *err);
