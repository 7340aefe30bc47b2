/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json as a whole: reading it once, top level, root, mounts, annotations.
 *
 * The bytes that were parsed are kept in struct spec, so that the copy in the state directory is
 * provably what was run, whatever happens to the file meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "spec/knockout.h"
#include "spec/parts.h"
#include "tables/mount_options.h"

#define WARNINGS_MAX 65536

int spec_path_limits(struct load *l, const char *path)
{
	size_t total = strlen(path);

	if (total >= PATH_MAX)
		return load_fail(l, -EINVAL, "path is too long");
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len > NAME_MAX)
			return load_fail(l, -EINVAL, "a path component is longer than %d bytes",
			                 NAME_MAX);
		p += len;
	}
	return 0;
}

/*
 * Version (config.md, "Specification version"): SemVer 2.0.0, major version 1.
 */

/* One numeric identifier without a leading zero; NULL: there is none. */
static const char *skip_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n == 0 || (n > 1 && *s == '0') ? NULL : s + n;
}

/* Dot-separated identifiers of [0-9A-Za-z-] up to one of stop; NULL: malformed. */
static const char *skip_identifiers(const char *s, const char *stop)
{
	for (;; s++) {
		size_t n = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
		                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

		if (n == 0)
			return NULL;
		s += n;
		if (*s != '.')
			return !*s || strchr(stop, *s) ? s : NULL;
	}
}

static bool is_semver(const char *s)
{
	for (int i = 0; i < 3; i++) {
		s = skip_number(s);
		if (!s || (i < 2 && *s++ != '.'))
			return false;
	}
	if (*s == '-')
		s = skip_identifiers(s + 1, "+");
	if (s && *s == '+')
		s = skip_identifiers(s + 1, "");
	return s && !*s;
}

/* Any 1.x is taken: minor versions only add properties, and unknown ones are ignored by rule. */
static int parse_version(struct load *l, const cJSON *j, void *member)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (!is_semver(s))
		return load_fail(l, -EINVAL, "\"%.60s\" is not a semantic version", s);
	if (strncmp(s, "1.", 2) != 0)
		return load_fail(l, -EINVAL, "version \"%.60s\" is not supported: 1.x is", s);
	l->early = strncmp(s, "1.0.0-rc", strlen("1.0.0-rc")) == 0;
	*(char **)member = xstrdup(s);
	return 0;
}

