/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/varrefs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void varrefs__free(struct varrefs *v)
{
	if (!v)
		return;
	free(v->v);
	free(v);
}

static bool is_variable(const struct goruntime *rt, uint64_t addr)
{
	for (uint32_t i = 0; i < rt->nr_modules; i++) {
		const struct gomodule *m = &rt->modules[i];

		if (addr - m->data.addr < m->data.len || addr - m->bss.addr < m->bss.len)
			return true;
	}
	return false;
}

static int varrefs__add(struct varrefs *v, uint64_t value, uint64_t at)
{
	if (v->nr == VARREFS_MAX)
		return 0;
	if (v->nr == v->room) {
		size_t room = v->room ? 2 * v->room : 1024;
		struct varref *p = reallocarray(v->v, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		v->v = p;
		v->room = room;
	}
	v->v[v->nr++] = (struct varref){ value, at };
	return 0;
}

static int varrefs__read(struct varrefs *v, const struct addrspace *as, const struct goruntime *rt,
			 const struct tabspan *s)
{
	struct window w;
	int err;

	if (s->addr % 8 || s->len > VARREFS_BYTES_MAX)
		return 0;
	err = window__init(&w, as, s->addr, s->addr + (s->len & ~7ull));
	for (uint64_t at = s->addr; at < w.end && !err; at += 8) {
		const uint8_t *bytes;
		uint64_t value;

		err = window__at(&w, at, 8, &bytes);
		if (err)
			break;
		memcpy(&value, bytes, sizeof(value));
		if (value && is_variable(rt, value))
			err = varrefs__add(v, value, at);
	}
	window__done(&w);
	return err == -EFAULT ? 0 : err;
}

static int compare_refs(const void *a, const void *b)
{
	const struct varref *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

int varrefs__new(const struct addrspace *as, const struct goruntime *rt, struct varrefs **ret)
{
	scoped(varrefs) v = calloc(1, sizeof(*v));
	int err = v ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < rt->nr_modules && !err; i++) {
		err = varrefs__read(v, as, rt, &rt->modules[i].data);
		if (!err)
			err = varrefs__read(v, as, rt, &rt->modules[i].bss);
	}
	if (err)
		return err;
	if (v->nr)
		qsort(v->v, v->nr, sizeof(*v->v), compare_refs);
	*ret = steal(v);
	return 0;
}

const struct varref *varrefs__before(const struct varrefs *v, uint64_t addr)
{
	size_t lo = 0, hi = v->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->v[mid].value <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 1 && v->v[lo - 2].value == v->v[lo - 1].value)
		lo--;
	return lo ? &v->v[lo - 1] : NULL;
}
