/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process is given beside its credentials, for init and for exec alike.
 *
 * All of it is done inside the container's namespaces, as their root, while descriptors are open
 * and before any filter: what is written to procfs goes through a private instance of it.
 */
#include "container/internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/mem.h"

struct lsm_labels process_labels_of(const struct spec_process *process,
                                    const struct spec_process *rest)
{
	struct lsm_labels labels = { process->apparmor_profile, process->selinux_label };

	if (!labels.apparmor && rest)
		labels.apparmor = rest->apparmor_profile;
	if (!labels.selinux && rest)
		labels.selinux = rest->selinux_label;
	return labels;
}

int process_open_procfs(struct process_ctx *p, struct err *err)
{
	int fd = lsm_wanted(&p->lsm, &p->labels) ? mnt_proc_fd(p->mnt, err) : 0;

	return fd < 0 ? fd : 0;
}

static int open_attr(struct process_ctx *p, struct err *err)
{
	int proc = mnt_proc_fd(p->mnt, err);

	return proc < 0 ? proc : lsm_open_attr(proc, err);
}

int process_keyring(struct process_ctx *p, const char *id, struct err *err)
{
	_cleanup_close_ int attr = FD_INVALID;
	char name[256];
	int r = 0;

	if (p->labels.selinux) {
		attr = open_attr(p, err);
		r = attr < 0 ? attr : lsm_label_keys(attr, &p->lsm, p->labels.selinux, err);
	}
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "_ses.%.200s", id);
	r = cred_new_keyring(name, err);
	if (r == 0 && attr >= 0)
		r = lsm_label_keys(attr, &p->lsm, NULL, err);
	return r;
}

int process_labels(struct process_ctx *p, struct err *err)
{
	_cleanup_close_ int attr = FD_INVALID;

	if (!lsm_wanted(&p->lsm, &p->labels))
		return 0;
	attr = open_attr(p, err);
	return attr < 0 ? attr : lsm_apply_exec(attr, &p->lsm, &p->labels, err);
}

int process_memory(struct process_ctx *p, struct err *err)
{
	int r = personality_apply(p->personality, err);

	return r < 0 ? r : mempolicy_apply(p->memory_policy, err);
}

int process_schedule(pid_t pid, const struct spec_process *process, const struct spec_process *rest,
                     const struct spec_linux *lin, struct err *err)
{
	const struct spec_process *s = rest && !process->scheduler.present ? rest : process;
	const struct spec_process *io = rest && !process->io_priority.present ? rest : process;
	int r = limits_apply(pid, process, err);

	if (r == 0)
		r = sched_apply(pid, &s->scheduler, lin->resources.cpu.cpus != NULL, err);
	return r == 0 ? ioprio_apply(pid, &io->io_priority, err) : r;
}

int ctr_update_classes(struct ctr *ctr, const char *l3_cache, const char *mem_bw, struct err *err)
{
	_cleanup_free_ char *l3 = xstrdup(l3_cache), *bandwidth = xstrdup(mem_bw);
	_cleanup_spec_ struct spec *spec = NULL;
	struct spec_intel_rdt change = { .present = true, .l3_cache = l3, .mem_bw = bandwidth };
	struct rdt rdt;
	int r;

	if (!l3 && !bandwidth)
		return 0;
	r = ctr_load_spec(ctr, &spec, err);
	if (r < 0)
		return r;
	if (!spec->linux_.intel_rdt.present)
		return err_text(err, -EOPNOTSUPP,
		                "option --%s: the container was not created with linux.intelRdt",
		                l3 ? "l3-cache-schema" : "mem-bw-schema");
	change.clos_id = spec->linux_.intel_rdt.clos_id; /* borrowed */
	r = rdt_plan(NULL, &change, ctr->id, &rdt, err);
	if (r < 0)
		return r;
	r = rdt_make(&rdt, &change, err);
	rdt_done(&rdt);
	return r;
}
