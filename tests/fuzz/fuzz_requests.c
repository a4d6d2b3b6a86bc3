/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that serves a request (tests/unit/fake_web.h), with words of its memory replaced by
 * those of the data, and reads that fail or change: what is read of its requests must make sense.
 *
 * Data: version, manner, where it moves, what there is (traces, a request that is sent, one that
 * waits); then pieces of 12 bytes: where (a region, an offset), what.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "requests/prover.h"
#include "requests/requests.h"
#include "tests/unit/fake_web.h"

#define HEAD  4
#define PIECE 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t moves_at;
static uint8_t manner;

/* A word of a stack or of the heap becomes another one, and some reads come from elsewhere. */
static void move(struct fake_web *w, uint64_t addr)
{
	(void)addr;
	if (moves_at && w->reads % moves_at == 0)
		w->heap[(w->reads * 2654435761u) % sizeof(w->heap)] ^= manner;
}

static void replace(struct fake_web *w, const uint8_t *piece)
{
	const struct {
		uint8_t *mem;
		size_t len;
	} regions[] = {
		{ w->types, sizeof(w->types) },           { w->heap, sizeof(w->heap) },
		{ w->stacks, sizeof(w->stacks) },         { w->runtime, sizeof(w->runtime) },
		{ w->module.buf, sizeof(w->module.buf) },
	};
	const size_t r = piece[0] % (sizeof(regions) / sizeof(*regions));
	const size_t at = (piece[1] | (size_t)piece[2] << 8 | (size_t)piece[3] << 16) * 8 %
			  (regions[r].len - 8);

	memcpy(regions[r].mem + at, piece + 4, 8);
}

/* A header, a span, and contexts of routers: so that there is something of each to be hostile. */
static void add_traces(struct fake_web *w)
{
	const uint64_t span = fw_new_span(w, "fetch", 0x17, 1000, 0), gin = fw_object(w, FW_32);

	fw_set_header(w, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	fw_word(w, gin, w->request);
	fw_string(w, gin + 8, "/quote/:id");
	fw_word(w, fw_local(0, 0, 1), gin);
	fw_word(w, fw_local(1, 0, 0), fw_itab(w, FW_VALUE_P));
	fw_word(w, fw_local(1, 0, 1), fw_span_context(w, span, FW_CANCEL_P, w->own));
	fw_word(w, fw_local(2, 0, 1), span);
}

static void check(const struct grequests *rs)
{
	if (rs->nr_of != FW_GS)
		__builtin_trap();
	for (size_t i = 0; i < rs->nr_of; i++) {
		const struct grequest_of *of = &rs->of[i];

		if (of->request > rs->nr || (of->request && !of->relation) ||
		    (of->relation && !of->request) || of->relation > GREQUEST_MADE_IN ||
		    (of->request && of->in_hand) || of->in_hand == 1 || of->calls > rs->nr ||
		    (of->request && rs->v[of->request - 1].kind == GREQUEST_OUTGOING) ||
		    (of->calls && rs->v[of->calls - 1].kind != GREQUEST_OUTGOING) ||
		    (of->trace.span && strlen(of->trace.span) >= PROVER_TEXT_MAX))
			__builtin_trap();
	}
	for (size_t i = 0; i < rs->nr; i++) {
		const struct grequest *r = &rs->v[i];

		if ((r->path && strchr(r->path, '?')) || (r->method && strlen(r->method) > 64) ||
		    (r->over && r->served_by) ||
		    (!r->over && !r->served_by && r->kind != GREQUEST_OUTGOING) || r->age_ns < -1)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_web w;
	struct grequests *rs = NULL;
	struct cause why = { "" };

	if (size < HEAD)
		return 0;
	if (!fake_web__init(&w, GO_MINOR_MIN + data[0] % GO_MINORS))
		__builtin_trap();
	if (data[3] & 1)
		add_traces(&w);
	if (data[3] & 2)
		fw_send(&w);
	if (data[3] & 4)
		fw_await(&w);
	for (size_t at = HEAD; at + PIECE <= size; at += PIECE)
		replace(&w, data + at);
	manner = data[1];
	moves_at = data[2];
	w.on_read = move;
	if (!fake_web__read(&w, NULL, &rs, &why))
		check(rs);
	grequests__free(rs);
	fake_web__done(&w);
	return 0;
}
