/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime-spec document (config.json) as C structs, one to one.
 *
 * A struct spec is filled by spec_load*() from text that was read once; it owns every pointer below
 * it and is freed as a whole. Optional scalars are present+value pairs (struct opt_*), never magic
 * numbers; a NULL pointer or zero count means "absent or empty". Loading checks types, ranges,
 * vocabularies and cross-field rules completely, so that a struct spec in hand is one that can be
 * carried out on a capable host: validation precedes the first side effect. Errors carry the JSON
 * path ("linux.resources.pids.limit: expected an integer"). Unknown properties are ignored (the
 * spec requires it); known ones that berth does not implement yet are refused by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"

#define SPEC_FILE_MAX  (16u << 20)
#define SPEC_CPUS_MAX  8192 /* of a CPU list: the most that a kernel can be built for */
#define SPEC_NODES_MAX 1024 /* of a list of memory nodes */

struct opt_i64 {
	bool set;
	int64_t v;
};
struct opt_u64 {
	bool set;
	uint64_t v;
};
struct opt_bool {
	bool set;
	bool v;
};

struct spec_kv {
	char *key;
	char *value;
};

struct spec_id_map { /* linux.uidMappings[] */
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size; /* >= 1 */
};

/* Capability sets as bit masks, bit = capability number (tables/caps.h). */
struct spec_caps {
	bool present; /* the object was there; absent means: no capabilities at all */
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
	int resource;        /* RLIMIT_* */
	uint64_t soft, hard; /* soft <= hard; UINT64_MAX is RLIM_INFINITY */
};

struct spec_user {
	uid_t uid;
	gid_t gid;
	struct opt_u64 umask;
	gid_t *additional_gids;
	size_t n_additional_gids;
};

struct spec_scheduler { /* process.scheduler: sched_setattr(2) */
	bool present;
	uint32_t policy; /* SCHED_* */
	int64_t nice;    /* -20..19 */
	uint64_t priority;
	uint64_t flags;                     /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

struct spec_io_priority { /* process.ioPriority: ioprio_set(2) */
	bool present;
	int io_class;      /* IOPRIO_CLASS_* */
	uint16_t priority; /* 0..7 */
};

struct spec_cpu_affinity {     /* process.execCPUAffinity */
	char *initial, *final; /* CPU lists ("0-1,3"); NULL: absent */
};

struct spec_personality { /* linux.personality */
	bool present;
	unsigned long domain; /* PER_* */
};

struct spec_memory_policy { /* linux.memoryPolicy: set_mempolicy(2) */
	bool present;
	int mode;           /* MPOL_* */
	unsigned int flags; /* MPOL_F_* */
	char *nodes;        /* node list; NULL: none */
	bool has_mode;
};

struct spec_intel_rdt { /* linux.intelRdt: the kernel's resctrl file system */
	bool present;
	char *clos_id;   /* a file name, or "/": the root group; NULL: the container's id */
	char **schemata; /* lines of the group's schemata file, after the next two */
	char *l3_cache, *mem_bw;
	bool enable_monitoring;
};

struct spec_time_offsets { /* linux.timeOffsets */
	bool present;      /* any of them */
	struct spec_time_offset {
		bool present;
		int64_t secs;
		uint32_t nanosecs; /* below 10^9 */
	} monotonic, boottime;
};

struct spec_process {
	bool terminal;
	uint16_t console_height, console_width; /* 0: not given */
	struct spec_user user;
	char **args; /* at least one */
	char **env;  /* NAME=VALUE; duplicates collapsed to the last */
	char *cwd;   /* absolute */
	struct spec_caps caps;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	struct opt_i64 oom_score_adj; /* -1000..1000 */
	char *apparmor_profile;       /* NULL: none asked for; may be "unconfined" */
	char *selinux_label;          /* NULL: none */
	struct spec_scheduler scheduler;
	struct spec_io_priority io_priority;
	struct spec_cpu_affinity exec_affinity; /* exec only */
};

struct spec_root {
	char *path; /* absolute after load: relative ones are joined to the bundle */
	bool readonly;
};

struct spec_mount {
	char *destination;                       /* absolute, cleaned */
	char *type;                              /* may be NULL for binds */
	char *source;                            /* bind sources are absolute after load */
	char **options;                          /* as written; mount/plan.c gives them meaning */
	struct spec_id_map *uid_maps, *gid_maps; /* of an id-mapped bind; none: see mount/idmap.c */
	size_t n_uid_maps, n_gid_maps;
};

enum spec_hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS
};

