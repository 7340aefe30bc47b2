/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets of the process, as asked for and nothing more.
 *
 * Order (R = rule of capabilities(7)): the bounding set first, while CAP_SETPCAP is there; then the
 * ids, with PR_SET_KEEPCAPS; then the three sets in one capset(2); then the ambient set, which may
 * hold only what is permitted and inheritable.
 *
 * What the creator itself lacks (a sandbox without CAP_SYS_RESOURCE, say) can't be given and is
 * left out with a debug record: the default sets of all tools name more than such hosts have.
 * "Lacks" means not permitted or not in the bounding set; both are inherited from the creator, so
 * sec_read_back() can expect the same. A set that contradicts itself is an error by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/names.h"
#include "berth/log.h"
#include "security/identity.h"
#include "security/security.h"
#include "tables/caps.h"

#define BIT(n) (1ULL << (n))

static int get_sets(struct caps_sets *ret)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	ret->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	ret->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int set_sets(const struct caps_sets *sets)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = (uint32_t)(sets->permitted >> (32 * i));
		data[i].effective = (uint32_t)(sets->effective >> (32 * i));
		data[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* The bounding set; EINVAL ends the capabilities that the kernel knows. */
static uint64_t bounding_set(void)
{
	uint64_t mask = 0;

	for (int cap = 0; cap < 64; cap++) {
		int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (r < 0)
			break;
		if (r > 0)
			mask |= BIT(cap);
	}
	return mask;
}

uint64_t caps_available(void)
{
	struct caps_sets own = { 0 };

	return get_sets(&own) < 0 ? 0 : own.permitted & bounding_set();
}

bool caps_in_initial_userns(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned int inside, outside, size;
	int end = 0;

	/* Without user namespaces in the kernel there is only the initial one. */
	int r = file_read_at(AT_FDCWD, "/proc/self/uid_map", 4096, &text, NULL);

	if (r < 0)
		return r == -ENOENT;
	return sscanf(text, "%u %u %u %n", &inside, &outside, &size, &end) == 3 && !text[end] &&
	       inside == 0 && outside == 0 && size == UINT32_MAX;
}

const char *caps_first_name(uint64_t mask)
{
	const char *name = mask ? names_name(caps_table, __builtin_ctzll(mask)) : NULL;

	return name ? name : "an unknown capability";
}

static void log_lacking(const char *what, uint64_t mask)
{
	for (int cap = 0; mask && cap < 64; cap++)
		if (mask & BIT(cap))
			log_debug("%s capability %s: not available here, left out", what,
			          caps_first_name(BIT(cap)));
}

int caps_drop_bounding(const struct spec_caps *caps, struct err *err)
{
	uint64_t now = bounding_set();
	uint64_t want = caps->present ? caps->bounding : 0;
	uint64_t drop = now & ~(want & caps_available());

	log_lacking("bounding", want & ~caps_available());
	for (int cap = 0; cap < 64; cap++) {
		if (!(drop & BIT(cap)))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_set(err, -errno, "drop %s from the bounding set%s",
			               caps_first_name(BIT(cap)),
			               errno == EPERM ? " (CAP_SETPCAP is missing)" : "");
	}
	return 0;
}

int caps_reduce(const struct spec_caps *want, const struct caps_sets *own, uint64_t bounding,
                struct caps_sets *ret, uint64_t *ret_lacking, struct err *err)
{
	uint64_t give = own->permitted, beyond;

	*ret = (struct caps_sets){ 0 };
	*ret_lacking = 0;
	if (!want->present)
		return 0;
	beyond = want->effective & ~want->permitted;
	if (beyond)
		return err_text(err, -EINVAL,
		                "process.capabilities.effective: %s is not in permitted",
		                caps_first_name(beyond));
	*ret_lacking = (want->permitted | want->inheritable) & ~give;
	ret->permitted = want->permitted & give;
	ret->effective = want->effective & give;
	ret->inheritable = want->inheritable & give;
	beyond = ret->inheritable & ~(bounding | own->inheritable);
	if (beyond)
		return err_text(err, -EINVAL,
		                "process.capabilities.inheritable: %s is not in bounding",
		                caps_first_name(beyond));
	return 0;
}

static int raise_ambient(uint64_t wanted, uint64_t possible, struct err *err)
{
	/* A kernel that can't clear the set has none (before 4.3): not ours to run on. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(err, -errno, "clear the ambient capabilities");
	log_lacking("ambient", wanted & ~possible);
	for (int cap = 0; cap < 64; cap++) {
		if (!(wanted & possible & BIT(cap)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_set(err, -errno, "can't raise ambient capability %s",
			               caps_first_name(BIT(cap)));
	}
	return 0;
}

int caps_apply(const struct spec_caps *caps, struct err *err)
{
	struct caps_sets own = { 0 }, sets;
	uint64_t lacking;
	int r = get_sets(&own);

	if (r < 0)
		return err_set(err, r, "read our own capabilities");
	r = caps_reduce(caps, &own, bounding_set(), &sets, &lacking, err);
	if (r < 0)
		return r;
	if (knocked_out("caps-exact"))
		sets.inheritable |= sets.permitted;
	log_lacking("process", lacking);
	r = set_sets(&sets);
	if (r < 0)
		return err_set(err, r, "set capabilities");
	r = raise_ambient(
	    caps->present ? caps->ambient | (knocked_out("caps-exact") ? sets.permitted : 0) : 0,
	    own.permitted, err);
	if (r < 0)
		return r;
	/* Set for the change of ids; a later one of the program must drop as usual. */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "clear the keep-capabilities flag");
	return 0;
}
