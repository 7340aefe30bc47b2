/* SPDX-License-Identifier: Apache-2.0 */
/* Leave a property out of a document: for `make knockouts` alone, see knockout.c. */
#pragma once

#include <cjson/cJSON.h>

#ifdef BERTH_KNOCKOUTS
/*
 * Take the property that BERTH_KNOCKOUT names out of document. root is where the document stands in
 * a config.json, with a dot at its end ("process."); "" for a whole one.
 */
void spec_knock_out(cJSON *document, const char *root);
#else
#define spec_knock_out(document, root) ((void)(document))
#endif
