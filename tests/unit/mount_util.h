/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the mount tests: a scratch rootfs, a spec by hand, a child in namespaces of its own. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "berth/spec.h"

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

enum { IN_USERNS = 1 };
#define CHILD_SKIPPED 77
/*
 * Run fn(arg) as pid 1 of new mount, pid, ipc, uts and network namespaces (and a user namespace
 * that maps only our own ids with IN_USERNS). Returns its exit status, or CHILD_SKIPPED when such
 * namespaces are not to be had here.
 */
int in_namespaces(unsigned int flags, void (*fn)(void *arg), void *arg);

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
