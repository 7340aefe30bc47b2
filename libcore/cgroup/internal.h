/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share. Nothing outside libcore/cgroup and the unit tests includes
 * it. Functions marked pure touch neither the file system nor the process: they hold the decisions
 * and are tested without root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/bpf.h>

#include "cgroup/cgroup.h"

#define CG_FILE_MAX    (16u << 20) /* largest cgroup file that is read, a cgroup.procs */
#define CG_DIRS_MAX    32          /* more hierarchies than a kernel has controllers */
#define CG_FREEZE_MS   10000
#define CG_PARENT_NAME "berth"
#define CG_SHIM_NAME   "berth.shim"

/* --- host.c --- */
/* Pure: from the texts of /proc/self/mountinfo and /proc/self/cgroup. */
int cg_host_parse(const char *mountinfo, const char *cgroup, struct cg_host **ret, struct err *err);
/* Pure: our own cgroup as a path below the mount point; NULL: it is not below it. Caller frees. */
char *cg_hier_own(const struct cg_hier *hier);
/* Pure: the same of any path as /proc/PID/cgroup and systemd have it. */
char *cg_hier_path(const struct cg_hier *hier, const char *path);
/* Pure: is `controller` one of the comma-separated names. */
bool cg_names_have(const char *names, const char *controller);

/* --- plan.c --- */
typedef bool cg_may_write_fn(const struct cg_hier *hier, const char *path, void *ctx);
/* Pure, with the question "may we create below path" answered by the caller: the directories,
 * `ours` still 0. */
int cg_place(const struct cg_host *host, const struct cg_request *req, const char *parent,
             cg_may_write_fn *may_write, void *ctx, struct cg **ret, struct err *err);
/* Pure: a cgroupsPath that may be used; *ret is cleaned and keeps whether it is absolute. */
int cg_path_check(const char *path, char **ret, struct err *err);
unsigned int cg_path_depth(const char *path); /* components of a cleaned absolute path */
/* Takes path over. */
void cg_add_dir(struct cg *cg, const struct cg_hier *h, char *path, unsigned int ours);
void cg_drop_dir(struct cg *cg, size_t i);
int cg_refuse_own(const struct cg_hier *h, const char *path, struct err *err);

/* --- tree.c --- */
/* O_PATH descriptor of the verified mount point of a hierarchy. */
int cg_open_mount(const char *mount, bool v2, struct err *err);
/* A directory or file below root; path absolute ("/" is root itself) or relative. Never follows a
 * link, leaves root or crosses a mount. -errno, err untouched. */
int cg_openat(int root, const char *path, int flags);
/* The container's directory in one hierarchy, O_RDONLY|O_DIRECTORY. */
int cg_dir_open(const struct cg_dir *dir, struct err *err);
/* Write to a file of a cgroup directory; -errno. */
int cg_write_file(int dirfd, const char *file, const char *value);
/* Read a small file of a cgroup; trailing newline dropped. Caller frees. */
int cg_read(int dirfd, const char *file, char **ret);
/* Value of a "key value" line, e.g. of cgroup.events. -ENOENT: no such line. */
int cg_read_key(int dirfd, const char *file, const char *key, uint64_t *ret);
/* The number that is all of a file. */
int cg_read_number(int dirfd, const char *file, uint64_t *ret);
/* Pure: the value of a key in a text. */
int cg_text_key(const char *text, const char *key, uint64_t *ret);
/* Every directory of the subtree below dirfd as relative paths, parents before children, "" (dirfd
 * itself) first. Caller frees with strv_free. */
int cg_subtree(int dirfd, char ***ret);
int cg_create_dirs(struct cg *cg, struct err *err);
/* v2: hand all controllers down to a directory that somebody else has made, as far as we may. */
void cg_enable_above(const struct cg_dir *dir);
/* The directory of the first hierarchy that holds a v1 controller; NULL: none. */
const struct cg_dir *cg_find_v1(const struct cg *cg, const char *controller);
const struct cg_dir *cg_find_v2(const struct cg *cg);

/* --- convert.c: pure --- */
uint64_t cg_weight_from_shares(uint64_t shares);   /* 1..10000; 0: unset */
uint64_t cg_io_weight_from_blkio(uint64_t weight); /* 10..1000 -> 1..10000; 0: unset */
/* memory.swap.max from limit and memory+swap. *ret_set false: nothing to write; -1: "max". */
int cg_swap_v2(struct opt_i64 limit, struct opt_i64 swap, bool *ret_set, int64_t *ret,
               struct err *err);