struct spec_hook {
	char *path;  /* absolute */
	char **args; /* full argv; never empty after load ([path] when absent) */
	char **env;  /* NULL: absent */
	bool env_set;
	int64_t timeout_s; /* 0: none */
};

struct spec_hooks {
	struct spec_hook *list[HOOK_KINDS];
	size_t n[HOOK_KINDS];
};

enum spec_ns_type {
	NS_USER,
	NS_MOUNT,
	NS_PID,
	NS_NET,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_TYPES
};

struct spec_namespace {
	bool wanted; /* listed in linux.namespaces */
	char *path;  /* NULL: a new one */
};

struct spec_device { /* linux.devices[] */
	char *path;  /* absolute, cleaned */
	char type;   /* 'c' (also for "u"), 'b', 'p' */
	uint32_t major, minor;
	mode_t mode; /* permission bits; default 0666 */
	uid_t uid;
	gid_t gid;
};

struct spec_device_rule { /* linux.resources.devices[] */
	bool allow;
	char type;            /* 'a', 'c', 'b' */
	int64_t major, minor; /* -1: any */
	unsigned int access;  /* bits: 1 r, 2 w, 4 m */
};

struct spec_throttle { /* blockIO.throttle*Device[] and weightDevice[] */
	uint32_t major, minor;
	uint64_t rate;                      /* bytes or operations per second */
	struct opt_u64 weight, leaf_weight; /* weightDevice only */
};

struct spec_hugepage {
	char *page_size; /* "2MB": letters and digits only */
	uint64_t limit;
};

struct spec_rdma { /* rdma: one device */
	char *device;
	struct opt_u64 hca_handles, hca_objects;
};

struct spec_net_priority { /* network.priorities[] */
	char *name;        /* an interface as the runtime sees it */
	uint32_t priority;
};

struct spec_resources {
	bool present;
	struct {
		struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
		struct opt_u64 swappiness;
		struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
	} memory;
	struct {
		struct opt_u64 shares;
		struct opt_i64 quota;
		struct opt_u64 burst, period;
		struct opt_i64 rt_runtime;
		struct opt_u64 rt_period;
		struct opt_i64 idle;
		char *cpus, *mems; /* cpuset lists; NULL: absent */
	} cpu;
	struct opt_i64 pids_limit;
	struct {
		struct opt_u64 weight, leaf_weight;
		struct spec_throttle *weight_device, *read_bps, *write_bps, *read_iops, *write_iops;
		size_t n_weight_device, n_read_bps, n_write_bps, n_read_iops, n_write_iops;
	} block_io;
	struct {
		struct opt_u64 class_id;
		struct spec_net_priority *priorities;
		size_t n_priorities;
	} network;
	struct spec_hugepage *hugepages;
	size_t n_hugepages;
	struct spec_rdma_list {
		struct spec_rdma *list;
		size_t n;
	} rdma;
	struct spec_device_rule *devices;
	size_t n_devices;
	bool devices_present;
	struct spec_kv *unified;
	size_t n_unified;
};

struct spec_seccomp_arg {
	uint32_t index; /* 0..5 */
	uint64_t value, value_two;
	uint32_t op; /* enum scmp_compare */
};

struct spec_seccomp_rule {
	char **names;
	uint32_t action; /* SCMP_ACT_* with errno/trace data already folded in */
	struct spec_seccomp_arg *args;
	size_t n_args;
};

struct spec_seccomp {
	bool present;
	uint32_t default_action;
	uint32_t *architectures; /* SCMP_ARCH_* */
	size_t n_architectures;
	bool flags_present;
	uint32_t flags;                          /* SECCOMP_FILTER_FLAG_* */
	char *listener_path, *listener_metadata; /* path: absolute after load; NULL: absent */
	struct spec_seccomp_rule *rules;
	size_t n_rules;
};

struct spec_net_device { /* linux.netDevices */
	char *host_name;
	char *name; /* in the container; may end the spec's way in "%d"; never NULL after load */
};

struct spec_linux {
	struct spec_namespace namespaces[NS_TYPES];
	struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	struct spec_device *devices;
	size_t n_devices;
	struct spec_net_device *net_devices;
	size_t n_net_devices;
	char *cgroups_path; /* NULL: absent */
	struct spec_resources resources;
	unsigned long rootfs_propagation; /* MS_SHARED, ... | MS_REC; 0: absent */
	struct spec_seccomp seccomp;
	struct spec_kv *sysctl; /* keys with '.' or '/', checked against the namespaces */
	size_t n_sysctl;
	char **masked_paths, **readonly_paths; /* absolute, cleaned */
	char *mount_label;                     /* SELinux context of new file systems; NULL: none */
	struct spec_personality personality;
	struct spec_memory_policy memory_policy;
	struct spec_time_offsets time_offsets; /* of a new time namespace */
	struct spec_intel_rdt intel_rdt;
};

