/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses: the statistics of its cgroup, in the units of cgroup v1 (nanoseconds,
 * bytes; swap is memory plus swap), whichever version they come from, and as the JSON that callers
 * of `events` read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cgroup/cgroup.h"

struct cg_stat_u64s {
	uint64_t *v;
	size_t n;
};

struct cg_stat_keys { /* sorted by key */
	struct cg_stat_key {
		char *key;
		uint64_t value;
	} * v;
	size_t n;
};

enum cg_stat_io_table {
	IO_SERVICE_BYTES,
	IO_SERVICED,
	IO_QUEUED,
	IO_SERVICE_TIME,
	IO_WAIT_TIME,
	IO_MERGED,
	IO_TIME,
	IO_SECTORS,
	IO_TABLES
};

struct cg_stat_ios {
	struct cg_stat_io {
		uint32_t major, minor;
		char op[16]; /* "Read", "Write", ...; "" where there is none */
		uint64_t value;
	} * v;
	size_t n;
};

struct cg_stat_psi {
	bool present;
	struct cg_stat_psi_line {
		uint32_t avg[3]; /* hundredths of a percent: 10 s, 60 s, 300 s */
		uint64_t total;  /* microseconds */
	} some, full;
};

struct cg_stat_memory {
	uint64_t limit, usage, max, failcnt; /* limit UINT64_MAX: none */
};

struct cg_stat_hugetlb {
	char size[16]; /* "2MB" */
	uint64_t usage, max, failcnt;
};

enum { /* cpuset's plain files, in the order of the document */
       CPUSET_CPU_EXCLUSIVE,
       CPUSET_MEM_HARDWALL,
       CPUSET_MEM_EXCLUSIVE,
       CPUSET_MEMORY_MIGRATE,
       CPUSET_MEMORY_SPREAD_PAGE,
       CPUSET_MEMORY_SPREAD_SLAB,
       CPUSET_MEMORY_PRESSURE,
       CPUSET_SCHED_LOAD_BALANCE,
       CPUSET_FLAGS
};

struct cg_stats {
	uint64_t cpu_total, cpu_kernel, cpu_user;
	struct cg_stat_u64s percpu, percpu_kernel, percpu_user;
	uint64_t periods, throttled_periods, throttled_time;
	struct cg_stat_psi cpu_psi, memory_psi, io_psi;
	struct cg_stat_u64s cpus, mems;
	uint64_t cpuset[CPUSET_FLAGS];
	int64_t relax_domain_level;
	uint64_t cache;
	struct cg_stat_memory memory, swap, kernel, kernel_tcp;
	struct cg_stat_keys raw;
	uint64_t pids, pids_limit; /* 0: no limit */
	struct cg_stat_ios io[IO_TABLES];
	struct cg_stat_hugetlb *hugetlb;
	size_t n_hugetlb;
};

/* Read them. Files that are not there (a controller is missing) leave zeros. -ENOENT: no cgroup. */
int cg_stats_read(const struct cg *cg, struct cg_stats *ret, struct err *err);
void cg_stats_done(struct cg_stats *stats);
/* The "data" of an event. Pure. */
int cg_stats_json(const struct cg_stats *stats, struct buf *b);

/* --- pure parsers; lines that are not of the form are skipped, results are appended --- */
int cg_stat_parse_value(const char *text, uint64_t *ret); /* "max" is UINT64_MAX */
void cg_stat_parse_keys(const char *text, struct cg_stat_keys *ret);
uint64_t cg_stat_key(const struct cg_stat_keys *keys, const char *key); /* 0: not there */
void cg_stat_parse_numbers(const char *text, struct cg_stat_u64s *ret);
void cg_stat_parse_list(const char *text, struct cg_stat_u64s *ret); /* "0-3,7" */
/* cpuacct.usage_all: one line for each CPU. */
void cg_stat_parse_percpu(const char *text, struct cg_stat_u64s *kernel, struct cg_stat_u64s *user);
void cg_stat_parse_io_v1(const char *text, struct cg_stat_ios *ret);
void cg_stat_parse_io_v2(const char *text, struct cg_stat_ios *bytes, struct cg_stat_ios *serviced);
void cg_stat_parse_psi(const char *text, struct cg_stat_psi *ret);
