/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled filters, kept in a directory: compiling the profile of a container engine takes longer
 * than everything else that starting a container does.
 *
 * An entry is one file: header, key, program. The key is not a digest but the whole input in one
 * canonical form, so that two profiles can never be taken for each other; a hash of it only names
 * the file. An entry counts when it is a file of ours that nobody else may write, of exactly the
 * length that its header says, with the right key and sum; anything else is compiled anew and
 * replaced. The cache can fail in any way without anybody noticing more than the time.
 */
#include "security/security.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"

#define MAGIC       "berth seccomp 2" /* 16 bytes; change with the format or what the compiler emits */
#define KEY_MAX     (4u << 20)
#define ENTRIES_MAX 64
#define FNV_START   0xcbf29ce484222325ULL
#define FNV_PRIME   0x100000001b3ULL

struct header {
	char magic[16];
	uint64_t sum; /* of all that follows it in the file */
	uint32_t flags;
	uint32_t key_len;
	uint32_t n; /* instructions */
	uint32_t zero;
};

static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

static int put_u64(struct buf *b, uint64_t v)
{
	return buf_add(b, &v, sizeof(v));
}

/* Every element carries its length: no two inputs have the same bytes. */
static int add_rule_key(struct buf *b, const struct spec_seccomp_rule *rule)
{
	int r = put_u64(b, rule->action);

	r = r ? r : put_u64(b, strv_len(rule->names));
	for (char **name = rule->names; r == 0 && name && *name; name++)
		r = buf_add(b, *name, strlen(*name) + 1);
	r = r ? r : put_u64(b, rule->n_args);
	for (size_t i = 0; r == 0 && i < rule->n_args; i++) {
		const struct spec_seccomp_arg *a = &rule->args[i];

		r = put_u64(b, (uint64_t)a->index << 32 | a->op);
		r = r ? r : put_u64(b, a->value);
		r = r ? r : put_u64(b, a->value_two);
	}
	return r;
}

static int make_key(const struct spec_seccomp *spec, struct buf *b)
{
	const struct scmp_version *v = seccomp_version();
	struct utsname kernel = { 0 };
	int r;

	/* libseccomp asks the kernel which actions it knows: the release stands for the answers. */
	uname(&kernel);
	r = buf_printf(b, "libseccomp %u.%u.%u kernel %s arch %x\n", v->major, v->minor, v->micro,
	               kernel.release, seccomp_arch_native());
	r = r ? r : put_u64(b, spec->default_action);
	r = r ? r : put_u64(b, (uint64_t)spec->flags_present << 32 | spec->flags);
	r = r ? r : put_u64(b, spec->n_architectures);
	for (size_t i = 0; r == 0 && i < spec->n_architectures; i++)
		r = put_u64(b, spec->architectures[i]);
	r = r ? r : put_u64(b, spec->n_rules);
	for (size_t i = 0; r == 0 && i < spec->n_rules; i++)
		r = add_rule_key(b, &spec->rules[i]);
	return r;
}

static uint64_t sum_of(const char *file, size_t len)
{
	size_t from = offsetof(struct header, flags);

	return fnv(FNV_START, file + from, len - from);
}

static bool decode(const char *file, size_t len, const struct buf *key, struct seccomp_filter *ret)
{
	struct header h;

	if (len < sizeof(h))
		return false;
	memcpy(&h, file, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 || h.n > BPF_MAXINSNS ||
	    h.key_len != key->len ||
	    len != sizeof(h) + h.key_len + h.n * sizeof(struct sock_filter) ||
	    memcmp(file + sizeof(h), key->data, key->len) != 0 || h.sum != sum_of(file, len))
		return false;
	*ret = (struct seccomp_filter){ .n = h.n, .flags = h.flags };
	if (h.n > 0) {
		ret->insns = xcalloc(h.n, sizeof(struct sock_filter));
		memcpy(ret->insns, file + sizeof(h) + h.key_len, h.n * sizeof(struct sock_filter));
	}
	return true;
}

static bool look_up(int dirfd, const char *name, const struct buf *key, struct seccomp_filter *ret)
{
	_cleanup_close_ int fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *file = NULL;
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return false;
	return file_read_fd(fd, KEY_MAX + (1u << 16), &file, &len) == 0 &&
	       decode(file, len, key, ret);
}

/* Make room: the entry that was written longest ago goes. */
static void prune(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char oldest[NAME_MAX + 1] = "";
	struct timespec when = { 0 };
	struct dirent *de;
	size_t n = 0;

	if (!dir) {
		fd_close(fd);
		return;
	}
	while ((de = readdir(dir))) {
		struct stat st;

		if (de->d_name[0] == '.' ||
		    fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		n++;
		if (!*oldest || st.st_mtim.tv_sec < when.tv_sec ||
		    (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)) {
			snprintf(oldest, sizeof(oldest), "%s", de->d_name);
			when = st.st_mtim;
		}
	}
	closedir(dir);
	if (n >= ENTRIES_MAX)
		(void)unlinkat(dirfd, oldest, 0);
}

static int store(int dirfd, const char *name, const struct buf *key,
                 const struct seccomp_filter *filter)
{
	_cleanup_buf_ struct buf b = BUF_INIT(2 * KEY_MAX);
	struct header h = {
		.magic = MAGIC,
		.flags = filter->flags,
		.key_len = (uint32_t)key->len,
		.n = (uint32_t)filter->n,
	};
	int r = buf_add(&b, &h, sizeof(h));

	r = r ? r : buf_add(&b, key->data, key->len);
	if (r == 0 && filter->n > 0)
		r = buf_add(&b, filter->insns, filter->n * sizeof(*filter->insns));
	if (r < 0)
		return r;
	h.sum = sum_of(b.data, b.len);
	memcpy(b.data, &h, sizeof(h));
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		prune(dirfd);
	return file_replace_at(dirfd, name, b.data, b.len, 0600, false);
}

/* Whoever can write the directory can put a filter of theirs in the place of ours. */
static bool is_private(int dirfd)
{
	struct stat st;

	return dirfd >= 0 && fstat(dirfd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 022);
}

int seccomp_compile_cached(int cache_dirfd, const struct spec_seccomp *spec,
                           struct seccomp_filter *ret, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(KEY_MAX);
	char name[20];
	int r;

	if (!is_private(cache_dirfd) || make_key(spec, &key) < 0)
		return seccomp_compile(spec, ret, err);
	snprintf(name, sizeof(name), "%016llx",
	         (unsigned long long)fnv(FNV_START, key.data, key.len));
	if (look_up(cache_dirfd, name, &key, ret))
		return 0;
	r = seccomp_compile(spec, ret, err);
	if (r < 0)
		return r;
	r = store(cache_dirfd, name, &key, ret);
	if (r < 0)
		log_debug("seccomp cache: write %s: %s", name, strerror(-r));
	return 0;
}
