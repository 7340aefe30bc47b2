/* SPDX-License-Identifier: Apache-2.0 */
/* Pure path arithmetic; nothing here touches the file system. */
#pragma once

#include <stdbool.h>

char *path_join(const char *a,
                const char *b); /* exactly one slash between; b's leading slashes dropped */
/* Lexically clean: "//"->"/", "." dropped, ".." resolved and never above "/" for absolute paths; no
 * trailing slash. */
char *path_clean(const char *p);
bool path_is_under(const char *path, const char *dir); /* path == dir or below it, both cleaned */
const char *path_base(const char *p);                  /* after the last slash */
char *path_dir(const char *p);                         /* "/a/b"->"/a", "a"->".", "/a"->"/" */
bool path_has_dotdot(const char *p);                   /* some component is ".." */
