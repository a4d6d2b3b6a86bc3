/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/resource.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"

static const char *resource__copy(struct resource *r, const char *text, size_t len)
{
	char *copy = arena__alloc(&r->texts, len + 1); /* zeroed */

	if (!copy)
		return NULL;
	memcpy(copy, text, strnlen(text, len));
	(void)clean_text(copy);
	return copy;
}

static struct resource_attribute *resource__find(struct resource *r, const char *key)
{
	for (size_t i = 0; i < r->nr; i++)
		if (!strcmp(r->v[i].key, key))
			return &r->v[i];
	return NULL;
}

int resource__set(struct resource *r, const char *key, size_t key_len, const char *value,
		  size_t value_len)
{
	const size_t len = value_len < RESOURCE_VALUE_MAX ? value_len : RESOURCE_VALUE_MAX;
	char name[RESOURCE_KEY_MAX + 1];
	struct resource_attribute *a;

	if (!key_len || key_len > RESOURCE_KEY_MAX || memchr(key, '\0', key_len))
		return 0;
	memcpy(name, key, key_len);
	name[key_len] = '\0';
	(void)clean_text(name);
	a = resource__find(r, name);
	if (!a && r->nr == RESOURCE_MAX)
		return 0;
	if (!a) {
		const char *copy = resource__copy(r, name, strlen(name));

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

void resource__pack(const struct resource *r, struct resource_text *ret)
{
	ret->len = 0;
	for (size_t i = 0; i < r->nr; i++) {
		const size_t key = strlen(r->v[i].key) + 1, value = strlen(r->v[i].value) + 1;

		if (key + value > sizeof(ret->v) - ret->len)
			continue;
		memcpy(ret->v + ret->len, r->v[i].key, key);
		memcpy(ret->v + ret->len + key, r->v[i].value, value);
		ret->len += key + value;
	}
}

bool resource_text__take(struct resource_text *t, const char *bytes, size_t len)
{
	if (len > sizeof(t->v) || (len && bytes[len - 1]))
		return false;
	memcpy(t->v, bytes, len);
	t->len = len;
	return true;
}

bool resource_text__next(const struct resource_text *t, size_t *at, const char **ret_key,
			 const char **ret_value)
{
	const char *key = t->v + *at, *end = t->v + t->len, *value;

	if (key >= end)
		return false;
	value = key + strlen(key) + 1;
	if (value >= end)
		return false;
	*at = (size_t)(value + strlen(value) + 1 - t->v);
	*ret_key = key;
	*ret_value = value;
	return true;
}
