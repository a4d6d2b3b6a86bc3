/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>

#include "model/event_log.h"
#include "report_fake.h"
#include "view/replay.h"

#define STACK_A 100
#define STACK_B 200
#define START   1000000000ULL
#define MS      1000000ULL
#define BATCH   4096 /* of event_log: what is told at once */

static const struct factlog_of fake_of = {
	.view = "record",
	.pid = 812,
	.comm = "api",
	.exe = "/srv/api",
	.build_id = "ab",
	.namers = &fake_namer,
	.versions = (const char *const[]){ "go1.22.1" },
	.nr = 1,
};

/* A recording that is being made, and then read. */
struct made {
	char *v;
	size_t len;
	FILE *out;
	struct factlog *f;
	struct profile *p;
	struct event_log *log;
};

static void begin(struct made *m, const struct profile_opts *o, uint64_t max)
{
	*m = (struct made){ 0 };
	m->out = open_memstream(&m->v, &m->len);
	cr_assert_eq(factlog__new(m->out, &fake_of, &m->f), 0);
	cr_assert_eq(profile__new(o, &m->p), 0);
	cr_assert_eq(event_log__new(m->f, m->p, max, &m->log), 0);
	profile__tap(m->p, &(struct profile_tap){ .event = event_log__add, .ctx = m->log });
	profile__begin(m->p, START);
}

static void end(struct made *m, uint64_t end_ns)
{
	scoped(snap) s = NULL;

	event_log__end(m->log, end_ns);
	cr_assert_eq(snap__take(m->p, &s), 0);
	cr_assert_eq(snap_facts__write(m->f, s), 0);
	replay__write_end(m->f, &(struct report_meta){ .cost = "" });
	cr_assert_eq(factlog__end(m->f, NULL), 0);
	fclose(m->out);
	event_log__free(m->log);
	factlog__free(m->f);
}

static void done(struct made *m)
{
	profile__free(m->p);
	free(m->v);
}

static struct replay *read_filtered(const struct made *m, const struct event_filter *filter)
{
	FILE *in = fmemopen(m->v, m->len, "r");
	struct replay *r = NULL;
	struct cause why = { "" };

	cr_assert_eq(replay__read_events(in, "x.pw", filter, &r, &why), 0, "%s", why.text);
	fclose(in);
	return r;
}

static void expect_same(const struct snap *a, const struct snap *b, const char *what)
{
	cr_assert_eq(a->nr, b->nr, "%s: %zu rows, not %zu", what, b->nr, a->nr);
	cr_expect_eq(a->count, b->count, "%s", what);
	cr_expect_eq(a->value, b->value, "%s", what);
	cr_expect_eq(a->stacks_lost, b->stacks_lost, "%s", what);
	for (size_t i = 0; i < a->nr; i++) {
		const struct snap_row *x = &a->rows[i], *y = &b->rows[i];

		cr_expect_eq(x->count, y->count, "%s: row %zu", what, i);
		cr_expect_eq(x->value, y->value, "%s: row %zu", what, i);
		cr_expect_eq(x->reason, y->reason, "%s: row %zu", what, i);
		cr_expect_eq(x->goid, y->goid, "%s: row %zu", what, i);
		cr_expect_eq(x->gopc, y->gopc, "%s: row %zu", what, i);
		cr_expect_eq(x->chain.nr, y->chain.nr, "%s: row %zu", what, i);
		cr_expect_eq(x->own.state, y->own.state, "%s: row %zu", what, i);
		cr_assert_eq(x->own.stack.nr, y->own.stack.nr, "%s: row %zu", what, i);
		cr_expect(!x->own.stack.nr || !memcmp(x->own.stack.pcs, y->own.stack.pcs,
						      x->own.stack.nr * sizeof(uint64_t)),
			  "%s: row %zu", what, i);
	}
}

/* All events are the sums that the same file has. */
static void expect_whole(const struct made *m, const char *what)
{
	const struct event_filter all = { .to_ns = UINT64_MAX };
	scoped(replay) r = read_filtered(m, &all);
	scoped(snap) sums = NULL;
	scoped(snap) events = NULL;

	cr_assert_eq(snap_facts__snap(r->sums, &sums), 0);
	cr_assert_eq(event_facts__snap(r->events, &events), 0);
	expect_same(sums, events, what);
}

