/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small part of libcriu that checkpoint and restore use, found at run time.
 *
 * libcriu is a client: it starts "criu swrk" and speaks with it over a socket pair. Nobody who does
 * not checkpoint pays for loading it, and no header of it is needed to build; the ABI of
 * libcriu.so.2 is stable. Its functions work on one set of options per process, and return a
 * negative errno-like code: -EBADE when criu itself has failed (its log says why).
 */
#pragma once

#include <stdbool.h>

#include "berth/err.h"

enum criu_cg_mode { /* numbers of libcriu */
	            CRIU_CG_IGNORE = 0,
	            CRIU_CG_SOFT = 3,
	            CRIU_CG_FULL = 4,
	            CRIU_CG_STRICT = 5,
};

typedef void criu_set_bool_fn(bool on);
typedef int criu_set_string_fn(const char *text);

struct criu_api {
	void *library;
	int (*init_opts)(void);
	void (*free_opts)(void);
	criu_set_string_fn *set_service_binary, *set_log_file, *set_root, *set_freeze_cgroup,
	    *set_parent_images, *set_lsm_profile, *set_lsm_mount_context, *add_external;
	void (*set_pid)(int pid);
	void (*set_images_dir_fd)(int fd);
	void (*set_work_dir_fd)(int fd);
	void (*set_log_level)(int level);
	criu_set_bool_fn *set_leave_running, *set_ext_unix_sk, *set_tcp_established,
	    *set_tcp_skip_in_flight, *set_shell_job, *set_file_locks, *set_track_mem,
	    *set_auto_dedup, *set_link_remap, *set_orphan_pts_master, *set_manage_cgroups;
	void (*set_manage_cgroups_mode)(enum criu_cg_mode mode);
	int (*add_ext_mount)(const char *key, const char *value);
	int (*add_cg_root)(const char *controller, const char *path);
	int (*add_inherit_fd)(int fd, const char *key);
	int (*join_ns_add)(const char *ns, const char *path, const char *option);
	int (*set_page_server_address_port)(const char *address, int port);
	/* notify: an opaque argument of criu_notify_pid(). Not 0: criu gives up. */
	void (*set_notify_cb)(int (*callback)(char *action, void *notify));
	int (*notify_pid)(void *notify);
	int (*get_orphan_pts_master_fd)(void); /* the caller's, after that notification; -1 */
	int (*dump)(void);
	int (*pre_dump)(void);
	int (*restore_child)(void); /* pid of the restored root, a child of the caller */
};

/* dlopen(3) and look up all of it; -ENOENT with one line that says what is missing. */
int criu_api_load(struct criu_api *ret, struct err *err);
void criu_api_unload(struct criu_api *api);
