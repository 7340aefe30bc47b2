/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A creation in words: the rows of the step tables, each with what the plan holds for it.
 *
 * Nothing is decided here. What a step does with the plan is told by the module that does it, from
 * the same structures; a row without anything to tell has its line in the table. A unit test holds
 * every row to that, so that a new step can't be left out.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "container/internal.h"
#include "tables/namespaces.h"

/* ---- the creator's steps */

static void describe_cgroup(const struct explain *x)
{
	cg_describe(x->args->cgroup, &x->plan->spec->linux_.resources, x->args->cgroup_path, x->d);
}

void explain_cgroup(const struct explain *x)
{
	const struct cg *cg = x->args->cgroup;

	if (cg && cg->unit) {
		desc_item(x->d, "cgroup", x->args->cgroup_path);
		desc_str(x->d, "by", "systemd, with the first process");
	} else {
		describe_cgroup(x);
	}
}

void explain_unit(const struct explain *x)
{
	if (cg_describe_unit(x->args->cgroup, x->d))
		describe_cgroup(x);
}

void explain_sources(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_sources(x->plan->mnt, x->d);
}

void explain_host_root(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_host_root(x->plan->mnt, x->d);
}

void explain_late_sources(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_late_sources(x->plan->mnt, x->d);
}

/* Where is each type in linux.namespaces: the spec has them by type. */
static void find_namespaces(const cJSON *config, int index[NS_TYPES])
{
	const cJSON *list = json_get(json_get(config, "linux"), "namespaces"), *item;
	int i = 0;

	for (int t = 0; t < NS_TYPES; t++)
		index[t] = -1;
	cJSON_ArrayForEach (item, list) {
		const char *type = json_get_str(item, "type", "");

		for (int t = 0; t < NS_TYPES; t++)
			if (streq(type, ns_table[t].name))
				index[t] = i;
		i++;
	}
}

void explain_clone(const struct explain *x)
{
	const struct cg *cg = x->args->cgroup;
	int index[NS_TYPES];

	find_namespaces(x->config, index);
	ns_describe(&x->plan->ns, x->plan->spec, index, x->d);
	explain_time(x);
	if (!cg || !cg->usable)
		return;
	desc_item(x->d, "cgroup", x->args->cgroup_path);
	desc_str(x->d, "enters", cg->mode == CG_V2 ? "as it is born" : "moved by the creator");
}

void explain_net_devices(const struct explain *x)
{
	const struct spec_linux *l = &x->plan->spec->linux_;

	for (size_t i = 0; i < l->n_net_devices; i++) {
		_cleanup_free_ char *path =
		    xasprintf("linux.netDevices.%s", l->net_devices[i].host_name);

		desc_item(x->d, "network-device", path);
		desc_str(x->d, "device", l->net_devices[i].host_name);
		desc_str(x->d, "name", l->net_devices[i].name);
	}
}

void explain_listener(const struct explain *x)
{
	if (!listener_wanted(&x->plan->filter))
		return;
	desc_item(x->d, "agent", "linux.seccomp.listenerPath");
	desc_str(x->d, "socket", x->plan->spec->linux_.seccomp.listener_path);
}

void explain_maps(const struct explain *x)
{
	const struct opt_i64 *score = &x->plan->spec->process.oom_score_adj;

	ns_describe_maps(&x->plan->ns, x->plan->spec, x->d);
	if (!score->set)
		return;
	desc_item(x->d, "oom-score-adj", "process.oomScoreAdj");
	desc_int(x->d, "value", score->v);
	if (x->plan->rootless && score->v < 0)
		desc_note(x->d, DESC_NO_EFFECT, "process.oomScoreAdj",
		          "a lower score than the caller's takes CAP_SYS_RESOURCE: left as it is");
}

static void describe_hooks(const struct explain *x, enum spec_hook_kind kind)
{
	const struct spec_hooks *hooks = &x->plan->spec->hooks;
	_cleanup_free_ char *array = xasprintf("hooks.%s", spec_hook_name(kind));

	for (size_t i = 0; i < hooks->n[kind]; i++) {
		const struct spec_hook *hook = &hooks->list[kind][i];

		desc_item_at(x->d, "hook", array, i);
		desc_str(x->d, "program", hook->path);
		desc_str(x->d, "hook", spec_hook_name(kind));
		desc_list(x->d, "args", hook->args);
		if (hook->timeout_s)
			desc_int(x->d, "timeout", hook->timeout_s);
	}
}

