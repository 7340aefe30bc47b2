/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuse_stall BACKING MOUNTPOINT: a file system that can stop answering. Files (no directories)
 * are those of BACKING. SIGUSR1: take and answer nothing from now on; SIGHUP: take the next
 * request, which then can't be taken back any more, and answer nothing; SIGUSR2: go on. Its end
 * aborts what waits for it. Speaks to /dev/fuse itself. Prints "ready" when it is mounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#define NODES    64
#define NAME_LEN 128

static char names[NODES][NAME_LEN]; /* node i + 2 */
static int dev, backing;
static volatile sig_atomic_t stalled;

static void on_signal(int sig)
{
	stalled = sig == SIGUSR1 ? 1 : sig == SIGHUP ? 2 : 0;
}

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	struct fuse_out_header out = { .len = (unsigned int)(sizeof(out) + len),
		                       .error = error,
		                       .unique = in->unique };
	struct iovec iov[2] = { { &out, sizeof(out) }, { (void *)data, len } };

	(void)!writev(dev, iov, len ? 2 : 1);
}

static const char *name_of(__u64 node)
{
	return node >= 2 && node < NODES + 2 ? names[node - 2] : "";
}

static __u64 node_of(const char *name)
{
	int spare = -1;

	for (int i = 0; i < NODES; i++) {
		if (strcmp(names[i], name) == 0)
			return (__u64)i + 2;
		if (!names[i][0] && spare < 0)
			spare = i;
	}
	snprintf(names[spare], NAME_LEN, "%s", name);
	return (__u64)spare + 2;
}

static int get_attr(__u64 node, struct fuse_attr *ret)
{
	const char *name = name_of(node);
	struct stat st;
	int r = node == FUSE_ROOT_ID ? fstat(backing, &st)
	        : *name              ? fstatat(backing, name, &st, AT_SYMLINK_NOFOLLOW)
	                             : (errno = ENOENT, -1);

	if (r < 0)
		return -errno;
	*ret = (struct fuse_attr){ .ino = node,
		                   .size = (__u64)st.st_size,
		                   .blocks = (__u64)st.st_blocks,
		                   .mtime = (__u64)st.st_mtim.tv_sec,
		                   .mtimensec = (__u32)st.st_mtim.tv_nsec,
		                   .mode = st.st_mode,
		                   .nlink = (__u32)st.st_nlink,
		                   .uid = st.st_uid,
		                   .gid = st.st_gid,
		                   .blksize = 4096 };
	return 0;
}

static void do_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .nodeid = node_of(name) };
	int r = get_attr(out.nodeid, &out.attr);

	if (r < 0)
		names[out.nodeid - 2][0] = '\0';
	reply(in, r, &out, r < 0 ? 0 : sizeof(out));
}

static void do_getattr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { 0 };
	int r = get_attr(in->nodeid, &out.attr);

	reply(in, r, &out, r < 0 ? 0 : sizeof(out));
}

static void do_setattr(const struct fuse_in_header *in, const struct fuse_setattr_in *arg)
{
	int fd;

	if (arg->valid & FATTR_SIZE) {
		fd = openat(backing, name_of(in->nodeid), O_WRONLY | O_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)arg->size) < 0) {
			reply(in, -errno, NULL, 0);
			return;
		}
		close(fd);
	}
	do_getattr(in);
}

static void do_create(const struct fuse_in_header *in, const struct fuse_create_in *arg)
{
	const char *name = (const char *)(arg + 1);
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { .open = { .open_flags = FOPEN_DIRECT_IO } };
	int fd = openat(backing, name, O_CREAT | O_WRONLY | O_CLOEXEC, arg->mode & 0777), r;

	if (fd < 0) {
		reply(in, -errno, NULL, 0);
		return;
	}
	close(fd);
	out.entry.nodeid = node_of(name);
	r = get_attr(out.entry.nodeid, &out.entry.attr);
	reply(in, r, &out, r < 0 ? 0 : sizeof(out));
}

