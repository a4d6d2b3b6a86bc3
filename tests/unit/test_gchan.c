/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "heap/gchan.h"

#define BASE  0x10000ull
#define BYTES 0x8000
#define GS    64
#define ELEMS 0x7000 /* where buffers of channels are */

/* A process with channels in it, as Go 1.26 lays them out, and the census of it. */
struct world {
	struct bufspace space;
	uint8_t buf[BYTES];
	struct goruntime rt;
	struct census c;
	struct census_g gs[GS];
	struct census_wait waits[GS];
	int nr_reads;
	void (*meddle)(struct world *w); /* after each read */
};

static int world_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct world *w = (struct world *)(uintptr_t)as;

	if (addr < BASE || addr - BASE > BYTES || len > BYTES - (addr - BASE))
		return -EFAULT;
	memcpy(buf, w->buf + (addr - BASE), len);
	w->nr_reads++;
	if (w->meddle)
		w->meddle(w);
	return 0;
}

static struct world *new_world(void)
{
	static struct world w;
	const struct golayout_row *row = golayout_row(26, EM_X86_64);

	memset(&w, 0, sizeof(w));
	w.space.as.read = world_read;
	w.rt.layout = row->layout;
	w.rt.arch = goarch_of(EM_X86_64);
	w.rt.objects = row->objects;
	w.rt.minor = 26;
	w.c.gs = w.gs;
	w.c.waits = w.waits;
	return &w;
}

static void put(struct world *w, uint64_t addr, int32_t offset, uint64_t v, size_t size)
{
	memcpy(w->buf + (addr - BASE) + offset, &v, size);
}

struct shape {
	uint64_t len, cap, size, closed, recvx, timer;
};

static void make_chan(struct world *w, uint64_t addr, struct shape s)
{
	const struct goobjects *o = &w->rt.objects;

	put(w, addr, o->hchan_qcount, s.len, 8);
	put(w, addr, o->hchan_dataqsiz, s.cap, 8);
	put(w, addr, o->hchan_buf, BASE + ELEMS, 8);
	put(w, addr, o->hchan_elemsize, s.size, 2);
	put(w, addr, o->hchan_closed, s.closed, 4);
	put(w, addr, o->hchan_timer, s.timer, 8);
	put(w, addr, o->hchan_elemtype, 0x4242, 8);
	put(w, addr, o->hchan_recvx, s.recvx, 8);
}

/* A sudog of g for chan at addr; next is another's, or 0. */
static void make_sudog(struct world *w, uint64_t addr, uint64_t g, uint64_t chan, uint64_t next)
{
	put(w, addr, w->rt.layout.sudog_g, g, 8);
	put(w, addr, w->rt.layout.sudog_c, chan, 8);
	put(w, addr, w->rt.objects.sudog_next, next, 8);
}

/* One wait of one goroutine in the census. */
static void make_wait(struct world *w, uint64_t g, uint64_t chan, uint64_t via,
		      enum census_direction way, bool select)
{
	if (!w->c.nr || w->gs[w->c.nr - 1].addr != g)
		w->gs[w->c.nr++] = (struct census_g){ .addr = g,
						      .who.goid = w->c.nr + 1,
						      .waits_at = (uint32_t)w->c.nr_waits };
	w->gs[w->c.nr - 1].nr_waits++;
	w->waits[w->c.nr_waits++] = (struct census_wait){ .addr = chan,
							  .via = via,
							  .kind = CENSUS_WAIT_CHAN,
							  .direction = (uint8_t)way,
							  .select = select };
}

static struct gchans *read_chans(struct world *w, bool elements)
{
	struct gchans *cs = NULL;

	cr_assert_eq(gchans__read(&w->space.as, &w->rt, &w->c, elements, &cs), 0);
	return cs;
}

enum { CHAN = BASE + 0x100, OTHER = BASE + 0x200, SUDOG = BASE + 0x1000, G = BASE + 0x2000 };

Test(gchan, a_channel_is_read_once_for_all_who_wait)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .len = 2, .cap = 2, .size = 8, .timer = 1 });
	put(w, CHAN, w->rt.objects.hchan_sendq_first, SUDOG, 8);
	make_sudog(w, SUDOG, G, CHAN, SUDOG + 0x100);
	make_sudog(w, SUDOG + 0x100, G + 0x200, CHAN, 0);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_SEND, false);
	make_wait(w, G + 0x200, CHAN, SUDOG + 0x100, CENSUS_DIR_SEND, false);
	cs = read_chans(w, false);
	cr_assert_eq(cs->nr, 1);
	cr_expect_eq(cs->unsettled, 0);
	cr_expect(cs->v[0].settled);
	cr_expect_eq(cs->v[0].len, 2);
	cr_expect_eq(cs->v[0].cap, 2);
	cr_expect_eq(cs->v[0].elem_size, 8);
	cr_expect_eq(cs->v[0].elem_type, 0x4242);
	cr_expect(cs->v[0].timer);
	cr_expect_not(cs->v[0].closed);
	cr_expect_eq(gchans__get(cs, CHAN), &cs->v[0]);
	cr_expect_null(gchans__get(cs, CHAN + 8));
}

Test(gchan, the_queues_tell_the_ways_of_a_select)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .size = 8 });
	make_chan(w, OTHER, (struct shape){ .size = 8 });
	put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG, 8);
	put(w, OTHER, w->rt.objects.hchan_sendq_first, SUDOG + 0x100, 8);
	make_sudog(w, SUDOG, G, CHAN, 0);
	make_sudog(w, SUDOG + 0x100, G, OTHER, 0);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_NONE, true);
	make_wait(w, G, OTHER, SUDOG + 0x100, CENSUS_DIR_NONE, true);
	cs = read_chans(w, false);
	cr_expect_eq(cs->nr, 2);
	cr_expect_eq(w->waits[0].direction, CENSUS_DIR_RECEIVE);
	cr_expect_eq(w->waits[1].direction, CENSUS_DIR_SEND);
}