static void release_version(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

/*
 * Mounts (config.md, "Mounts").
 */

/* The option decides, whatever the type says: "none", "bind" or nothing are all in use. */
static bool is_bind(const struct spec_mount *m)
{
	for (char **o = m->options; o && *o; o++) {
		const struct mount_option *known = mount_option_find(*o);

		if (known && known->kind == MOPT_BIND)
			return true;
	}
	return false;
}

/*
 * Relative destinations are below "/" (the spec allowed them once and wants a warning). ".." is
 * taken lexically and stops at the root; symbolic links inside the root are resolved later, by the
 * kernel.
 */
static int finish_destination(struct load *l, struct spec_mount *m)
{
	size_t mark = load_push(l, "destination");
	char *absolute, *clean;
	int r;

	if (m->destination[0] != '/')
		load_warn(l, "mount destination \"%.200s\" is not absolute", m->destination);
	absolute = path_join("/", m->destination);
	clean = path_clean(absolute);
	free(absolute);
	free(m->destination);
	m->destination = clean;
	if (streq(clean, "/"))
		return load_fail(l, -EINVAL, "must not be the root");
	r = spec_path_limits(l, clean);
	load_pop(l, mark);
	return r;
}

static int finish_mount(struct load *l, void *object)
{
	struct spec_mount *m = object;
	int r = finish_destination(l, m);

	if (r < 0)
		return r;
	if (!is_bind(m)) {
		if (!m->type)
			return load_fail_at(l, "type", "must not be empty");
		/* The option makes a bind, not the type: the kernel knows no such file system. */
		if (streq(m->type, "bind"))
			return load_fail_at(l, "type",
			                    "\"bind\" needs the option \"bind\" or \"rbind\"");
		return 0;
	}
	if (!m->source)
		return load_fail_at(l, "source", "must not be empty for a bind mount");
	if (m->source[0] != '/') {
		char *absolute = path_join(l->bundle, m->source);

		free(m->source);
		m->source = absolute;
	}
	return 0;
}

#define MOUNT(member) .offset = offsetof(struct spec_mount, member)
#define MOUNT_MAPS(json, member, count)                                        \
	{                                                                      \
		.name = json, .kind = F_ARRAY, MOUNT(member),                  \
		.n_offset = offsetof(struct spec_mount, count),                \
		.elem_size = sizeof(struct spec_id_map), .max = SPEC_MAPS_MAX, \
		.sub = spec_map_fields, .finish = spec_map_finish              \
	}

static const struct field mount_fields[] = {
	{ .name = "destination", .kind = F_STRING, .required = true, MOUNT(destination) },
	{ .name = "type", .kind = F_STRING, MOUNT(type) },
	{ .name = "source", .kind = F_STRING, MOUNT(source) },
	{ .name = "options", .kind = F_STRV, MOUNT(options) },
	MOUNT_MAPS("uidMappings", uid_maps, n_uid_maps),
	MOUNT_MAPS("gidMappings", gid_maps, n_gid_maps),
	{ .name = NULL },
};

/*
 * Top level.
 */

/* Existence and kind are checked when the directory is opened, by descriptor. */
static int finish_root(struct load *l, void *object)
{
	struct spec_root *root = object;

	if (root->path[0] != '/') {
		_cleanup_free_ char *joined = path_join(l->bundle, root->path);

		free(root->path);
		root->path = path_clean(joined);
	}
	return 0;
}

static const struct field root_fields[] = {
	{ .name = "path",
	  .kind = F_STRING,
	  .required = true,
	  .offset = offsetof(struct spec_root, path) },
	{ .name = "readonly", .kind = F_BOOL, .offset = offsetof(struct spec_root, readonly) },
	{ .name = NULL },
};

/* The early format's "platform" says what the document is for. */
static int parse_platform(struct load *l, const cJSON *j, void *member)
{
	const cJSON *os = field_member(j, "os");

	(void)member;
	if (os && json_is_string(os) && !streq(os->valuestring, "linux"))
		return load_fail_at(l, "os", "\"%.60s\" is not supported", os->valuestring);
	return 0;
}

#define AT(member) .offset = offsetof(struct spec, member)

const struct field spec_top_fields[] = {
	/* First: the rows below may depend on the version. */
	{ .name = "ociVersion",
	  .kind = F_CUSTOM,
	  .required = true,
	  AT(oci_version),
	  .parse = parse_version,
	  .release = release_version },
	{ .name = "platform", .kind = F_CUSTOM, .early = true, .parse = parse_platform },
	{ .name = "process",
	  .kind = F_OBJECT,
	  AT(process),
	  .sub = spec_process_fields,
	  .finish = spec_process_finish },
	{ .name = "root", .kind = F_OBJECT, AT(root), .sub = root_fields, .finish = finish_root },
	{ .name = "hostname", .kind = F_STRING, AT(hostname) },
	{ .name = "domainname", .kind = F_STRING, AT(domainname) },
	{ .name = "mounts",
	  .kind = F_ARRAY,
	  AT(mounts),
	  .n_offset = offsetof(struct spec, n_mounts),
	  .elem_size = sizeof(struct spec_mount),
	  .sub = mount_fields,
	  .finish = finish_mount },
	{ .name = "hooks", .kind = F_OBJECT, AT(hooks), .sub = spec_hooks_fields },
	{ .name = "annotations",
	  .kind = F_MAP,
	  AT(annotations),
	  .n_offset = offsetof(struct spec, n_annotations) },
	{ .name = "linux", .kind = F_OBJECT, AT(linux_), .sub = spec_linux_fields },
	{ .name = NULL },
};

/* The early format keeps oomScoreAdj in linux.resources. */
static int early_oom_score(struct load *l, const cJSON *json, struct spec *spec)
{
	static const struct field row[] = {
		{ .name = "oomScoreAdj", .kind = F_OPT_I64, .min = -1000, .max = 1000 },
		{ .name = NULL },
	};
	const cJSON *resources = field_member(json, "linux");

	resources = resources ? field_member(resources, "resources") : NULL;
	if (!l->early || !resources || !field_member(resources, "oomScoreAdj") ||
	    spec->process.oom_score_adj.set)
		return 0;
	l->early_seen = true;
	load_push(l, "linux.resources");
	return fields_load(l, row, resources, &spec->process.oom_score_adj);
}

/*
 * process and root are not marked "required" in the table: callers of runtimes match the words that
 * are used here.
 */
static int load_top(struct load *l, const cJSON *json, struct spec *spec)
{
	const cJSON *process, *root;
	int r;

	if (!cJSON_IsObject(json))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, spec_top_fields, json, spec);
	if (r < 0)
		return r;
	process = field_member(json, "process");
	if (!process || cJSON_IsNull(process))
		return load_fail(l, -EINVAL, "process property must not be empty");
	root = field_member(json, "root");
	if (!root || cJSON_IsNull(root))
		return load_fail(l, -EINVAL, "root property must not be empty");
	r = early_oom_score(l, json, spec);
	if (r < 0)
		return r;
	l->path_len = 0;
	if (l->early_seen) {
		l->path[0] = '\0';
		spec->early_format = true;
		load_warn(l,
		          "ociVersion %.40s: the document has the early format; support for it "
		          "will end",
		          spec->oci_version);
	}
	return spec_check(spec, l->err);
}

