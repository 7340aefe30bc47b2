/* SPDX-License-Identifier: Apache-2.0 */
/* Where a log goes and how it looks there, by the names that people use. */
#pragma once

enum log_driver {
	LOG_CRI,       /* a file of records as Kubernetes' runtimes write them */
	LOG_JSON_FILE, /* a file of JSON objects as Docker writes them */
	LOG_JOURNALD,  /* the journal's socket */
	LOG_DRIVERS
};

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

const char *log_driver_name(enum log_driver format);
/* -EINVAL */
int log_driver_parse(const char *name, enum log_driver *ret);