static void filtered(const struct made *m, const struct event_filter *filter, uint64_t *ret_count,
		     uint64_t *ret_value)
{
	scoped(replay) r = read_filtered(m, filter);
	scoped(snap) s = NULL;

	cr_assert_eq(event_facts__snap(r->events, &s), 0);
	*ret_count = s->count;
	*ret_value = s->value;
}

static void two_waits(struct made *m)
{
	begin(m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, 100);
	fake_stack(m->p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_wait(m->p, 7, STACK_A, 14, START + 10 * MS, START + 20 * MS, 0);
	fake_wait(m->p, 8, STACK_A, 14, START - 5 * MS, START + 25 * MS, 0);
	end(m, START + 40 * MS);
}

Test(events, a_wait_counts_for_its_part_in_the_range)
{
	static const uint64_t seven[] = { 7 }, none[] = { 9 };
	static const struct {
		const char *why;
		struct event_filter filter;
		uint64_t count, value;
	} t[] = {
		{ "all", { .to_ns = 100 * MS }, 2, 35 * MS },
		{ "no part of what was before the recording", { .to_ns = 5 * MS }, 1, 5 * MS },
		{ "the end of one", { .from_ns = 15 * MS, .to_ns = 22 * MS }, 2, 12 * MS },
		{ "within both", { .from_ns = 12 * MS, .to_ns = 14 * MS }, 2, 4 * MS },
		{ "to the end", { .from_ns = 22 * MS }, 1, 3 * MS },
		{ "after both", { .from_ns = 30 * MS }, 0, 0 },
		{ "of one goroutine", { .goids = seven, .nr_goids = 1 }, 1, 10 * MS },
		{ "of none", { .goids = none, .nr_goids = 1 }, 0, 0 },
	};
	struct made m;

	two_waits(&m);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t count, value;

		filtered(&m, &t[i].filter, &count, &value);
		cr_expect_eq(count, t[i].count, "%s: %llu waits", t[i].why,
			     (unsigned long long)count);
		cr_expect_eq(value, t[i].value, "%s: %llu ns", t[i].why, (unsigned long long)value);
	}
	expect_whole(&m, "two waits");
	done(&m);
}

Test(events, who_asks_for_none_reads_none)
{
	struct event_facts_about about;
	scoped(replay) r = NULL;
	scoped(snap) s = NULL;
	struct made m;

	two_waits(&m);
	r = read_filtered(&m, NULL);
	cr_assert(event_facts__about(r->events, &about));
	cr_expect_eq(about.count, 2);
	cr_expect_eq(about.until_ns, 40 * MS);
	cr_assert_eq(event_facts__snap(r->events, &s), 0);
	cr_expect_eq(s->nr, 0);
	done(&m);
}