int spec_load_text(const char *text, size_t len, const char *bundle, struct spec **ret,
                   struct err *err)
{
	struct load l = { .bundle = bundle, .err = err, .warnings = BUF_INIT(WARNINGS_MAX) };
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_spec_ struct spec *spec = NULL;
	int r;

	if (len > SPEC_FILE_MAX)
		return err_set(err, -EFBIG, "document of more than %u bytes", SPEC_FILE_MAX);
	r = json_parse(text, len, &json, err);
	if (r < 0)
		return r;
	fields_fold(&l, spec_top_fields, json);
	spec_knock_out(json, "");
	spec = xcalloc(1, sizeof(*spec));
	r = load_top(&l, json, spec);
	if (r == 0) {
		spec->bundle = xstrdup(bundle);
		spec->text = xstrndup(text, len);
		spec->text_len = len;
		if (l.warnings.len)
			spec->warnings = buf_steal(&l.warnings);
		*ret = take_ptr(spec);
	}
	buf_done(&l.warnings);
	return r;
}

/*
 * Opened without blocking and checked to be a file, since the path is the caller's: it may be a
 * FIFO or a device. Symbolic links are followed, as some build systems make bundles of links.
 */
static int read_config(const char *bundle, const char *file, char **ret, size_t *ret_len,
                       struct err *err)
{
	_cleanup_close_ int dirfd = FD_INVALID, fd = FD_INVALID;
	struct stat st;
	int r;

	dirfd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_set(err, -errno, "open bundle %s", bundle);
	fd = openat(dirfd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "JSON specification file %s not found", file);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "open %s", file);
	if (!S_ISREG(st.st_mode))
		return err_text(err, -EINVAL, "%s is not a regular file", file);
	r = file_read_fd(fd, SPEC_FILE_MAX, ret, ret_len);
	return r < 0 ? err_set(err, r, "read %s", file) : 0;
}

int spec_load_bundle(const char *bundle, const char *file, struct spec **ret, struct err *err)
{
	_cleanup_free_ char *absolute = realpath(bundle, NULL);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!absolute)
		return err_set(err, -errno, "bundle %s", bundle);
	if (!file)
		file = "config.json";
	r = read_config(absolute, file, &text, &len, err);
	if (r < 0)
		return r;
	r = spec_load_text(text, len, absolute, ret, err);
	if (r < 0)
		err_prefix(err, "%s", file);
	return r;
}

bool spec_supports(const char *path)
{
	const struct field *table = spec_top_fields;

	while (table) {
		size_t len = strcspn(path, ".");
		const struct field *f = table;

		while (f->name && (strlen(f->name) != len || strncmp(f->name, path, len) != 0))
			f++;
		if (!f->name || f->kind == F_REFUSED)
			return false;
		if (!path[len])
			return true;
		path += len + 1;
		table = f->sub;
	}
	return false;
}

/* The table frees what the table loaded; the rest was added by spec_load_text(). */
void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	fields_free(spec_top_fields, spec);
	free(spec->bundle);
	free(spec->warnings);
	free(spec->text);
	free(spec);
}

void spec_free_ptr(struct spec **spec)
{
	spec_free(*spec);
	*spec = NULL;
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_annotations; i++) {
		if (streq(spec->annotations[i].key, key))
			return spec->annotations[i].value;
	}
	return NULL;
}
