/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "dump_fake.h"
#include "facts/pw_file.h"
#include "view/chans.h"
#include "view/replay.h"
#include "view/watched_chans.h"

#define MANY 2500 /* rows, over some facts */

static const struct factlog_of fake_of = {
	.view = "chans",
	.comm = "api",
	.exe = "/srv/api",
	.build_id = "ab",
	.namers = &dump_namer,
	.versions = (const char *const[]){ "go1.24.1" },
	.nr = 1,
};

/* Goroutine 21 waits for a mutex of 18, which waits for a channel that only 21 has. */
static struct gchan chans_v[] = {
	{ .addr = 0xc000010000,
	  .settled = true,
	  .nr_elements = 2,
	  .element_words = 1,
	  .elem_size = 8,
	  .elem_type = 0x5000,
	  .elem_name = "main.job",
	  .len = 2,
	  .cap = 4 },
	{ .addr = 0xc000020000, .elem_name = "", .words_at = 2 },
	{ .addr = 0xc000030000,
	  .timer = 0xc000055000,
	  .settled = true,
	  .closed = true,
	  .secret = true,
	  .elem_name = "struct {}",
	  .cap = 1,
	  .words_at = 2 },
};
static uint64_t words[] = { 0x2a, 0xffffffffffffffff };
static const struct gchans chans = {
	.v = chans_v, .nr = 3, .words = words, .nr_words = 2, .unsettled = 1
};
static struct glock locks_v[] = {
	{ .addr = 0xc000040000,
	  .kind = CENSUS_WAIT_MUTEX,
	  .settled = true,
	  .locked = true,
	  .starving = true,
	  .waiters = 1 },
	{ .addr = 0xc000041000,
	  .kind = CENSUS_WAIT_RWMUTEX,
	  .settled = true,
	  .woken = true,
	  .writer = true,
	  .readers = 7,
	  .departing = -2 },
	{ .addr = 0xc000042000,
	  .kind = CENSUS_WAIT_WAITGROUP,
	  .counter = -3,
	  .locker = 0xc000040000,
	  .value = 5 },
};
static const struct glocks locks = { .v = locks_v, .nr = 3, .unsettled = 1 };
static struct ghold holds_v[] = {
	{ .lock = 0xc000040000, .g = 1, .frame = 2, .release_pc = PC_WORKER, .kind = GHOLD_MUTEX },
	{ .lock = 0xc000041000, .g = 2, .frame = 3, .release_pc = PC_LOOP, .kind = GHOLD_READ },
	{ .lock = 0xc000041000, .g = 4, .frame = 3, .release_pc = PC_LOOP, .kind = GHOLD_READ },
};
static const struct gholds holds = { .v = holds_v, .nr = 3, .unknown = 4 };
static struct wait_edge edges[] = {
	{ .g = 1, .to = 5, .wait = 0, .hold = WAITGRAPH_KEEPS + 1 },
	{ .g = 5, .to = 1, .wait = 3, .hold = 0 },
	{ .g = 6, .to = 2, .wait = 5, .hold = WAITGRAPH_NO_HOLD },
};
static struct wait_cycle cycles[] = { { .edges_at = 0, .nr = 2, .behind = 3 },
				      { .edges_at = 2, .nr = 1 } };
static const struct waitgraph graph = { .edges = edges,
					.nr_edges = 3,
					.steps = edges,
					.nr_steps = 3,
					.cycles = cycles,
					.nr_cycles = 2,
					.unclear = 1,
					.unproved = true };
static const struct chans_source source = {
	.chans = &chans, .locks = &locks, .holds = &holds, .graph = &graph
};

struct bytes {
	char *v;
	size_t len;
};

static struct replay *read_bytes(char *v, size_t len, struct cause *why)
{
	FILE *in = fmemopen(v, len, "r");
	struct replay *r = NULL;

	replay__read(in, "x.pw", &r, why);
	fclose(in);
	return r;
}

