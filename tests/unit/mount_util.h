/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the mount tests: a scratch rootfs, a spec by hand, a child in namespaces of its own. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "berth/spec.h"
#include "mount/mount.h"

struct mount_row {
	const char *destination, *type, *source;
	const char *options; /* comma separated */
};

/* A spec with these mounts, a new mount namespace, and root.path; freed by spec_by_hand_free. */
struct spec *spec_by_hand(const char *root, const struct mount_row *rows, size_t n);
void spec_by_hand_free(struct spec *spec);
/* The mounts of the document that `berth spec` prints, without the cgroup one. */
extern const struct mount_row template_rows[];
extern const size_t n_template_rows;

/* A new directory below TMPDIR, to be removed by scratch_remove(). */
char *scratch_make(void);
void scratch_remove(char *dir);
/* Write a small file, making nothing else. */
void scratch_file(const char *dir, const char *name, const char *text);

enum {
	IN_USERNS = 1,
	IN_HOST_NET = 2, /* no network namespace */
	IN_CGROUPNS = 4,
};
#define CHILD_SKIPPED 77
#define CHILD_REFUSED 76
/*
 * Run fn(arg) as pid 1 of new mount, pid, ipc, uts and network namespaces (and a user namespace
 * that maps only our own ids with IN_USERNS). Returns its exit status, or CHILD_SKIPPED when such
 * namespaces are not to be had here.
 */
int in_namespaces(unsigned int flags, void (*fn)(void *arg), void *arg);
/*
 * The same inside a mount namespace that stands for the host, made with our present ids (so this
 * needs root; CHILD_SKIPPED otherwise): `before` prepares it and `after` judges what the child has
 * left there. Its mounts are private to begin with.
 */
int in_host(unsigned int flags, void (*before)(void *arg), void (*fn)(void *arg),
            void (*after)(void *arg), void *arg);

/* For fn: cmocka's assertions cannot leave the child. */
#define CHECK(cond)                                                                           \
	do {                                                                                  \
		if (!(cond)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s (errno %m)\n", __FILE__, __LINE__, \
			        #cond);                                                       \
			_exit(1);                                                             \
		}                                                                             \
	} while (0)
#define CHECK_OK(call, e)                                                                         \
	do {                                                                                      \
		int check_r = (call);                                                             \
		if (check_r < 0) {                                                                \
			fprintf(stderr, "%s:%d: %s: %d %s\n", __FILE__, __LINE__, #call, check_r, \
			        (e)->msg);                                                        \
			_exit(1);                                                                 \
		}                                                                                 \
	} while (0)

/* One container's view, from prepare to mask. */
struct box {
	char *dir; /* scratch directory; dir/root is the rootfs, dir/host belongs to the host */
	struct spec *spec;
	struct mnt_plan *plan; /* NULL when it was refused: see plan_result and err */
	int plan_result;
	struct err err;
	bool no_pivot;
	unsigned int flags; /* IN_* */
	const struct mnt_cgroup_view *view;
	void (*end)(struct box *box);     /* the counterpart of prepare, when the child is gone */
	void (*prepare)(struct box *box); /* changes the box before anything starts */
	void (*before)(void *box);        /* see in_host() */
	void (*after)(void *box);
	void (*look)(struct box *box, struct mnt_ctx *ctx);
	int want;              /* the failure that is expected of any step but prepare, 0: none */
	const char *want_text; /* part of its message */
	bool may_fail;         /* any failure will do as well: there is a race */
	bool refused;          /* out: it did fail */
};

/* Make a scratch directory, run the steps in a child, check that the host's side is as it was.
 * Fails or skips the current cmocka test. */
void box_run(struct box *box, const struct mount_row *rows, size_t n);

/* ---- for prepare */
char *in_dir(const struct box *box, const char *name); /* caller frees */
void host_sources(struct box *box);                    /* a source "HOST/x" becomes dir/host/x */

/* ---- for look */
bool readonly(const char *path);
bool is_char(const char *path, unsigned int ma, unsigned int mi);
unsigned long flags_of(const char *path); /* statvfs f_flag */
