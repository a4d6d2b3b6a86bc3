// SPDX-License-Identifier: BSD-2-Clause
#include "serve/page.h"

#include <string.h>

#include "base/cleanup.h"

/* Of page/page.S. Script, style and licences are compressed: every browser takes that. */
#define FILE_OF_PAGE(name) extern const char name[], name##_end[]
FILE_OF_PAGE(page_index);
FILE_OF_PAGE(page_script);
FILE_OF_PAGE(page_style);
FILE_OF_PAGE(page_icon);
FILE_OF_PAGE(page_openapi);
FILE_OF_PAGE(page_licences);

static const struct file {
	const char *path, *type, *encoding, *begin, *end;
	bool lasts; /* page_index asks for it by its version: page/build.mjs */
} files[] = {
	{ "/", "text/html; charset=utf-8", NULL, page_index, page_index_end, false },
	{ "/app.js", "text/javascript; charset=utf-8", "gzip", page_script, page_script_end, true },
	{ "/app.css", "text/css; charset=utf-8", "gzip", page_style, page_style_end, true },
	{ "/icon.svg", "image/svg+xml", NULL, page_icon, page_icon_end, false },
	{ "/api/v1/openapi.json", "application/json", NULL, page_openapi, page_openapi_end, false },
	{ "/licences.txt", "text/plain; charset=utf-8", "gzip", page_licences, page_licences_end,
	  false },
};

bool page_get(const char *path, struct http_answer *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const struct file *f = &files[i];

		if (strcmp(f->path, path))
			continue;
		a->type = f->type;
		a->encoding = f->encoding;
		a->lasts = f->lasts;
		textbuf__bytes(&a->body, f->begin, (size_t)(f->end - f->begin));
		return true;
	}
	return false;
}
