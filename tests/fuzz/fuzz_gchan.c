/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the memory (tests/fuzz/hostile.h) in which channels, their queues, locks and types
 * lie, read for a census whose waits point anywhere.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "heap/chanlook.h"
#include "heap/gchan.h"
#include "locks/ghold.h"
#include "locks/glock.h"
#include "golang/gofields.h"
#include "golang/gotype.h"
#include "model/waitgraph.h"
#include "tests/fuzz/hostile.h"

#define HEAD  4 /* bytes that are no memory: version, manner, goroutines, elements */
#define GS    64
#define SPACE 0x10000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t word(const struct hostile *m, size_t i)
{
	uint64_t v = 0;

	for (size_t k = 0; k < 8; k++)
		v |= (uint64_t)m->data[(8 * i + k) % m->size] << 8 * k;
	return v;
}

static void check_chans(const struct gchans *cs)
{
	size_t unsettled = 0;

	for (size_t i = 0; i < cs->nr; i++) {
		const struct gchan *ch = &cs->v[i];

		unsettled += !ch->settled;
		if (ch->len > ch->cap || ch->nr_elements > GCHAN_ELEMENTS ||
		    ch->element_words > GCHAN_WORDS ||
		    ch->words_at + (size_t)ch->nr_elements * ch->element_words > cs->nr_words ||
		    gchans__get(cs, ch->addr) != ch)
			__builtin_trap();
	}
	if (unsettled != cs->unsettled)
		__builtin_trap();
}

static void check_graph(const struct waitgraph *w, const struct census *c)
{
	for (size_t i = 0; i < w->nr_cycles; i++)
		for (uint32_t k = 0; k < w->cycles[i].nr; k++) {
			const struct wait_edge *e = &w->steps[w->cycles[i].edges_at + k];
			const struct wait_edge *next =
				&w->steps[w->cycles[i].edges_at + (k + 1) % w->cycles[i].nr];

			if (e->to != next->g || e->g >= c->nr || e->wait >= c->nr_waits)
				__builtin_trap();
		}
}

/* Holders that the bytes choose, of the locks that there are. */
static void check_locks(const struct hostile *m, const struct census *c, const struct glocks *ls)
{
	struct ghold v[GS];
	struct gholds hs = { .v = v };
	struct waitgraph *w;

	for (size_t i = 0; i < ls->nr && hs.nr < GS; i++)
		v[hs.nr++] = (struct ghold){ .lock = ls->v[i].addr,
					     .g = (uint32_t)(word(m, i + 99) % c->nr),
					     .kind = (uint8_t)(word(m, i + 55) % 3) };
	if (!c->nr || waitgraph__new(c, ls, &hs, &w))
		return;
	check_graph(w, c);
	waitgraph__free(w);
}

/* Channels that the bytes choose, looked at twice. */
static void check_looks(const struct hostile *m, const struct goruntime *rt)
{
	struct chanlook_chan v[GS];
	struct chanlook *l;

	for (size_t i = 0; i < GS; i++)
		v[i] = (struct chanlook_chan){ .addr = word(m, i),
					       .elem_type = word(m, i + 1),
					       .buf = word(m, i + 2),
					       .cap = word(m, i + 3) % 64,
					       .elem_name = "",
					       .elem_bytes = (uint16_t)word(m, i + 4),
					       .record = word(m, i + 5),
					       .span_start = word(m, i + 6),
					       .span_bytes = 1 + word(m, i + 7) % 1024 };
	if (chanlook__new(&m->as, rt, &l))
		return;
	for (int k = 0; k < 2 && !chanlook__read(l, v, GS); k++)
		for (size_t i = 0; i < GS; i++)
			if (v[i].len > v[i].cap || v[i].same > CHANLOOK_UNREAD)
				__builtin_trap();
	chanlook__free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct goruntime rt;
	struct census_g gs[GS] = { 0 };
	struct census_wait waits[2 * GS] = { 0 };
	struct census c = { .gs = gs, .waits = waits };
	struct hostile m;
	struct gchans *cs = NULL;
	struct glocks *ls = NULL;
	char name[GOTYPE_NAME_MAX];

	if (size <= HEAD)
		return 0;
	m = (struct hostile){ .as.read = hostile__read,
			      .data = data + HEAD,
			      .size = size - HEAD,
			      .manner = data[1] };
	memset(&rt, 0, sizeof(rt));
	rt.minor = 15 + data[0] % 13;
	rt.layout = golayout_row(rt.minor, EM_X86_64)->layout;
	rt.arch = goarch_of(EM_X86_64);
	rt.objects = golayout_row(rt.minor, EM_X86_64)->objects;
	rt.nr_modules = 1;
	rt.modules[0].moduledata = SPACE;
	for (size_t i = 0; i < 1 + data[2] % (GS - 1u); i++) {
		gs[c.nr++] = (struct census_g){ .addr = word(&m, i),
						.who.goid = i + 1,
						.waits_at = (uint32_t)c.nr_waits,
						.nr_waits = (uint32_t)(1 + (word(&m, i) & 1)) };
		for (uint32_t k = 0; k < gs[i].nr_waits; k++, c.nr_waits++)
			waits[c.nr_waits] = (struct census_wait){
				.addr = word(&m, c.nr_waits),
				.via = word(&m, c.nr_waits + 1),
				.kind = (uint8_t)(word(&m, c.nr_waits + 7) % 9 % 6)
			};
	}
	check_looks(&m, &rt);
	if (!gchans__read(&m.as, &rt, &c, data[3] & 1, &cs))
		check_chans(cs);
	gchans__free(cs);
	if (!glocks__read(&m.as, rt.minor, &c, &ls))
		check_locks(&m, &c, ls);
	glocks__free(ls);
	if (!gotype_name(&m.as, &rt, word(&m, 3), name, sizeof(name)) &&
	    !memchr(name, '\0', sizeof(name)))
		__builtin_trap();
	if (!gofields_at(&m.as, &rt, word(&m, 3), word(&m, 4) % 4096, name, sizeof(name),
			 &(struct gospot){ 0, GOSPOT_WORD }) &&
	    !memchr(name, '\0', sizeof(name)))
		__builtin_trap();
	return 0;
}
