/* SPDX-License-Identifier: BSD-2-Clause */
/* A timeline in a recording, and out of it again. */
#include "model/timeline_facts.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "facts/pw_file.h"
#include "format/tracks.h"
#include "report_fake.h"
#include "view/replay.h"

#define FIRST_NS 1000000u
#define WAITER   100
#define WAKER    200
#define LOST     300 /* a stack that never came */
#define MANY     20000
#define LONG     1000000 /* times that take more bytes than those of a short story */

static const uint64_t waker_stack[] = { PC_SYSTEMSTACK, PC_CHANRECV, PC_MAIN, PC_RUNMAIN };

static const struct factlog_of fake_of = {
	.view = "record",
	.pid = 812,
	.comm = "api",
	.exe = "/srv/api",
	.build_id = "",
	.namers = &fake_namer,
	.versions = (const char *const[]){ "go1.22.1" },
	.nr = 1,
};

static struct pw_round round_at(uint64_t goid, uint64_t at_ns, uint64_t step_ns)
{
	return (struct pw_round){ .hdr = { .goid = goid, .ts_ns = at_ns + 400 * step_ns },
				  .ran_ns = at_ns,
				  .start_ns = at_ns + 100 * step_ns,
				  .ready_ns = at_ns + 300 * step_ns,
				  .waker_goid = goid == 1 ? 2 : 1,
				  .waker = WAKER,
				  .stack_id = goid % 7 ? WAITER : LOST,
				  .gopc = PC_MAIN,
				  .startpc = START_GOWRAP,
				  .reason = FAKE_CHAN_RECEIVE };
}

/* Each of nr goroutines runs twice, 1000 steps apart; then recording stops for 1000, and events are lost. */
static struct timeline *story(uint64_t nr, uint64_t step_ns)
{
	const struct pw_gstate on = { .goid = 1, .ran_ns = FIRST_NS + 5000 * step_ns, .tid = 7 };
	struct timeline *t = NULL;

	cr_assert_eq(timeline__new(&(struct timeline_opts){ UINT64_MAX, 0 }, &t), 0);
	timeline__begin(t, FIRST_NS);
	for (uint64_t goid = 1; goid <= nr; goid++)
		for (uint64_t at = 1000; at <= 2000; at += 1000) {
			const struct pw_round r = round_at(goid, FIRST_NS + at * step_ns, step_ns);

			timeline__add(t, &r);
		}
	timeline__end(t, FIRST_NS + 3000 * step_ns);
	timeline__begin(t, FIRST_NS + 4000 * step_ns);
	timeline__lost(t, FIRST_NS + 6000 * step_ns, 5);
	timeline__end(t, FIRST_NS + 7000 * step_ns);
	timeline__open(t, 0, &on, PC_MAIN, START_GOWRAP);
	cr_assert_eq(timeline__order(t), 0);
	return t;
}

static char *written(int (*write)(const struct report *r, FILE *out, struct cause *why),
		     const struct timeline *t, const struct stackset *stacks,
		     const struct namer *namers, size_t *len)
{
	const struct snap none = { .start_ns = FIRST_NS };
	const struct report r = { .snap = &none,
				  .meta = &fake_meta,
				  .namers = namers,
				  .nr_namers = 1,
				  .timeline = t,
				  .stacks = stacks };
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	cr_assert_eq(write(&r, out, NULL), 0);
	fclose(out);
	return text;
}

