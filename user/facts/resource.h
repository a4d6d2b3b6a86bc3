/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resource: what a process is in OpenTelemetry's words, as it says itself: service.name and other
 * attributes. target/resource_read fills it; whoever tells of the process reads this.
 *
 * Plain data. Texts are the target's: any bytes but NUL; longer ones are cut.
 */
#ifndef PARKWATCH_FACTS_RESOURCE_H
#define PARKWATCH_FACTS_RESOURCE_H

#include <stddef.h>

#include "base/arena.h"

#define RESOURCE_MAX       64u   /* attributes; more are left out */
#define RESOURCE_KEY_MAX   256u  /* bytes */
#define RESOURCE_VALUE_MAX 1024u /* bytes */

struct resource { /* all zero is an empty one */
	struct resource_attribute {
		const char *key, *value;
	} v[RESOURCE_MAX];
	size_t nr;
	struct arena texts;
};

/* Instead of what the key had. Keys that are empty or too long are left out. 0 or -ENOMEM. */
int resource__set(struct resource *r, const char *key, size_t key_len, const char *value,
		  size_t value_len);
const char *resource__get(const struct resource *r, const char *key); /* NULL: it has none */
void resource__done(struct resource *r);

#endif
