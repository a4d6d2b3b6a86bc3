// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/leak_incident.h"

static bool may_be_joined(const struct leaks *l, const struct leak_entry *e)
{
	return verdict_is_leak(e->verdict.kind) && e->maker && called__known(&e->called) &&
	       e->pattern && e->pattern->cure && !leak_incident__has(l, e);
}

static uint64_t cost(const struct leaks *l, const struct leak_entry *e)
{
	return leaks__group(l, e)->stack_bytes;
}

/* Texts of the framer are equal if their pointers are. */
static int compare_texts(const char *a, const char *b)
{
	return a < b ? -1 : a > b;
}

/* Called from one line of the program, at births that were seen, and ended alike. */
static int compare_calls(const struct leak_entry *a, const struct leak_entry *b)
{
	const struct place *x = &a->called.place, *y = &b->called.place;
	int c = compare_texts(a->maker, b->maker);

	c = c ? c : compare_texts(x->func, y->func);
	c = c ? c : compare_texts(x->file, y->file);
	if (!c && x->line != y->line)
		c = x->line < y->line ? -1 : 1;
	return c ? c : strcmp(a->pattern->cure, b->pattern->cure);
}

static int order(const void *a, const void *b, void *ctx)
{
	const struct leak_entry *x = *(struct leak_entry *const *)a,
				*y = *(struct leak_entry *const *)b;
	const uint64_t cx = cost(ctx, x), cy = cost(ctx, y);
	const int c = compare_calls(x, y);

	if (c)
		return c;
	return cx != cy ? (cx > cy ? -1 : 1) : x->group < y->group ? -1 : x->group > y->group;
}

int leak_call__join(struct leaks *l)
{
	scoped_mem struct leak_entry **v = calloc(l->nr + 1, sizeof(*v));
	size_t nr = 0;

	l->entry_of = calloc(leakset__nr_groups(l->set) + 1, sizeof(*l->entry_of));
	if (!v || !l->entry_of)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		l->entries[i].call = l->entries[i].group;
		if (may_be_joined(l, &l->entries[i]))
			v[nr++] = &l->entries[i];
	}
	if (nr)
		qsort_r(v, nr, sizeof(struct leak_entry *), order, l);
	for (size_t i = 1; i < nr; i++)
		if (!compare_calls(v[i - 1], v[i]))
			v[i]->call = v[i - 1]->call;
	return 0;
}

static struct leak_entry *lead_of(const struct leaks *l, const struct leak_entry *e)
{
	return l->entry_of && e->call != e->group ? &l->entries[l->entry_of[e->call]] : NULL;
}

void leak_call__sum(struct leaks *l)
{
	for (size_t i = 0; i < l->nr && l->entry_of; i++)
		l->entry_of[l->entries[i].group] = (uint32_t)i;
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_entry *e = &l->entries[i];
		struct leak_entry *lead = lead_of(l, e);

		if (!lead)
			continue;
		lead->cause.bytes += cost(l, e) + leak_entry__heap(e);
		lead->cause.nr += leaks__group(l, e)->nr;
	}
	for (size_t i = 0; i < l->nr; i++) {
		struct leak_entry *e = &l->entries[i];
		const struct leak_entry *lead = lead_of(l, e);

		if (!lead)
			continue;
		e->cause = lead->cause;
		e->cause.place = 2;
	}
}

bool leak_call__is_folded(const struct leaks *l, const struct leak_entry *e, bool suspects)
{
	const struct leak_entry *lead = lead_of(l, e);

	return lead && leak_entry__counts(e, suspects) && leak_entry__counts(lead, suspects);
}

void leak_call__text(const struct leaks *l, const struct leak_entry *e, bool suspects,
		     struct textbuf *to)
{
	bool any = false;

	/* Nobody stands with it: of most entries there is nothing to look for. */
	for (size_t i = 0; i < l->nr && e->cause.nr != leaks__group(l, e)->nr; i++) {
		const struct leak_entry *other = &l->entries[i];

		if (other->call != e->group || !leak_call__is_folded(l, other, suspects))
			continue;
		textbuf__format(to, "  %-11s %u [%s] at %s %s:%u\n", any ? "" : "with it",
				leaks__group(l, other)->nr, other->reason, other->place.func,
				other->place.file[0] ? other->place.file : "?", other->place.line);
		any = true;
	}
}
