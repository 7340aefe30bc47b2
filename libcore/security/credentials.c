/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids, no_new_privs, keyring and home directory of the process.
 *
 * Groups are always set, to an empty list too: what the caller was a member of is no business of a
 * container. Groups before gid before uid, since each needs the privilege that the next gives up.
 * All three are read back: a success of setresuid(2) that did not change anything has been seen,
 * and "-1" means "leave it" to the kernel, so it is refused before.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "berth/log.h"
#include "kernel/syscalls.h"
#include "security/identity.h"
#include "security/security.h"

#define PASSWD_MAX      (1u << 20)
#define KEY_USER_SEARCH 0x00080000u /* the keyring's owner may find it by name */

static bool contains(const gid_t *v, size_t n, gid_t gid)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == gid)
			return true;
	return false;
}

bool cred_same_groups(const gid_t *a, size_t n_a, const gid_t *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		if (!contains(b, n_b, a[i]))
			return false;
	for (size_t i = 0; i < n_b; i++)
		if (!contains(a, n_a, b[i]))
			return false;
	return true;
}

/* Are our supplementary groups those? */
static bool groups_are(const struct spec_user *user)
{
	int n = getgroups(0, NULL), got;
	_cleanup_free_ gid_t *now = xcalloc(n > 0 ? (size_t)n : 1, sizeof(*now));

	got = n > 0 ? getgroups(n, now) : n;
	return got >= 0 &&
	       cred_same_groups(now, (size_t)got, user->additional_gids, user->n_additional_gids);
}

static int apply_groups(const struct cred_plan *plan, struct err *err)
{
	const struct spec_user *user = &plan->process->user;

	if (knocked_out("own-groups"))
		return 0;
	if (plan->setgroups_denied) {
		if (user->n_additional_gids > 0)
			return err_text(err, -EPERM,
			                "process.user.additionalGids: supplementary groups can't "
			                "be set in this user namespace (setgroups is denied)");
		return 0;
	}
	for (size_t i = 0; i < user->n_additional_gids; i++)
		if (user->additional_gids[i] == (gid_t)-1)
			return err_text(err, -EINVAL,
			                "process.user.additionalGids[%zu]: -1 is no group id", i);
	if (setgroups(user->n_additional_gids, user->additional_gids) < 0) {
		int e = errno;

		/* Without CAP_SETGID, but there is nothing to change. */
		if (e == EPERM && groups_are(user))
			return 0;
		return err_set(err, -e, "set %zu supplementary groups", user->n_additional_gids);
	}
	return groups_are(user)
	           ? 0
	           : err_text(err, -EPERM, "set supplementary groups: others were read back");
}

static int apply_gid(gid_t gid, struct err *err)
{
	gid_t r, e, s;

	if (setresgid(gid, gid, gid) < 0)
		return err_set(err, -errno, "setgid %u%s", gid,
		               errno == EINVAL ? " (not mapped in the user namespace)" : "");
	if (getresgid(&r, &e, &s) < 0 || r != gid || e != gid || s != gid)
		return err_text(err, -EPERM, "setgid %u: another gid was read back", gid);
	return 0;
}

static int apply_uid(uid_t uid, struct err *err)
{
	uid_t r, e, s;

	if (setresuid(uid, uid, uid) < 0)
		return err_set(err, -errno, "setuid %u%s", uid,
		               errno == EINVAL ? " (not mapped in the user namespace)" : "");
	if (getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid)
		return err_text(err, -EPERM, "setuid %u: another uid was read back", uid);
	return 0;
}

int cred_apply_ids(const struct cred_plan *plan, struct err *err)
{
	const struct spec_user *user = &plan->process->user;
	int r;

	if (user->uid == (uid_t)-1 || user->gid == (gid_t)-1)
		return err_text(err, -EINVAL, "process.user: -1 is no user or group id");
	/* capset(2) comes after: a uid other than 0 would lose what it may be given. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "keep capabilities over the change of ids");
	r = apply_groups(plan, err);
	if (r == 0)
		r = apply_gid(user->gid, err);
	if (r == 0)
		r = apply_uid(user->uid, err);
	/* A change of credentials applies fs.suid_dumpable; only execve may make us dumpable. */
	if (r < 0)
		return r;
	r = proc_set_dumpable(false);
	return r < 0 ? err_set(err, r, "stay undumpable") : 0;
}

int cred_no_new_privs(struct err *err)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_set(err, -errno, "set no_new_privs")
	                                                  : 0;
}

int cred_new_keyring(const char *name, struct err *err)
{
	int key = k_keyctl_join_session(name);
	int r;

	switch (key) {
	case -ENOSYS:
	case -EPERM:
	case -EDQUOT:
		/* Of no use to containers on most hosts, and the quota is the user's, not ours. */
		log_debug("session keyring \"%s\": error %d, keeping the present one", name, -key);
		return 0;
	default:
		break;
	}
	if (key < 0)
		return err_set(err, key, "join session keyring \"%s\"", name);
	/* Later processes of the container (exec) find it as another user of the same id. */
	r = k_keyctl_or_perm(key, KEY_USER_SEARCH);
	if (r < 0)
		log_debug("session keyring \"%s\": error %d on its permissions", name, -r);
	return 0;
}

/* The n-th field (from 0) of a line, NUL-terminated in place; NULL: it has fewer. Destroys what is
 * before it. */
static char *field(char *line, int n)
{
	char *end;

	for (; n > 0; n--) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	end = strchr(line, ':');
	if (end)
		*end = '\0';
	return line;
}

char *cred_home_in(const char *passwd, uid_t uid)
{
	_cleanup_free_ char *text = xstrdup(passwd);
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t value;
		/* The later field first: cutting it out leaves those before it whole. */
		char *home = field(line, 5);
		char *id = home ? field(line, 2) : NULL;

		if (!id || num_parse_u32(id, &value) < 0 || value != uid)
			continue;
		/* It becomes a line of the environment, made by an image. */
		if (home[0] != '/')
			return NULL;
		for (const char *c = home; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return NULL;
		return xstrdup(home);
	}
	return NULL;
}

char *cred_home(int passwd_fd, uid_t uid)
{
	_cleanup_free_ char *text = NULL;
	char *home = NULL;
	struct stat st;
	size_t len;

	if (passwd_fd >= 0 && fstat(passwd_fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    file_read_fd(passwd_fd, PASSWD_MAX, &text, &len) == 0 && strlen(text) == len)
		home = cred_home_in(text, uid);
	return home ? home : xstrdup("/");
}
