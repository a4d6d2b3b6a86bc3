/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/lockpath.h"

#include <stdlib.h>
#include <string.h>

#define HASH_PRIME 0x9e3779b97f4a7c15ull

struct lock_use *lockpath__use(struct lockpath *p, uint64_t lock, uint32_t kind)
{
	size_t i = 0;

	while (i < p->nr_uses &&
	       (p->use[i].lock < lock || (p->use[i].lock == lock && p->use[i].kind < kind)))
		i++;
	if (i < p->nr_uses && p->use[i].lock == lock && p->use[i].kind == kind)
		return &p->use[i];
	if (p->nr_uses == LOCKPATH_USES_MAX)
		return NULL;
	memmove(&p->use[i + 1], &p->use[i], (p->nr_uses - i) * sizeof(p->use[0]));
	p->nr_uses++;
	p->use[i] = (struct lock_use){ .lock = lock, .kind = kind };
	return &p->use[i];
}

void lockpath__take(struct lockpath *p, uint64_t lock, enum lock_kind kind)
{
	struct lock_use *use = lockpath__use(p, lock, kind);

	if (use && use->balance < LOCKPATH_BALANCE_MAX)
		use->balance++;
}

/* A lock is held at the end of both only if it is held less. */
static void lockpath__join_uses(struct lockpath *p, const struct lockpath *o)
{
	for (size_t i = 0; i < o->nr_uses; i++)
		lockpath__use(p, o->use[i].lock, o->use[i].kind);
	for (size_t i = 0; i < p->nr_uses; i++) {
		struct lock_use *use = &p->use[i], other = { 0 };

		for (size_t k = 0; k < o->nr_uses; k++)
			if (o->use[k].lock == use->lock && o->use[k].kind == use->kind)
				other = o->use[k];
		if (other.balance > use->balance)
			use->balance = other.balance;
		if (other.lowest > use->lowest)
			use->lowest = other.lowest;
	}
	if (o->unknown > p->unknown)
		p->unknown = o->unknown;
}

/* Only what both have deferred, in the same order. */
static void lockpath__join_defers(struct lockpath *p, const struct lockpath *o)
{
	uint64_t same = 0;

	while (same < p->nr_defers && same < o->nr_defers &&
	       !memcmp(&p->defer[same], &o->defer[same], sizeof(p->defer[0])))
		same++;
	memset(&p->defer[same], 0, (LOCKPATH_DEFERS_MAX - same) * sizeof(p->defer[0]));
	p->nr_defers = same;
}

void lockpath__join(struct lockpath *p, const struct lockpath *o, struct livemem *m)
{
	lockpath__join_defers(p, o);
	cpu__join(&p->cpu, &o->cpu, m);
	lockpath__join_uses(p, o);
}

size_t lockpath_bytes(const struct lockpath *p)
{
	return offsetof(struct lockpath, cpu) + cpu_bytes(&p->cpu);
}

static inline uint64_t mixed(uint64_t h, uint64_t word)
{
	h = (h ^ word) * HASH_PRIME;
	return h ^ h >> 29;
}

/* Four at a time, since each step of one waits for the step before. */
uint64_t lockpath_hash(const struct lockpath *p)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, word[4];
	size_t bytes = lockpath_bytes(p), at = 0;

	for (; bytes - at >= sizeof(word); at += sizeof(word)) {
		memcpy(word, (const char *)p + at, sizeof(word));
		a = mixed(a, word[0]);
		b = mixed(b, word[1]);
		c = mixed(c, word[2]);
		d = mixed(d, word[3]);
	}
	for (; at < bytes; at += sizeof(word[0])) {
		memcpy(word, (const char *)p + at, sizeof(word[0]));
		a = mixed(a, word[0]);
	}
	return mixed(mixed(a, b), mixed(c, d));
}

struct lockpath *lockpath_copy(const struct lockpath *p)
{
	struct lockpath *copy = malloc(sizeof(*copy));

	if (copy)
		memcpy(copy, p, lockpath_bytes(p));
	return copy;
}
