// SPDX-License-Identifier: BSD-2-Clause
#include "pipe/reorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct held {
	uint64_t ts_ns;
	uint64_t seq;   /* of arrival: keeps the order of equal times */
	size_t at, len; /* in bytes */
};

struct reorder {
	reorder_fn fn;
	void *ctx;
	struct held *held;
	size_t nr_held, cap_held;
	unsigned char *bytes; /* records, each at a multiple of 8 */
	size_t nr_bytes, cap_bytes;
	uint64_t seq;
	uint64_t newest_ns; /* of all records so far */
	uint64_t mark_ns;   /* newest_ns when the round before began to be let go */
	uint64_t forced;
};

static size_t round_up8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

int reorder__new(reorder_fn fn, void *ctx, struct reorder **ret)
{
	struct reorder *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fn = fn;
	o->ctx = ctx;
	*ret = o;
	return 0;
}

void reorder__free(struct reorder *o)
{
	if (!o)
		return;
	free(o->held);
	free(o->bytes);
	free(o);
}

static int held_before(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->ts_ns != y->ts_ns)
		return x->ts_ns < y->ts_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int held_lower(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Closes the gaps between what stays, lowest first, so that none overwrites another. */
static void compact(struct reorder *o)
{
	size_t i, nr_bytes = 0;

	qsort(o->held, o->nr_held, sizeof(*o->held), held_lower);
	for (i = 0; i < o->nr_held; i++) {
		struct held *h = &o->held[i];

		memmove(o->bytes + nr_bytes, o->bytes + h->at, h->len);
		h->at = nr_bytes;
		nr_bytes += round_up8(h->len);
	}
	o->nr_bytes = nr_bytes;
}

/* Hands over what is not newer than mark_ns. */
static void release(struct reorder *o, uint64_t mark_ns)
{
	size_t i;

	if (!o->nr_held)
		return;
	qsort(o->held, o->nr_held, sizeof(*o->held), held_before);
	for (i = 0; i < o->nr_held && o->held[i].ts_ns <= mark_ns; i++)
		o->fn(o->ctx, o->bytes + o->held[i].at, o->held[i].len);
	if (!i)
		return;
	o->nr_held -= i;
	memmove(o->held, o->held + i, o->nr_held * sizeof(*o->held));
	compact(o);
}

static int reserve(struct reorder *o, size_t len)
{
	if (o->nr_held == o->cap_held) {
		size_t cap = o->cap_held ? o->cap_held * 2 : 1024;
		struct held *v = reallocarray(o->held, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		o->held = v;
		o->cap_held = cap;
	}
	if (o->nr_bytes + len + 8 > o->cap_bytes) {
		size_t cap = (o->cap_bytes + len + 8) * 2;
		unsigned char *v = realloc(o->bytes, cap);

		if (!v)
			return -ENOMEM;
		o->bytes = v;
		o->cap_bytes = cap;
	}
	return 0;
}

int reorder__add(struct reorder *o, const void *data, size_t len)
{
	uint64_t ts_ns = 0;
	int err;

	if (len > REORDER_BYTES_MAX)
		return -ENOMEM;
	if (o->nr_bytes + len > REORDER_BYTES_MAX) {
		o->forced++;
		release(o, UINT64_MAX);
	}
	err = reserve(o, len);
	if (err)
		return err;
	if (len >= sizeof(ts_ns))
		memcpy(&ts_ns, data, sizeof(ts_ns));
	memcpy(o->bytes + o->nr_bytes, data, len);
	o->held[o->nr_held++] = (struct held){
		.ts_ns = ts_ns,
		.seq = o->seq++,
		.at = o->nr_bytes,
		.len = len,
	};
	o->nr_bytes += round_up8(len);
	if (ts_ns > o->newest_ns)
		o->newest_ns = ts_ns;
	return 0;
}

void reorder__round(struct reorder *o)
{
	release(o, o->mark_ns);
	o->mark_ns = o->newest_ns;
}

void reorder__flush(struct reorder *o)
{
	release(o, UINT64_MAX);
}

uint64_t reorder__forced(const struct reorder *o)
{
	return o->forced;
}
