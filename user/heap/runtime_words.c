/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/runtime_words.h"

#include <string.h>

#define WBBUF_BYTES 4096u /* of runtime.wbBuf.buf, Go 1.15 to 1.27 */
/* of a runtime.m, Go 1.15 to 1.27: 992 to 2024, and it differs within a minor release */
#define M_BYTES_MIN 896u
#define P_BYTES_MAX 65536u /* of a runtime.p: 10 to 16 KiB */
/* of runtime.p.timers: a slice, from Go 1.23 on a struct that begins with a lock and one */
#define TIMERS_BYTES 64u

/* Bytes by which the size class of an object may be larger than it (Go runtime/sizeclasses.go). */
static uint64_t slack(int32_t size)
{
	return (uint64_t)size / 4 + 8;
}

static bool fits(const struct gospan *s, int32_t size)
{
	return size > 0 && s->elem_bytes - s->header >= (uint64_t)size &&
	       s->elem_bytes - s->header < (uint64_t)size + slack(size);
}

/* 0: it is not in the piece. */
static uint64_t word_in(const struct wordpiece *p, uint64_t addr)
{
	uint64_t v = 0;

	if (addr >= p->addr && p->len >= 8 && addr - p->addr <= p->len - 8)
		memcpy(&v, p->bytes + (addr - p->addr), sizeof(v));
	return v;
}

static uint64_t word_at(const struct runtime_words *o, uint64_t addr)
{
	uint64_t v;

	return addrspace__read(o->as, addr, &v, sizeof(v)) ? 0 : v;
}

/* Who waits: it leads from the object that is asked for to the goroutine that asks. */
static bool is_sudog(const struct runtime_words *o, const struct gospan *s, uint64_t obj,
		     const struct wordpiece *p)
{
	return fits(s, o->rt->objects.sudog_size) &&
	       grefs__is_g(o->refs, word_in(p, obj + (uint64_t)o->rt->layout.sudog_g));
}

/*
 * A processor: free pages, what the garbage collector had to do with last (Go runtime/mgcwork.go,
 * mwbbuf.go). It is known by the end of its write barrier buffer.
 */
static bool is_p(const struct runtime_words *o, const struct gospan *s, uint64_t obj,
		 const struct wordpiece *p)
{
	const struct goobjects *lay = &o->rt->objects;
	uint64_t wb = obj + (uint64_t)lay->p_wbbuf,
		 end = wb + (uint64_t)lay->wbbuf_buf + WBBUF_BYTES;

	return lay->p_wbbuf >= 0 && lay->p_timers >= 0 && s->elem_bytes > end - obj &&
	       word_in(p, wb + (uint64_t)lay->wbbuf_end) == end;
}

bool runtime_words_is_processor(const struct runtime_words *o, const struct gospan *s, uint64_t obj)
{
	const struct goobjects *lay = &o->rt->objects;
	const uint64_t at = obj + (uint64_t)lay->p_wbbuf + (uint64_t)lay->wbbuf_end;
	const uint64_t end = word_at(o, at);
	const struct wordpiece p = { .addr = at,
				     .bytes = (const uint8_t *)&end,
				     .len = sizeof(end) };

	return lay->p_wbbuf >= 0 && is_p(o, s, obj, &p);
}

bool runtime_words_has_only_gs(const struct runtime_words *o, const struct gospan *s)
{
	return fits(s, o->rt->layout.g_size) &&
	       grefs__are_gs(o->refs, s->start + s->header, s->elem_bytes, s->nelems);
}

bool runtime_words_fits_m(const struct gospan *s)
{
	return s->elem_bytes >= M_BYTES_MIN && s->elem_bytes <= GOWN_M_BYTES_MAX;
}

