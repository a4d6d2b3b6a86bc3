// SPDX-License-Identifier: BSD-2-Clause
#include "heap/gconn.h"

#include <errno.h>
#include <string.h>

#include "golang/gotype.h"

/* word of internal/poll.FD: fdmu, then Sysfd; then, from Go 1.22 on, SysFile; then pd.runtimeCtx */
#define FD_SYSFD 2

struct walk {
	const struct gconn_in *in;
	struct nearby *near;
	uint64_t done_type; /* of `chan struct {}`; 0: not known yet */
	/* of the goroutine that is followed */
	const struct census_g *g;
	uint8_t found[GCONN_SIDES]; /* different ones, on the level on which the first was */
	bool any;                   /* a descriptor, whether it counts or not */
	struct gconn *to;
};

/* The runtime's record of a descriptor, outside of the heap. */
static bool is_poll_desc(const struct walk *w, uint64_t addr, uint64_t fd)
{
	uint64_t of;

	return addr && !(addr & 7) && !nearby__in_heap(w->near, addr) &&
	       !addrspace__read(w->in->as, addr + (uint64_t)w->in->rt->objects.pd_fd, &of,
				sizeof(of)) &&
	       of == fd;
}

/* The object is, or begins with, an internal/poll.FD. */
static void walk__see_fd(struct walk *w, const uint64_t *v, size_t nr)
{
	const uint64_t fd = nr >= FD_SYSFD + 3 ? v[FD_SYSFD] : UINT64_MAX;
	enum gconn_side side;

	if (fd > INT32_MAX ||
	    (!is_poll_desc(w, v[FD_SYSFD + 1], fd) && !is_poll_desc(w, v[FD_SYSFD + 2], fd)))
		return;
	w->any = true;
	if (fd >= w->in->nr_fds || w->in->sides[fd] == GCONN_NONE)
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

		if (c->kind == CENSUS_WAIT_CHAN && c->direction != CENSUS_DIR_SEND &&
		    c->addr == addr)
			return true;
	}
	return false;
}

/*
 * cancelCtx.done, from Go 1.18 on: an atomic.Value that has a chan struct{}; its first word is the
 * type.
 */
static void walk__see_context(struct walk *w, uint64_t before, uint64_t value)
{
	char name[GOTYPE_NAME_MAX];

	if (w->to->context || !value || !is_waited_for(w, value))
		return;
	if (before != w->done_type &&
	    !gotype_name(w->in->as, w->in->rt, before, name, sizeof(name)) &&
	    !strcmp(name, "chan struct {}"))
		w->done_type = before;
	w->to->context = before && before == w->done_type;
}

static void walk__see(void *ctx, const uint64_t *words, size_t nr, uint32_t frame)
{
	struct walk *w = ctx;

	(void)frame;
	walk__see_fd(w, words, nr);
	for (size_t i = 1; i < nr; i++)
		walk__see_context(w, words[i - 1], words[i]);
}

/*
 * What is one level further than the first counts too: who serves one connection may be a client on
 * another.
 */
static int walk__goroutine(struct walk *w)
{
	size_t last = GCONN_LEVELS;
	int err = 0;

	memset(w->found, 0, sizeof(w->found));
	w->any = false;
	for (size_t level = 0; level <= last && !err; level++) {
		const bool before[GCONN_SIDES] = { w->found[0], w->found[1] };
		const struct gconn was = *w->to;

		err = nearby__level(w->near, level == last, walk__see, w);
		for (int s = 0; s < GCONN_SIDES; s++) {
			if (before[s])
				w->to->fd[s] = was.fd[s];
			else if (w->found[s] > 1)
				w->to->fd[s] = -1;
		}
		if (w->any && last > level + 1)
			last = level + 1;
	}
	return err == -ENOENT ? 0 : err;
}

int gconns_of(const struct gconn_in *in, struct gconn *ret)
{
	struct walk w = { .in = in, .near = in->near };
	int err = nearby__ask(in->near, in->census, in->gs, in->nr);

	for (size_t i = 0; i < in->nr && !err; i++) {
		ret[i] = (struct gconn){ .fd = { -1, -1 } };
		w.to = &ret[i];
		w.g = &in->census->gs[in->gs[i]];
		if (!nearby__begin(in->near, i))
			err = walk__goroutine(&w);
	}
	return err;
}
