// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_profiles.h"

#include <errno.h>
#include <stdlib.h>

#include "format/otlp.h"
#include "serve/debug_pprof.h"
#include "serve/look_pprof.h"
#include "serve/otlp_resource.h"
#include "serve/reading.h"

/* pprof: without gzip */
static int push(const struct watched *t, const struct textbuf *pprof, uint64_t now_ns,
		struct textbuf *to)
{
	Pprof__Profile *p = pprof__profile__unpack(NULL, pprof->nr, (const uint8_t *)pprof->v);
	struct otlp_resource r;
	int err;

	if (!p)
		return -ENOMEM;
	otlp_resource_of(t, &r);
	err = otlp__profiles(p, r.v, r.nr, now_ns, to);
	pprof__profile__free_unpacked(p, NULL);
	return err;
}

int otlp_profiles__push(const struct watched *t, uint64_t now_ns, struct textbuf *to)
{
	struct textbuf pprof;
	int err;

	textbuf__init(&pprof, NULL);
	err = look_pprof(t, &(struct look_pprof_opts){ .requests = true }, &pprof);
	if (!err)
		err = push(t, &pprof, now_ns, to);
	textbuf__done(&pprof);
	return err;
}

int otlp_profiles__recording(const struct watched *t, enum profile_event event, uint64_t now_ns,
			     struct textbuf *to)
{
	const struct recorded *of = &t->recordings.newest[event];
	const struct reading r = {
		.kind = READING_GO_RECORDING,
		.target = t->id,
		.pw = of->pw,
		.len = of->len,
		.store = -1,
		.pprof = { .name = debug_pprof_name(event), .event = event, .plain = true }
	};
	struct http_answer a = { .status = 200 };
	int err;

	textbuf__init(&a.body, NULL);
	debug_pprof_read_recording(&r, &a);
	err = a.status != 200 ? -EIO : a.body.err;
	if (!err)
		err = push(t, &a.body, now_ns, to);
	textbuf__done(&a.body);
	return err;
}
