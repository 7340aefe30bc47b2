/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics as JSON. The names, and which of them are left out when they are 0 or empty, are those
 * that readers of `events` know; the order is fixed.
 */
#include "base/json.h"
#include "cgroup/stats.h"

struct out {
	struct buf *b;
	bool first;
};

static void key(struct out *o, const char *name)
{
	buf_printf(o->b, "%s\"%s\":", o->first ? "" : ",", name);
	o->first = false;
}

static void open_object(struct out *o, const char *name)
{
	key(o, name);
	buf_puts(o->b, "{");
	o->first = true;
}

static void close_object(struct out *o)
{
	buf_puts(o->b, "}");
	o->first = false;
}

static void number(struct out *o, const char *name, uint64_t v)
{
	key(o, name);
	buf_printf(o->b, "%llu", (unsigned long long)v);
}

static void number_if(struct out *o, const char *name, uint64_t v)
{
	if (v)
		number(o, name, v);
}

static void numbers_if(struct out *o, const char *name, const struct cg_stat_u64s *list)
{
	if (list->n == 0)
		return;
	key(o, name);
	for (size_t i = 0; i < list->n; i++)
		buf_printf(o->b, "%s%llu", i ? "," : "[", (unsigned long long)list->v[i]);
	buf_puts(o->b, "]");
}

/* 12.34, 12.3 and 12, as a decimal number is written with no digit too many. */
static void hundredths(struct out *o, const char *name, uint32_t v)
{
	key(o, name);
	buf_printf(o->b, "%u", v / 100);
	if (v % 100)
		buf_printf(o->b, v % 10 ? ".%02u" : ".%u", v % 10 ? v % 100 : v % 100 / 10);
}

static void psi_line(struct out *o, const char *name, const struct cg_stat_psi_line *l)
{
	open_object(o, name);
	hundredths(o, "avg10", l->avg[0]);
	hundredths(o, "avg60", l->avg[1]);
	hundredths(o, "avg300", l->avg[2]);
	number(o, "total", l->total);
	close_object(o);
}

static void psi_if(struct out *o, const struct cg_stat_psi *psi)
{
	if (!psi->present)
		return;
	open_object(o, "psi");
	psi_line(o, "some", &psi->some);
	psi_line(o, "full", &psi->full);
	close_object(o);
}

static void cpu(struct out *o, const struct cg_stats *s)
{
	open_object(o, "cpu");
	open_object(o, "usage");
	number_if(o, "total", s->cpu_total);
	numbers_if(o, "percpu", &s->percpu);
	numbers_if(o, "percpu_kernel", &s->percpu_kernel);
	numbers_if(o, "percpu_user", &s->percpu_user);
	number(o, "kernel", s->cpu_kernel);
	number(o, "user", s->cpu_user);
	close_object(o);
	open_object(o, "throttling");
	number_if(o, "periods", s->periods);
	number_if(o, "throttledPeriods", s->throttled_periods);
	number_if(o, "throttledTime", s->throttled_time);
	close_object(o);
	psi_if(o, &s->cpu_psi);
	close_object(o);
}

static void cpuset(struct out *o, const struct cg_stats *s)
{
	open_object(o, "cpuset");
	numbers_if(o, "cpus", &s->cpus);
	number(o, "cpu_exclusive", s->cpuset[CPUSET_CPU_EXCLUSIVE]);
	numbers_if(o, "mems", &s->mems);
	number(o, "mem_hardwall", s->cpuset[CPUSET_MEM_HARDWALL]);
	number(o, "mem_exclusive", s->cpuset[CPUSET_MEM_EXCLUSIVE]);
	number(o, "memory_migrate", s->cpuset[CPUSET_MEMORY_MIGRATE]);
	number(o, "memory_spread_page", s->cpuset[CPUSET_MEMORY_SPREAD_PAGE]);
	number(o, "memory_spread_slab", s->cpuset[CPUSET_MEMORY_SPREAD_SLAB]);
	number(o, "memory_pressure", s->cpuset[CPUSET_MEMORY_PRESSURE]);
	number(o, "sched_load_balance", s->cpuset[CPUSET_SCHED_LOAD_BALANCE]);
	key(o, "sched_relax_domain_level");
	buf_printf(o->b, "%lld", (long long)s->relax_domain_level);
	close_object(o);
}

