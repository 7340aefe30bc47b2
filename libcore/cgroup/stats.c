/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the statistics of a container's cgroup. Which version speaks for a controller is decided
 * like for limits: the v1 hierarchy that holds it, else v2.
 */
#include "cgroup/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "cgroup/internal.h"

/* The text of a file; NULL: it is not there. Caller frees. */
static char *text_of(int fd, const char *file)
{
	char *text = NULL;

	return cg_read(fd, file, &text) < 0 ? NULL : text;
}

static uint64_t number_of(int fd, const char *file)
{
	_cleanup_free_ char *text = text_of(fd, file);
	uint64_t v;

	return text && cg_stat_parse_value(text, &v) == 0 ? v : 0;
}

static int open_v1(const struct cg *cg, const char *controller)
{
	const struct cg_dir *dir = cg_find_v1(cg, controller);

	return dir ? cg_dir_open(dir, NULL) : -ENOENT;
}

/* --- v1 --- */

static void cpu_v1(const struct cg *cg, struct cg_stats *s)
{
	_cleanup_close_ int cpu = open_v1(cg, "cpu"), acct = open_v1(cg, "cpuacct");
	_cleanup_free_ char *stat = cpu < 0 ? NULL : text_of(cpu, "cpu.stat");
	_cleanup_free_ char *usage = acct < 0 ? NULL : text_of(acct, "cpuacct.stat");
	_cleanup_free_ char *each = acct < 0 ? NULL : text_of(acct, "cpuacct.usage_percpu");
	_cleanup_free_ char *all = acct < 0 ? NULL : text_of(acct, "cpuacct.usage_all");
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), v;

	if (stat) {
		(void)cg_text_key(stat, "nr_periods", &s->periods);
		(void)cg_text_key(stat, "nr_throttled", &s->throttled_periods);
		(void)cg_text_key(stat, "throttled_time", &s->throttled_time);
	}
	if (acct >= 0)
		s->cpu_total = number_of(acct, "cpuacct.usage");
	if (usage && hz > 0 && cg_text_key(usage, "user", &v) == 0)
		s->cpu_user = v * (1000000000 / hz);
	if (usage && hz > 0 && cg_text_key(usage, "system", &v) == 0)
		s->cpu_kernel = v * (1000000000 / hz);
	if (each)
		cg_stat_parse_numbers(each, &s->percpu);
	if (all)
		cg_stat_parse_percpu(all, &s->percpu_kernel, &s->percpu_user);
}

static void cpuset_v1(const struct cg *cg, struct cg_stats *s)
{
	static const char *const files[CPUSET_FLAGS] = {
		"cpuset.cpu_exclusive",   "cpuset.mem_hardwall",       "cpuset.mem_exclusive",
		"cpuset.memory_migrate",  "cpuset.memory_spread_page", "cpuset.memory_spread_slab",
		"cpuset.memory_pressure", "cpuset.sched_load_balance",
	};
	_cleanup_close_ int fd = open_v1(cg, "cpuset");
	_cleanup_free_ char *cpus = NULL, *mems = NULL, *level = NULL;

	if (fd < 0)
		return;
	cpus = text_of(fd, "cpuset.cpus");
	mems = text_of(fd, "cpuset.mems");
	level = text_of(fd, "cpuset.sched_relax_domain_level");
	if (cpus)
		cg_stat_parse_list(cpus, &s->cpus);
	if (mems)
		cg_stat_parse_list(mems, &s->mems);
	if (level)
		(void)num_parse_i64(level, &s->relax_domain_level);
	for (int i = 0; i < CPUSET_FLAGS; i++)
		s->cpuset[i] = number_of(fd, files[i]);
}

static void memory_entry_v1(int fd, const char *prefix, struct cg_stat_memory *m)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.limit_in_bytes", prefix);
	m->limit = number_of(fd, file);
	snprintf(file, sizeof(file), "%s.usage_in_bytes", prefix);
	m->usage = number_of(fd, file);
	snprintf(file, sizeof(file), "%s.max_usage_in_bytes", prefix);
	m->max = number_of(fd, file);
	snprintf(file, sizeof(file), "%s.failcnt", prefix);
	m->failcnt = number_of(fd, file);
}

