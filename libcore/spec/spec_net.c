/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.netDevices (config-linux.md, "Network Devices"): an object with the names of the host's
 * devices as keys. The names are judged together with the rest of the document in spec_check.c.
 */
#include <errno.h>

#include "base/mem.h"
#include "spec/parts.h"

const struct field spec_net_device_fields[] = {
	{ .name = "name", .kind = F_STRING, .offset = offsetof(struct spec_net_device, name) },
	{ .name = NULL },
};

/* member is the struct spec_linux: a list and its length. */
int spec_net_devices_parse(struct load *l, const cJSON *j, void *member)
{
	struct spec_linux *lin = member;
	const cJSON *item;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push(l, item->string);
		struct spec_net_device *dev;
		int r;

		if (!cJSON_IsObject(item))
			return load_fail(l, -EINVAL, "expected an object");
		lin->net_devices = xreallocarray(lin->net_devices, lin->n_net_devices + 1,
		                                 sizeof(*lin->net_devices));
		dev = &lin->net_devices[lin->n_net_devices++];
		*dev = (struct spec_net_device){ .host_name = xstrdup(item->string) };
		r = fields_load(l, spec_net_device_fields, item, dev);
		if (r < 0)
			return r;
		if (!dev->name)
			dev->name = xstrdup(dev->host_name);
		load_pop(l, mark);
	}
	return 0;
}

void spec_net_devices_release(void *member)
{
	struct spec_linux *lin = member;

	for (size_t i = 0; i < lin->n_net_devices; i++) {
		free(lin->net_devices[i].host_name);
		free(lin->net_devices[i].name);
	}
	free(take_ptr(lin->net_devices));
	lin->n_net_devices = 0;
}
