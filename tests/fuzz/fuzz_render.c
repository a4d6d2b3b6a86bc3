/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the name, file and label of a function: every line of folded must split into stack
 * and count again, and pprof and html must come out whole.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/snap.h"
#include "format/format.h"

static char hostile[1024];

static int hostile_frames(const struct namer *n, uint64_t pc, bool is_return,
			  struct goframe *frames, size_t max)
{
	(void)n;
	(void)is_return;
	(void)max;
	frames[0] = (struct goframe){
		.func = hostile, .file = hostile, .line = (uint32_t)pc, .inlined = pc & 1
	};
	return 1;
}

static uint64_t hostile_start(const struct namer *n, uint64_t startpc)
{
	(void)n;
	return startpc;
}

static void check_folded(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len), *blank;

	if (!end || (size_t)(end - text) != len - 1)
		abort(); /* one row is one line */
	blank = memrchr(text, ' ', (size_t)(end - text));
	if (!blank || strtoull(blank + 1, NULL, 10) != 42)
		abort();
	for (const char *s = text; s < end; s++)
		if ((unsigned char)*s < 0x20)
			abort();
}

static void check_html(const char *text)
{
	const char *at = strstr(text, "type=\"application/json\">");

	for (at += 24; *at != '<'; at++)
		if (!*at || *at == '>' || *at == '&')
			abort();
	if (strncmp(at, "</script>", 9))
		abort(); /* the first tag after the report is its own end */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct namer namer = { .frames = hostile_frames,
				     .unwrap_start = hostile_start,
				     .go_minor = 22 };
	const struct profile_opts o = { .event = PROFILE_BLOCKED, .root = PROFILE_ROOT_LABEL };
	const struct report_meta meta = { .comm = hostile,
					  .exe = hostile,
					  .build_id = hostile,
					  .go_version = hostile,
					  .cost = hostile };
	const struct pw_stack stack = {
		.hdr = { .kind = PW_STACK }, .stack_id = 100, .nr = 3, .pcs = { 2, 5, 8 }
	};
	const struct pw_wait wait = { .hdr = { .kind = PW_WAIT, .ts_ns = 42 }, .stack_id = 100 };
	struct profile *p;
	struct snap *s;

	if (size >= sizeof(hostile))
		size = sizeof(hostile) - 1;
	memcpy(hostile, data, size);
	hostile[size] = 0;
	if (profile__new(&o, &p))
		abort();
	if (profile__apply(p, &stack.hdr, 0) ||
	    profile__apply(p, &wait.hdr, profile__label(p, hostile)))
		abort();
	if (snap__take(p, &s))
		abort();
	for (size_t i = 0; format_at(i); i++) {
		const struct renderer *how = format_at(i)->rows;
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		if (!how) {
			fclose(out);
			free(text);
			continue;
		}
		if (how->render(&(struct report){ .snap = s,
						  .meta = &meta,
						  .namers = &namer,
						  .nr_namers = 1 },
				out, NULL))
			abort();
		fclose(out);
		if (how == &renderer_folded)
			check_folded(text, len);
		else if (how == &renderer_html)
			check_html(text);
		free(text);
	}
	snap__free(s);
	profile__free(p);
	return 0;
}
