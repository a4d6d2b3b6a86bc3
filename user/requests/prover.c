/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/prover.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/u64map.h"
#include "base/vec.h"
#include "golang/gosizes.h"

#define USER_START  4096ull
#define USER_END    (1ull << 47)
#define LEN_MAX     (1ull << 32) /* of a string */
#define CAP_MAX     (1ull << 40) /* of a slice */
#define ARRAY_MAX   64u          /* elements that are looked at */
#define DEPTH_MAX   16u          /* structs in structs */
#define METHODS_MAX 256u         /* of an interface */
#define FIELDS_MAX  4096u        /* that one proof looks at */

/* Go time/time.go: bit 63 of wall says that it has seconds since 1885, else ext has them, since 1 */
#define WALL_MONOTONIC  (1ull << 63)
#define WALL_NS_MASK    ((1ull << 30) - 1)
#define SECONDS_TO_1970 62135596800ll
#define SECONDS_TO_1885 59453308800ll
#define SECONDS_MAX     (1ll << 33) /* of a time that is one: the year 2242 */

/* Go runtime/runtime2.go itab, internal/abi/iface.go ITab: inter, type, hash u32; fun. */
#define ITAB_TYPE  8
#define ITAB_HASH  16
#define ITAB_FUN   24
#define ITAB_BYTES 32

_Static_assert(GOTYPES_MAX <= 1u << 16, "a type's id has 16 bits of a key");

struct prover {
	const struct goruntime *rt;
	struct gotypes *types;
	const struct goheap *heap;
	struct pagecache *mem;
	struct u64map proved; /* address and type: 1 it is, 0 it is not */
	struct u64map itabs;  /* address to struct itab number + 1; 0: it is none */
	struct itab {
		const struct gotype *interface, *type;
	} * itabs_v;
	size_t nr_itabs, itabs_room;
	int err;
};

int prover__new(const struct addrspace *as, const struct goruntime *rt, struct gotypes *types,
		const struct goheap *heap, struct prover **ret)
{
	scoped(prover) p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	*p = (struct prover){ .rt = rt, .types = types, .heap = heap };
	p->proved.max = p->itabs.max = PROVER_FACTS_MAX;
	err = pagecache__new(as, PROVER_MEMORY_MAX, &p->mem);
	if (err)
		return err;
	*ret = steal(p);
	return 0;
}

void prover__free(struct prover *p)
{
	if (!p)
		return;
	pagecache__free(p->mem);
	u64map__done(&p->proved);
	u64map__done(&p->itabs);
	free(p->itabs_v);
	free(p);
}

const struct goheap *prover__heap(const struct prover *p)
{
	return p->heap;
}

struct gotypes *prover__types(struct prover *p)
{
	return p->types;
}

int prover__err(const struct prover *p)
{
	return p->err;
}

/* --- memory --- */

/* An address that cannot be read is a fact; that the process is gone ends it all. */
static bool prover__read(struct prover *p, uint64_t addr, void *buf, size_t len)
{
	const int err = pagecache__read(p->mem, addr, buf, len);

	if (err == -ESRCH || err == -ENOMEM)
		p->err = err;
	return !err;
}

uint64_t prover__word(struct prover *p, uint64_t addr)
{
	uint64_t v;

	return prover__read(p, addr, &v, sizeof(v)) ? v : 0;
}

uint8_t prover__byte(struct prover *p, uint64_t addr)
{
	uint8_t v;

	return prover__read(p, addr, &v, sizeof(v)) ? v : 0;
}

bool prover__string(struct prover *p, uint64_t addr, char *buf, size_t size)
{
	uint64_t s[2]; /* ptr, len */
	size_t len;

	if (!prover__read(p, addr, s, sizeof(s)) || s[1] > LEN_MAX)
		return false;
	len = s[1] < size ? (size_t)s[1] : size - 1;
	if (len && (!prover__read(p, s[0], buf, len) || memchr(buf, '\0', len)))
		return false;
	buf[len] = '\0';
	return true;
}

bool prover__time(struct prover *p, uint64_t addr, int64_t *ret_ns)
{
	const uint64_t wall = prover__word(p, addr);
	int64_t seconds = (int64_t)prover__word(p, addr + 8);

	if (wall & WALL_MONOTONIC)
		seconds = (int64_t)(wall << 1 >> 31) + SECONDS_TO_1885;
	if (seconds <= SECONDS_TO_1970 || seconds - SECONDS_TO_1970 > SECONDS_MAX)
		return false;
	*ret_ns =
		(seconds - SECONDS_TO_1970) * (int64_t)NS_PER_SEC + (int64_t)(wall & WALL_NS_MASK);
	return true;
}

