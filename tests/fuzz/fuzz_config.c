/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a configuration: it is read, or refused with a line. */
#include <errno.h>
#include <stdint.h>

#include "serve/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct process_row p = { .exe = "/srv/api", .cmdline = "api -x", .uid = 1 };
	static const struct pod_labels labels = { "app=web\0tier=front\0" };
	scoped(config) c = NULL;
	struct cause why = { "" };
	size_t rule;
	int err = config__parse("f", data, size, &c, &why);

	if (err)
		return err == -EBADMSG && why.text[0] ? 0 : (__builtin_trap(), 0);
	if (rules__level(&c->rules, &p, &labels, &rule) >= LEVELS || rule > c->rules.nr ||
	    c->rules.nr > CONFIG_RULES_MAX)
		__builtin_trap();
	return 0;
}
