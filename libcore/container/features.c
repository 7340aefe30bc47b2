/* SPDX-License-Identifier: Apache-2.0 */
/* The features document (runtime-spec, "features"), written from the tables that the rest of the
 * code runs on. */
#include "container/internal.h"

#include "base/buf.h"
#include "base/json.h"
#include "berth/version.h"
#include "tables/caps.h"
#include "tables/mount_options.h"
#include "tables/namespaces.h"
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
	names(b, "supportedFlags", seccomp_flag_table);
	buf_puts(b, "\n        },\n");
}

char *ctr_features_json(void)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_printf(&b, "{\n    \"ociVersionMin\": \"%s\",\n    \"ociVersionMax\": \"%s\",\n    ",
	           BERTH_SPEC_VERSION_MIN, BERTH_SPEC_VERSION);
	hook_kinds(&b);
	buf_puts(&b, ",\n    ");
	mount_options(&b);
	buf_puts(&b, ",\n    \"linux\": {\n        ");
	namespaces(&b);
	buf_puts(&b, ",\n        ");
	names(&b, "capabilities", caps_table);
	buf_puts(&b, ",\n        \"cgroup\": {\"v1\": true, \"v2\": true, \"systemd\": true, "
	             "\"systemdUser\": true, \"rdma\": true},\n");
	seccomp(&b);
	buf_puts(
	    &b,
	    "        \"apparmor\": {\"enabled\": true},\n        \"selinux\": "
	    "{\"enabled\": true},\n"
	    "        \"intelRdt\": {\"enabled\": true, \"schemata\": true, \"monitoring\": true},\n"
	    "        \"mountExtensions\": {\"idmap\": {\"enabled\": true}},\n        "
	    "\"netDevices\": {\"enabled\": true}\n    },\n"
	    "    \"annotations\": {\"io.berth.shim\": \"true\", "
	    "\"org.opencontainers.runc.checkpoint.enabled\": \"true\"},\n"
	    "    \"potentiallyUnsafeConfigAnnotations\": [\"org.criu.config\", "
	    "\"org.systemd.property.\"]\n}");
	return buf_steal(&b);
}