Test(gchan, the_oldest_elements_come_first_round_the_ring)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .len = 3, .cap = 3, .size = 4, .recvx = 2 });
	for (uint32_t i = 0; i < 3; i++)
		put(w, BASE + ELEMS, (int32_t)(4 * i), 10 + i, 4);
	put(w, CHAN, w->rt.objects.hchan_sendq_first, SUDOG, 8);
	make_sudog(w, SUDOG, G, CHAN, 0);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_SEND, false);
	cs = read_chans(w, true);
	cr_assert_eq(cs->v[0].nr_elements, 3);
	cr_expect_eq(cs->v[0].element_words, 1);
	cr_expect_eq(cs->words[cs->v[0].words_at], 12);
	cr_expect_eq(cs->words[cs->v[0].words_at + 1], 10);
	cr_expect_eq(cs->words[cs->v[0].words_at + 2], 11);
}

Test(gchan, what_makes_no_sense_is_not_told)
{
	static const struct {
		const char *why;
		struct shape s;
	} t[] = {
		{ "more in it than fits", { .len = 3, .cap = 2, .size = 8 } },
		{ "closed twice", { .size = 8, .closed = 2 } },
		{ "larger than memory", { .cap = 1ull << 46, .size = 8 } },
		{ "an index past the end", { .cap = 2, .size = 8, .recvx = 3 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct world *w = new_world();
		scoped(gchans) cs = NULL;

		make_chan(w, CHAN, t[i].s);
		put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG, 8);
		make_sudog(w, SUDOG, G, CHAN, 0);
		make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_RECEIVE, false);
		cs = read_chans(w, true);
		cr_expect_eq(cs->unsettled, 1, "%s", t[i].why);
		cr_expect_not(cs->v[0].settled, "%s", t[i].why);
	}
}

Test(gchan, memory_that_is_a_channel_no_more_is_not_told)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .size = 8 }); /* nobody in its queues */
	make_sudog(w, SUDOG, G, CHAN, 0);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_RECEIVE, false);
	/* not readable */
	make_wait(w, G + 0x200, 0xdead0000, SUDOG + 0x100, CENSUS_DIR_RECEIVE, false);
	cs = read_chans(w, false);
	cr_expect_eq(cs->nr, 2);
	cr_expect_eq(cs->unsettled, 2);
}

Test(gchan, a_queue_that_runs_in_a_circle_ends)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .size = 8 });
	put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG, 8);
	make_sudog(w, SUDOG, G, CHAN, SUDOG + 0x100);
	make_sudog(w, SUDOG + 0x100, G + 0x200, CHAN, SUDOG);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_RECEIVE, false);
	make_wait(w, G + 0x200, CHAN, SUDOG + 0x100, CENSUS_DIR_RECEIVE, false);
	cs = read_chans(w, false);
	cr_expect_eq(cs->unsettled, 1);
}

Test(gchan, a_circle_of_sudogs_that_nobody_knows_ends)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .size = 8 });
	put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG + 0x100, 8);
	make_sudog(w, SUDOG, G, CHAN, 0);
	make_sudog(w, SUDOG + 0x100, G + 0x200, CHAN, SUDOG + 0x100);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_RECEIVE, false);
	cs = read_chans(w, false);
	cr_expect_eq(cs->unsettled, 1);
	cr_expect_lt(w->nr_reads, 2 * GCHANS_STRANGERS_MAX);
}

Test(gchan, who_came_after_the_census_is_passed_over)
{
	struct world *w = new_world();
	scoped(gchans) cs = NULL;

	make_chan(w, CHAN, (struct shape){ .size = 8 });
	put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG + 0x100, 8);
	make_sudog(w, SUDOG + 0x100, G + 0x200, CHAN, SUDOG);
	make_sudog(w, SUDOG, G, CHAN, 0);
	make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_NONE, true);
	cs = read_chans(w, false);
	cr_expect_eq(cs->unsettled, 0);
	cr_expect_eq(w->waits[0].direction, CENSUS_DIR_RECEIVE);
}

static void fill_up(struct world *w)
{
	put(w, CHAN, w->rt.objects.hchan_qcount, (uint64_t)w->nr_reads, 8);
}

static void fill_up_at_first(struct world *w)
{
	if (w->nr_reads < 4)
		fill_up(w);
}

Test(gchan, a_channel_that_changes_is_read_again_until_it_holds_still)
{
	static const struct {
		const char *why;
		void (*meddle)(struct world *w);
		size_t unsettled;
	} t[] = { { "for a while", fill_up_at_first, 0 }, { "always", fill_up, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct world *w = new_world();
		scoped(gchans) cs = NULL;

		make_chan(w, CHAN, (struct shape){ .cap = 1000, .size = 8 });
		put(w, CHAN, w->rt.objects.hchan_recvq_first, SUDOG, 8);
		make_sudog(w, SUDOG, G, CHAN, 0);
		make_wait(w, G, CHAN, SUDOG, CENSUS_DIR_RECEIVE, false);
		w->meddle = t[i].meddle;
		cs = read_chans(w, false);
		cr_expect_eq(cs->unsettled, t[i].unsettled, "%s", t[i].why);
	}
}

Test(gchan, a_go_whose_channels_are_not_known_is_refused)
{
	struct world *w = new_world();
	struct gchans *cs = NULL;

	w->rt.objects.hchan_recvq_first = PW_NO_FIELD;
	cr_expect_eq(gchans__read(&w->space.as, &w->rt, &w->c, false, &cs), -EOPNOTSUPP);
	cr_expect_null(cs);
}
