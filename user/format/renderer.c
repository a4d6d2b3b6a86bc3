// SPDX-License-Identifier: BSD-2-Clause
#include "format/renderer.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static const struct renderer *const renderers[] = {
	&renderer_folded,
	&renderer_pprof,
	&renderer_html,
	&renderer_text,
	&renderer_json,
};

const struct renderer *renderer_at(size_t i)
{
	return i < ARRAY_SIZE(renderers) ? renderers[i] : NULL;
}

const struct renderer *renderer_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(renderers); i++)
		if (!strcmp(renderers[i]->name, name))
			return renderers[i];
	return NULL;
}

const struct renderer *renderer_by_path(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(renderers); i++) {
		for (const char *const *s = renderers[i]->suffixes; *s; s++) {
			size_t n = strlen(*s);

			if (len > n && !strcmp(path + len - n, *s))
				return renderers[i];
		}
	}
	return NULL;
}

int report_write_error(struct cause *why)
{
	int err = errno ? errno : EIO;

	return cause__set(why, -err, "cannot write the report: %s", strerror(err));
}
