// SPDX-License-Identifier: BSD-2-Clause
#include "serve/pod_facts.h"

#include <ctype.h>
#include <stdio.h>

/* --- labels --- */

bool pod_labels__add(struct pod_labels *l, const char *key, const char *value)
{
	size_t at = 0, len = strlen(key) + 1 + strlen(value);

	while (l->text[at])
		at += strlen(l->text + at) + 1;
	if (at + len + 2 > sizeof(l->text))
		return false;
	at += (size_t)sprintf(l->text + at, "%s=%s", key, value);
	l->text[at + 1] = '\0';
	return true;
}

bool pod_label_is_of(const char *label, const char *key)
{
	const size_t len = strlen(key);

	return !strncmp(label, key, len) && label[len] == '=';
}

const char *pod_labels__value(const struct pod_labels *l, const char *key)
{
	for (const char *at = NULL; (at = pod_labels__next(l, at));)
		if (pod_label_is_of(at, key))
			return at + strlen(key) + 1;
	return NULL;
}

void pod_label_metric(const char *label, char ret[POD_LABEL_MAX + 8])
{
	size_t n = strlen(strcpy(ret, "label_"));

	for (; *label && *label != '=' && n < POD_LABEL_MAX; label++)
		ret[n++] = isalnum((unsigned char)*label) ? *label : '_';
	ret[n] = '\0';
}

/* --- names --- */

void pod_facts__name_row(const struct pod_facts *f, struct process_row *row)
{
	if (row->pod_name[0] || !f->pod[0] || !f->namespace[0] || !f->container[0])
		return;
	memcpy(row->pod_name, f->pod, sizeof(row->pod_name));
	memcpy(row->pod_namespace, f->namespace, sizeof(row->pod_namespace));
	memcpy(row->container_name, f->container, sizeof(row->container_name));
}

/* Where the tag begins, with its ':'; a ':' before a '/' is of a port. */
static const char *tag_of(const char *image)
{
	const char *slash = strrchr(image, '/'), *name = slash ? slash : image,
		   *end = name + strcspn(name, "@"),
		   *colon = memchr(name, ':', (size_t)(end - name));

	return colon ? colon : end;
}

void pod_facts__image_name(const struct pod_facts *f, char ret[256])
{
	snprintf(ret, 256, "%.*s", (int)(tag_of(f->image) - f->image), f->image);
}

const char *pod_facts__image_tag(const struct pod_facts *f, char ret[256])
{
	const char *tag = tag_of(f->image);

	snprintf(ret, 256, "%.*s", *tag == ':' ? (int)strcspn(tag + 1, "@") : 0, tag + 1);
	return ret;
}
