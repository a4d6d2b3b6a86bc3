/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the kubelet's answer: containers with whole texts, or a refusal. */
#include <errno.h>
#include <stdint.h>

#include "serve/pod_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *ctx, const struct pod_facts *f)
{
	char text[POD_LABEL_MAX + 8];
	size_t *nr = ctx;

	if (strlen(f->container_id) != 64 || ++*nr > POD_LIST_MAX)
		__builtin_trap();
	pod_facts__image_name(f, text);
	(void)pod_facts__image_tag(f, text);
	for (const char *at = NULL; (at = pod_labels__next(&f->labels, at));) {
		if (!strchr(at, '='))
			__builtin_trap();
		pod_label_metric(at, text);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t nr = 0;
	const int err = pod_list_read((const char *)data, size, take, &nr);

	return !err || err == -EBADMSG || err == -EFBIG ? 0 : (__builtin_trap(), 0);
}