static char *recorded(const struct timeline *t, const struct stackset *stacks, size_t *len)
{
	scoped(factlog) f = NULL;
	char *v = NULL;
	FILE *out = open_memstream(&v, len);

	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	cr_assert_eq(timeline_facts__write(f, t, stacks), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return v;
}

static struct replay *replayed(const char *v, size_t len, const struct event_filter *filter)
{
	struct cause why = { "" };
	struct replay *r = NULL;
	FILE *in = fmemopen((void *)(uintptr_t)v, len, "r");

	cr_assert_eq(replay__read_events(in, "x.pw", filter, &r, &why), 0, "%s", why.text);
	fclose(in);
	return r;
}

static struct stackset *stacks_of_story(void)
{
	struct stackset *s = NULL;

	cr_assert_eq(stackset__new(STACKSET_BYTES_DEFAULT, &s), 0);
	cr_assert_eq(stackset__add(s, WAITER, fake_wait_stack, ARRAY_SIZE(fake_wait_stack), false),
		     0);
	cr_assert_eq(stackset__add(s, WAKER, waker_stack, ARRAY_SIZE(waker_stack), false), 0);
	return s;
}

/* Of one that needs several segments, each of which has names and stacks of its own, too. */
Test(timeline_facts, a_recording_shows_it_byte_for_byte)
{
	for (int many = 0; many < 2; many++) {
		scoped(timeline) t = story(many ? MANY : 3, many ? LONG : 1);
		scoped(stackset) stacks = stacks_of_story();
		size_t bytes, live_len, back_len;
		scoped_mem char *file = recorded(t, stacks, &bytes);
		scoped(replay) r = replayed(file, bytes, NULL);
		const struct timeline *back = timeline_facts__timeline(r->timeline);
		const struct stackset *stacks_back = timeline_facts__stacks(r->timeline);
		static int (*const formats[])(const struct report *, FILE *,
					      struct cause *) = { tracks__json, tracks__perfetto };

		cr_assert(back);
		for (size_t k = 0; k < ARRAY_SIZE(formats); k++) {
			scoped_mem char *live =
				written(formats[k], t, stacks, &fake_namer, &live_len);
			scoped_mem char *again =
				written(formats[k], back, stacks_back, r->namers, &back_len);

			cr_assert_eq(live_len, back_len, "%zu bytes, and %zu", live_len, back_len);
			cr_expect(!memcmp(live, again, live_len));
			cr_expect(k || strstr(again, "chan receive: main.worker"), "%.2000s",
				  again);
		}
	}
}

Test(timeline_facts, a_segment_needs_no_other_one)
{
	scoped(timeline) t = story(MANY, LONG);
	scoped(stackset) stacks = stacks_of_story();
	size_t bytes;
	scoped_mem char *file = recorded(t, stacks, &bytes);
	struct pw_segment_head first;
	size_t len = sizeof(struct pw_file_head);
	scoped(replay) r = NULL;
	scoped(replay) whole = replayed(file, bytes, NULL);

	cr_assert_gt(whole->read.segments, 1, "%u segments", whole->read.segments);
	memcpy(&first, file + len, sizeof(first));
	len += sizeof(first) + first.packed_bytes;
	memmove(file + sizeof(struct pw_file_head), file + len, bytes - len); /* it is gone */
	r = replayed(file, bytes - (len - sizeof(struct pw_file_head)), NULL);
	cr_expect_gt(timeline__nr(timeline_facts__timeline(r->timeline)), 0);
	cr_expect_gt(stackset__nr(timeline_facts__stacks(r->timeline)), 0);
}

struct times {
	uint64_t least_ns, most_ns;
	size_t nr;
};

static void see(void *ctx, const struct timeline_slice *s)
{
	struct times *t = ctx;

	t->least_ns = !t->nr || s->begin_ns < t->least_ns ? s->begin_ns : t->least_ns;
	t->most_ns = s->end_ns > t->most_ns ? s->end_ns : t->most_ns;
	t->nr++;
}

Test(timeline_facts, a_range_and_goroutines_are_chosen)
{
	static const uint64_t goids[] = { 2 };
	static const struct {
		const char *why;
		struct event_filter of;
		size_t goroutines, marks;
		uint64_t least_ns, most_ns;
	} t[] = {
		{ "a range", { .from_ns = 1050, .to_ns = 1350 }, 3, 0, 1050, 1350 },
		{ "from then on", { .from_ns = 2200 }, 3, 2, 2200, 7000 },
		{ "up to then", { .to_ns = 1200 }, 3, 0, 1000, 1200 },
		{ "one goroutine", { .goids = goids, .nr_goids = 1 }, 1, 2, 1000, 2400 },
	};
	scoped(timeline) all = story(3, 1);
	scoped(stackset) stacks = stacks_of_story();
	size_t bytes;
	scoped_mem char *file = recorded(all, stacks, &bytes);

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(replay) r = replayed(file, bytes, &t[i].of);
		const struct timeline *back = timeline_facts__timeline(r->timeline);
		struct times seen = { 0 };
		struct timeline_span w;

		for (size_t k = 0; k < timeline__nr(back); k++)
			timeline__slices(back, k, see, &seen);
		cr_expect_eq(timeline__nr(back), t[i].goroutines, "%s: %zu goroutines", t[i].why,
			     timeline__nr(back));
		cr_expect_eq(timeline__nr_marks(back), t[i].marks, "%s: %zu marks", t[i].why,
			     timeline__nr_marks(back));
		cr_expect_eq(seen.least_ns, FIRST_NS + t[i].least_ns, "%s: from %lu", t[i].why,
			     (unsigned long)(seen.least_ns - FIRST_NS));
		cr_expect_eq(seen.most_ns, FIRST_NS + t[i].most_ns, "%s: to %lu", t[i].why,
			     (unsigned long)(seen.most_ns - FIRST_NS));
		cr_expect(timeline_facts__window(r->timeline, &w) && w.end_ns == FIRST_NS + 7000 &&
				  w.first_ns == FIRST_NS,
			  "%s: what was recorded is told whatever is asked for", t[i].why);
	}
}

/* --- a file that somebody else made --- */

static int64_t one_delta[] = { 5 }, two_deltas[] = { 5, 5 }, no_goid[] = { 0 };
static uint32_t high[] = { BOOK_RUNTIMES_MAX }, one[] = { 1 }, two[] = { 1, 1 };
static int64_t pc[] = { 1 };
static uint64_t some[] = { 1 };
static uint64_t marks[TIMELINE_MARKS_MAX + 1];

