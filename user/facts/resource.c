/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/resource.h"

#include <errno.h>
#include <string.h>

static const char *resource__copy(struct resource *r, const char *text, size_t len)
{
	char *copy = arena__alloc(&r->texts, len + 1); /* zeroed */

	if (copy)
		memcpy(copy, text, strnlen(text, len));
	return copy;
}

static struct resource_attribute *resource__find(struct resource *r, const char *key, size_t len)
{
	for (size_t i = 0; i < r->nr; i++)
		if (strlen(r->v[i].key) == len && !memcmp(r->v[i].key, key, len))
			return &r->v[i];
	return NULL;
}

int resource__set(struct resource *r, const char *key, size_t key_len, const char *value,
		  size_t value_len)
{
	struct resource_attribute *a = resource__find(r, key, key_len);
	const size_t len = value_len < RESOURCE_VALUE_MAX ? value_len : RESOURCE_VALUE_MAX;

	if (!key_len || key_len > RESOURCE_KEY_MAX || memchr(key, '\0', key_len) ||
	    (!a && r->nr == RESOURCE_MAX))
		return 0;
	if (!a) {
		const char *copy = resource__copy(r, key, key_len);

		if (!copy)
			return -ENOMEM;
		a = &r->v[r->nr];
		*a = (struct resource_attribute){ .key = copy };
	}
	a->value = resource__copy(r, value, len);
	if (!a->value)
		return -ENOMEM;
	if (a == &r->v[r->nr])
		r->nr++;
	return 0;
}

const char *resource__get(const struct resource *r, const char *key)
{
	for (size_t i = 0; i < r->nr; i++)
		if (!strcmp(r->v[i].key, key))
			return r->v[i].value;
	return NULL;
}

void resource__done(struct resource *r)
{
	arena__done(&r->texts);
	*r = (struct resource){ .nr = 0 };
}
