// SPDX-License-Identifier: BSD-2-Clause
#include "view/wakepairs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As a key: texts are interned, so pointers tell them apart. */
static int pair_before(const void *a, const void *b)
{
	const struct wakepair *x = a, *y = b;
	const uintptr_t of_x[] = { (uintptr_t)x->waiter.func,
				   (uintptr_t)x->waiter.file,
				   x->waiter.line,
				   (uintptr_t)x->waker.func,
				   (uintptr_t)x->waker.file,
				   x->waker.line,
				   x->kind,
				   (uintptr_t)x->reason };
	const uintptr_t of_y[] = { (uintptr_t)y->waiter.func,
				   (uintptr_t)y->waiter.file,
				   y->waiter.line,
				   (uintptr_t)y->waker.func,
				   (uintptr_t)y->waker.file,
				   y->waker.line,
				   y->kind,
				   (uintptr_t)y->reason };

	for (size_t i = 0; i < ARRAY_SIZE(of_x); i++)
		if (of_x[i] != of_y[i])
			return of_x[i] < of_y[i] ? -1 : 1;
	return 0;
}

static int text_before(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int longest_first(const void *a, const void *b)
{
	const struct wakepair *x = a, *y = b;
	int d;

	if (x->blocked_ns != y->blocked_ns)
		return x->blocked_ns > y->blocked_ns ? -1 : 1;
	d = text_before(x->waiter.func, y->waiter.func);
	if (!d)
		d = text_before(x->waker.func, y->waker.func);
	if (!d)
		d = (x->waiter.line > y->waiter.line) - (x->waiter.line < y->waiter.line);
	return d ? d : (x->waker.line > y->waker.line) - (x->waker.line < y->waker.line);
}

static struct wakepair pair_of(const struct merged_row *row)
{
	const struct frames *fr = &row->frames;
	const bool has_waker = fr->nr > fr->own + 1 && fr->waker == WAKER_GOROUTINE;
	size_t end = fr->own + 1;
	struct wakepair p = {
		.kind = fr->waker,
		.reason = fr->state,
		.count = row->count,
		.blocked_ns = row->value,
		.error = row->error,
	};

	while (end < fr->nr && !frame_begins_waker(&fr->v[end]))
		end++;
	place_of_frames(fr->v, fr->own, true, &p.waiter);
	if (has_waker)
		place_of_frames(fr->v + fr->own + 1, end - fr->own - 1, false, &p.waker);
	return p;
}

static void add_to(struct wakepair *p, const struct wakepair *q)
{
	p->count += q->count;
	p->blocked_ns += q->blocked_ns;
	p->error = hypot(p->error, q->error);
}

int wakepairs__init(struct wakepairs *w, const struct merged *m)
{
	const size_t nr = merged__nr(m);
	struct wakepair *v = calloc(nr + 1, sizeof(*v));
	size_t last = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		v[i] = pair_of(merged__row(m, i));
	qsort(v, nr, sizeof(*v), pair_before);
	for (size_t i = 1; i < nr; i++) {
		if (pair_before(&v[last], &v[i]))
			v[++last] = v[i];
		else
			add_to(&v[last], &v[i]);
	}
	*w = (struct wakepairs){ v, nr ? last + 1 : 0 };
	qsort(v, w->nr, sizeof(*v), longest_first);
	return 0;
}

void wakepairs__done(struct wakepairs *w)
{
	free(w->v);
	*w = (struct wakepairs){ NULL, 0 };
}
