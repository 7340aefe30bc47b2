/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of spec/ share: the tables of the document's parts and the checks across them. */
#pragma once

#include "spec/field.h"

extern const struct field spec_top_fields[];        /* struct spec */
extern const struct field spec_process_fields[];    /* struct spec_process */
extern const struct field spec_hooks_fields[];      /* struct spec_hooks */
extern const struct field spec_linux_fields[];      /* struct spec_linux */
extern const struct field spec_resources_fields[];  /* struct spec_resources */
extern const struct field spec_seccomp_fields[];    /* what linux.seccomp may hold */
extern const struct field spec_map_fields[];        /* struct spec_id_map */
extern const struct field spec_net_device_fields[]; /* struct spec_net_device */

#define SPEC_MAPS_MAX 340 /* user_namespaces(7): lines of a uid_map, 4.15 */

/* parse() and release() of linux.netDevices; member is the struct spec_linux. */
int spec_net_devices_parse(struct load *l, const cJSON *j, void *member);
void spec_net_devices_release(void *member);

/* finish() of one id mapping. */
int spec_map_finish(struct load *l, void *map);

/* spec_schedule.c: the objects of their own name, and their finish(). */
extern const struct field spec_scheduler_fields[];     /* struct spec_scheduler */
extern const struct field spec_io_priority_fields[];   /* struct spec_io_priority */
extern const struct field spec_affinity_fields[];      /* struct spec_cpu_affinity */
extern const struct field spec_personality_fields[];   /* struct spec_personality */
extern const struct field spec_memory_policy_fields[]; /* struct spec_memory_policy */
extern const struct field spec_time_offsets_fields[];  /* struct spec_time_offsets */
int spec_scheduler_finish(struct load *l, void *scheduler);
int spec_affinity_finish(struct load *l, void *affinity);
int spec_memory_policy_finish(struct load *l, void *policy);
int spec_time_offsets_parse(struct load *l, const cJSON *j, void *offsets);

/* finish() of the process object: spec_process_check(), then the environment is collapsed. */
int spec_process_finish(struct load *l, void *process);
/* finish() of the resources object. */
int spec_resources_finish(struct load *l, void *resources);
/* parse() and release() of linux.seccomp: its default action does not map one to one. */
int spec_seccomp_parse(struct load *l, const cJSON *j, void *seccomp);
void spec_seccomp_release(void *seccomp);

/* All rules that span objects, in the order in which they are reported. */
int spec_check(const struct spec *spec, struct err *err);

/* Some byte is a control character (which no name or path here has a use for). */
bool spec_has_control(const char *s);
/*
 * Can the kernel walk it? 0, or an error at the current path: a component over 255 bytes or the
 * whole over 4095.
 */
int spec_path_limits(struct load *l, const char *path);