struct spec {
	char *oci_version;
	char *bundle; /* absolute path of the bundle directory */
	struct spec_root root;
	struct spec_process process;
	char *hostname, *domainname; /* NULL: absent */
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_hooks hooks;
	struct spec_kv *annotations;
	size_t n_annotations;
	struct spec_linux linux_;
	bool early_format; /* ociVersion 1.0.0-rc1..rc2 form: `platform`, flat capability list */
	char *warnings;    /* newline-separated one-line warnings for the caller to log, or NULL */
	char *text;        /* the very bytes that were parsed, for the state copy */
	size_t text_len;
};

#define _cleanup_spec_ __attribute__((cleanup(spec_free_ptr)))

/*
 * Read `file` (NULL: config.json) of the bundle directory and load it. -ENOENT: "config.json"
 * missing, -EINVAL: with the JSON path, -EFBIG, -EOPNOTSUPP: a known field that is not implemented,
 * by name.
 */
int spec_load_bundle(const char *bundle, const char *file, struct spec **ret, struct err *err);
/* The same from memory; root.path and bind sources are taken relative to bundle (absolute). */
int spec_load_text(const char *text, size_t len, const char *bundle, struct spec **ret,
                   struct err *err);
/* A Process object alone (exec --process). *ret_process is owned by the caller, released by
 * spec_process_done(). */
int spec_load_process(const char *text, size_t len, struct spec_process *ret_process,
                      struct err *err);
void spec_process_done(struct spec_process *process);
/* A deep copy, for exec without --process. */
int spec_process_copy(const struct spec_process *from, struct spec_process *ret);
/* Replace the labels of a loaded process (options of exec): NULL leaves one as it is, "" means
 * none. spec_process_check() judges the result. */
void spec_process_set_labels(struct spec_process *process, const char *apparmor,
                             const char *selinux);
/* Checks of a process alone: used after exec's flags have changed one. */
int spec_process_check(const struct spec_process *process, struct err *err);
void spec_free(struct spec *spec);
void spec_free_ptr(struct spec **spec);

/*
 * `update`. spec_resources_text: linux.resources of a configuration as JSON text ("{}": none).
 * spec_resources_merge lays `patch` over `stored`: *ret_merged is what is in force from then on,
 * *ret_effect what has to be written now. swap_apart: memory.swap limits swap alone (cgroup v2), so
 * a new memory limit moves the sum with it. Callers free both. Pure.
 */
int spec_resources_text(const char *config, size_t len, char **ret, struct err *err);
int spec_resources_merge(const char *stored, const char *patch, bool swap_apart, char **ret_merged,
                         char **ret_effect, struct err *err);
/* A resources object alone, checked like the one of a configuration. */
int spec_load_resources(const char *text, struct spec_resources *ret, struct err *err);
void spec_resources_done(struct spec_resources *res);

/*
 * --strict, of what has been loaded: -EINVAL for what loading only warned of, for properties that
 * it ignored, and for system calls that a filter would leave out. The other two: a document of
 * `exec --process`, a resources object of `update`.
 */
int spec_strict(const struct spec *spec, struct err *err);
int spec_strict_process(const char *text, size_t len, struct err *err);
int spec_strict_resources(const char *text, size_t len, struct err *err);

/* Is the property at this path ("linux.intelRdt.schemata"; arrays by their name alone) one that is
 * carried out? */
bool spec_supports(const char *path);
const char *spec_hook_name(enum spec_hook_kind kind); /* "createRuntime" */
const char *spec_ns_name(enum spec_ns_type type);     /* "network" */
/*
 * A sysctl key as a path below /proc/sys, as sysctl(8) reads it: "net.ipv4.ip_forward" and
 * "net/ipv4/conf/eno2.100/mtu" (a leading '/' separator makes dots literal). Caller frees.
 */
char *spec_sysctl_path(const char *key);
const char *spec_annotation(const struct spec *spec, const char *key); /* NULL: absent */

/* The document that `berth spec` prints. Caller frees. cgroup_v2: adds a cgroup namespace. */
char *spec_template(bool rootless, uid_t uid, gid_t gid, bool cgroup_v2);
