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

static void read_bytes(struct prover *p, uint64_t addr, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = prover__byte(p, addr + i);
}

/* What it records, if it does: one that is not sampled has nothing there. */
static void spans__fill(struct spans *s, const struct libtypes_span *of, uint64_t addr,
			struct span *ret)
{
	const uint64_t at =
		of->recorded == WEBTYPES_NONE ? addr : prover__word(s->p, addr + of->recorded);
	int64_t end_ns;

	*ret = (struct span){ .name = 0 };
	read_bytes(s->p, addr + of->trace_id, ret->trace_id, sizeof(ret->trace_id));
	read_bytes(s->p, addr + of->span_id, ret->span_id, sizeof(ret->span_id));
	if (!of->records || !prover__is(s->p, at, of->records))
		return;
	ret->name = at + of->name;
	ret->ended = prover__time(s->p, at + of->end, &end_ns);
	if (!prover__time(s->p, at + of->start, &ret->start_ns))
		ret->start_ns = 0;
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
