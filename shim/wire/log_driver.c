/* SPDX-License-Identifier: Apache-2.0 */
/* Names of log formats. */
#include "shim/wire/log_driver.h"

#include <errno.h>

#include "base/mem.h"

static const char *const names[LOG_DRIVERS] = {
	[LOG_CRI] = "cri",
	[LOG_JSON_FILE] = "json-file",
	[LOG_JOURNALD] = "journald",
};

const char *log_driver_name(enum log_driver format)
{
	return names[format];
}

int log_driver_parse(const char *name, enum log_driver *ret)
{
	for (int i = 0; i < LOG_DRIVERS; i++) {
		if (!streq(name, names[i]))
			continue;
		*ret = (enum log_driver)i;
		return 0;
	}
	return -EINVAL;
}