static bool prover__is_variable(const struct prover *p, uint64_t addr)
{
	for (uint32_t i = 0; i < p->rt->nr_modules; i++) {
		const struct gomodule *m = &p->rt->modules[i];

		if ((addr >= m->data.addr && addr - m->data.addr < m->data.len) ||
		    (addr >= m->bss.addr && addr - m->bss.addr < m->bss.len) ||
		    (addr >= m->noptrdata.addr && addr - m->noptrdata.addr < m->noptrdata.len) ||
		    (addr >= m->noptrbss.addr && addr - m->noptrbss.addr < m->noptrbss.len))
			return true;
	}
	return false;
}

/* --- itabs --- */

/* Most that are asked for are words of stacks, and lead to the heap or nowhere. */
static bool prover__may_be_itab(const struct prover *p, uint64_t addr)
{
	return addr % 8 == 0 && addr >= USER_START && addr < USER_END &&
	       !goheap__span(p->heap, addr);
}

/* Go runtime/iface.go itabInit: one that was made at run time has no hash, and all its methods. */
static bool prover__has_methods(struct prover *p, uint64_t itab, const struct gotype *interface)
{
	if (!interface->len || interface->len > METHODS_MAX)
		return false;
	for (uint64_t i = 0; i < interface->len; i++)
		if (!goruntime__holds(p->rt, prover__word(p, itab + ITAB_FUN + 8 * i)))
			return false;
	return true;
}

static bool prover__take_itab(struct prover *p, uint64_t addr, struct itab *ret)
{
	uint8_t raw[ITAB_BYTES];
	uint64_t inter, type, fun;
	uint32_t hash;

	if (!prover__read(p, addr, raw, sizeof(raw)))
		return false;
	memcpy(&inter, raw, sizeof(inter));
	memcpy(&type, raw + ITAB_TYPE, sizeof(type));
	memcpy(&hash, raw + ITAB_HASH, sizeof(hash));
	memcpy(&fun, raw + ITAB_FUN, sizeof(fun));
	ret->interface = gotypes__at(p->types, inter);
	ret->type = gotypes__at(p->types, type);
	if (!ret->interface || ret->interface->kind != GOKIND_INTERFACE || !ret->type)
		return false;
	if (hash)
		return ret->type->hash == hash && goruntime__holds(p->rt, fun);
	return !prover__is_variable(p, addr) && prover__has_methods(p, addr, ret->interface);
}

const struct gotype *prover__itab(struct prover *p, uint64_t addr,
				  const struct gotype **ret_interface)
{
	struct itab it;
	uint64_t known;

	if (!prover__may_be_itab(p, addr))
		return NULL;
	if (!u64map__get(&p->itabs, addr, &known)) {
		known = 0;
		if (prover__take_itab(p, addr, &it)) {
			if (vec__reserve(&p->itabs_v, &p->itabs_room, p->nr_itabs + 1,
					 sizeof(*p->itabs_v))) {
				p->err = -ENOMEM;
				return NULL;
			}
			p->itabs_v[p->nr_itabs++] = it;
			known = p->nr_itabs;
		}
		if (u64map__set(&p->itabs, addr, known))
			p->err = -ENOSPC;
	}
	if (!known)
		return NULL;
	*ret_interface = p->itabs_v[known - 1].interface;
	return p->itabs_v[known - 1].type;
}

const struct gotype *prover__held(struct prover *p, uint64_t first)
{
	const struct gotype *interface, *t = prover__itab(p, first, &interface);

	if (!t)
		t = gotypes__at(p->types, first);
	if (!t)
		return NULL;
	if (t->kind == GOKIND_POINTER)
		return gotypes__elem(p->types, t);
	return t->direct ? NULL : t;
}

/* --- whether memory fits --- */

struct proof {
	struct prover *p;
	uint32_t fields; /* that were looked at */
};

/* Nil, or there is room for so many bytes. Of what is no heap's nothing is known. */
static bool leads_to(const struct prover *p, uint64_t addr, uint64_t bytes)
{
	const struct gospan *span;
	uint64_t base;

	if (!addr)
		return true;
	if (addr < USER_START || addr >= USER_END)
		return false;
	span = goheap__span(p->heap, addr);
	if (!span)
		return true;
	return gospan_object(span, addr, &base) && bytes <= span->elem_bytes &&
	       addr - base <= span->elem_bytes - bytes;
}

static bool fits_interface(struct prover *p, uint64_t addr, const struct gotype *t)
{
	const struct gotype *interface;
	const uint64_t first = prover__word(p, addr), data = prover__word(p, addr + 8);

	if (!first)
		return !data;
	if (!t->len)
		return gotypes__at(p->types, first) && leads_to(p, data, 0);
	return prover__itab(p, first, &interface) && interface == t && leads_to(p, data, 0);
}

