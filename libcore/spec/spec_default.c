/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of `berth spec`: a small container with a terminal, no capability that a shell needs
 * not, and the kernel's own interfaces masked or read-only. It is text, not a tree, since its
 * layout (tabs, order of properties) is what people edit.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "spec/parts.h"

#define TEMPLATE_MAX 65536

/* The document fits by far, so appending fails only without memory: then we abort, as xmalloc does.
 */
#define putf(b, ...)                                \
	do {                                        \
		if (buf_printf(b, __VA_ARGS__) < 0) \
			abort();                    \
	} while (0)
#define put(b, text) putf(b, "%s", text)

/* No ambient and no inheritable capabilities: the shell is root and needs neither. */
static void put_process(struct buf *b)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	put(b, "\t\"process\": {\n"
	       "\t\t\"terminal\": true,\n"
	       "\t\t\"user\": {\n"
	       "\t\t\t\"uid\": 0,\n"
	       "\t\t\t\"gid\": 0\n"
	       "\t\t},\n"
	       "\t\t\"args\": [\n"
	       "\t\t\t\"sh\"\n"
	       "\t\t],\n"
	       "\t\t\"env\": [\n"
	       "\t\t\t\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	       "\t\t\t\"TERM=xterm\"\n"
	       "\t\t],\n"
	       "\t\t\"cwd\": \"/\",\n"
	       "\t\t\"capabilities\": {\n");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		putf(b,
		     "\t\t\t\"%s\": [\n"
		     "\t\t\t\t\"CAP_AUDIT_WRITE\",\n"
		     "\t\t\t\t\"CAP_KILL\",\n"
		     "\t\t\t\t\"CAP_NET_BIND_SERVICE\"\n"
		     "\t\t\t]%s\n",
		     sets[i], i + 1 < ARRAY_SIZE(sets) ? "," : "");
	put(b, "\t\t},\n"
	       "\t\t\"rlimits\": [\n"
	       "\t\t\t{\n"
	       "\t\t\t\t\"type\": \"RLIMIT_NOFILE\",\n"
	       "\t\t\t\t\"hard\": 1024,\n"
	       "\t\t\t\t\"soft\": 1024\n"
	       "\t\t\t}\n"
	       "\t\t],\n"
	       "\t\t\"noNewPrivileges\": true\n"
	       "\t},\n");
}

/* An array of strings, one per line, below a property that is indented by depth tabs. */
static void put_strings(struct buf *b, int depth, const char *name, const char *const *list)
{
	static const char tabs[] = "\t\t\t\t\t\t";

	putf(b, "%.*s\"%s\": [\n", depth, tabs, name);
	for (; *list; list++)
		putf(b, "%.*s\"%s\"%s\n", depth + 1, tabs, *list, list[1] ? "," : "");
	putf(b, "%.*s]", depth, tabs);
}

struct default_mount {
	const char *destination, *type, *source;
	const char *options[8];
};

/* In the order in which they are made: /dev before what is below it. */
static const struct default_mount default_mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* A user without privilege can mount no sysfs of a network namespace that is not its own. */
static const struct default_mount rootless_sys = {
	"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
};
/* ... and has no group 5 to give terminals to. */
static const struct default_mount rootless_pts = { "/dev/pts",
	                                           "devpts",
	                                           "devpts",
	                                           { "nosuid", "noexec", "newinstance",
	                                             "ptmxmode=0666", "mode=0620" } };

static void put_mounts(struct buf *b, bool rootless)
{
	put(b, "\t\"mounts\": [\n");
	for (size_t i = 0; i < ARRAY_SIZE(default_mounts); i++) {
		const struct default_mount *m = &default_mounts[i];

		if (rootless && streq(m->destination, rootless_sys.destination))
			m = &rootless_sys;
		if (rootless && streq(m->destination, rootless_pts.destination))
			m = &rootless_pts;
		putf(b,
		     "\t\t{\n"
		     "\t\t\t\"destination\": \"%s\",\n"
		     "\t\t\t\"type\": \"%s\",\n"
		     "\t\t\t\"source\": \"%s\"",
		     m->destination, m->type, m->source);
		if (m->options[0]) {
			put(b, ",\n");
			put_strings(b, 3, "options", m->options);
		}
		putf(b, "\n\t\t}%s\n", i + 1 < ARRAY_SIZE(default_mounts) ? "," : "");
	}
	put(b, "\t],\n");
}

/* One id is all that a user can map without a helper: root inside is the caller outside. */
static void put_id_map(struct buf *b, const char *name, unsigned int host_id)
{
	putf(b,
	     "\t\t\"%s\": [\n"
	     "\t\t\t{\n"
	     "\t\t\t\t\"containerID\": 0,\n"
	     "\t\t\t\t\"hostID\": %u,\n"
	     "\t\t\t\t\"size\": 1\n"
	     "\t\t\t}\n"
	     "\t\t],\n",
	     name, host_id);
}

/*
 * Without privilege there is no way to give a new network namespace a connection, so the host's is
 * kept; a cgroup namespace hides something only where there is one hierarchy.
 */
static void put_namespaces(struct buf *b, bool rootless, bool cgroup_v2)
{
	const char *list[8] = { "pid" };
	size_t n = 1;

	if (!rootless)
		list[n++] = "network";
	list[n++] = "ipc";
	list[n++] = "uts";
	list[n++] = "mount";
	if (cgroup_v2)
		list[n++] = "cgroup";
	if (rootless)
		list[n++] = "user";
	put(b, "\t\t\"namespaces\": [\n");
	for (size_t i = 0; i < n; i++)
		putf(b, "\t\t\t{\n\t\t\t\t\"type\": \"%s\"\n\t\t\t}%s\n", list[i],
		     i + 1 < n ? "," : "");
	put(b, "\t\t],\n");
}

/* What of /proc and /sys tells about the host, or changes it, is hidden or read-only. */
static void put_linux(struct buf *b, bool rootless, uid_t uid, gid_t gid, bool cgroup_v2)
{
	static const char *const masked[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/proc/sched_debug",
		"/sys/firmware",
		"/proc/scsi",
		NULL,
	};
	static const char *const readonly[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
	};

	put(b, "\t\"linux\": {\n");
	if (rootless) {
		put_id_map(b, "uidMappings", uid);
		put_id_map(b, "gidMappings", gid);
	} else {
		put(b, "\t\t\"resources\": {\n"
		       "\t\t\t\"devices\": [\n"
		       "\t\t\t\t{\n"
		       "\t\t\t\t\t\"allow\": false,\n"
		       "\t\t\t\t\t\"access\": \"rwm\"\n"
		       "\t\t\t\t}\n"
		       "\t\t\t]\n"
		       "\t\t},\n");
	}
	put_namespaces(b, rootless, cgroup_v2);
	put_strings(b, 2, "maskedPaths", masked);
	put(b, ",\n");
	put_strings(b, 2, "readonlyPaths", readonly);
	put(b, "\n\t}\n");
}

char *spec_template(bool rootless, uid_t uid, gid_t gid, bool cgroup_v2)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX);

	put(&b, "{\n\t\"ociVersion\": \"1.3.0\",\n");
	put_process(&b);
	put(&b, "\t\"root\": {\n"
	        "\t\t\"path\": \"rootfs\",\n"
	        "\t\t\"readonly\": true\n"
	        "\t},\n"
	        "\t\"hostname\": \"berth\",\n");
	put_mounts(&b, rootless);
	put_linux(&b, rootless, uid, gid, cgroup_v2);
	put(&b, "}\n");
	return buf_steal(&b);
}
