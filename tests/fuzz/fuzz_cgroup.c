/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of cgroups, and names of them in configurations. The input is one text, taken for each of
 * the files in turn; a line "---" divides a second one for those that need two.
 *
 * Holds: keys come out sorted; what was read of devices.list says the same when it is written and
 * read again; a cgroupsPath that is taken has no "..", no control character, no empty component; a
 * key of `unified` that is taken is a plain file name and none of the kernel's own; the statistics
 * print as JSON that can be read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroup/internal.h"
#include "cgroup/stats.h"
#include "fuzz.h"
#include "spec/parts.h"

static void check_stats(const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT(256u << 20);
	_cleanup_json_ cJSON *j = NULL;
	struct cg_stats s = { 0 };
	struct err err = { 0 };
	uint64_t v;

	(void)cg_stat_parse_value(text, &v);
	cg_stat_parse_keys(text, &s.raw);
	for (size_t i = 1; i < s.raw.n; i++)
		CHECK(strcmp(s.raw.v[i - 1].key, s.raw.v[i].key) <= 0);
	cg_stat_parse_numbers(text, &s.percpu);
	cg_stat_parse_percpu(text, &s.percpu_kernel, &s.percpu_user);
	CHECK(s.percpu_kernel.n == s.percpu_user.n);
	cg_stat_parse_list(text, &s.cpus);
	cg_stat_parse_io_v1(text, &s.io[IO_QUEUED]);
	cg_stat_parse_io_v2(text, &s.io[IO_SERVICE_BYTES], &s.io[IO_SERVICED]);
	cg_stat_parse_psi(text, &s.cpu_psi);
	CHECK(cg_stats_json(&s, &b) == 0);
	if (json_parse(b.data, b.len, &j, &err) < 0)
		/* Keys are the kernel's, but may be there twice in what we make up; huge ones are cut
		 * by a limit. */
		CHECK(strstr(err.msg, "duplicate") || strstr(err.msg, "too many") ||
		      err.code == -EFBIG);
	cg_stats_done(&s);
}

static void check_devices(const char *text)
{
	struct cg_devices d = { 0 }, again = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT(16u << 20);

	if (cg_devices_parse_list(text, &d) == 0 && !d.default_allow) {
		for (size_t i = 0; i < d.n; i++) {
			char line[64];

			cg_device_rule_text(&d.rules[i], line, sizeof(line));
			buf_printf(&b, "%s\n", line);
		}
		CHECK(cg_devices_parse_list(b.data ? b.data : "", &again) == 0);
		CHECK(again.n == d.n);
		for (size_t i = 0; i < d.n; i++)
			CHECK(d.rules[i].type == again.rules[i].type &&
			      d.rules[i].major == again.rules[i].major &&
			      d.rules[i].minor == again.rules[i].minor &&
			      d.rules[i].access == again.rules[i].access);
	}
	cg_devices_done(&d);
	cg_devices_done(&again);
}

static void check_names(const char *text)
{
	_cleanup_free_ char *clean = NULL, *controller = NULL;
	struct err err = { 0 }, err2 = { 0 };
	int r = cg_path_check(text, &clean, &err);

	fuzz_check_err(r, &err);
	if (r == 0) {
		CHECK(clean && !path_has_dotdot(clean) && !spec_has_control(clean));
		CHECK(!strstr(clean, "//") && (clean[0] == '/') == (text[0] == '/'));
		CHECK(clean[0] != '/' || cg_path_depth(clean) >= 1);
	}
	r = cg_unified_check(text, &controller, &err2);
	fuzz_check_err(r, &err2);
	if (r == 0)
		CHECK(controller && *controller && !strchr(text, '/') && text[0] != '.' &&
		      strncmp(text, "cgroup.", 7) != 0 && !spec_has_control(text));
}

static void check_undo(const char *value, const char *now)
{
	static const char *const files[] = {
		"pids.max",        "io.max",   "blkio.throttle.read_bps_device",
		"hugetlb.2MB.max", "rdma.max", "cpu.max"
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *back = cg_undo_value(files[i], value, now);

		CHECK(!back || strlen(back) <= strlen(now) + strlen(value) + 64);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts in = { data, size };
	_cleanup_free_ char *text = NULL, *other = NULL;
	uint64_t v;

	if (size > 4096) /* a list "0-65535" of many pieces is long enough to be slow, not wrong */
		return 0;
	text = fuzz_part(&in);
	other = fuzz_part(&in);
	check_stats(text);
	check_devices(text);
	check_names(text);
	check_undo(other, text);
	(void)cg_text_key(text, *other ? other : "populated", &v);
	return 0;
}