static struct replay *there_and_back(const struct chans_source *s)
{
	scoped(factlog) f = NULL;
	struct replay *r = NULL;
	struct cause why = { "" };
	char *v = NULL;
	size_t len;
	FILE *file = open_memstream(&v, &len);

	cr_assert_eq(factlog__new(file, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	cr_assert_eq(factlog__waits(f, 0, 0, 5, &fake_census, s), 0);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(file);
	file = fmemopen(v, len, "r");
	cr_assert_eq(replay__read(file, "x.pw", &r, &why), 0, "%s", why.text);
	fclose(file);
	free(v);
	return r;
}

static char *shown(struct dump *d, const struct chans_source *s, bool json)
{
	const struct chans_show how = { .meta = &fake_meta, .elements = true };
	scoped(chans) cs = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(chans__new(d, s, &cs), 0);
	cr_assert_eq((json ? chans_show__json : chans_show__text)(cs, &how, out, NULL), 0);
	fclose(out);
	return text;
}

Test(replay_waits, channels_and_locks_are_shown_as_they_were)
{
	const struct dump_opts opts = { .system = true };
	scoped(replay) r = there_and_back(&source);
	scoped(dump) live = NULL;
	scoped(dump) back = NULL;
	struct chans_source read;

	cr_assert_eq(r->book->nr_looks, 1);
	cr_assert(book_look__waits(&r->book->looks[0], 0, &read));
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = fake_censuses,
						     .namers = &dump_namer,
						     .nr = 1 },
			       &opts, &live),
		     0);
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = (const struct census *const *)
									 r->book->looks[0]
										 .censuses,
						     .namers = r->namers,
						     .nr = 1 },
			       &opts, &back),
		     0);
	for (int json = 0; json < 2; json++) {
		scoped_mem char *one = shown(live, &source, json),
				*other = shown(back, &read, json);

		cr_expect_str_eq(one, other);
		cr_expect(strstr(one, json ? "\"only-reference\"" : "DEADLOCK: 2 goroutines"), "%s",
			  one);
	}
}

Test(replay_waits, all_is_kept)
{
	scoped(replay) r = there_and_back(&source);
	struct chans_source read;

	cr_assert(book_look__waits(&r->book->looks[0], 0, &read));
	cr_expect_eq(read.chans->unsettled, 1);
	cr_expect_eq(read.locks->unsettled, 1);
	cr_expect_eq(read.holds->unknown, 4);
	cr_expect_eq(read.graph->unclear, 1);
	cr_expect(read.graph->unproved && !read.graph->cut);
	cr_assert_eq(read.locks->nr, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct glock *a = &read.locks->v[i], *b = &locks_v[i];

		cr_expect_eq(a->kind, b->kind);
		cr_expect_eq(a->readers, b->readers);
		cr_expect_eq(a->departing, b->departing);
		cr_expect_eq(a->counter, b->counter);
		cr_expect_eq(a->locker, b->locker);
		cr_expect_eq(a->value, b->value);
		cr_expect_eq(a->waiters, b->waiters);
		cr_expect(a->woken == b->woken && a->starving == b->starving);
		cr_expect(a->locked == b->locked && a->writer == b->writer);
	}
	cr_assert_eq(read.graph->nr_edges, 3);
	cr_assert_eq(read.graph->nr_steps, 3);
	cr_assert_eq(read.graph->nr_cycles, 2);
	cr_expect_arr_eq(read.graph->edges, edges, sizeof(edges));
	cr_expect_arr_eq(read.graph->steps, edges, sizeof(edges));
	cr_expect_arr_eq(read.graph->cycles, cycles, sizeof(cycles));
}

