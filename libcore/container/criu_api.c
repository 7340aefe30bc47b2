/* SPDX-License-Identifier: Apache-2.0 */
/* libcriu at run time: one table from names to members, see criu_api.h. */
#include "container/criu_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define LIBRARY "libcriu.so.2"

static const struct symbol {
	const char *name;
	size_t member;
} symbol_table[] = {
#define SYMBOL(n)                                        \
	{                                                \
		"criu_" #n, offsetof(struct criu_api, n) \
	}
	SYMBOL(init_opts),
	SYMBOL(free_opts),
	SYMBOL(set_service_binary),
	SYMBOL(set_log_file),
	SYMBOL(set_root),
	SYMBOL(set_freeze_cgroup),
	SYMBOL(set_parent_images),
	SYMBOL(set_lsm_profile),
	SYMBOL(set_lsm_mount_context),
	SYMBOL(add_external),
	SYMBOL(set_pid),
	SYMBOL(set_images_dir_fd),
	SYMBOL(set_work_dir_fd),
	SYMBOL(set_log_level),
	SYMBOL(set_leave_running),
	SYMBOL(set_ext_unix_sk),
	SYMBOL(set_tcp_established),
	SYMBOL(set_tcp_skip_in_flight),
	SYMBOL(set_shell_job),
	SYMBOL(set_file_locks),
	SYMBOL(set_track_mem),
	SYMBOL(set_auto_dedup),
	SYMBOL(set_link_remap),
	SYMBOL(set_orphan_pts_master),
	SYMBOL(set_manage_cgroups),
	SYMBOL(set_manage_cgroups_mode),
	SYMBOL(add_ext_mount),
	SYMBOL(add_cg_root),
	SYMBOL(add_inherit_fd),
	SYMBOL(join_ns_add),
	SYMBOL(set_page_server_address_port),
	SYMBOL(set_notify_cb),
	SYMBOL(notify_pid),
	SYMBOL(get_orphan_pts_master_fd),
	SYMBOL(dump),
	SYMBOL(pre_dump),
	SYMBOL(restore_child),
#undef SYMBOL
};

void criu_api_unload(struct criu_api *api)
{
	if (api->library)
		(void)dlclose(api->library);
	*api = (struct criu_api){ 0 };
}

int criu_api_load(struct criu_api *ret, struct err *err)
{
	*ret = (struct criu_api){ .library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) };
	if (!ret->library)
		return err_text(err, -ENOENT,
		                "checkpoint and restore need " LIBRARY
		                ", which cannot be loaded: install libcriu2 and criu (%s)",
		                dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(symbol_table); i++) {
		const struct symbol *s = &symbol_table[i];
		void *p = dlsym(ret->library, s->name);

		if (!p) {
			criu_api_unload(ret);
			return err_text(err, -ENOENT,
			                LIBRARY " lacks %s: install CRIU 3.16 or newer", s->name);
		}
		memcpy((char *)ret + s->member, &p, sizeof(p));
	}
	return 0;
}
