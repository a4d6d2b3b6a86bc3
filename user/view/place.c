/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/place.h"

#include <string.h>

#include "golang/gowrap.h"
#include "base/textpool.h"

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_plumbing(const char *func)
{
	return has_prefix(func, "runtime.") || has_prefix(func, "sync.") ||
	       has_prefix(func, "sync/") || has_prefix(func, "internal/") ||
	       has_prefix(func, "syscall.") || strstr(func, "._Cfunc_") ||
	       strstr(func, "._C2func_") ||
	       !strchr(func, '.'); /* "panic" and addresses of unknown code */
}

/* Packages that wait for those who call them. */
static bool is_waiting_room(const char *func)
{
	static const char *const packages[] = { "time.",       "net.",     "io.",
						"bufio.",      "os.",      "context.",
						"crypto/tls.", "os/exec.", "iter." };

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
		if (has_prefix(func, packages[i]))
			return true;
	return is_plumbing(func);
}

static struct place place_of_frame(const struct frame *f)
{
	return (struct place){ f->name, f->file, f->line };
}

/* The number of the first that is not passed over; nr: none. */
static size_t first_of(const struct frame *v, size_t nr, bool (*is_passed)(const char *func))
{
	size_t i = 0;

	while (i < nr && is_passed(v[i].name))
		i++;
	return i;
}

/*
 * The first that is not passed over. Goroutines of Go's own packages have no such frame: then the
 * first that is no plumbing, then the first that does more than park.
 */
static int first_place(struct dump *d, size_t stack, bool (*is_passed)(const char *func),
		       struct place *ret)
{
	const struct frame *v;
	size_t nr = 0, i;
	int err;

	*ret = (struct place){ "?", "", 0 };
	if (stack == DUMP_NO_STACK)
		return 0;
	err = dump__frames(d, stack, DUMP_FRAMES, &v, &nr);
	if (err || !nr)
		return err;
	i = first_of(v, nr, is_passed);
	if (i == nr)
		i = first_of(v, nr, is_plumbing);
	if (i == nr)
		for (i = 0; i < nr - 1 && v[i].plumbing; i++)
			;
	*ret = place_of_frame(&v[i]);
	return 0;
}

int place_of_stack(struct dump *d, size_t stack, struct place *ret)
{
	return first_place(d, stack, is_plumbing, ret);
}

void place_of_frames(const struct frame *v, size_t nr, bool root_first, struct place *ret)
{
	const struct frame *shown = NULL, *library = NULL, *own = NULL;

	for (size_t i = 0; i < nr && !own; i++) {
		const struct frame *f = &v[root_first ? nr - 1 - i : i];

		if (f->kind == FRAME_WORD)
			continue;
		if (!shown && !f->plumbing)
			shown = f;
		if (!library && !is_plumbing(f->name))
			library = f;
		if (!is_waiting_room(f->name))
			own = f;
	}
	own = own ? own : library ? library : shown;
	*ret = own ? place_of_frame(own) : (struct place){ NULL, "", 0 };
}

int place_of_wait(struct dump *d, size_t stack, struct place *ret)
{
	return first_place(d, stack, is_waiting_room, ret);
}

int place_of_goroutine(struct dump *d, uint16_t rt, uint32_t g, struct place *ret)
{
	const struct dump_row row = { .g = g, .rt = rt };

	return place_of_stack(d, dump__stack(d, &row), ret);
}

/*
 * `defer mu.Unlock()` calls a wrapper that stands at the line of the statement (Go 1.17 and later:
 * f.deferwrap1, f·dwrap·1): its function is the one that a person looks for.
 */
static const char *without_wrapper(struct dump *d, const char *func)
{
	static const char *const suffixes[] = { ".deferwrap", GOWRAP_NAME };
	char name[TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		const char *at = strstr(func, suffixes[i]);

		if (!at || (size_t)(at - func) >= sizeof(name))
			continue;
		memcpy(name, func, (size_t)(at - func));
		name[at - func] = '\0';
		return framer__text(d->framer, name);
	}
	return func;
}

/*
 * Of the frame and those further out the first that is no plumbing: of an Unlock that sync.Once
 * does, where Do is called.
 */
static int first_outward(struct dump *d, uint16_t rt, const struct ghold *h, struct place *ret)
{
	const struct census *c = d->in.censuses[rt];
	const struct census_stack *s = &c->stacks[c->gs[h->g].stack];
	const struct frame *v;
	size_t nr = 0, i;

	for (uint32_t k = h->frame; k < s->nr_pcs; k++) {
		int err = framer__at(d->framer, rt, c->pcs[s->pcs_at + k], true, &v, &nr);

		if (err)
			return err;
		i = first_of(v, nr, is_plumbing); /* Lock itself may be inlined */
		if (i == nr && k > h->frame)
			continue;
		*ret = place_of_frame(&v[i < nr ? i : nr - 1]);
		if (i < nr)
			break;
	}
	return 0;
}

int place_of_release(struct dump *d, uint16_t rt, const struct ghold *h, struct place *ret)
{
	const struct census *c = d->in.censuses[rt];
	const struct frame *v;
	size_t nr = 0, i;
	int err = framer__at(d->framer, rt, h->release_pc, false, &v, &nr);

	if (err)
		return err;
	/* of an unlock that is inlined: the function that calls it */
	i = first_of(v, nr, is_plumbing);
	*ret = place_of_frame(&v[i < nr ? i : nr - 1]);
	if (i == nr && h->frame < c->stacks[c->gs[h->g].stack].nr_pcs)
		/* a deferred call of Unlock itself: the function that has deferred it */
		err = first_outward(d, rt, h, ret);
	ret->func = without_wrapper(d, ret->func);
	return err;
}

int place_of_holding(struct dump *d, uint16_t rt, const struct ghold *h, struct place *ret)
{
	const struct census *c = d->in.censuses[rt];
	const uint32_t stack = c->gs[h->g].stack;

	if (stack >= c->nr_stacks || h->frame >= c->stacks[stack].nr_pcs)
		return 0;
	return first_outward(d, rt, h, ret);
}

bool place_own(const struct frame *v, size_t nr, struct place *ret)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i].own && !v[i].wrapper) {
			*ret = place_of_frame(&v[i]);
			return true;
		}
	return false;
}

void place_tally__add(struct place_tally *t, const struct place *p, uint64_t count)
{
	for (uint32_t i = 0; i < t->nr; i++)
		if (t->v[i].func == p->func && t->v[i].file == p->file && t->v[i].line == p->line) {
			t->count[i] += count;
			return;
		}
	if (t->nr < PLACES_TOLD_APART) {
		t->v[t->nr] = *p;
		t->count[t->nr++] = count;
	}
}

static uint32_t commonest(const struct place_tally *t)
{
	uint32_t most = 0;

	for (uint32_t i = 1; i < t->nr; i++)
		if (t->count[i] > t->count[most])
			most = i;
	return most;
}

bool place_tally__most(const struct place_tally *t, struct place *ret)
{
	if (t->nr)
		*ret = t->v[commonest(t)];
	return t->nr;
}

bool place_tally__take(struct place_tally *t, struct place *ret)
{
	const uint32_t at = commonest(t);

	if (!place_tally__most(t, ret))
		return false;
	t->nr--;
	t->v[at] = t->v[t->nr];
	t->count[at] = t->count[t->nr];
	return true;
}

const char *ghold_word(enum ghold_kind kind)
{
	return kind == GHOLD_MUTEX   ? "mutex"
	       : kind == GHOLD_GROUP ? "waitgroup"
	       : kind == GHOLD_WRITE ? "rwmutex-write"
				     : "rwmutex-read";
}
