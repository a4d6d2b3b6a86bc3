/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resource: what a process is in OpenTelemetry's words, as it says itself: service.name and other
 * attributes. target/resource_read fills it; whoever tells of the process reads this.
 *
 * Plain data. Texts are the target's, clean (base/clean); longer ones are cut.
 */
#ifndef PARKWATCH_FACTS_RESOURCE_H
#define PARKWATCH_FACTS_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define RESOURCE_MAX       64u   /* attributes; more are left out */
#define RESOURCE_KEY_MAX   256u  /* bytes */
#define RESOURCE_VALUE_MAX 1024u /* bytes */
#define RESOURCE_TEXT_MAX  2048u /* bytes of all in one piece */

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

/*
 * The same in one piece, to be handed from one process to another: keys and values in turn, each with its NUL. What has
 * no room is left out.
 */
struct resource_text {
	size_t len;
	char v[RESOURCE_TEXT_MAX];
};
void resource__pack(const struct resource *r, struct resource_text *ret);
/* Of bytes from elsewhere. False: they are none. */
bool resource_text__take(struct resource_text *t, const char *bytes, size_t len);
/* The next attribute, from *at on, which is 0 at first; borrowed. False: there is none. */
bool resource_text__next(const struct resource_text *t, size_t *at, const char **ret_key,
			 const char **ret_value);

#endif
