/* SPDX-License-Identifier: Apache-2.0 */
/* Lock-down: what the shim gives up before it serves. */
#include <errno.h>
#include <sys/prctl.h>

#include "shim/shim.h"

int lockdown(const struct session *s, struct err *err)
{
	(void)s;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "become undumpable");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs");
	return 0;
}