Test(replay_waits, rows_of_several_facts_follow_each_other)
{
	static struct gchan many_v[MANY];
	static struct ghold held_v[MANY];
	static uint64_t many_words[MANY];
	static struct wait_edge many_edges[MANY];
	struct gchans many = { .v = many_v, .nr = MANY, .words = many_words, .nr_words = MANY };
	struct gholds held = { .v = held_v, .nr = MANY };
	struct wait_cycle cycle = { .nr = MANY };
	struct waitgraph all = { .edges = many_edges,
				 .nr_edges = MANY,
				 .steps = many_edges,
				 .nr_steps = MANY,
				 .cycles = &cycle,
				 .nr_cycles = 1 };
	scoped(replay) r = NULL;
	struct chans_source read;

	for (uint32_t i = 0; i < MANY; i++) {
		many_v[i] = (struct gchan){ .addr = 0xc000000000 + 96 * i,
					    .settled = true,
					    .elem_name = "int",
					    .nr_elements = 1,
					    .element_words = 1,
					    .words_at = i };
		many_words[i] = i;
		held_v[i] = (struct ghold){ .lock = 0xc000040000 + i / 2, .g = 1, .frame = i };
		many_edges[i] = (struct wait_edge){ .g = 6, .to = 1, .wait = 4 + i % 2, .hold = i };
	}
	r = there_and_back(&(struct chans_source){ &many, &locks, &held, &all });
	cr_assert(book_look__waits(&r->book->looks[0], 0, &read));
	cr_assert_eq(read.chans->nr, MANY);
	cr_assert_eq(read.holds->nr, MANY);
	cr_assert_eq(read.graph->nr_edges, MANY);
	cr_assert_eq(read.graph->nr_cycles, 1);
	cr_expect_eq(read.graph->cycles[0].nr, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct gchan *ch = &read.chans->v[i];

		cr_expect_eq(ch->addr, many_v[i].addr);
		cr_expect_str_eq(ch->elem_name, "int");
		cr_expect_eq(read.chans->words[ch->words_at], i);
		cr_expect_eq(read.holds->v[i].lock, held_v[i].lock);
		cr_expect_eq(read.holds->v[i].frame, i);
	}
	cr_expect_arr_eq(read.graph->edges, many_edges, sizeof(many_edges));
	cr_expect_arr_eq(read.graph->steps, many_edges, sizeof(many_edges));
}

Test(replay_waits, that_nobody_asked_for_are_not_there)
{
	static const struct gchans no_chans;
	static const struct glocks no_locks;
	static const struct gholds no_holds;
	static const struct waitgraph no_graph;
	scoped(replay) r = there_and_back(&(struct chans_source){ &no_chans, &no_locks, &no_holds,
								  &no_graph });
	struct chans_source read;

	cr_expect(book_look__waits(&r->book->looks[0], 0, &read), "nothing is an answer");
	cr_expect_eq(read.chans->nr + read.locks->nr + read.holds->nr + read.graph->nr_edges, 0);
	cr_expect_not(book_look__waits(&r->book->looks[0], 1, &read));
}

#define CROWD 100000 /* over several segments */