static void memory_v1(const struct cg *cg, struct cg_stats *s)
{
	_cleanup_close_ int fd = open_v1(cg, "memory");
	_cleanup_free_ char *stat = fd < 0 ? NULL : text_of(fd, "memory.stat");

	if (fd < 0)
		return;
	memory_entry_v1(fd, "memory", &s->memory);
	memory_entry_v1(fd, "memory.memsw", &s->swap);
	memory_entry_v1(fd, "memory.kmem", &s->kernel);
	memory_entry_v1(fd, "memory.kmem.tcp", &s->kernel_tcp);
	if (stat)
		cg_stat_parse_keys(stat, &s->raw);
	s->cache = cg_stat_key(&s->raw, "cache");
}

/* The names differ by I/O scheduler; the first set that is there speaks for all. */
static void io_v1(const struct cg *cg, struct cg_stats *s)
{
	static const char *const sets[][IO_TABLES] = {
		{ "blkio.bfq.io_service_bytes_recursive", "blkio.bfq.io_serviced_recursive",
		  "blkio.bfq.io_queued_recursive", "blkio.bfq.io_service_time_recursive",
		  "blkio.bfq.io_wait_time_recursive", "blkio.bfq.io_merged_recursive",
		  "blkio.bfq.time_recursive", "blkio.bfq.sectors_recursive" },
		{ "blkio.io_service_bytes_recursive", "blkio.io_serviced_recursive",
		  "blkio.io_queued_recursive", "blkio.io_service_time_recursive",
		  "blkio.io_wait_time_recursive", "blkio.io_merged_recursive",
		  "blkio.time_recursive", "blkio.sectors_recursive" },
		{ "blkio.throttle.io_service_bytes_recursive",
		  "blkio.throttle.io_serviced_recursive" },
		{ "blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced" },
	};
	_cleanup_close_ int fd = open_v1(cg, "blkio");

	for (size_t set = 0; fd >= 0 && set < ARRAY_SIZE(sets); set++) {
		_cleanup_free_ char *first = text_of(fd, sets[set][IO_SERVICED]);

		if (!first || !*first)
			continue;
		for (int i = 0; i < IO_TABLES && sets[set][i]; i++) {
			_cleanup_free_ char *text = text_of(fd, sets[set][i]);

			if (text)
				cg_stat_parse_io_v1(text, &s->io[i]);
		}
		return;
	}
}

/* --- v2 --- */

static void psi_v2(int fd, const char *file, struct cg_stat_psi *psi)
{
	_cleanup_free_ char *text = text_of(fd, file);

	if (text)
		cg_stat_parse_psi(text, psi);
}

static void cpu_v2(int fd, struct cg_stats *s)
{
	_cleanup_free_ char *stat = text_of(fd, "cpu.stat");
	static const struct {
		const char *key;
		size_t offset;
		uint64_t scale;
	} keys[] = {
		{ "usage_usec", offsetof(struct cg_stats, cpu_total), 1000 },
		{ "user_usec", offsetof(struct cg_stats, cpu_user), 1000 },
		{ "system_usec", offsetof(struct cg_stats, cpu_kernel), 1000 },
		{ "nr_periods", offsetof(struct cg_stats, periods), 1 },
		{ "nr_throttled", offsetof(struct cg_stats, throttled_periods), 1 },
		{ "throttled_usec", offsetof(struct cg_stats, throttled_time), 1000 },
	};
	uint64_t v;

	for (size_t i = 0; stat && i < ARRAY_SIZE(keys); i++)
		if (cg_text_key(stat, keys[i].key, &v) == 0)
			*(uint64_t *)(void *)((char *)s + keys[i].offset) = v * keys[i].scale;
	psi_v2(fd, "cpu.pressure", &s->cpu_psi);
}

static void memory_v2(int fd, struct cg_stats *s)
{
	_cleanup_free_ char *stat = text_of(fd, "memory.stat");

	if (!stat)
		return;
	cg_stat_parse_keys(stat, &s->raw);
	s->cache = cg_stat_key(&s->raw, "file");
	s->memory.usage = number_of(fd, "memory.current");
	s->memory.limit = number_of(fd, "memory.max");
	s->memory.max = number_of(fd, "memory.peak");
	/* Swap as v1 counts it: with the memory. */
	s->swap.usage = number_of(fd, "memory.swap.current") + s->memory.usage;
	s->swap.limit = number_of(fd, "memory.swap.max");
	s->swap.max = number_of(fd, "memory.swap.peak");
	if (s->swap.limit != UINT64_MAX && s->memory.limit != UINT64_MAX)
		s->swap.limit += s->memory.limit;
	else
		s->swap.limit = UINT64_MAX;
	psi_v2(fd, "memory.pressure", &s->memory_psi);
}

