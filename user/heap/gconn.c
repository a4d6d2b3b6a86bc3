// SPDX-License-Identifier: BSD-2-Clause
#include "heap/gconn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "census/field.h"
#include "heap/grefs.h"
#include "heap/goheap.h"
#include "golang/gotype.h"

#define BYTES	 1024 /* of an object that are read */
#define BATCH	 64   /* objects that are read at once */
#define SLOTS	 4096 /* of the table of objects that were met: a power of two, and more than GCONN_OBJECTS */
#define FD_SYSFD 16   /* internal/poll.FD: fdmu, then Sysfd; then, from Go 1.22 on, SysFile; then pd.runtimeCtx */

struct walk {
	const struct gconn_in *in;
	struct goheap *heap;
	struct grefs *refs;
	const struct census_g *g;
	uint64_t until_ns; /* of our own CPU time: who waits for a processor reads nothing meanwhile */
	/* of the goroutine that is followed */
	uint64_t queue[GCONN_OBJECTS]; /* bases of objects, level after level */
	uint32_t bytes[GCONN_OBJECTS];
	size_t nr;
	uint64_t slot[SLOTS];
	uint32_t turn[SLOTS]; /* that the slot was set in */
	uint32_t now;
	uint8_t found[GCONN_SIDES]; /* different ones, on the level on which the first was */
	struct gconn *to;
	uint64_t done_type; /* of `chan struct {}`; 0: not known yet */
	uint8_t piece[BATCH][BYTES];
};

static void walk__done(struct walk *w)
{
	grefs__free(w->refs);
	goheap__free(w->heap);
}

