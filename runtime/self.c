/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own binary. A re-execution from a detached mount or a memfd loses the path, so the first
 * incarnation leaves it to the second in the environment; the variable is taken out there, and no
 * child ever sees it.
 */
#include "runtime/self.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runtime/input.h"
#include "security/security.h"

#define DIRECTORY_VARIABLE "_BERTH_DIRECTORY"

const char *self_directory(void)
{
	static char *directory; /* found once */
	char path[4096];
	ssize_t n;

	if (directory)
		return directory;
	if (getenv(DIRECTORY_VARIABLE)) {
		directory = xstrdup(getenv(DIRECTORY_VARIABLE));
		unsetenv(DIRECTORY_VARIABLE);
		return directory;
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	directory = path_dir(n > 0 ? path : "/usr/local/bin/berth");
	return directory;
}

enum selfexe_need self_need(const struct spec *spec, const struct spec_process *process)
{
	struct statvfs fs;
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0 || statvfs("/proc/self/exe", &fs) < 0)
		return SELFEXE_NONE; /* no /proc: creation will say so by name */
	return selfexe_decide(spec, process, st.st_uid, fs.f_flag & ST_RDONLY);
}

int self_protect(const struct ctx *ctx, const struct spec *spec, const struct spec_process *process,
                 int preserve_fds, struct err *err)
{
	const char *directory = self_directory();
	enum selfexe_need need = self_need(spec, process);
	int r;

	if (need == SELFEXE_NONE)
		return 0;
	for (int fd = 3; fd < 3 + preserve_fds; fd++)
		(void)fd_cloexec(fd, false);
	setenv(DIRECTORY_VARIABLE, directory, 1);
	input_survive(true);
	r = selfexe_protect(need, ctx->argv, err);
	unsetenv(DIRECTORY_VARIABLE);
	input_survive(false);
	return r;
}