/* The last goroutine but one waits for the last, which waits for it, and for the first. */
static struct bytes write_crowd(void)
{
	static struct census_g gs[CROWD];
	static struct census_wait on[] = { { .addr = 0xc000040000, .kind = CENSUS_WAIT_MUTEX },
					   { .addr = 0xc000041000, .kind = CENSUS_WAIT_RWMUTEX } };
	static struct census_stack stack = { .nr_pcs = 1, .nr_gs = CROWD };
	static uint64_t pc = PC_WORKER;
	static const uint32_t last = CROWD - 1;
	const struct census crowd = { .gs = gs,
				      .nr = CROWD,
				      .stacks = &stack,
				      .nr_stacks = 1,
				      .pcs = &pc,
				      .nr_pcs = 1,
				      .waits = on,
				      .nr_waits = 2 };
	struct ghold held[] = { { .lock = 0xc000040000, .g = 0 },
				{ .lock = 0xc000040000, .g = last } };
	struct wait_edge all[] = {
		{ .g = last - 1, .to = 0, .wait = 0, .hold = 0 },
		{ .g = last - 1, .to = last, .wait = 0, .hold = 1 },
		{ .g = last, .to = last - 1, .wait = 1, .hold = WAITGRAPH_NO_HOLD }
	};
	struct wait_edge around[] = { all[0], all[2], all[1], all[2] };
	struct wait_cycle two[] = { { .edges_at = 0, .nr = 2 }, { .edges_at = 2, .nr = 2 } };
	const struct gholds hs = { .v = held, .nr = 2 };
	const struct waitgraph w = { .edges = all,
				     .nr_edges = 3,
				     .steps = around,
				     .nr_steps = 4,
				     .cycles = two,
				     .nr_cycles = 2 };
	scoped(factlog) f = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	for (uint32_t i = 0; i < CROWD; i++)
		gs[i] = (struct census_g){ .who.goid = i + 1,
					   .labels = ~(uint64_t)i,
					   .addr = ~(uint64_t)i * i };
	for (uint32_t i = 0; i < 2; i++) {
		gs[last - i].waits_at = 1 - i;
		gs[last - i].nr_waits = 1;
	}
	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &crowd, NULL), 0);
	cr_assert_eq(factlog__waits(f, 0, 0, 5, &crowd,
				    &(struct chans_source){ &chans, &locks, &hs, &w }),
		     0);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

/* Who is told with a goroutine of a segment that is gone is passed over, the rest is right. */
Test(replay_waits, are_right_without_the_segments_before)
{
	struct bytes b = write_crowd();
	struct pw_segment_head first;
	const struct census *c;
	scoped(replay) r = NULL;
	struct cause why = { "" };
	struct chans_source read;
	size_t cut;

	memcpy(&first, b.v + sizeof(struct pw_file_head), sizeof(first));
	cut = sizeof(first) + first.packed_bytes;
	memmove(b.v + sizeof(struct pw_file_head), b.v + sizeof(struct pw_file_head) + cut,
		b.len - sizeof(struct pw_file_head) - cut);
	r = read_bytes(b.v, b.len - cut, &why);
	cr_assert(r, "%s", why.text);
	c = r->book->looks[0].censuses[0];
	cr_assert_eq(c->gs[c->nr - 1].who.goid, CROWD);
	cr_assert(c->nr < CROWD && c->gs[0].who.goid > 1);
	cr_assert(book_look__waits(&r->book->looks[0], 0, &read));
	cr_assert_eq(read.holds->nr, 1);
	cr_expect_eq(read.holds->v[0].g, c->nr - 1);
	cr_assert_eq(read.graph->nr_edges, 2);
	cr_expect_eq(read.graph->edges[0].to, c->nr - 1);
	cr_expect_eq(read.graph->edges[0].hold, 0);
	cr_assert_eq(read.graph->nr_cycles, 1);
	cr_expect_eq(read.graph->cycles[0].nr, 2);
	cr_expect_eq(read.graph->steps[1].g, c->nr - 1);
	free(b.v);
}

/* Facts by a writer that lies: a look first, unless `look` is false. */
static int read_fact(const Pw__Fact *lie, bool look, struct cause *why)
{
	scoped(factlog) f = NULL;
	scoped(replay) r = NULL;
	char *v = NULL;
	size_t len;
	FILE *file = open_memstream(&v, &len);
	int err;

	cr_assert_eq(factlog__new(file, &fake_of, &f), 0);
	if (look)
		cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	factlog__group(f);
	pw_writer__fact(factlog__writer(f), lie);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(file);
	file = fmemopen(v, len, "r");
	err = replay__read(file, "x.pw", &r, why);
	fclose(file);
	free(v);
	return err;
}