/* Shared rule of both versions: is the pair meaningful at all. */
int cg_swap_check(struct opt_i64 limit, struct opt_i64 swap, struct err *err);
/* memory.checkBeforeUpdate: -EBUSY if the new limits would be below what is in use; 0 if not asked
 * for, which costs no reading of the usage. */
bool cg_memory_check_wanted(const struct spec_resources *res);
int cg_memory_check(const struct spec_resources *res, uint64_t usage, uint64_t swap_usage,
                    struct err *err);

/* --- v1.c, v2.c: pure; apply.c carries the lists out --- */
enum cg_write_flags {
	CG_W_MISSING_OK = 1 << 0,  /* no such file: nothing to do */
	CG_W_ALTERNATIVE = 1 << 1, /* only when the write before it found no file */
	CG_W_RETRY = 1 << 2,  /* EINVAL/EBUSY: again after the rest (values bound each other) */
	CG_W_VERIFY = 1 << 3, /* read back: the kernel clamps silently */
};

struct cg_write {
	const char *what; /* the limit's name in messages, "pids" */
	char *controller; /* owned, like the rest */
	char *file;
	char *value;
	unsigned int flags;
	const char *path; /* of the property, below linux.resources; borrowed from a table */
	int index;        /* in that array; -1: it is none */
};

struct cg_writes {
	struct cg_write *list;
	size_t n;
};

struct cg_knob { /* one row of a table: a field of the spec and its file */
	const char *what;
	const char *controller;
	const char *file; /* NULL: emit() names the files */
	/* Append what this field asks for; 0 also when it asks for nothing. */
	int (*emit)(const struct cg_knob *knob, const struct spec_resources *res,
	            struct cg_writes *out, struct err *err);
	size_t field;    /* offset of the field, of a list: of its pointer */
	size_t count;    /* offset of a list's length */
	const char *tag; /* goes before the number of a list's entries: "rbps=" */
	unsigned int flags;
	const char *path; /* the property below linux.resources: "pids.limit" */
};

extern const struct cg_knob cg_knobs_v1[]; /* end: .what NULL */
extern const struct cg_knob cg_knobs_v2[];
/* May the controller be asked for through this table; NULL: all may. */
typedef bool cg_use_fn(const char *controller, const void *ctx);
int cg_emit(const struct cg_knob *knobs, const struct spec_resources *res, cg_use_fn *use,
            const void *ctx, struct cg_writes *out, struct err *err);
