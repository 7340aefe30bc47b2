/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start: one byte through exec.fifo, the answer through exec.report.
 *
 * Init answers a newline just before execve(2); the descriptors of both FIFOs are close-on-exec, so
 * newline and end-of-file mean that the program runs. Any text is an error, end-of-file alone means
 * that init died. execve releases descriptors in no fixed order: we return only once exec.fifo has
 * no reader either, so that a status asked for after us is right.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"

static int refuse(enum ctr_status status, struct err *err)
{
	switch (status) {
	case CTR_STOPPED:
		return err_text(err, -EINVAL, "cannot start a container that has stopped");
	case CTR_PAUSED:
		return err_text(err, -EINVAL, "cannot start a container in the paused state");
	case CTR_CREATING:
		return err_text(err, -EBUSY, "cannot start a container that is being created");
	default:
		return err_text(err, -EINVAL, "cannot start an already running container");
	}
}

/* Read until end-of-file; init's text is untrusted, bounded and escaped on output. */
static int read_report(int report, int fifo, char *text, size_t size, struct err *err)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = report, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_set(err, -errno, "wait for the report of init");
		}
		n = read(report, text + len, size - 1 - len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(err, -errno, "read the report of init");
		if (n == 0 || len + (size_t)n == size - 1) {
			len += (size_t)n;
			break;
		}
		len += (size_t)n;
	}
	text[len] = '\0';
	for (;;) {
		struct pollfd p = { .fd = fifo };

		if (poll(&p, 1, -1) > 0 && (p.revents & POLLERR))
			return 0;
		if (errno != EINTR)
			return err_set(err, -errno, "wait for init to let go of exec.fifo");
	}
}

static int send_go(int dir_fd, char *text, size_t size, struct err *err)
{
	_cleanup_close_ int report =
	    openat(dir_fd, "exec.report", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_close_ int fifo =
	    openat(dir_fd, "exec.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (report < 0 || fifo < 0)
		return err_set(err, -errno, "open the FIFOs of init");
	if (write(fifo, "s", 1) != 1)
		return err_set(err, errno ? -errno : -EIO, "tell init to start");
	return read_report(report, fifo, text, size, err);
}

/* spec: a hook that fails on the way into the running state ends the container, and what it left is
 * undone. */
static int hook_failed(struct ctr *ctr, int code)
{
	(void)ctr_kill_and_wait(ctr);
	(void)ctr_destroy(ctr, true, NULL);
	return code;
}

static int poststart(struct ctr *ctr, struct err *err)
{
	_cleanup_spec_ struct spec *spec = NULL;
	int r;

	if (!(ctr->hooks & (1u << HOOK_POSTSTART)))
		return 0;
	r = ctr_load_spec(ctr, &spec, err);
	if (r == 0)
		r = ctr_run_hooks(ctr, spec, HOOK_POSTSTART, CTR_RUNNING, ctr->init.pid, err);
	return r < 0 ? hook_failed(ctr, r) : 0;
}

int ctr_start(struct ctr *ctr, struct err *err)
{
	enum ctr_status status = ctr_status(ctr);
	char text[ERR_MSG_MAX];
	int r;

	if (status != CTR_CREATED)
		return refuse(status, err);
	r = send_go(ctr->dir_fd, text, sizeof(text), err);
	if (r < 0)
		return r;
	if (text[0] == '\0')
		return err_text(err, -ESRCH,
		                "init ended before it could execute the program: was it killed, or "
		                "does the seccomp profile forbid execve?");
	if (text[0] != '\n') /* before the program: a startContainer hook */
		return hook_failed(ctr, err_text(err, -ECANCELED, "%s", text));
	if (text[1] != '\0')
		return err_text(err, -ENOEXEC, "%s", text + 1);
	return poststart(ctr, err);
}
