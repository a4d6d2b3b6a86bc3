// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leak_figures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/leaks.h"

/* What is long differs at its end, as a rule. */
static void take_name(char to[LEAK_NAME_MAX], const char *name)
{
	const size_t len = name ? strlen(name) : 0;
	const char *from = name ? name : "";

	if (len >= LEAK_NAME_MAX)
		from += len - (LEAK_NAME_MAX - 1);
	while ((*from & 0xc0) == 0x80) /* not within a character */
		from++;
	snprintf(to, LEAK_NAME_MAX, "%s", from);
}

void leak_site_of(const struct leaks *l, const struct leak_entry *e, struct leak_site *ret)
{
	const struct site *made = dump__site(l->d, e->made);

	ret->verdict = e->verdict.kind;
	ret->goroutines = leaks__group(l, e)->nr;
	take_name(ret->created_by, made && made->known ? made->func : NULL);
	take_name(ret->blocked_at, e->blocked ? e->place.func : NULL);
}

bool leak_site__same(const struct leak_site *a, const struct leak_site *b)
{
	return a->verdict == b->verdict && !strcmp(a->created_by, b->created_by) &&
	       !strcmp(a->blocked_at, b->blocked_at);
}

/* One that does not fit takes the place of the smallest, or goes to the others. */
void leak_figures__add(struct leak_figures *f, const struct leak_site *s)
{
	struct leak_site *least = &f->sites[0];

	for (size_t i = 0; i < f->nr; i++) {
		if (leak_site__same(&f->sites[i], s)) {
			f->sites[i].goroutines += s->goroutines;
			return;
		}
		if (f->sites[i].goroutines < least->goroutines)
			least = &f->sites[i];
	}
	if (f->nr < LEAK_SITES_MAX) {
		f->sites[f->nr++] = *s;
	} else if (s->goroutines > least->goroutines) {
		f->other += least->goroutines;
		*least = *s;
	} else {
		f->other += s->goroutines;
	}
}

int leak_figures__unpack(const char *bytes, size_t len, struct leak_figures *ret)
{
	if (len != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, bytes, sizeof(*ret));
	if (ret->nr > LEAK_SITES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < LEAK_SITES_MAX; i++) {
		struct leak_site *s = &ret->sites[i];

		if ((unsigned int)s->verdict >= VERDICT_KINDS)
			return -EBADMSG;
		s->created_by[LEAK_NAME_MAX - 1] = s->blocked_at[LEAK_NAME_MAX - 1] = '\0';
	}
	return 0;
}

void leak_figures_of(const struct leaks *l, struct leak_figures *ret)
{
	*ret = (struct leak_figures){ .nr = 0 };
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_entry *e = &l->entries[i];
		struct leak_site s;

		if (!leak_entry__counts(e, false))
			continue;
		leak_site_of(l, e, &s);
		leak_figures__add(ret, &s);
		ret->leaking += s.goroutines;
		ret->stack_bytes += leaks__group(l, e)->stack_bytes;
		ret->heap_bytes += leak_entry__heap(e);
	}
}