void cg_write_add(struct cg_writes *out, const struct cg_knob *knob, const char *file,
                  unsigned int flags, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The last write comes from this property rather than from the row's; from this array element. */
void cg_write_path(struct cg_writes *out, const char *path);
void cg_write_index(struct cg_writes *out, size_t i);
void cg_writes_done(struct cg_writes *w);
/* Pure: may this `unified` key be written, and which controller is it; caller frees. */
int cg_unified_check(const char *key, char **ret_controller, struct err *err);

/* --- sub.c --- */
/* Pure: cg_follow() from the text of /proc/<pid>/cgroup. */
int cg_follow_text(const struct cg *cg, const char *text, bool gone, struct cg **ret);

/* --- undo.c: what `update` puts back when one of its writes fails --- */
struct cg_undo {
	struct cg_undo_entry {
		const struct cg_dir *dir; /* borrowed */
		char *file, *value;
	} * list;
	size_t n;
};
/*
 * Pure: the write that brings back `now`, the text of a file before `value` is written to it; of
 * files that hold one line for each device, only that device's. Caller frees; NULL: none can.
 */
char *cg_undo_value(const char *file, const char *value, const char *now);
void cg_undo_add(struct cg_undo *undo, const struct cg_dir *dir, const char *file,
                 const char *value);
void cg_undo_run(const struct cg_undo *undo); /* newest first, best effort */
void cg_undo_done(struct cg_undo *undo);

/* --- ignored.c --- */
/* The properties asked for that have no counterpart here, comma-separated. The flags say whether
 * the controllers are those of v2. */
void cg_ignored(const struct spec_resources *res, bool cpu_v2, bool memory_v2, bool io_v2,
                struct buf *ret);
/* v2 refuses a weight to an idle cgroup. Is idle what is asked for; `unified` has the last word. */
bool cg_is_idle(const struct spec_resources *res);
/* Is that file of v2 left alone for it. */
bool cg_weight_yields(const struct spec_resources *res, const char *file);

/* --- apply.c --- */
/*
 * The writes that cg_update() does, by the table that speaks for each controller. v2_controllers:
 * those of the container's v2 directory, comma-separated; NULL: there is none. Pure.
 */
int cg_limits_list(const struct cg *cg, const char *v2_controllers,
                   const struct spec_resources *res, struct cg_writes *ret_v1,
                   struct cg_writes *ret_v2, struct err *err);
/* cg_ignored() for these cgroups. */
void cg_limits_ignored(const struct cg *cg, const char *v2_controllers,
                       const struct spec_resources *res, struct buf *ret);
/* Is there a controller for this write; else what cg_update() says. */
bool cg_write_possible(const struct cg *cg, const char *v2_controllers, const struct cg_write *w,
                       bool v2, struct err *err);

/* --- knobs.c: emitters that both tables use --- */
int cg_emit_u64(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                struct err *); /* 0 is "unset" */
int cg_emit_u64_zero(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                     struct err *); /* 0 is a value */
int cg_emit_i64(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                struct err *); /* 0 is "unset", -1 is written so */
int cg_emit_i64_zero(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                     struct err *);
int cg_emit_i64_max(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                    struct err *); /* 0 is "unset", -1 becomes "max" */
int cg_emit_pids(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                 struct err *);
int cg_emit_str(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                struct err *);
int cg_emit_throttle(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                     struct err *);
int cg_emit_device_weight(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                          struct err *);
int cg_emit_rdma(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                 struct err *);
int cg_emit_hugepages(const struct cg_knob *, const struct spec_resources *, struct cg_writes *,
                      struct err *); /* tag: the end of the file's name */

/* --- device_rules.c: pure --- */
struct cg_devices { /* rules in order, the last match decides for each access bit */
	bool default_allow;
	struct spec_device_rule *rules; /* type 'b' or 'c' */
	size_t n;
};
/* The list in force: the start value (deny all), the user's rules, then what every container gets.
 */
void cg_devices_build(const struct spec_resources *res, struct cg_devices *ret);
void cg_devices_done(struct cg_devices *d);
void cg_device_rule_text(const struct spec_device_rule *r, char *buf,
                         size_t size); /* "c 1:3 rwm" */
/* How many of the last rules of a list are not of the configuration but every container's. */
extern const size_t cg_n_common_device_rules;
bool cg_devices_allow_all(const struct cg_devices *d); /* no filter is needed */
/*
 * v1: the kernel knows one default and a set of exceptions. Reduce the ordered list to that;
 * -EOPNOTSUPP when it can't be expressed (a later rule cuts a hole into a wider earlier one).
 */
int cg_devices_flatten(const struct cg_devices *d, struct cg_devices *ret, struct err *err);
/* v1: devices.list as text -> set. In allow mode the kernel hides its exceptions. */
int cg_devices_parse_list(const char *text, struct cg_devices *ret);
/* v1: the writes ("devices.allow" or "devices.deny") from what is in force to what is wanted;
 * wanted access is added before unwanted is removed. */
void cg_devices_transition(const struct cg_devices *now, const struct cg_devices *want,
                           struct cg_writes *out);

enum cg_devices_way { CG_DEVICES_NONE, CG_DEVICES_V1, CG_DEVICES_V2, CG_DEVICES_IMPOSSIBLE };
/* Who enforces device rules: devices.allow, a program, nobody (nothing was asked for), or nobody
 * can. Pure. */
enum cg_devices_way cg_devices_by(const struct cg *cg, const struct spec_resources *res,
                                  const struct cg_devices *rules);

/* --- device_program.c: pure --- */
/* eBPF of type BPF_PROG_TYPE_CGROUP_DEVICE. Caller frees. -E2BIG: thousands of rules. */
int cg_devices_program(const struct cg_devices *d, struct bpf_insn **ret, size_t *ret_n);

/* --- bpf.c --- */
/* Make the program the only one of ours on the directory; insns NULL: remove ours. */
int cg_bpf_set(int dirfd, const struct bpf_insn *insns, size_t n, struct err *err);

/* --- process.c --- */
int cg_attach_dirs(const struct cg *cg, pid_t pid, struct err *err);
bool cg_dir_frozen(const struct cg_dir *dir);    /* false also when it is not there */
bool cg_dir_populated(const struct cg_dir *dir); /* some process in the subtree */
void cg_thaw_all(const struct cg *cg);           /* v1: nested freezers too */
/* now + ms on CLOCK_MONOTONIC, in ms; and what is left of it, never negative. */
int64_t cg_deadline(int ms);
int cg_remaining(int64_t deadline);
/*
 * Wait until `key` of cgroup.events is `value`, or, for "frozen", nobody is left; woken by the
 * kernel. 0, -ETIMEDOUT, -errno.
 */
int cg_wait_event(int dirfd, const char *key, uint64_t value, int64_t deadline);
/* Where v1 has no event: sleep for a moment that grows with *step, no longer than is left. */
void cg_backoff(unsigned int *step, int64_t deadline);
