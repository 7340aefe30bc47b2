/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kept log across a checkpoint. It lies in the state directory by default, which goes with the
 * container; a copy of both its files is put beside the images, and a restore begins with it. A log
 * that was asked for elsewhere stays where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "container/criu.h"

#define CHUNK (1u << 20)

static const struct {
	const char *state, *image;
} file_table[] = {
	{ "log.1", "berth.log.1" },
	{ "log", "berth.log" },
};

/* Neither end through a link; the target anew. */
static int copy_file(int from_dir, const char *from, int to_dir, const char *to)
{
	_cleanup_close_ int in =
	    openat(from_dir, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out = FD_INVALID;
	struct stat st;
	ssize_t n;

	if (in < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	if (unlinkat(to_dir, to, 0) < 0 && errno != ENOENT)
		return -errno;
	out = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	/* Not beyond what was there: the source may grow. */
	for (off_t left = st.st_size; left > 0; left -= n) {
		n = sendfile(out, in, NULL, left < (off_t)CHUNK ? (size_t)left : CHUNK);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
	}
	return 0;
}

int ctr_checkpoint_log(const struct ctr *ctr, const struct ctr_criu_opts *opts, struct err *err)
{
	_cleanup_free_ char *dir = path_join(ctr->root->path, ctr->id);
	_cleanup_close_ int images = open(opts->image_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = images < 0 ? -errno : 0;

	if (!ctr->log_path || !path_is_under(ctr->log_path, dir))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(file_table) && r == 0; i++)
		r = copy_file(ctr->dir_fd, file_table[i].state, images, file_table[i].image);
	return r < 0 ? err_set(err, r, "copy the log of container \"%s\" to \"%s\"", ctr->id,
	                       opts->image_path)
	             : 0;
}

int criu_restore_log(int images_fd, int state_fd, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(file_table) && r == 0; i++)
		r = copy_file(images_fd, file_table[i].image, state_fd, file_table[i].state);
	return r < 0 ? err_set(err, r, "copy the log of the checkpoint") : 0;
}