static bool fits_slice(struct prover *p, uint64_t addr, const struct gotype *t)
{
	const struct gotype *elem = gotypes__elem(p->types, t);
	const uint64_t at = prover__word(p, addr), len = prover__word(p, addr + 8),
		       cap = prover__word(p, addr + 16);

	if (!cap)
		return !len;
	return elem && at && len <= cap && cap < CAP_MAX &&
	       (elem->size > LEN_MAX / cap || leads_to(p, at, cap * elem->size));
}

static bool fits_pointer(struct prover *p, uint64_t addr, const struct gotype *t)
{
	const struct gotype *elem = gotypes__elem(p->types, t);
	const uint64_t at = prover__word(p, addr);

	return !at || (elem && !(at & (elem->align - 1u)) && leads_to(p, at, elem->size));
}

static bool fits(struct proof *f, uint64_t addr, const struct gotype *t, unsigned int depth);

static bool fits_struct(struct proof *f, uint64_t addr, const struct gotype *t, unsigned int depth)
{
	const struct gofield *v = gotypes__fields(f->p->types, t);

	if (!v)
		return !t->nr_fields;
	for (uint32_t i = 0; i < t->nr_fields; i++)
		if (!fits(f, addr + v[i].offset, v[i].type, depth))
			return false;
	return true;
}

static bool fits_array(struct proof *f, uint64_t addr, const struct gotype *t, unsigned int depth)
{
	const struct gotype *elem = gotypes__elem(f->p->types, t);

	if (!elem)
		return false;
	if (!elem->size || !elem->ptr_bytes || t->len > ARRAY_MAX)
		return true;
	for (uint64_t i = 0; i < t->len; i++)
		if (!fits(f, addr + i * elem->size, elem, depth))
			return false;
	return true;
}

static bool fits(struct proof *f, uint64_t addr, const struct gotype *t, unsigned int depth)
{
	struct prover *p = f->p;

	if (depth == DEPTH_MAX || f->fields++ == FIELDS_MAX)
		return false;
	switch (t->kind) {
	case GOKIND_BOOL: return prover__byte(p, addr) <= 1;
	case GOKIND_POINTER: return fits_pointer(p, addr, t);
	case GOKIND_MAP:
	case GOKIND_CHAN:
	case GOKIND_FUNC:
	case GOKIND_UNSAFE_POINTER: return leads_to(p, prover__word(p, addr), 0);
	case GOKIND_STRING:
		return !prover__word(p, addr + 8) ||
		       (prover__word(p, addr + 8) < LEN_MAX && prover__word(p, addr) &&
			leads_to(p, prover__word(p, addr), prover__word(p, addr + 8)));
	case GOKIND_SLICE: return fits_slice(p, addr, t);
	case GOKIND_INTERFACE: return fits_interface(p, addr, t);
	case GOKIND_STRUCT: return fits_struct(f, addr, t, depth + 1);
	case GOKIND_ARRAY: return fits_array(f, addr, t, depth + 1);
	}
	return true;
}

bool prover__fits(struct prover *p, uint64_t addr, const struct gotype *t)
{
	uint8_t last;

	/* what cannot be read reads as 0, which fits: so its ends must be there */
	return t->size && prover__read(p, addr, &last, 1) &&
	       prover__read(p, addr + t->size - 1, &last, 1) &&
	       fits(&(struct proof){ .p = p }, addr, t, 0);
}

/* Whether what lies at addr is as large as T, and begins there. */
static bool prover__is_place(struct prover *p, uint64_t addr, const struct gotype *t)
{
	const struct gospan *span = goheap__span(p->heap, addr);
	uint64_t base;

	if (!span)
		return prover__is_variable(p, addr);
	if (!gospan_object(span, addr, &base) || addr != base + span->header ||
	    span->noscan != !t->ptr_bytes ||
	    span->elem_bytes != gosizes_spent(p->rt->minor, t->size, t->ptr_bytes))
		return false;
	return !span->header || prover__word(p, base) == t->addr;
}

bool prover__is(struct prover *p, uint64_t addr, const struct gotype *t)
{
	uint64_t key, known;
	bool is;

	if (!t || !addr || addr % 8 || addr < USER_START || addr >= USER_END ||
	    t->kind != GOKIND_STRUCT || !t->size)
		return false;
	key = addr / 8 << 16 | t->id; /* addresses have 47 bits */
	if (u64map__get(&p->proved, key, &known))
		return known;
	is = prover__is_place(p, addr, t) && prover__fits(p, addr, t);
	if (u64map__set(&p->proved, key, is))
		p->err = -ENOSPC;
	return is;
}