void explain_host_hooks(const struct explain *x)
{
	describe_hooks(x, HOOK_PRESTART);
	describe_hooks(x, HOOK_CREATE_RUNTIME);
}

void explain_console(const struct explain *x)
{
	const struct spec_process *process = &x->plan->spec->process;

	if (!process->terminal)
		return;
	desc_item(x->d, "terminal", "process.terminal");
	desc_flag(x->d, "wanted", true);
	if (process->console_height && process->console_width)
		desc_fmt(x->d, "size", "%ux%u", process->console_width, process->console_height);
}

void explain_limits(const struct explain *x)
{
	sec_describe_limits(&x->plan->spec->process, x->d);
	explain_scheduler(x);
}

/* ---- init's steps */

void explain_session(const struct explain *x)
{
	desc_item(x->d, "keyring", NULL);
	if (x->args->opts->no_new_keyring)
		desc_str(x->d, "session", "the caller's");
	else
		desc_fmt(x->d, "session", "_ses.%.200s", x->args->id);
}

void explain_cgroup_namespace(const struct explain *x)
{
	if (x->plan->ns.new_flags & ns_table[NS_CGROUP].clone_flag) {
		desc_item(x->d, "unshare", NULL);
		desc_str(x->d, "type", ns_table[NS_CGROUP].name);
	}
}

void explain_network(const struct explain *x)
{
	if (x->plan->ns.new_flags & ns_table[NS_NET].clone_flag) {
		desc_item(x->d, "interface", NULL);
		desc_str(x->d, "name", "lo");
		desc_str(x->d, "state", "up");
	}
}

void explain_root(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_root(x->plan->mnt, x->d);
}

void explain_mounts(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_mounts(x->plan->mnt, x->view ? &x->view->view : NULL, x->d);
}

void explain_devices(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_devices(x->plan->mnt, x->d);
}

void explain_container_hooks(const struct explain *x)
{
	describe_hooks(x, HOOK_CREATE_CONTAINER);
}

void explain_change_root(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_finish(x->plan->mnt, x->args->opts->no_pivot, x->d);
	desc_item(x->d, "directory", "process.cwd");
	desc_str(x->d, "directory", x->plan->spec->process.cwd);
}

void explain_names(const struct explain *x)
{
	const struct spec *spec = x->plan->spec;
	const struct opt_u64 *mask = &spec->process.user.umask;

	if (spec->hostname) {
		desc_item(x->d, "hostname", "hostname");
		desc_str(x->d, "name", spec->hostname);
	}
	if (spec->domainname) {
		desc_item(x->d, "domainname", "domainname");
		desc_str(x->d, "name", spec->domainname);
	}
	desc_item(x->d, "umask", mask->set ? "process.user.umask" : NULL);
	desc_fmt(x->d, "mask", "%04o", init_umask(&spec->process));
}

void explain_labels(const struct explain *x)
{
	const struct lsm_labels labels = process_labels_of(&x->plan->spec->process, NULL);

	if (labels.apparmor) {
		desc_item(x->d, "label", "process.apparmorProfile");
		desc_str(x->d, "apparmor", labels.apparmor);
		desc_flag(x->d, "off-here", !x->plan->lsm.apparmor);
	}
	if (labels.selinux) {
		desc_item(x->d, "label", "process.selinuxLabel");
		desc_str(x->d, "selinux", labels.selinux);
		desc_flag(x->d, "off-here", !x->plan->lsm.selinux);
	}
}

void explain_sysctl(const struct explain *x)
{
	const struct spec_linux *l = &x->plan->spec->linux_;

	for (size_t i = 0; i < l->n_sysctl; i++) {
		_cleanup_free_ char *path = xasprintf("linux.sysctl[\"%s\"]", l->sysctl[i].key);
		_cleanup_free_ char *file = spec_sysctl_path(l->sysctl[i].key);

		desc_item(x->d, "sysctl", path);
		desc_fmt(x->d, "file", "/proc/sys/%s", file);
		desc_str(x->d, "value", l->sysctl[i].value);
	}
}

void explain_masks(const struct explain *x)
{
	if (x->plan->mnt)
		mnt_describe_masks(x->plan->mnt, x->d);
}