static void io_v2(int fd, struct cg_stats *s)
{
	_cleanup_free_ char *stat = text_of(fd, "io.stat");

	if (stat)
		cg_stat_parse_io_v2(stat, &s->io[IO_SERVICE_BYTES], &s->io[IO_SERVICED]);
	psi_v2(fd, "io.pressure", &s->io_psi);
}

/* --- both --- */

static void add_hugetlb(int fd, const char *size, bool v2, struct cg_stats *s)
{
	struct cg_stat_hugetlb h = { 0 };
	char file[64];

	snprintf(h.size, sizeof(h.size), "%s", size);
	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, v2 ? "current" : "usage_in_bytes");
	h.usage = number_of(fd, file);
	if (v2) {
		snprintf(file, sizeof(file), "hugetlb.%s.events", size);
		(void)cg_read_key(fd, file, "max", &h.failcnt);
	} else {
		snprintf(file, sizeof(file), "hugetlb.%s.max_usage_in_bytes", size);
		h.max = number_of(fd, file);
		snprintf(file, sizeof(file), "hugetlb.%s.failcnt", size);
		h.failcnt = number_of(fd, file);
	}
	s->hugetlb = xreallocarray(s->hugetlb, s->n_hugetlb + 1, sizeof(*s->hugetlb));
	s->hugetlb[s->n_hugetlb++] = h;
}

static int by_size(const void *a, const void *b)
{
	return strcmp(((const struct cg_stat_hugetlb *)a)->size,
	              ((const struct cg_stat_hugetlb *)b)->size);
}

/* The sizes are those that have files. */
static void hugetlb(int fd, bool v2, struct cg_stats *s)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		char size[16];
		int end = 0;

		if (sscanf(de->d_name,
		           v2 ? "hugetlb.%15[0-9KMGB].current%n"
		              : "hugetlb.%15[0-9KMGB].usage_in_bytes%n",
		           size, &end) == 1 &&
		    end > 0 && !de->d_name[end])
			add_hugetlb(fd, size, v2, s);
	}
	if (dir)
		closedir(dir);
	if (s->n_hugetlb > 1)
		qsort(s->hugetlb, s->n_hugetlb, sizeof(*s->hugetlb), by_size);
}

static void pids(int fd, struct cg_stats *s)
{
	uint64_t limit = number_of(fd, "pids.max");

	s->pids = number_of(fd, "pids.current");
	s->pids_limit = limit == UINT64_MAX ? 0 : limit;
}

static void read_v1(const struct cg *cg, struct cg_stats *s)
{
	_cleanup_close_ int p = open_v1(cg, "pids"), h = open_v1(cg, "hugetlb");

	cpu_v1(cg, s);
	cpuset_v1(cg, s);
	memory_v1(cg, s);
	io_v1(cg, s);
	if (p >= 0)
		pids(p, s);
	if (h >= 0)
		hugetlb(h, false, s);
}

int cg_stats_read(const struct cg *cg, struct cg_stats *ret, struct err *err)
{
	const struct cg_dir *dir = cg->mode == CG_V2 ? cg_find_v2(cg) : NULL;
	_cleanup_close_ int fd = FD_INVALID;

	*ret = (struct cg_stats){ 0 };
	if (!cg->usable || cg->n_dirs == 0)
		return err_text(err, -ENOENT, "no statistics: the container runs without a cgroup");
	if (cg->mode != CG_V2) {
		read_v1(cg, ret);
		return 0;
	}
	fd = cg_dir_open(dir, err);
	if (fd < 0)
		return fd;
	cpu_v2(fd, ret);
	memory_v2(fd, ret);
	io_v2(fd, ret);
	pids(fd, ret);
	hugetlb(fd, true, ret);
	return 0;
}

void cg_stats_done(struct cg_stats *s)
{
	free(s->percpu.v);
	free(s->percpu_kernel.v);
	free(s->percpu_user.v);
	free(s->cpus.v);
	free(s->mems.v);
	for (size_t i = 0; i < s->raw.n; i++)
		free(s->raw.v[i].key);
	free(s->raw.v);
	for (int i = 0; i < IO_TABLES; i++)
		free(s->io[i].v);
	free(s->hugetlb);
	*s = (struct cg_stats){ 0 };
}