Test(replay_waits, what_does_not_fit_together_is_refused)
{
	int64_t up[] = { 8, 8 }, same[] = { 8, 0 };
	uint32_t none[] = { 0, 0 }, one[] = { 1, 1 }, five[] = { 5, 5 }, many[] = { 99, 99 };
	uint64_t long_none[3] = { 0 };
#define CHANNELS(...)                                                                              \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_CHANNELS, .channels = &(Pw__Channels)                  \
		{                                                                                  \
			.base = PROTOBUF_C_MESSAGE_INIT(&pw__channels__descriptor), __VA_ARGS__    \
		}                                                                                  \
	}
#define LOCKS(...)                                                                                 \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_LOCKS, .locks = &(Pw__Locks)                           \
		{                                                                                  \
			.base = PROTOBUF_C_MESSAGE_INIT(&pw__locks__descriptor), __VA_ARGS__       \
		}                                                                                  \
	}
#define HOLDERS(...)                                                                               \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_HOLDERS, .holders = &(Pw__Holders)                     \
		{                                                                                  \
			.base = PROTOBUF_C_MESSAGE_INIT(&pw__holders__descriptor), __VA_ARGS__     \
		}                                                                                  \
	}
#define WAITS(...)                                                                                 \
	{                                                                                          \
		.fact_case = PW__FACT__FACT_WAITS_FOR, .waits_for = &(Pw__WaitsFor)                \
		{                                                                                  \
			.base = PROTOBUF_C_MESSAGE_INIT(&pw__waits_for__descriptor), __VA_ARGS__   \
		}                                                                                  \
	}
	const struct {
		const char *why;
		Pw__Fact fact;
		int want;
	} t[] = {
		{ "two channels", CHANNELS(.n_addr_delta = 2, .addr_delta = up), 0 },
		{ "one channel twice", CHANNELS(.n_addr_delta = 2, .addr_delta = same), -EBADMSG },
		{ "a column too short",
		  CHANNELS(.n_addr_delta = 2, .addr_delta = up, .n_len = 1, .len = long_none),
		  -EBADMSG },
		{ "too many elements",
		  CHANNELS(.n_addr_delta = 2, .addr_delta = up, .n_elements = 2, .elements = five),
		  -EBADMSG },
		{ "elements without words",
		  CHANNELS(.n_addr_delta = 2, .addr_delta = up, .n_elements = 2, .elements = one,
			   .n_element_words = 2, .element_words = one, .n_word = 3,
			   .word = long_none),
		  -EBADMSG },
		{ "two locks",
		  LOCKS(.n_addr_delta = 2, .addr_delta = up, .n_kind = 2, .kind = five), 0 },
		{ "a lock that is none", LOCKS(.n_addr_delta = 2, .addr_delta = up), -EBADMSG },
		{ "one lock twice",
		  LOCKS(.n_addr_delta = 2, .addr_delta = same, .n_kind = 2, .kind = five),
		  -EBADMSG },
		{ "two holders",
		  HOLDERS(.n_lock_delta = 2, .lock_delta = same, .n_goroutine = 2,
			  .goroutine = one),
		  0 },
		{ "a holder without a stack", HOLDERS(.n_lock_delta = 2, .lock_delta = up),
		  -EBADMSG },
		{ "a holder who is not there",
		  HOLDERS(.n_lock_delta = 2, .lock_delta = up, .n_goroutine = 2, .goroutine = many),
		  -EBADMSG },
		{ "two wait", WAITS(.n_goroutine = 2, .goroutine = one, .n_how = 2, .how = one),
		  0 },
		{ "one who waits for nothing",
		  WAITS(.n_goroutine = 2, .goroutine = none, .n_how = 2, .how = one), -EBADMSG },
		{ "a wait that is not there",
		  WAITS(.n_goroutine = 2, .goroutine = one, .n_how = 2, .how = one, .n_wait = 2,
			.wait = one),
		  -EBADMSG },
		{ "one who is waited for and not there",
		  WAITS(.n_goroutine = 2, .goroutine = one, .n_how = 2, .how = one, .n_to = 2,
			.to = many),
		  -EBADMSG },
		{ "a hold that is not there", WAITS(.n_goroutine = 2, .goroutine = one), -EBADMSG },
		{ "a deadlock without a beginning",
		  WAITS(.n_goroutine = 2, .goroutine = one, .n_how = 2, .how = one, .n_deadlock = 2,
			.deadlock = one),
		  -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };
		Pw__Fact fact = t[i].fact;

		fact.base = (ProtobufCMessage)PROTOBUF_C_MESSAGE_INIT(&pw__fact__descriptor);
		cr_expect_eq(read_fact(&fact, true, &why), t[i].want, "%s: %s", t[i].why, why.text);
		cr_expect_eq(read_fact(&fact, false, &why), -EBADMSG, "%s: of no look", t[i].why);
	}
}