/* Many goroutines, rows, moments: ranges add up, over several batches and segments. */
Test(events, adjoining_ranges_add_up_to_the_whole)
{
	static const struct profile_opts opts[] = {
		{ .event = PROFILE_BLOCKED },
		{ .event = PROFILE_BLOCKED, .root = PROFILE_ROOT_GOID },
		{ .event = PROFILE_SCHED },
	};

	for (size_t k = 0; k < ARRAY_SIZE(opts); k++) {
		uint64_t sum = 0, at = START, x = 1, all, count;
		const size_t nr = k ? 20000 : 300000;
		struct made m;

		begin(&m, &opts[k], UINT64_MAX);
		fake_stack(m.p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
		for (size_t i = 0; i < nr; i++) {
			const struct pw_wait w = {
				.hdr = { .ts_ns = at,
					 .goid = x >> 33 & 0xfff,
					 .kind = opts[k].event == PROFILE_SCHED ? PW_SCHED
										: PW_WAIT,
					 .size = sizeof(w) },
				.start_ns = at - (x >> 40 & 0xffffff),
				.stack_id = STACK_A,
				.reason = x >> 60 & 3,
			};

			profile__apply(m.p, &w.hdr, 0);
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			at += x >> 52;
		}
		end(&m, at);
		expect_whole(&m, "random waits");
		cr_expect(m.len <= 20 * nr, "%zu bytes of %zu events", m.len, nr);
		filtered(&m, &(struct event_filter){ .to_ns = UINT64_MAX }, &count, &all);
		for (uint64_t from = 0; from < at - START; from += (at - START) / 3) {
			const struct event_filter filter = { .from_ns = from,
							     .to_ns = from + (at - START) / 3 };
			uint64_t value;

			filtered(&m, &filter, &count, &value);
			sum += value;
		}
		cr_expect_eq(sum, all);
		done(&m);
	}
}

static void birth(struct profile *p, uint64_t goid, uint64_t parent, uint64_t stack, uint64_t ns)
{
	const struct pw_birth b = {
		.hdr = { .ts_ns = ns, .goid = goid, .kind = PW_BIRTH, .size = sizeof(b) },
		.stack_id = stack,
		.parent_goid = parent,
		.gopc = PC_MAIN,
		.startpc = START_WORKER,
	};

	cr_assert_eq(profile__apply(p, &b.hdr, 0), 0);
}

Test(events, births_count_where_they_happen)
{
	uint64_t count, value;
	struct made m;

	begin(&m, &(struct profile_opts){ .event = PROFILE_BIRTHS, .async = true }, 100);
	fake_stack(m.p, STACK_B, fake_birth_stack, ARRAY_SIZE(fake_birth_stack));
	birth(m.p, 7, 1, STACK_B, START + 10 * MS);
	birth(m.p, 8, 7, STACK_B, START + 20 * MS);
	end(&m, START + 40 * MS);
	expect_whole(&m, "with ancestors");
	filtered(&m, &(struct event_filter){ .to_ns = 20 * MS }, &count, &value);
	cr_expect(count == 1 && value == 1, "the end of a range is not in it");
	filtered(&m, &(struct event_filter){ .from_ns = 20 * MS }, &count, &value);
	cr_expect(count == 1 && value == 1, "its beginning is");
	done(&m);
}

/* Its record comes when its row was told already. */
Test(events, a_stack_may_come_after_its_events)
{
	struct made m;

	begin(&m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, UINT64_MAX);
	for (uint64_t i = 0; i <= 2 * BATCH; i++) {
		if (i == BATCH + 1)
			fake_stack(m.p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
		fake_wait(m.p, 7, STACK_A, 14, START + i, START + i + 1, 0);
		fake_wait(m.p, 7, STACK_B, 14, START + i, START + i + 1, 0);
	}
	end(&m, START + MS);
	expect_whole(&m, "one stack is late, one never comes");
	done(&m);
}

Test(events, what_the_bound_refuses_is_counted)
{
	struct event_facts_about about;
	scoped(replay) r = NULL;
	struct made m;

	begin(&m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, 3);
	for (uint64_t i = 0; i < 5; i++)
		fake_wait(m.p, 7, STACK_A, 14, START + i * MS, START + i * MS + 1, 0);
	end(&m, START + 40 * MS);
	r = read_filtered(&m, NULL);
	cr_assert(event_facts__about(r->events, &about));
	cr_expect_eq(about.count, 3);
	cr_expect_eq(about.refused, 2);
	cr_expect_eq(about.until_ns, 3 * MS + 1, "what comes then is not all there");
	done(&m);
}

Test(events, what_does_not_fit_together_is_damaged)
{
	uint32_t zero[] = { 0 }, far[] = { 0xffffffff }, two[] = { 0, 1 };
	uint64_t count[] = { 1 };
	int64_t delta[] = { 1, 2 };
	Pw__EventsOf of = PW__EVENTS_OF__INIT, other = PW__EVENTS_OF__INIT;
	Pw__EventsOf strange = PW__EVENTS_OF__INIT;
	Pw__SumRows rows = PW__SUM_ROWS__INIT, no_id = PW__SUM_ROWS__INIT;
	Pw__SumRows far_id = PW__SUM_ROWS__INIT;
	Pw__Events none = PW__EVENTS__INIT, uneven = PW__EVENTS__INIT;
	Pw__Fact head = PW__FACT__INIT, f = PW__FACT__INIT;
	const struct event_filter all = { .to_ns = UINT64_MAX };
	const struct {
		const char *why;
		Pw__Fact__FactCase kind;
		void *message;
		bool headless;
	} t[] = {
		{ "of another recording", PW__FACT__FACT_EVENTS_OF, &other, false },
		{ "of no event", PW__FACT__FACT_EVENTS_OF, &strange, true },
		{ "events before what they are of", PW__FACT__FACT_EVENTS, &none, true },
		{ "a row without a number", PW__FACT__FACT_EVENT_ROWS, &no_id, false },
		{ "a number beyond the bound", PW__FACT__FACT_EVENT_ROWS, &far_id, false },
		{ "an event of no row", PW__FACT__FACT_EVENTS, &none, false },
		{ "columns that differ", PW__FACT__FACT_EVENTS, &uneven, false },
	};

	other.start_ns = 1;
	strange.event = 99;
	rows.n_count = no_id.n_count = far_id.n_count = 1;
	rows.count = no_id.count = far_id.count = count;
	rows.n_id = far_id.n_id = 1;
	rows.id = zero;
	far_id.id = far;
	none.n_row = 2;
	none.row = two;
	uneven.n_row = 1;
	uneven.row = zero;
	uneven.n_goid_delta = 2;
	uneven.goid_delta = delta;
	head.fact_case = PW__FACT__FACT_EVENTS_OF;
	head.events_of = &of;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct pw_names names = { .nr = 0 };
		scoped(textpool) texts = NULL;
		scoped(event_facts) e = NULL;
		struct cause why = { "" };

		cr_assert_eq(textpool__new(&texts), 0);
		cr_assert_eq(event_facts__new(texts, &all, &e), 0);
		f.fact_case = PW__FACT__FACT_EVENT_ROWS;
		f.event_rows = &rows;
		if (!t[i].headless) {
			cr_assert_eq(event_facts__fact(e, &head, &names, &why), 1);
			cr_assert_eq(event_facts__fact(e, &f, &names, &why), 1, "%s", why.text);
		}
		f.fact_case = t[i].kind;
		f.events = t[i].message;
		cr_expect_eq(event_facts__fact(e, &f, &names, &why), -EBADMSG, "%s", t[i].why);
		cr_expect(why.text[0], "%s", t[i].why);
	}
}

/* --- cuts: where figures are estimates --- */

#define SECOND 1000000000ULL

static void begin_cuts(struct made *m, const struct profile_opts *o, uint64_t max)
{
	begin(m, o, max);
	profile__tap(m->p, &(struct profile_tap){ event_log__add, event_log__cut, m->log });
	fake_stack(m->p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
}

/* A look: goroutines wait for these reasons, and each stands for `weight` ns. */
static void look(struct made *m, uint32_t first_reason, uint32_t reasons, uint64_t weight)
{
	profile__window(m->p);
	for (uint32_t i = 0; i < reasons; i++) {
		const struct profile_sample s = { .stack_id = STACK_A,
						  .reason = first_reason + i,
						  .who.goid = 7 + i,
						  .value = weight,
						  .counts = true };

		cr_assert_eq(profile__sample(m->p, &s), 0);
	}
	profile__weigh(m->p, 3, 1, SECOND);
}

/* One wait of 10 ms is exact. Then a cut ends at each second; in each another reason of waits. */
static void exact_then_cuts(struct made *m, uint64_t max)
{
	begin_cuts(m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, max);
	fake_wait(m->p, 7, STACK_A, 14, START + 10 * MS, START + 20 * MS, 0);
	profile__cut(m->p, START + SECOND);
	for (uint32_t i = 1; i <= 4; i++) {
		look(m, i, 1, i * 100 * MS);
		profile__cut(m->p, START + (1 + i) * SECOND);
	}
	end(m, START + SECOND);
}

Test(events, a_cut_counts_whole_if_some_of_it_lies_in_the_range)
{
	static const uint64_t seven[] = { 7 };
	static const struct {
		const char *why;
		struct event_filter filter;
		uint64_t value, from_ns, to_ns;
	} t[] = {
		{ "all", { .to_ns = UINT64_MAX }, 3010 * MS, SECOND, 5 * SECOND },
		{ "exact only", { .to_ns = SECOND }, 10 * MS, 0, 0 },
		{ "to the end", { .from_ns = 4 * SECOND }, 1200 * MS, 4 * SECOND, 5 * SECOND },
		{ "parts of two",
		  { 2900 * MS, 3100 * MS, NULL, 0 },
		  1500 * MS,
		  2 * SECOND,
		  4 * SECOND },
		{ "both kinds", { 15 * MS, 1001 * MS, NULL, 0 }, 305 * MS, SECOND, 2 * SECOND },
		{ "of one goroutine", { 0, 0, seven, 1 }, 10 * MS, 0, 0 },
		{ "after the end", { .from_ns = 5 * SECOND }, 0, 0, 0 },
	};
	struct made m;

	exact_then_cuts(&m, 100);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(replay) r = read_filtered(&m, &t[i].filter);
		struct event_facts_about a;
		scoped(snap) s = NULL;

		cr_assert(event_facts__about(r->events, &a));
		cr_assert_eq(event_facts__snap(r->events, &s), 0);
		cr_expect_eq(s->value, t[i].value, "%s: %llu ns", t[i].why,
			     (unsigned long long)s->value);
		cr_expect_eq(a.counted_begin_ns, t[i].from_ns, "%s", t[i].why);
		cr_expect_eq(a.counted_end_ns, t[i].to_ns, "%s", t[i].why);
		cr_expect_eq(a.until_ns, SECOND, "%s", t[i].why);
		cr_expect_eq(a.cuts, 4, "%s", t[i].why);
		cr_expect_eq(s->part, t[i].to_ns > 0, "%s", t[i].why);
		cr_expect_eq(s->windows, (t[i].to_ns - t[i].from_ns) / SECOND, "%s", t[i].why);
	}
	expect_whole(&m, "events and cuts");
	done(&m);
}

Test(events, without_single_events_what_was_exact_is_a_cut)
{
	uint64_t count, value;
	struct made m;

	exact_then_cuts(&m, 0);
	expect_whole(&m, "cuts only");
	filtered(&m, &(struct event_filter){ .to_ns = 5 * MS }, &count, &value);
	cr_expect(count == 1 && value == 10 * MS, "the whole interval");
	done(&m);
}

/* More rows than a batch, several segments; each cut has others. */
Test(events, cuts_of_many_rows_add_up)
{
	const uint32_t rows = 2 * BATCH + 5, cuts = 40;
	uint64_t sum = 0, all, count, value;
	struct made m;

	begin_cuts(&m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, 0);
	for (uint32_t i = 0; i < cuts; i++) {
		look(&m, i * 7, rows, MS + i);
		profile__cut(m.p, START + (1 + i) * SECOND);
	}
	end(&m, START);
	expect_whole(&m, "many rows");
	filtered(&m, &(struct event_filter){ .to_ns = UINT64_MAX }, &count, &all);
	for (uint32_t i = 0; i < cuts; i += 8) {
		filtered(&m,
			 &(struct event_filter){ .from_ns = i * SECOND, .to_ns = (i + 8) * SECOND },
			 &count, &value);
		sum += value;
	}
	cr_expect_eq(sum, all);
	done(&m);
}

/* Told to one who keeps the rows of the cuts that fit. */
Test(events, cuts_beyond_the_bound_are_counted_and_none_is_told_in_part)
{
	const uint32_t rows = 200000, cuts = EVENT_LOG_CUT_ROWS_MAX / rows;
	const struct event_filter all = { .to_ns = UINT64_MAX };
	struct event_facts_about a;
	scoped(replay) r = NULL;
	scoped(snap) s = NULL;
	struct made m;

	begin_cuts(&m, &(struct profile_opts){ .event = PROFILE_BLOCKED }, 0);
	for (uint32_t i = 0; i < cuts + 2; i++) {
		look(&m, 0, rows, 1);
		profile__cut(m.p, START + (1 + i) * SECOND);
	}
	end(&m, START);
	r = read_filtered(&m, &all);
	cr_assert(event_facts__about(r->events, &a));
	cr_expect_eq(a.cuts, cuts);
	cr_expect_eq(a.cuts_end_ns, cuts * SECOND);
	cr_expect_eq(a.cut_rows_refused, 2 * rows);
	cr_assert_eq(event_facts__snap(r->events, &s), 0);
	cr_expect_eq(s->value, 3ULL * rows * cuts);
	done(&m);
}

Test(events, cuts_that_do_not_fit_together_are_damaged)
{
	static const uint64_t most[] = { UINT64_MAX };
	static const struct {
		const char *why;
		uint64_t begin_ns, end_ns;
		uint32_t row;
		size_t columns;
		int want;
	} t[] = {
		{ "after it", 20, 30, 0, 1, 1 },
		{ "the same interval", 10, 20, 0, 1, 1 },
		{ "columns that are left out", 20, 30, 0, 0, 1 },
		{ "before it", 5, 10, 0, 1, -EBADMSG },
		{ "partly before it", 15, 30, 0, 1, -EBADMSG },
		{ "of no time", 30, 30, 0, 1, -EBADMSG },
		{ "its end comes first", 40, 30, 0, 1, -EBADMSG },
		{ "a row that nobody knows", 20, 30, 1, 1, -EBADMSG },
		{ "columns that differ", 20, 30, 0, 2, -EBADMSG },
	};
	uint32_t id[] = { 0 };
	Pw__EventsOf of = PW__EVENTS_OF__INIT;
	Pw__SumRows rows = PW__SUM_ROWS__INIT;
	Pw__Fact head = PW__FACT__INIT, told = PW__FACT__INIT, f = PW__FACT__INIT;
	const struct event_filter all = { .to_ns = UINT64_MAX };
	const struct pw_names names = { .nr = 0 };

	rows.n_id = rows.n_count = 1;
	rows.id = id;
	rows.count = (uint64_t *)most;
	head.fact_case = PW__FACT__FACT_EVENTS_OF;
	head.events_of = &of;
	told.fact_case = PW__FACT__FACT_EVENT_ROWS;
	told.event_rows = &rows;
	f.fact_case = PW__FACT__FACT_CUT;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t row[] = { 0, 0 };
		uint64_t value[] = { UINT64_MAX, UINT64_MAX };
		Pw__Cut cut = PW__CUT__INIT;
		scoped(textpool) texts = NULL;
		scoped(event_facts) e = NULL;
		scoped(snap) s = NULL;
		struct cause why = { "" };

		cr_assert_eq(textpool__new(&texts), 0);
		cr_assert_eq(event_facts__new(texts, &all, &e), 0);
		cut.begin_ns = 10;
		cut.end_ns = 20;
		cut.windows = UINT32_MAX;
		cut.n_row = cut.n_value = cut.n_count = 1;
		cut.row = row;
		cut.value = cut.count = value;
		f.cut = &cut;
		cr_expect_eq(event_facts__fact(e, &f, &names, &why), -EBADMSG, "no head");
		cr_assert_eq(event_facts__fact(e, &head, &names, &why), 1);
		cr_assert_eq(event_facts__fact(e, &told, &names, &why), 1, "%s", why.text);
		cr_assert_eq(event_facts__fact(e, &f, &names, &why), 1, "%s", why.text);
		cut.begin_ns = t[i].begin_ns;
		cut.end_ns = t[i].end_ns;
		row[0] = t[i].row;
		cut.n_value = cut.n_count = t[i].columns;
		cr_expect_eq(event_facts__fact(e, &f, &names, &why), t[i].want, "%s", t[i].why);
		cr_assert_eq(event_facts__snap(e, &s), 0);
		cr_expect_eq(s->value, UINT64_MAX, "%s: sums do not wrap", t[i].why);
		cr_expect_eq(s->windows, UINT32_MAX, "%s", t[i].why);
	}
}
