/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as records of the transport, through decode into a profile and out as folded stacks:
 * each record begins with a byte that says how many bytes of it the transport hands over (times 8,
 * a last one what is left). Nothing may be lost without being counted.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/snap.h"
#include "pipe/decode.h"
#include "format/renderer.h"

static int few_frames(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		      size_t max)
{
	(void)n;
	if (pc % 5 == 0 || max < 2)
		return -ENOENT;
	frames[0] = (struct goframe){
		.func = "main.inlined", .file = "a.go", .line = 1, .inlined = true
	};
	frames[1] = (struct goframe){
		.func = "runtime.gopark", .file = "b.go", .line = 2, .wrapper = is_return
	};
	return pc & 1 ? 2 : 1;
}

static uint64_t no_wrapper(const struct namer *n, uint64_t startpc)
{
	(void)n;
	return startpc;
}

static void render(const struct profile *p, bool full)
{
	const struct namer namer = { .frames = few_frames,
				     .unwrap_start = no_wrapper,
				     .go_minor = 22 };
	const struct report_meta meta = {
		.comm = "", .exe = "", .build_id = "", .go_version = "", .cost = ""
	};
	char *text = NULL;
	struct snap *s;
	size_t len;
	FILE *out;

	if (snap__take(p, &s))
		abort();
	out = open_memstream(&text, &len);
	if (renderer_folded.render(&(struct report){ .snap = s,
						     .meta = &meta,
						     .namers = &namer,
						     .nr_namers = 1,
						     .full = full },
				   out, NULL))
		abort();
	fclose(out);
	free(text);
	snap__free(s);
}

static struct profile *feed(const uint8_t *data, size_t size, const struct profile_opts *o)
{
	struct pipe_stats ps = { 0 };
	struct profile *p;

	if (profile__new(o, &p))
		abort();
	profile__begin(p, 1000);
	while (size > 0) {
		uint64_t rec[256] = { 0 };
		size_t len = (size_t)data[0] * 8;
		const struct pw_hdr *h;

		data++;
		size--;
		if (len > size)
			len = size;
		memcpy(rec, data, len);
		data += len;
		size -= len;
		if (!pipe_stats__decode(&ps, rec, len, &h))
			profile__apply(p, h, 0);
	}
	if (ps.in != ps.out + ps.malformed + ps.unknown)
		abort();
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_opts o = { .max_rows = 64, .max_goroutines = 64, .max_stack_bytes = 65536 };
	struct profile_stats st;
	struct profile *p;

	if (size < 1)
		return 0;
	o.event = data[0] & 3;
	o.root = (data[0] >> 2) % 5;
	o.async = data[0] >> 7;
	p = feed(data + 1, size - 1, &o);
	profile__end(p, 1ULL << 40);
	profile__open_wait(p, 0, &(struct pw_gstate){ .start_ns = 2000, .stack_id = 99, .goid = 7 },
			   0, 0, 0);
	profile__stats(p, &st);
	if (st.in != st.out + st.refused + st.filtered)
		abort();
	render(p, data[0] & 64);
	profile__free(p);
	return 0;
}
