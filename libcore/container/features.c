/* SPDX-License-Identifier: Apache-2.0 */
/* The features document (runtime-spec, "features"), written from the tables that the rest of the
 * code runs on. */
#include "container/internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "berth/version.h"
#include "tables/caps.h"
#include "tables/mount_options.h"
#include "tables/namespaces.h"
#include "tables/schedule.h"
#include "tables/seccomp_names.h"

static void strings_begin(struct buf *b, const char *key)
{
	buf_printf(b, "\"%s\": [", key);
}

static void string_item(struct buf *b, bool *first, const char *s)
{
	buf_puts(b, *first ? "" : ", ");
	*first = false;
	json_str(b, s);
}

static void names(struct buf *b, const char *key, const struct name_value *table)
{
	bool first = true;

	strings_begin(b, key);
	for (const struct name_value *row = table; row->name; row++)
		string_item(b, &first, row->name);
	buf_puts(b, "]");
}

static void mount_options(struct buf *b)
{
	bool first = true;

	strings_begin(b, "mountOptions");
	for (const struct mount_option *o = mount_option_table; o->name; o++)
		string_item(b, &first, o->name);
	buf_puts(b, "]");
}

static void namespaces(struct buf *b)
{
	bool first = true;

	strings_begin(b, "namespaces");
	for (int i = 0; i < NS_TYPES; i++)
		string_item(b, &first, ns_table[i].name);
	buf_puts(b, "]");
}

static void hook_kinds(struct buf *b)
{
	bool first = true;

	strings_begin(b, "hooks");
	for (int i = 0; i < HOOK_KINDS; i++)
		string_item(b, &first, spec_hook_name((enum spec_hook_kind)i));
	buf_puts(b, "]");
}

/* Flags the kernel takes: with the filter missing it says EFAULT, of a flag it does not know
 * EINVAL.
 */
static bool kernel_takes(uint32_t flag)
{
	/* Means nothing without a listener, and is refused so. */
	uint32_t with =
	    flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag | with, NULL) < 0 &&
	       errno == EFAULT;
}

static void supported_flags(struct buf *b)
{
	bool first = true;

	strings_begin(b, "supportedFlags");
	for (const struct name_value *row = seccomp_flag_table; row->name; row++)
		if (kernel_takes((uint32_t)row->value))
			string_item(b, &first, row->name);
	buf_puts(b, "]");
}

static void seccomp(struct buf *b)
{
	buf_puts(b, "        \"seccomp\": {\n            \"enabled\": true,\n            ");
	names(b, "actions", seccomp_action_table);
	buf_puts(b, ",\n            ");
	names(b, "operators", seccomp_operator_table);
	buf_puts(b, ",\n            ");
	names(b, "archs", seccomp_arch_table);
	buf_puts(b, ",\n            ");
	names(b, "knownFlags", seccomp_flag_table);
	buf_puts(b, ",\n            ");
	supported_flags(b);
	buf_puts(b, "\n        },\n");
}

static void flag(struct buf *b, const char *before, const char *key, const char *path,
                 const char *after)
{
	buf_printf(b, "%s\"%s\": %s%s", before, key, spec_supports(path) ? "true" : "false", after);
}

/* What is built in, not what this host has: `check` says that. */
static void parts(struct buf *b)
{
	flag(b,
	     "        \"cgroup\": {\"v1\": true, \"v2\": true, \"systemd\": true, "
	     "\"systemdUser\": true, ",
	     "rdma", "linux.resources.rdma", "},\n");
	seccomp(b);
	flag(b, "        \"apparmor\": {", "enabled", "process.apparmorProfile", "},\n");
	flag(b, "        \"selinux\": {", "enabled", "process.selinuxLabel", "},\n");
	flag(b, "        \"intelRdt\": {", "enabled", "linux.intelRdt", ", ");
	flag(b, "", "schemata", "linux.intelRdt.schemata", ", ");
	flag(b, "", "monitoring", "linux.intelRdt.enableMonitoring", "},\n");
	buf_puts(b, "        \"memoryPolicy\": {\n            ");
	names(b, "modes", mempolicy_mode_table);
	buf_puts(b, ",\n            ");
	names(b, "flags", mempolicy_flag_table);
	buf_puts(b, "\n        },\n");
	flag(b, "        \"mountExtensions\": {\"idmap\": {", "enabled", "mounts.uidMappings",
	     "}},\n");
	flag(b, "        \"netDevices\": {", "enabled", "linux.netDevices", "}\n");
}

/* Read by managers: whether they may offer checkpoints, and who we are. */
static void annotations(struct buf *b, const char *version, const char *commit)
{
	const struct scmp_version *v = seccomp_version();

	buf_puts(b, "    \"annotations\": {\n        \"io.berth.shim\": \"true\",\n");
	buf_puts(b, "        \"io.berth.version\": ");
	json_str(b, version);
	buf_puts(b, ",\n        \"io.berth.commit\": ");
	json_str(b, commit);
	if (v)
		buf_printf(b, ",\n        \"io.github.seccomp.libseccomp.version\": \"%u.%u.%u\"",
		           v->major, v->minor, v->micro);
	buf_puts(b,
	         ",\n        \"org.opencontainers.runc.checkpoint.enabled\": \"true\"\n    },\n");
}

/* Annotations of a config.json that change what is done on the host. A dot at the end: a prefix. */
static const char *const unsafe_annotations[] = { "org.criu.config", "org.systemd.property." };

char *ctr_features_json(const char *version, const char *commit)
{
	struct buf b = BUF_INIT(1 << 20);
	bool first = true;

	buf_printf(&b, "{\n    \"ociVersionMin\": \"%s\",\n    \"ociVersionMax\": \"%s\",\n    ",
	           BERTH_SPEC_VERSION_MIN, BERTH_SPEC_VERSION);
	hook_kinds(&b);
	buf_puts(&b, ",\n    ");
	mount_options(&b);
	buf_puts(&b, ",\n    \"linux\": {\n        ");
	namespaces(&b);
	buf_puts(&b, ",\n        ");
	names(&b, "capabilities", caps_table);
	buf_puts(&b, ",\n");
	parts(&b);
	buf_puts(&b, "    },\n");
	annotations(&b, version, commit);
	buf_puts(&b, "    ");
	strings_begin(&b, "potentiallyUnsafeConfigAnnotations");
	for (size_t i = 0; i < ARRAY_SIZE(unsafe_annotations); i++)
		string_item(&b, &first, unsafe_annotations[i]);
	buf_puts(&b, "]\n}");
	return buf_steal(&b);
}
