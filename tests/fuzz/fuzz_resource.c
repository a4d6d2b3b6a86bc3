/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a process says that it is: its environment, and the payload of the context that
 * it publishes. Data: which of them (even: the environment), then that.
 */
#include <stdint.h>
#include <string.h>

#include "target/resource_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resource r = { .nr = 0 };
	int err;

	if (!size)
		return 0;
	err = data[0] % 2 ? resource_read_payload(data + 1, size - 1, &r)
			  : resource_read_environ((const char *)data + 1, size - 1, &r);
	if (err || r.nr > RESOURCE_MAX)
		__builtin_trap();
	for (size_t i = 0; i < r.nr; i++) {
		const struct resource_attribute *a = &r.v[i];

		if (!a->key[0] || strlen(a->key) > RESOURCE_KEY_MAX ||
		    strlen(a->value) > RESOURCE_VALUE_MAX || resource__get(&r, a->key) != a->value)
			__builtin_trap();
	}
	resource__done(&r);
	return 0;
}
