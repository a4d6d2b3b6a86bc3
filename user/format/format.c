/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/format.h"

#include <string.h>

#include "base/cleanup.h"

#define ALL    (VIEW_BIT(VIEWS) - 1)
#define STACKS (VIEW_BIT(VIEW_RECORDING) | VIEW_BIT(VIEW_DUMP) | VIEW_BIT(VIEW_LEAKS))
#define SAVED  (VIEW_BIT(VIEW_RECORDING) | VIEW_BIT(VIEW_DUMP) | VIEW_BIT(VIEW_GROUPS))

static const struct format formats[] = {
	{ FORMAT_TEXT,
	  "text",
	  { NULL },
	  ALL,
	  false,
	  &renderer_text,
	  "For people. A dump is the text of Go's own tracebacks; arguments of functions are not "
	  "known and are shown as (...)." },
	{ FORMAT_JSON,
	  "json",
	  { ".json" },
	  ALL,
	  false,
	  &renderer_json,
	  "One object. Times end in `_ns` or `_s`, sizes in `_bytes`. What is not known is null." },
	{ FORMAT_JSONL,
	  "jsonl",
	  { ".jsonl" },
	  VIEW_BIT(VIEW_DUMP),
	  false,
	  NULL,
	  "One goroutine a line, as JSON." },
	{ FORMAT_FOLDED,
	  "folded",
	  { ".folded" },
	  STACKS,
	  false,
	  &renderer_folded,
	  "One stack a line: its frames, the root first, with semicolons in between; then a space "
	  "and a number. flamegraph.pl reads it. In names a semicolon becomes a colon, and white "
	  "space an underscore." },
	{ FORMAT_PPROF,
	  "pprof",
	  { ".pb.gz", ".pprof" },
	  STACKS,
	  true,
	  &renderer_pprof,
	  "A gzipped profile for `go tool pprof`, with Go's own names of sample types." },
	{ FORMAT_HTML,
	  "html",
	  { ".html", ".htm" },
	  STACKS,
	  false,
	  &renderer_html,
	  "A flame graph in one file. It needs no network." },
	{ FORMAT_PW,
	  "pw",
	  { ".pw" },
	  SAVED,
	  true,
	  NULL,
	  "A recording: all that was seen, with names. `parkwatch report` makes every other format "
	  "of it, without root and on any machine." },
};

const struct format *format_at(size_t i)
{
	return i < ARRAY_SIZE(formats) ? &formats[i] : NULL;
}

const struct format *format_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static bool ends_with(const char *path, const char *suffix)
{
	const size_t len = strlen(path), n = strlen(suffix);

	return len > n && !strcmp(path + len - n, suffix);
}

const struct format *format_by_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		for (size_t k = 0; k < ARRAY_SIZE(formats[i].suffixes) && formats[i].suffixes[k];
		     k++)
			if (ends_with(path, formats[i].suffixes[k]))
				return &formats[i];
	return NULL;
}

const struct format *format_usual(enum view v)
{
	return format_by_name(v == VIEW_RECORDING ? "folded" : "text");
}