void explain_stdio(const struct explain *x)
{
	desc_item(x->d, "stdio", x->plan->spec->process.terminal ? "process.terminal" : NULL);
	desc_str(x->d, "from",
	         x->plan->spec->process.terminal ? "the container's pty"
	         : x->args->opts->stdio_kept     ? "pipes of the shim"
	                                         : "the caller");
	if (x->args->opts->io.preserve_fds > 0) {
		desc_item(x->d, "descriptors", NULL);
		desc_fmt(x->d, "kept", "3-%d", 2 + x->args->opts->io.preserve_fds);
	}
}

void explain_credentials(const struct explain *x)
{
	const struct spec_process *process = &x->plan->spec->process;

	if (!process->no_new_privileges)
		sec_describe_seccomp(&x->plan->spec->linux_.seccomp, &x->plan->filter, true, x->d);
	sec_describe_credentials(process, x->plan->ns.has[NS_USER], x->d);
}

void explain_program(const struct explain *x)
{
	const struct spec_process *process = &x->plan->spec->process;

	desc_item(x->d, "program", "process.args");
	desc_list(x->d, "args", process->args);
	if (process->env) {
		desc_item(x->d, "environment", "process.env");
		desc_list(x->d, "env", process->env);
	}
}

void explain_seccomp(const struct explain *x)
{
	const struct spec *spec = x->plan->spec;

	if (spec->process.no_new_privileges)
		sec_describe_seccomp(&spec->linux_.seccomp, &x->plan->filter, false, x->d);
}

/* ---- after the creation */

static void explain_start_hooks(const struct explain *x)
{
	describe_hooks(x, HOOK_START_CONTAINER);
}

static void explain_poststart(const struct explain *x)
{
	describe_hooks(x, HOOK_POSTSTART);
}

static void explain_poststop(const struct explain *x)
{
	describe_hooks(x, HOOK_POSTSTOP);
}

static void explain_host_undo(const struct explain *x)
{
	if (!x->plan->mnt || !x->plan->mnt->on_host)
		return;
	desc_item(x->d, "unmount", "root.path");
	desc_str(x->d, "target", x->plan->spec->root.path);
	desc_flag(x->d, "recursive", true);
}

/* What start and delete do is not a table there: init_main(), ctr_start(), ctr_delete(). */
static const struct step start_steps[] = {
	{ "startContainer hooks", NULL, "run by init, programs of the container",
	  explain_start_hooks },
	{ "execute", NULL, "the program takes init's place", NULL },
	{ "poststart hooks", NULL, "run by the caller of start", explain_poststart },
	{ NULL, NULL, NULL, NULL },
};

static const struct step delete_steps[] = {
	{ "undo", NULL,
	  "end processes, remove cgroups, mounts on the host, links and files, from the journal",
	  explain_host_undo },
	{ "poststop hooks", NULL, "run by the caller of delete", explain_poststop },
	{ NULL, NULL, NULL, NULL },
};

static void walk(const char *side, const struct step *steps, const struct explain *x)
{
	for (const struct step *s = steps; s->name; s++) {
		desc_step(x->d, side, s->name, s->what);
		if (s->describe)
			s->describe(x);
	}
}

void ctr_explain(const struct ctr_explain_args *args, struct desc *d)
{
	struct explain x = { .args = args, .d = d };
	struct ctr_plan *plan = ctr_plan_describe(args->spec, args->rootless, d);
	_cleanup_json_ cJSON *config = NULL;
	struct cg_view_store view = { 0 };
	struct cg_host *host = NULL;
	struct err err = { 0 };

	(void)json_parse(args->spec->text, args->spec->text_len, &config, NULL);
	if (cg_host_detect(&host, NULL) == 0) {
		cg_view_build(args->cgroup, host, plan->ns.has[NS_CGROUP], &view);
		x.view = &view;
	}
	if (args->opts->no_pivot && plan->mnt && ctr_plan_check_no_pivot(plan, &err) < 0)
		desc_note(d, DESC_REFUSED, NULL, "%s", err.msg);
	x.plan = plan;
	x.config = config;
	walk("create", create_steps, &x);
	walk("init", init_steps, &x);
	walk("start", start_steps, &x);
	walk("delete", delete_steps, &x);
	explain_notes(&x);
	cg_view_done(&view);
	cg_host_free(host);
	ctr_plan_free(plan);
}