static void do_write(const struct fuse_in_header *in, const struct fuse_write_in *arg)
{
	struct fuse_write_out out = { .size = arg->size };
	int fd = openat(backing, name_of(in->nodeid), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, arg + 1, arg->size, (off_t)arg->offset) != (ssize_t)arg->size)
		reply(in, -EIO, NULL, 0);
	else
		reply(in, 0, &out, sizeof(out));
	if (fd >= 0)
		close(fd);
}

static void do_read(const struct fuse_in_header *in, const struct fuse_read_in *arg)
{
	static char data[1 << 20];
	int fd = openat(backing, name_of(in->nodeid), O_RDONLY | O_CLOEXEC);
	size_t size = arg->size < sizeof(data) ? arg->size : sizeof(data);
	ssize_t n = fd < 0 ? -1 : pread(fd, data, size, (off_t)arg->offset);

	reply(in, n < 0 ? -EIO : 0, data, n < 0 ? 0 : (size_t)n);
	if (fd >= 0)
		close(fd);
}

static void do_rename(const struct fuse_in_header *in, const char *from)
{
	const char *to = from + strlen(from) + 1;
	__u64 old = node_of(from), new = node_of(to);

	if (renameat(backing, from, backing, to) < 0) {
		reply(in, -errno, NULL, 0);
		return;
	}
	names[new - 2][0] = '\0';
	snprintf(names[old - 2], NAME_LEN, "%s", to);
	reply(in, 0, NULL, 0);
}

static void do_unlink(const struct fuse_in_header *in, const char *name)
{
	int r = unlinkat(backing, name, 0) < 0 ? -errno : 0;

	names[node_of(name) - 2][0] = '\0';
	reply(in, r, NULL, 0);
}

static void do_init(const struct fuse_in_header *in, const struct fuse_init_in *arg)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
		                     .minor = 31,
		                     .max_readahead = arg->max_readahead,
		                     .max_background = 16,
		                     .congestion_threshold = 12,
		                     .max_write = 65536,
		                     .time_gran = 1 };

	reply(in, 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *in)
{
	const void *arg = in + 1;
	struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };
	struct fuse_statfs_out statfs_out = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (in->opcode) {
	case FUSE_INIT:
		do_init(in, arg);
		break;
	case FUSE_LOOKUP:
		do_lookup(in, arg);
		break;
	case FUSE_GETATTR:
		do_getattr(in);
		break;
	case FUSE_SETATTR:
		do_setattr(in, arg);
		break;
	case FUSE_CREATE:
		do_create(in, arg);
		break;
	case FUSE_WRITE:
		do_write(in, arg);
		break;
	case FUSE_READ:
		do_read(in, arg);
		break;
	case FUSE_RENAME:
		do_rename(in, (const char *)arg + sizeof(struct fuse_rename_in));
		break;
	case FUSE_UNLINK:
		do_unlink(in, arg);
		break;
	case FUSE_OPEN:
		reply(in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_OPENDIR:
		open_out.open_flags = 0;
		reply(in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_STATFS:
		reply(in, 0, &statfs_out, sizeof(statfs_out));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* these have no answer */
	default:
		reply(in, -ENOSYS, NULL, 0);
	}
}

static int mount_it(const char *where)
{
	char options[128];

	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
	         dev);
	return mount("fuse_stall", where, "fuse", MS_NOSUID | MS_NODEV, options);
}

int main(int argc, char **argv)
{
	static _Alignas(8) char buffer[1 << 20];
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t none;

	if (argc != 3)
		return 2;
	sigemptyset(&none);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	backing = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (backing < 0 || mount_it(argv[2]) < 0) {
		perror("fuse_stall");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		ssize_t n;

		while (stalled == 1)
			usleep(10000);
		n = read(dev, buffer, sizeof(buffer));
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			return 0; /* unmounted */
		while (stalled)
			usleep(10000);
		serve((const struct fuse_in_header *)(const void *)buffer);
	}
}