static void memory_entry(struct out *o, const char *name, const struct cg_stat_memory *m)
{
	open_object(o, name);
	number(o, "limit", m->limit);
	number_if(o, "usage", m->usage);
	number_if(o, "max", m->max);
	number(o, "failcnt", m->failcnt);
	close_object(o);
}

static void memory(struct out *o, const struct cg_stats *s)
{
	open_object(o, "memory");
	number_if(o, "cache", s->cache);
	memory_entry(o, "usage", &s->memory);
	memory_entry(o, "swap", &s->swap);
	memory_entry(o, "kernel", &s->kernel);
	memory_entry(o, "kernelTCP", &s->kernel_tcp);
	if (s->raw.n > 0) {
		open_object(o, "raw");
		for (size_t i = 0; i < s->raw.n; i++) {
			buf_puts(o->b, i ? "," : "");
			json_str(o->b, s->raw.v[i].key);
			buf_printf(o->b, ":%llu", (unsigned long long)s->raw.v[i].value);
		}
		close_object(o);
	}
	psi_if(o, &s->memory_psi);
	close_object(o);
}

static void io_entry(struct out *o, const struct cg_stat_io *io)
{
	buf_puts(o->b, "{");
	o->first = true;
	number_if(o, "major", io->major);
	number_if(o, "minor", io->minor);
	if (io->op[0]) {
		key(o, "op");
		json_str(o->b, io->op);
	}
	number_if(o, "value", io->value);
	close_object(o);
}

static void blkio(struct out *o, const struct cg_stats *s)
{
	static const char *const names[IO_TABLES] = {
		[IO_SERVICE_BYTES] = "ioServiceBytesRecursive",
		[IO_SERVICED] = "ioServicedRecursive",
		[IO_QUEUED] = "ioQueueRecursive",
		[IO_SERVICE_TIME] = "ioServiceTimeRecursive",
		[IO_WAIT_TIME] = "ioWaitTimeRecursive",
		[IO_MERGED] = "ioMergedRecursive",
		[IO_TIME] = "ioTimeRecursive",
		[IO_SECTORS] = "sectorsRecursive",
	};

	open_object(o, "blkio");
	for (int i = 0; i < IO_TABLES; i++) {
		if (s->io[i].n == 0)
			continue;
		key(o, names[i]);
		for (size_t k = 0; k < s->io[i].n; k++) {
			buf_puts(o->b, k ? "," : "[");
			io_entry(o, &s->io[i].v[k]);
		}
		buf_puts(o->b, "]");
	}
	psi_if(o, &s->io_psi);
	close_object(o);
}

static void hugetlb(struct out *o, const struct cg_stats *s)
{
	open_object(o, "hugetlb");
	for (size_t i = 0; i < s->n_hugetlb; i++) {
		open_object(o, s->hugetlb[i].size);
		number_if(o, "usage", s->hugetlb[i].usage);
		number_if(o, "max", s->hugetlb[i].max);
		number(o, "failcnt", s->hugetlb[i].failcnt);
		close_object(o);
	}
	close_object(o);
}

int cg_stats_json(const struct cg_stats *s, struct buf *b)
{
	struct out o = { .b = b, .first = true };

	buf_puts(b, "{");
	cpu(&o, s);
	cpuset(&o, s);
	memory(&o, s);
	open_object(&o, "pids");
	number_if(&o, "current", s->pids);
	number_if(&o, "limit", s->pids_limit);
	close_object(&o);
	blkio(&o, s);
	hugetlb(&o, s);
	/* Groups of resctrl and interfaces of ours: none. */
	open_object(&o, "intel_rdt");
	close_object(&o);
	key(&o, "network_interfaces");
	return buf_puts(b, "null}");
}