/* False: it was there. */
static bool walk__met(struct walk *w, uint64_t base)
{
	size_t i = (size_t)(base * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;

	for (; w->turn[i] == w->now; i = (i + 1) % SLOTS)
		if (w->slot[i] == base)
			return false;
	w->turn[i] = w->now;
	w->slot[i] = base;
	return true;
}

/* What a word refers to is looked into on the next level. */
static void walk__follow(struct walk *w, uint64_t value)
{
	struct goobject o;

	if (value < w->heap->lo || value >= w->heap->hi || w->nr == GCONN_OBJECTS || goheap__object(w->heap, value, &o) ||
	    o.span->noscan || grefs__is_g(w->refs, o.base) || !walk__met(w, o.base))
		return;
	w->bytes[w->nr] = o.size < BYTES ? (uint32_t)o.size : BYTES;
	w->queue[w->nr++] = o.base;
}

/* The runtime's record of a descriptor, outside of the heap. */
static bool is_poll_desc(const struct walk *w, uint64_t addr, uint64_t fd)
{
	uint64_t of;

	return addr && !(addr & 7) && (addr < w->heap->lo || addr >= w->heap->hi) &&
	       !addrspace__read(w->in->as, addr + (uint64_t)w->in->rt->objects.pd_fd, &of, sizeof(of)) && of == fd;
}

/* The object is, or begins with, an internal/poll.FD of a descriptor that counts. */
static void walk__see_fd(struct walk *w, const uint8_t *v, size_t len)
{
	const uint64_t fd = len >= FD_SYSFD + 24 ? field_u64(v, FD_SYSFD) : UINT64_MAX;
	enum gconn_side side;

	if (fd >= w->in->nr_fds || w->in->sides[fd] == GCONN_NONE ||
	    (!is_poll_desc(w, field_u64(v, FD_SYSFD + 8), fd) && !is_poll_desc(w, field_u64(v, FD_SYSFD + 16), fd)))
		return;
	side = (enum gconn_side)w->in->sides[fd];
	if (w->to->fd[side] != (int)fd)
		w->found[side]++;
	w->to->fd[side] = (int)fd;
}

static bool is_waited_for(const struct walk *w, uint64_t addr)
{
	for (uint32_t i = 0; i < w->g->nr_waits; i++) {
		const struct census_wait *c = &w->in->census->waits[w->g->waits_at + i];

		if (c->kind == CENSUS_WAIT_CHAN && c->way != CENSUS_WAY_SEND && c->addr == addr)
			return true;
	}
	return false;
}

/* cancelCtx.done, from Go 1.18 on: an atomic.Value that has a chan struct{}; its first word is the type. */
static void walk__see_context(struct walk *w, uint64_t before, uint64_t value)
{
	char name[GOTYPE_NAME_MAX];

	if (w->to->context || !value || !is_waited_for(w, value))
		return;
	if (before != w->done_type && !gotype_name(w->in->as, w->in->rt, before, name, sizeof(name)) && !strcmp(name, "chan struct {}"))
		w->done_type = before;
	w->to->context = before && before == w->done_type;
}

static void walk__look_into(struct walk *w, const uint8_t *v, size_t len, bool follow)
{
	uint64_t before = 0;

	/* A sudog begins with its g (Go 1.15 to 1.27 runtime/runtime2.go), and leads to others that wait: they are no affair of this one. */
	if (len < 8 || grefs__is_g(w->refs, field_u64(v, 0)))
		return;
	walk__see_fd(w, v, len);
	for (size_t at = 0; at + 8 <= len; at += 8) {
		const uint64_t value = field_u64(v, at);

		walk__see_context(w, before, value);
		before = value;
		if (follow)
			walk__follow(w, value);
	}
}

/* Objects queue[from .. to - 1]. */
static int walk__level(struct walk *w, size_t from, size_t to, bool follow)
{
	struct memread reads[BATCH];

	for (size_t at = from, nr; at < to; at += nr) {
		nr = to - at < BATCH ? to - at : BATCH;
		for (size_t i = 0; i < nr; i++)
			reads[i] = (struct memread){ .addr = w->queue[at + i], .buf = w->piece[i], .len = w->bytes[at + i] };
		addrspace__read_batch(w->in->as, reads, nr);
		for (size_t i = 0; i < nr; i++) {
			if (reads[i].err == -ESRCH)
				return -ESRCH;
			if (!reads[i].err)
				walk__look_into(w, w->piece[i], reads[i].len, follow);
		}
	}
	return 0;
}

/* What is one level further than the first counts too: who serves one connection may be a client on another. */
static int walk__goroutine(struct walk *w, size_t i, struct gconn *to)
{
	size_t from = 0, last = GCONN_LEVELS;
	int err = 0;

	*to = (struct gconn){ .fd = { -1, -1 } };
	if (w->refs->moved[i])
		return 0;
	w->now++;
	w->nr = 0;
	w->to = to;
	w->g = &w->refs->c->gs[i];
	memset(w->found, 0, sizeof(w->found));
	for (uint32_t k = w->refs->first[i]; k < w->refs->first[i + 1]; k++)
		walk__follow(w, w->refs->words.values[k]);
	for (size_t level = 1; level <= last && from < w->nr && !err; level++) {
		const size_t end = w->nr;
		const bool before[GCONN_SIDES] = { w->found[0], w->found[1] };
		const struct gconn was = *to;

		err = walk__level(w, from, end, level < last);
		for (int s = 0; s < GCONN_SIDES; s++) {
			if (before[s])
				to->fd[s] = was.fd[s];
			else if (w->found[s] > 1)
				to->fd[s] = -1;
			if (w->found[s] && last > level + 1)
				last = level + 1;
		}
		from = end;
	}
	return err;
}

static int walk__all(struct walk *w, struct gconn *ret)
{
	int err = 0;
	for (size_t i = 0; i < w->in->nr && !err; i++) {
		heart__beat();
		ret[i] = (struct gconn){ .fd = { -1, -1 } };
		if (clock_cpu_ns() < w->until_ns)
			err = walk__goroutine(w, i, &ret[i]);
	}
	return err;
}

int gconns_of(const struct gconn_in *in, struct gconn *ret)
{
	scoped_mem struct census_g *gs = calloc(in->nr + 1, sizeof(*gs));
	scoped_mem struct walk *w = calloc(1, sizeof(*w));
	struct census some = *in->census;
	struct cause why = { "" };
	int err;

	if (!gs || !w)
		return -ENOMEM;
	for (size_t i = 0; i < in->nr; i++)
		gs[i] = in->census->gs[in->gs[i]];
	some.gs = gs;
	some.nr = in->nr;
	w->in = in;
	w->until_ns = clock_cpu_ns() + in->budget_ns;
	err = goheap__read(in->as, in->rt, &w->heap, &why);
	if (!err)
		err = grefs__read(in->as, in->rt, &some, w->heap->lo, w->heap->hi, &w->refs);
	if (!err)
		err = walk__all(w, ret);
	walk__done(w);
	return err;
}
