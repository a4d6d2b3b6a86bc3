// SPDX-License-Identifier: BSD-2-Clause
#include "view/timeline_words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gostate.h"

#define FRAMES_OF_STACK 1024 /* inlined ones among them */

struct stack_key {
	uint64_t id;
	uint32_t reason, rt;
};

struct wait_node {
	struct stack_key key;
	struct wait_words words;
	UT_hash_handle hh;
};

struct waker_node {
	struct stack_key key;
	struct waker_words words;
	UT_hash_handle hh;
};

struct timeline_words {
	const struct stackset *stacks; /* borrowed */
	struct framer *framer;
	struct sites *sites;
	struct wait_node *waits;
	struct waker_node *wakers;
	struct frame frames[FRAMES_OF_STACK]; /* of one stack, innermost first */
	size_t nr_frames;
};

int timeline_words__new(const struct namer *namers, size_t nr_namers, const struct stackset *stacks,
			struct timeline_words **ret)
{
	scoped(timeline_words) w = calloc(1, sizeof(*w));
	int err = w ? framer__new(namers, nr_namers, &w->framer) : -ENOMEM;

	if (!err)
		err = sites__new(w->framer, namers, &w->sites);
	if (err)
		return err;
	w->stacks = stacks;
	*ret = steal(w);
	return 0;
}

void timeline_words__free(struct timeline_words *w)
{
	struct waker_node *k, *next_k;
	struct wait_node *n, *next_n;

	if (!w)
		return;
	HASH_ITER(hh, w->waits, n, next_n)
	{
		HASH_DEL(w->waits, n);
		free(n);
	}
	HASH_ITER(hh, w->wakers, k, next_k)
	{
		HASH_DEL(w->wakers, k);
		free(k);
	}
	sites__free(w->sites);
	framer__free(w->framer);
	free(w);
}

/* --- stacks --- */

/* The frames of it; none where it was lost. */
static int timeline_words__read(struct timeline_words *w, uint16_t rt, uint64_t stack_id)
{
	struct stack st;

	w->nr_frames = 0;
	if (stackset__get(w->stacks, stack_id, &st))
		return 0;
	for (uint32_t i = 0; i < st.nr; i++) {
		const struct frame *v;
		size_t nr;
		int err = framer__at(w->framer, rt, st.pcs[i], i > 0, &v, &nr);

		if (err)
			return err;
		for (size_t k = 0; k < nr && w->nr_frames < FRAMES_OF_STACK; k++)
			w->frames[w->nr_frames++] = v[k];
	}
	return 0;
}

static enum gowait timeline_words__why(struct timeline_words *w, uint16_t rt, uint32_t reason)
{
	const struct namer *n = framer__namer(w->framer, rt);
	const char *funcs[FRAMES_OF_STACK];
	size_t nr = 0;

	if (!n) /* a recording that somebody changed */
		return GOWAIT_UNKNOWN;
	for (size_t i = 0; i < w->nr_frames; i++)
		if (!w->frames[i].wrapper)
			funcs[nr++] = w->frames[i].name;
	return gowait_refine(gowait_of(n->go_minor, reason), funcs, nr);
}

static int timeline_words__fill(struct timeline_words *w, const struct stack_key *key,
				struct wait_words *ret)
{
	const uint16_t rt = (uint16_t)key->rt;
	int err = timeline_words__read(w, rt, key->id);
	enum gowait why;

	if (err)
		return err;
	why = timeline_words__why(w, rt, key->reason);
	ret->reason = why == GOWAIT_UNKNOWN
			      ? framer__format(w->framer, "wait reason %" PRIu32, key->reason)
			      : framer__text(w->framer, gostate_word((enum gostate)why));
	place_of_frames(w->frames, w->nr_frames, false, &ret->place);
	ret->name = ret->place.func
			    ? framer__format(w->framer, "%s: %s", ret->reason, ret->place.func)
			    : ret->reason;
	return 0;
}

const struct wait_words *timeline_words__wait(struct timeline_words *w, uint16_t rt,
					      uint64_t stack_id, uint32_t reason)
{
	const struct stack_key key = { stack_id, reason, rt };
	const unsigned int count = HASH_COUNT(w->waits);
	struct wait_node *n;

	HASH_FIND(hh, w->waits, &key, sizeof(key), n);
	if (n)
		return &n->words;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key = key;
	n->words.id = count + 1;
	if (!timeline_words__fill(w, &key, &n->words)) {
		HASH_ADD(hh, w->waits, key, sizeof(n->key), n);
		if (HASH_COUNT(w->waits) > count)
			return &n->words;
	}
	free(n);
	return NULL;
}

/* All frames say who it is; how ready was called is of no interest. */
static int timeline_words__tell(struct timeline_words *w, const struct stack_key *key,
				struct waker_words *ret)
{
	int err = timeline_words__read(w, (uint16_t)key->rt, key->id);
	size_t calls = 0;

	if (err)
		return err;
	ret->kind = waker_of_stack(w->frames, w->nr_frames);
	ret->word = waker_kind_word(ret->kind);
	while (calls < w->nr_frames && waker_is_ready(&w->frames[calls]))
		calls++;
	if (ret->kind == WAKER_GOROUTINE)
		place_of_frames(w->frames + calls, w->nr_frames - calls, false, &ret->place);
	return 0;
}

static int timeline_words__find(struct timeline_words *w, uint16_t rt, uint64_t stack_id,
				struct waker_words *ret)
{
	const struct stack_key key = { .id = stack_id, .rt = rt };
	const unsigned int count = HASH_COUNT(w->wakers);
	struct waker_node *n;

	HASH_FIND(hh, w->wakers, &key, sizeof(key), n);
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->key = key;
		if (!timeline_words__tell(w, &key, &n->words))
			HASH_ADD(hh, w->wakers, key, sizeof(n->key), n);
		if (HASH_COUNT(w->wakers) == count) {
			free(n);
			return -ENOMEM;
		}
	}
	*ret = n->words;
	return 0;
}

int timeline_words__waker(struct timeline_words *w, uint16_t rt, const struct timeline_slice *s,
			  struct waker_words *ret)
{
	if (s->waker_stack != PW_STACK_ID_NONE)
		return timeline_words__find(w, rt, s->waker_stack, ret);
	*ret = (struct waker_words){ .kind = s->waker_goid ? WAKER_GOROUTINE : WAKER_UNKNOWN };
	ret->word = waker_kind_word(ret->kind);
	return 0;
}

/* --- tracks --- */

uint32_t timeline_words__site(struct timeline_words *w, uint16_t rt, uint64_t gopc)
{
	return sites__of(w->sites, rt, SITE_MADE, gopc, NULL);
}

const char *timeline_words__made(struct timeline_words *w, uint32_t site)
{
	const struct site *s = site == SITES_NONE ? NULL : &w->sites->v[site];

	if (!s)
		return "created by [unknown]";
	if (!s->known || !s->file[0])
		return framer__format(w->framer, "created by %s", s->func);
	return framer__format(w->framer, "created by %s, %s:%u", s->func, s->file, s->line);
}

const char *timeline_words__goroutine(struct timeline_words *w, const struct timeline_goroutine *g)
{
	const uint32_t start = sites__of(w->sites, g->rt, SITE_START, g->startpc, NULL);

	if (start == SITES_NONE)
		return framer__format(w->framer, "goroutine %" PRIu64, g->goid);
	return framer__format(w->framer, "goroutine %" PRIu64 " %s", g->goid,
			      w->sites->v[start].func);
}