/* --- channels over some time --- */

static struct chan_run bursts[] = {
	{ 0, 50, 900, 1000, .looks = 18, .open_begin = true },
	{ 5000, 5100, 9900, 10000, .looks = 90, .open_end = true },
};
static struct chan_site queues[] = {
	{ "main.<send>", "/srv/a&b.go", "main.main", "/srv/main.go", 7, 9, 12, 3, CENSUS_DIR_SEND },
	{ "main.recv", "", "", "", 1, 0, 1, 1, CENSUS_DIR_RECEIVE },
};
static struct chan_life lives[] = {
	{ .addr = 0xc000010000,
	  .elem_name = "main.job",
	  .ended = true,
	  .elem_bytes = 8,
	  .cap = 4,
	  .to_ns = 4000,
	  .looks = 20,
	  .full = { 0.25, 0.5 } },
	{ .addr = 0xc000010000,
	  .elem_name = "main.job",
	  .elem_bytes = 8,
	  .cap = 4,
	  .len = 2,
	  .from_ns = 4500,
	  .to_ns = 10000,
	  .looks = 110,
	  .unsure = 3,
	  .fill_max = 4,
	  .senders_max = 12,
	  .receivers_max = 1,
	  .contended = true,
	  .queues_cut = true,
	  .fill = { 0.5, 0.125 },
	  .full = { 0.25, 0.125 },
	  .empty = { 0, 0.125 },
	  .sends = { 1, 0.0625 },
	  .longest = { 5000, 5100, 9900, 10000, .looks = 90, .open_end = true },
	  .nr_bursts = 2,
	  .bursts_more = 5,
	  .nr_sites = 2,
	  .sites_more = 6,
	  .cells = { 1, 1001, 0, 500 } },
	{ .addr = 0xc000077000, .elem_name = "", .closed = true, .timer = true, .looks = 0 },
};
static const struct chan_watch watch = { .lives = lives,
					 .nr = 3,
					 .bursts = bursts,
					 .nr_bursts = 2,
					 .sites = queues,
					 .nr_sites = 2,
					 .duration_ns = 10000,
					 .looks = 200,
					 .searches = 11,
					 .period_ns = 50,
					 .refused = 4,
					 .cut = true };

