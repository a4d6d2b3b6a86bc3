/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/spans.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"
#include "golang/gosizes.h"

struct spans {
	struct prover *p;
	const struct libtypes *l;
	uint64_t bytes[LIBTYPES_SPANS]; /* of an object of that type, with all that goes with it */
	struct u64map known;            /* address and type to number */
	struct span *v;
	size_t nr, room;
};

int spans__new(struct prover *p, int minor, const struct libtypes *l, struct spans **ret)
{
	struct spans *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct spans){ .p = p, .l = l };
	s->known.max = SPANS_MAX;
	for (size_t i = 0; i < LIBTYPES_SPANS; i++)
		if (l->spans[i].records)
			s->bytes[i] = gosizes_spent(minor, l->spans[i].type->size,
						    l->spans[i].type->ptr_bytes);
	*ret = s;
	return 0;
}

void spans__free(struct spans *s)
{
	if (!s)
		return;
	u64map__done(&s->known);
	free(s->v);
	free(s);
}

const struct span *spans__get(const struct spans *s, uint32_t n)
{
	return &s->v[n - 1];
}

bool spans__is_context(const struct spans *s, const struct gotype *t)
{
	return t && t == s->l->context.type;
}

const struct gotype *spans__context_type(const struct spans *s)
{
	return s->l->context.type;
}

/* A span that was used again has ids of its own since. */
uint32_t spans__of_context(struct spans *s, uint64_t addr)
{
	const struct libtypes_span *of = &s->l->spans[LIBTYPES_DATADOG];
	const uint64_t span = prover__word(s->p, addr + s->l->context.span);

	return of->ids != WEBTYPES_NONE && prover__is(s->p, span, of->type) &&
			       prover__word(s->p, span + of->ids) ==
				       prover__word(s->p, addr + s->l->context.ids)
		       ? spans__at(s, of->type, span)
		       : 0;
}

static void read_bytes(struct prover *p, uint64_t addr, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = prover__byte(p, addr + i);
}

static void spans__fill_ids(struct spans *s, const struct libtypes_span *of, uint64_t addr,
			    struct span *ret)
{
	const uint64_t at = of->ids == WEBTYPES_NONE ? addr : prover__word(s->p, addr + of->ids);

	if (of->ids != WEBTYPES_NONE && !prover__is(s->p, at, of->has_ids))
		return;
	read_bytes(s->p, at + of->trace_id, ret->trace_id, sizeof(ret->trace_id));
	read_bytes(s->p, at + of->span_id, ret->span_id, sizeof(ret->span_id));
	for (size_t i = 0; of->has_numbers && i < LIBTYPES_SPAN_ID / 2; i++) {
		const uint8_t low = ret->span_id[i];

		ret->span_id[i] = ret->span_id[LIBTYPES_SPAN_ID - 1 - i];
		ret->span_id[LIBTYPES_SPAN_ID - 1 - i] = low;
	}
}

/* What it records, if it does: one that is not sampled has nothing there. */
static void spans__fill(struct spans *s, const struct libtypes_span *of, uint64_t addr,
			struct span *ret)
{
	const uint64_t at =
		of->recorded == WEBTYPES_NONE ? addr : prover__word(s->p, addr + of->recorded);
	int64_t ns;

	*ret = (struct span){ .name = 0 };
	spans__fill_ids(s, of, addr, ret);
	if (!of->records || !prover__is(s->p, at, of->records))
		return;
	ret->name = at + of->name;
	if (of->has_numbers) {
		ns = (int64_t)prover__word(s->p, at + of->start);
		ret->start_ns = ns > 0 ? ns : 0;
		ret->ended = prover__byte(s->p, at + of->end);
		return;
	}
	ret->start_ns = prover__time(s->p, at + of->start, &ns) ? ns : 0;
	ret->ended = prover__time(s->p, at + of->end, &ns);
}

static bool says_nothing(const struct span *s)
{
	static const uint8_t none[LIBTYPES_TRACE];

	return !s->name && !memcmp(s->trace_id, none, sizeof(none));
}

static uint32_t spans__add(struct spans *s, const struct libtypes_span *of, uint64_t addr)
{
	const uint64_t key = addr / 8 << 16 | of->type->id;
	struct span span;
	uint64_t n;

	if (u64map__get(&s->known, key, &n))
		return (uint32_t)n;
	if (!prover__is(s->p, addr, of->type))
		return 0;
	spans__fill(s, of, addr, &span);
	n = says_nothing(&span) ? 0 : s->nr + 1;
	if (vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v)) ||
	    u64map__set(&s->known, key, n))
		return 0;
	if (n)
		s->v[s->nr++] = span;
	return (uint32_t)n;
}

uint32_t spans__at(struct spans *s, const struct gotype *t, uint64_t addr)
{
	for (size_t i = 0; i < LIBTYPES_SPANS; i++)
		if (s->l->spans[i].type == t)
			return spans__add(s, &s->l->spans[i], addr);
	return 0;
}

uint32_t spans__alone(struct spans *s, uint64_t object_bytes, uint64_t addr)
{
	uint32_t n = 0;

	for (size_t i = 0; i < LIBTYPES_SPANS && !n; i++)
		if (s->bytes[i] == object_bytes)
			n = spans__add(s, &s->l->spans[i], addr);
	return n;
}