/* A thread: its g to schedule points back. The size is asked first, a look at the target costs. */
static bool is_m(const struct runtime_words *o, const struct gospan *s, uint64_t obj,
		 const struct wordpiece *p)
{
	uint64_t g0 = runtime_words_fits_m(s) ? word_in(p, obj + (uint64_t)o->rt->layout.m_g0) : 0;
	const struct gospan *gs = goheap__span(o->heap, g0);

	return gs && fits(gs, o->rt->layout.g_size) &&
	       word_at(o, g0 + (uint64_t)o->rt->layout.g_m) == obj;
}

/* The first thread's is a variable of the runtime. */
static bool may_be_m(const struct runtime_words *o, uint64_t m)
{
	const struct gospan *s = goheap__span(o->heap, m);
	const struct gomodule *md = &o->rt->modules[0];

	if (s)
		return runtime_words_fits_m(s);
	return m - md->data.addr < md->data.len || m - md->bss.addr < md->bss.len ||
	       m - md->noptrbss.addr < md->noptrbss.len;
}

/*
 * A g that is no goroutine: each thread has one to schedule and one for signals. They refer to
 * nothing, but the end of their stack may be the start of an object.
 */
static bool is_system_g(const struct runtime_words *o, const struct gospan *s, uint64_t obj,
			const struct wordpiece *p)
{
	const struct pw_layout *lay = &o->rt->layout;
	uint64_t m = fits(s, lay->g_size) ? word_in(p, obj + (uint64_t)lay->g_m) : 0;

	return m && may_be_m(o, m) &&
	       (word_at(o, m + (uint64_t)lay->m_g0) == obj ||
		(o->rt->objects.m_gsignal >= 0 &&
		 word_at(o, m + (uint64_t)o->rt->objects.m_gsignal) == obj));
}

bool runtime_words_may_be_in(const struct runtime_words *o, const struct gospan *s)
{
	const struct goobjects *lay = &o->rt->objects;

	return fits(s, o->rt->layout.g_size) || fits(s, lay->sudog_size) ||
	       runtime_words_fits_m(s) ||
	       (lay->p_wbbuf >= 0 && s->elem_bytes > (uint64_t)lay->p_wbbuf + WBBUF_BYTES &&
		s->elem_bytes <= P_BYTES_MAX);
}

void runtime_words_stretch(const struct runtime_words *o, const struct gospan *s, uint64_t base,
			   const struct wordpiece *p, uint64_t *from, uint64_t *to)
{
	uint64_t obj = base + s->header;

	*from = obj;
	*to = base + s->elem_bytes;
	if (grefs__is_g(o->refs, obj) || is_sudog(o, s, obj, p) || is_system_g(o, s, obj, p) ||
	    is_m(o, s, obj, p)) {
		*to = *from;
	} else if (is_p(o, s, obj, p)) {
		/* Of all that it has only the timers keep something in use. */
		if (o->no_timers) {
			*to = *from;
			return;
		}
		*from = obj + (uint64_t)o->rt->objects.p_timers;
		if (*from > *to || *to - *from > TIMERS_BYTES)
			*to = *from + TIMERS_BYTES;
	}
}

bool runtime_words_is_in_heap(const struct runtime_words *o, const struct gospan *s, uint64_t base,
			      uint64_t at, const struct wordpiece *p)
{
	uint64_t from, to;

	runtime_words_stretch(o, s, base, p, &from, &to);
	return at < from || at >= to;
}

static bool is_number(const struct runtime_words *o, const struct tabspan *s, uint64_t mask,
		      uint64_t at)
{
	uint64_t word = (at - s->addr) / 8;
	uint8_t bits;

	if (!mask || at - s->addr >= s->len || addrspace__read(o->as, mask + word / 8, &bits, 1))
		return false;
	return !(bits >> word % 8 & 1);
}

bool runtime_words_is_number(const struct runtime_words *o, const struct gomodule *m, uint64_t at)
{
	return is_number(o, &m->data, m->data_mask, at) || is_number(o, &m->bss, m->bss_mask, at);
}