static struct bytes write_watch(const struct chan_watch *w)
{
	scoped(factlog) f = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	cr_assert_eq(factlog__waits(f, 0, 0, 5, &fake_census, &source), 0);
	factlog__watch(f, w);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

static char *watch_shown(struct dump *d, const struct chans_source *s, const struct chan_watch *w,
			 int (*show)(struct chans *cs, const struct chans_show *s, FILE *out,
				     struct cause *why))
{
	scoped(watched_chans) all = NULL;
	scoped(chans) cs = NULL;
	struct chans_show how = { .meta = &fake_meta };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(chans__new(d, s, &cs), 0);
	cr_assert_eq(watched_chans__new(w, NULL, &all), 0);
	how.watched = all;
	cr_assert_eq(show(cs, &how, out, NULL), 0);
	fclose(out);
	return text;
}

Test(replay_waits, a_watch_is_shown_as_it_was)
{
	int (*const shows[])(struct chans *, const struct chans_show *, FILE *,
			     struct cause *) = { chans_show__text, chans_show__json,
						 chans_show__html };
	static const char *const has[] = { "contended  many send to it", "\"fill_mean\":0.5",
					   "main.&lt;send&gt; a&amp;b.go" };
	const struct dump_opts opts = { .system = true };
	struct bytes b = write_watch(&watch);
	struct cause why = { "" };
	scoped(replay) r = read_bytes(b.v, b.len, &why);
	scoped(dump) d = NULL;
	struct chans_source read;

	cr_assert(r, "%s", why.text);
	cr_assert(r->book->watch);
	cr_assert(book_look__waits(&r->book->looks[0], 0, &read));
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = (const struct census *const *)
									 r->book->looks[0]
										 .censuses,
						     .namers = r->namers,
						     .nr = 1 },
			       &opts, &d),
		     0);
	for (size_t i = 0; i < ARRAY_SIZE(shows); i++) {
		scoped_mem char *one = watch_shown(d, &read, &watch, shows[i]),
				*other = watch_shown(d, &read, r->book->watch, shows[i]);

		cr_expect_str_eq(one, other);
		cr_expect(strstr(one, has[i]), "%s", one);
		cr_expect(!strstr(one, "<send>") || i < 2, "%s", one);
	}
	cr_expect_eq(chan_watch__now(r->book->watch, 0, 0xc000010000)->looks, 110,
		     "the last one at that address");
	cr_expect_null(chan_watch__now(r->book->watch, 0, 0xc000010008));
	free(b.v);
}

Test(replay_waits, a_watch_that_makes_no_sense_is_damaged)
{
	static const struct {
		const char *why;
		bool fits;
		struct chan_life life;
	} t[] = {
		{ "that is one", true, { .addr = 8, .cap = 2, .len = 2, .elem_name = "" } },
		{ "more in it than fits",
		  false,
		  { .addr = 8, .cap = 2, .len = 3, .elem_name = "" } },
		{ "no number", false, { .addr = 8, .full = { 0.0 / 0.0, 0 }, .elem_name = "" } },
		{ "more than all", false, { .addr = 8, .empty = { 1.5, 0 }, .elem_name = "" } },
		{ "it ends before it begins",
		  false,
		  { .addr = 8, .from_ns = 5, .to_ns = 4, .elem_name = "" } },
		{ "a run that runs back",
		  false,
		  { .addr = 8, .longest = { 5, 4, 6, 7, 0, false, false }, .elem_name = "" } },
		{ "a part that is more than full",
		  false,
		  { .addr = 8, .cells = { 1002 }, .elem_name = "" } },
		{ "of no runtime", false, { .addr = 8, .rt = 3, .elem_name = "" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct chan_life life = t[i].life;
		const struct chan_watch w = { .lives = &life, .nr = 1 };
		struct bytes b = write_watch(&w);
		struct cause why = { "" };
		scoped(replay) r = read_bytes(b.v, b.len, &why);

		cr_expect_eq(r != NULL, t[i].fits, "%s: %s", t[i].why, why.text);
		cr_expect(t[i].fits || strstr(why.text, "damaged"), "%s: %s", t[i].why, why.text);
		free(b.v);
	}
}

Test(replay_waits, channels_of_a_watch_follow_each_other)
{
	struct chan_life two[] = { lives[1], lives[1] };
	const struct chan_watch w = { .lives = two, .nr = 2, .bursts = bursts, .sites = queues };
	struct bytes b = write_watch(&w);
	struct cause why = { "" };
	scoped(replay) r = read_bytes(b.v, b.len, &why);

	cr_expect_null(r, "two at one address, and the first is not gone");
	free(b.v);
}