static Pw__Timeline head = { .begin_ns = 10, .end_ns = 20, .first_ns = 5 };
static Pw__Timeline late = { .begin_ns = 10, .end_ns = 20, .first_ns = 11 };
static Pw__Timeline backwards = { .begin_ns = 20, .end_ns = 10, .first_ns = 5 };
static Pw__Timeline other = { .begin_ns = 10, .end_ns = 21, .first_ns = 5 };
static Pw__Timeline marked = {
	.end_ns = 20, .n_mark_begin = 1, .mark_begin = some, .n_mark_lost = 1, .mark_lost = some
};
static Pw__Timeline too_marked = { .end_ns = 20,
				   .n_mark_begin = TIMELINE_MARKS_MAX + 1,
				   .mark_begin = marks,
				   .n_mark_lasted = TIMELINE_MARKS_MAX + 1,
				   .mark_lasted = marks,
				   .n_mark_lost = TIMELINE_MARKS_MAX + 1,
				   .mark_lost = marks };
static Pw__Rounds good = {
	.n_end_delta = 1, .end_delta = one_delta, .n_goid_delta = 1, .goid_delta = one_delta
};
static Pw__Rounds uneven = {
	.n_end_delta = 2, .end_delta = two_deltas, .n_goid_delta = 1, .goid_delta = one_delta
};
static Pw__Rounds longer = { .n_end_delta = 1,
			     .end_delta = one_delta,
			     .n_goid_delta = 1,
			     .goid_delta = one_delta,
			     .n_flags = 2,
			     .flags = two };
static Pw__Rounds nobody = {
	.n_end_delta = 1, .end_delta = one_delta, .n_goid_delta = 1, .goid_delta = no_goid
};
static Pw__Rounds far_runtime = { .n_end_delta = 1,
				  .end_delta = one_delta,
				  .n_goid_delta = 1,
				  .goid_delta = one_delta,
				  .n_runtime = 1,
				  .runtime = high };
static Pw__Stacks stack = {
	.n_id = 1, .id = one, .n_nr_pcs = 1, .nr_pcs = one, .n_pc_delta = 1, .pc_delta = pc
};
static Pw__Stacks otherwise = {
	.n_id = 1, .id = one, .n_nr_pcs = 1, .nr_pcs = one, .n_pc_delta = 1, .pc_delta = one_delta
};

#define HEAD(m)                                                                                    \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_TIMELINE, .timeline = &(m)                             \
	}
#define ROUNDS(m)                                                                                  \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_ROUNDS, .rounds = &(m)                                 \
	}
#define STACKS(m)                                                                                  \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_TIMELINE_STACKS, .timeline_stacks = &(m)               \
	}

Test(timeline_facts, what_does_not_fit_together_is_refused)
{
	static const struct {
		const char *why;
		Pw__Fact facts[3];
		size_t nr;
		int want; /* of the last one */
	} t[] = {
		{ "it is told", { HEAD(head), STACKS(stack), ROUNDS(good) }, 3, 1 },
		{ "each segment tells it again", { HEAD(head), HEAD(head) }, 2, 1 },
		{ "a stack is told again", { HEAD(head), STACKS(stack), STACKS(stack) }, 3, 1 },
		{ "rounds without a head", { ROUNDS(good) }, 1, -EBADMSG },
		{ "stacks without a head", { STACKS(stack) }, 1, -EBADMSG },
		{ "it begins before the recording", { HEAD(late) }, 1, -EBADMSG },
		{ "it ends before it begins", { HEAD(backwards) }, 1, -EBADMSG },
		{ "two of them", { HEAD(head), HEAD(other) }, 2, -EBADMSG },
		{ "marks that end nowhere", { HEAD(marked) }, 1, -EBADMSG },
		{ "more marks than there may be", { HEAD(too_marked) }, 1, -EBADMSG },
		{ "a column is short", { HEAD(head), ROUNDS(uneven) }, 2, -EBADMSG },
		{ "a column is long", { HEAD(head), ROUNDS(longer) }, 2, -EBADMSG },
		{ "a goroutine without a number", { HEAD(head), ROUNDS(nobody) }, 2, -EBADMSG },
		{ "a runtime too many", { HEAD(head), ROUNDS(far_runtime) }, 2, -EBADMSG },
		{ "a stack is another one",
		  { HEAD(head), STACKS(stack), STACKS(otherwise) },
		  3,
		  -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(timeline_facts) s = NULL;
		struct cause why = { "" };
		int got = 1;

		cr_assert_eq(timeline_facts__new(NULL, &s), 0);
		for (size_t k = 0; k < t[i].nr; k++) {
			cr_expect_eq(got, 1, "%s: refused before", t[i].why);
			got = timeline_facts__fact(s, &t[i].facts[k], &why);
		}
		cr_expect_eq(got, t[i].want, "%s: %d", t[i].why, got);
		cr_expect_eq(why.text[0] != 0, got < 0, "%s: '%s'", t[i].why, why.text);
		cr_expect_eq(timeline_facts__end(s), 0);
	}
}
