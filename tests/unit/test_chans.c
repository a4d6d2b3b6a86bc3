/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "golang/gostate.h"
#include "view/chans.h"
#include "report_fake.h"

#define NIL_CHAN_RECEIVE 3 /* of Go 1.22 */
#define SECOND           1000000000ull

/* What was read of a program: goroutines 11, 12, ... and what they wait for. */
struct scene {
	struct census c;
	struct census_g gs[64];
	struct census_wait waits[64];
	struct census_stack stacks[2];
	uint64_t pcs[8];
	struct gchan chans_v[32];
	struct gchans chans;
	struct glock locks_v[32];
	struct glocks locks;
	struct ghold holds_v[64];
	struct gholds holds;
	struct waitgraph graph;
	const struct census *censuses[1];
	struct namer namers[1];
	struct chans_source source;
	struct dump *d;
	struct chans *cs;
};

enum { IN_WORKER, IN_MAIN };

static struct scene *new_scene(void)
{
	static const uint64_t pcs[] = { PC_GOPARK,     PC_CHANRECV, PC_WORKER, PC_GOEXIT,
					PC_SEMACQUIRE, PC_LOCK,     PC_MAIN,   PC_GOEXIT };
	struct scene *s = calloc(1, sizeof(*s));

	memcpy(s->pcs, pcs, sizeof(pcs));
	s->stacks[IN_WORKER] = (struct census_stack){ .pcs_at = 0, .nr_pcs = 4 };
	s->stacks[IN_MAIN] = (struct census_stack){ .pcs_at = 4, .nr_pcs = 4 };
	s->c = (struct census){ .gs = s->gs,
				.waits = s->waits,
				.stacks = s->stacks,
				.nr_stacks = 2,
				.pcs = s->pcs,
				.nr_pcs = 8,
				.taken_ns = 100 * SECOND };
	s->chans.v = s->chans_v;
	s->locks.v = s->locks_v;
	s->holds.v = s->holds_v;
	s->censuses[0] = &s->c;
	s->namers[0] = fake_namer;
	s->source = (struct chans_source){
		.chans = &s->chans, .locks = &s->locks, .holds = &s->holds, .graph = &s->graph
	};
	return s;
}

static void add_g(struct scene *s, uint32_t stack, uint64_t waited_s)
{
	s->gs[s->c.nr] =
		(struct census_g){ .addr = 0x1000 * (s->c.nr + 1),
				   .who.goid = s->c.nr + 11,
				   .who.gopc = PC_MAIN,
				   .stack = stack,
				   .waits_at = (uint32_t)s->c.nr_waits,
				   .status = GOSTATUS_WAITING,
				   .m = -1,
				   .p = -1,
				   .reason = FAKE_CHAN_RECEIVE,
				   .waitsince_ns = waited_s ? (100 - waited_s) * SECOND : 0 };
	s->stacks[stack].nr_gs++;
	s->c.nr++;
}

static void add_wait(struct scene *s, uint64_t addr, enum census_wait_kind kind,
		     enum census_direction way, bool select)
{
	s->gs[s->c.nr - 1].nr_waits++;
	s->waits[s->c.nr_waits++] = (struct census_wait){ .addr = addr,
							  .via = addr + 4,
							  .kind = (uint8_t)kind,
							  .direction = (uint8_t)way,
							  .select = select };
}

static void add_chan(struct scene *s, uint64_t addr, uint64_t len, uint64_t cap)
{
	s->chans_v[s->chans.nr++] = (struct gchan){ .addr = addr,
						    .settled = true,
						    .elem_size = 8,
						    .elem_name = "",
						    .len = len,
						    .cap = cap };
}

static void show(struct scene *s)
{
	const struct dump_input in = { .censuses = s->censuses, .namers = s->namers, .nr = 1 };
	const struct dump_opts all = { .system = true };

	cr_assert_eq(dump__new(&in, &all, &s->d), 0);
	cr_assert_eq(chans__new(s->d, &s->source, &s->cs), 0);
}

static void end(struct scene *s)
{
	chans__free(s->cs);
	dump__free(s->d);
	free(s);
}

static const struct report_meta meta = {
	.pid = 7, .comm = "api", .exe = "/srv/a\"pi", .go_version = "go1.22.1"
};

static char *rendered(struct scene *s, bool elements,
		      int (*render)(struct chans *, const struct chans_show *, FILE *,
				    struct cause *))
{
	const struct chans_show how = { .meta = &meta, .elements = elements };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_eq(render(s->cs, &how, f, NULL), 0);
	fclose(f);
	return text;
}

static struct json_object *at(struct json_object *o, const char *key)
{
	struct json_object *ret = NULL;

	cr_assert(json_object_object_get_ex(o, key, &ret), "no member %s", key);
	return ret;
}

static struct json_object *nth(struct json_object *o, const char *key, size_t i)
{
	struct json_object *list = at(o, key);

	cr_assert_lt(i, json_object_array_length(list), "%s has no element %zu", key, i);
	return json_object_array_get_idx(list, i);
}

Test(chans, equal_waiters_are_a_group_and_equal_channels_a_fold)
{
	struct scene *s = new_scene();
	char *text;

	add_chan(s, 0x100, 0, 0);
	for (int i = 0; i < 3; i++) { /* three on one */
		add_g(s, IN_WORKER, i == 1 ? 30 : 0);
		add_wait(s, 0x100, CENSUS_WAIT_CHAN, CENSUS_DIR_RECEIVE, false);
	}
	for (uint64_t i = 0; i < 4; i++) { /* four on four */
		add_chan(s, 0x200 + 0x10 * i, 1, 1);
		add_g(s, IN_WORKER, 0);
		add_wait(s, 0x200 + 0x10 * i, CENSUS_WAIT_CHAN, CENSUS_DIR_SEND, false);
	}
	show(s);
	cr_assert_eq(s->cs->nr, 5);
	cr_assert_eq(s->cs->nr_folds, 2);
	cr_expect_eq(s->cs->folds[0].nr, 4, "four goroutines before three");
	cr_expect_eq(s->cs->folds[1].nr, 1);
	cr_expect_eq(s->cs->objects[s->cs->folds[1].first].nr_groups, 1);
	cr_expect_eq(s->cs->groups[s->cs->objects[s->cs->folds[1].first].groups_at].oldest_ns,
		     30 * SECOND);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "4 like this: chan of elements of 8 bytes, 1 of 1 "
					"buffered: 1 waiting at each"),
			   "%s", text);
	cr_expect_not_null(
		strstr(text, "3 receive at main.worker main.go:20, the oldest for at least 30s\n"
			     "      created by main.main main.go:9\n"
			     "      goroutines 11 12 13\n"),
		"%s", text);
	free(text);
	end(s);
}

Test(chans, a_goroutine_at_two_of_a_fold_is_named_once)
{
	struct scene *s = new_scene();
	char *text;

	add_g(s, IN_WORKER, 0);
	for (uint64_t i = 0; i < 2; i++) {
		add_chan(s, 0x200 + 0x10 * i, 0, 0);
		add_wait(s, 0x200 + 0x10 * i, CENSUS_WAIT_CHAN, CENSUS_DIR_RECEIVE, true);
	}
	show(s);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "\n      goroutine 11\n"), "%s", text);
	free(text);
	end(s);
}

Test(chans, other_places_ways_and_lengths_are_told_apart)
{
	struct scene *s = new_scene();

	for (uint64_t i = 0; i < 4; i++) {
		add_chan(s, 0x100 + 0x10 * i, i == 1, 1);
		add_g(s, i == 2 ? IN_MAIN : IN_WORKER, 0);
		add_wait(s, 0x100 + 0x10 * i, CENSUS_WAIT_CHAN,
			 i == 3 ? CENSUS_DIR_SEND : CENSUS_DIR_RECEIVE, false);
	}
	show(s);
	cr_expect_eq(s->cs->nr_folds, 4);
	end(s);
}

Test(chans, json_has_each_waiter_and_the_words_of_elements)
{
	static uint64_t words[] = { 0x2a, 0x2b };
	struct scene *s = new_scene();
	struct json_object *o, *ch;
	char *text;

	add_chan(s, 0x100, 2, 2);
	s->chans_v[0].nr_elements = 2;
	s->chans_v[0].element_words = 1;
	s->chans_v[0].timer = true;
	s->chans.words = words;
	add_chan(s, 0x200, 0, 0);
	add_g(s, IN_WORKER, 5);
	add_wait(s, 0x100, CENSUS_WAIT_CHAN, CENSUS_DIR_SEND, true);
	add_wait(s, 0x200, CENSUS_WAIT_CHAN, CENSUS_DIR_NONE, true);
	show(s);
	text = rendered(s, true, chans_show__json);
	o = json_tokener_parse(text);
	cr_assert_not_null(o, "%s", text);
	cr_expect_str_eq(json_object_get_string(at(at(o, "target"), "exe")), "/srv/a\"pi");
	ch = nth(o, "channels", 0);
	cr_expect_str_eq(json_object_get_string(at(ch, "addr")), "0x100");
	cr_expect_eq(json_object_get_int(at(ch, "len")), 2);
	cr_expect(json_object_get_boolean(at(ch, "timer")));
	cr_expect_eq(json_object_get_int(at(at(ch, "elem"), "size")), 8);
	cr_expect_null(at(at(ch, "elem"), "type"));
	cr_expect_eq(json_object_get_int64(at(nth(ch, "senders", 0), "goid")), 11);
	cr_expect_eq(json_object_get_int64(at(nth(ch, "senders", 0), "wait_ns")),
		     5 * (int64_t)SECOND);
	cr_expect(json_object_get_boolean(at(nth(ch, "senders", 0), "select")));
	cr_expect_str_eq(json_object_get_string(at(nth(ch, "senders", 0), "func")), "main.worker");
	cr_expect_str_eq(json_object_get_string(at(at(nth(ch, "senders", 0), "created_by"),
						   "func")),
			 "main.main");
	cr_expect_str_eq(json_object_to_json_string_ext(at(ch, "elements"), JSON_C_TO_STRING_PLAIN),
			 "[[\"0x2a\"],[\"0x2b\"]]");
	cr_expect_eq(json_object_array_length(at(nth(o, "channels", 1), "undetermined")), 1);
	json_object_put(o);
	free(text);
	end(s);
}

Test(chans, what_did_not_settle_is_null_and_counted)
{
	struct scene *s = new_scene();
	struct json_object *o;
	char *text;

	add_chan(s, 0x100, 0, 0);
	s->chans_v[0].settled = false;
	s->chans.unsettled = 1;
	add_g(s, IN_WORKER, 0);
	add_wait(s, 0x100, CENSUS_WAIT_CHAN, CENSUS_DIR_RECEIVE, false);
	show(s);
	text = rendered(s, false, chans_show__json);
	o = json_tokener_parse(text);
	cr_assert_not_null(o, "%s", text);
	cr_expect_null(at(nth(o, "channels", 0), "len"));
	cr_expect_null(at(nth(nth(o, "channels", 0), "receivers", 0), "wait_ns"));
	cr_expect_eq(json_object_get_int(at(o, "unsettled")), 1);
	json_object_put(o);
	free(text);
	end(s);
}

Test(chans, a_nil_channel_is_nobodys)
{
	struct scene *s = new_scene();
	char *text;

	add_g(s, IN_WORKER, 0);
	s->gs[0].reason = NIL_CHAN_RECEIVE;
	add_g(s, IN_WORKER, 0); /* waits for something that could not be made out */
	show(s);
	cr_assert_eq(s->cs->nr, 1);
	cr_expect_eq(s->cs->objects[0].kind, OBJECT_NOTHING);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "1 goroutine that nobody can wake"), "%s", text);
	free(text);
	end(s);
}

/* Goroutine 11 holds 0x100 and wants 0x200, goroutine 12 the other way round. */
static struct scene *deadlocked(void)
{
	static struct wait_edge steps[] = { { 0, 1, 0, 1 }, { 1, 0, 1, 0 } };
	static struct wait_cycle cycle = { .nr = 2, .behind = 3 };
	struct scene *s = new_scene();

	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x200, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x100, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	s->locks_v[0] = (struct glock){
		.addr = 0x100, .kind = CENSUS_WAIT_MUTEX, .settled = true, .locked = true
	};
	s->locks_v[1] = (struct glock){
		.addr = 0x200, .kind = CENSUS_WAIT_MUTEX, .settled = true, .locked = true
	};
	s->locks.nr = 2;
	s->holds_v[0] = (struct ghold){
		.lock = 0x100, .g = 0, .release_pc = PC_WORKER, .kind = GHOLD_MUTEX
	};
	s->holds_v[1] = (struct ghold){
		.lock = 0x200, .g = 1, .frame = 2, .release_pc = PC_LOCK, .kind = GHOLD_MUTEX
	};
	s->holds.nr = 2;
	s->graph = (struct waitgraph){
		.steps = steps, .nr_steps = 2, .cycles = &cycle, .nr_cycles = 1
	};
	show(s);
	return s;
}

Test(chans, a_deadlock_comes_first_with_its_evidence)
{
	struct scene *s = deadlocked();
	char *text = rendered(s, false, chans_show__text);

	cr_expect_not_null(
		strstr(text,
		       "; 1 deadlock\n\nDEADLOCK: 2 goroutines wait for each other\n"
		       "  goroutine 11 waits for mutex 0x200 at main.main main.go:9\n"
		       "    goroutine 12 holds it and would unlock it at main.main main.go:9\n"
		       "  goroutine 12 waits for mutex 0x100 at main.main main.go:9\n"
		       "    goroutine 11 holds it and would unlock it at main.worker main.go:20\n"
		       "  behind them: 3 more goroutines\n"),
		"%s", text);
	free(text);
	end(s);
}

Test(chans, json_names_who_holds_what_and_the_rings)
{
	struct scene *s = deadlocked();
	char *text = rendered(s, false, chans_show__json);
	struct json_object *o = json_tokener_parse(text), *step, *lock;

	cr_assert_not_null(o, "%s", text);
	cr_expect_str_eq(json_object_to_json_string_ext(at(nth(o, "deadlocks", 0), "goroutines"),
							JSON_C_TO_STRING_PLAIN),
			 "[11,12]");
	step = nth(nth(o, "deadlocks", 0), "steps", 0);
	cr_expect_eq(json_object_get_int(at(step, "goid")), 11);
	cr_expect_eq(json_object_get_int(at(step, "held_by")), 12);
	cr_expect_str_eq(json_object_get_string(at(at(step, "waits_for"), "addr")), "0x200");
	lock = nth(o, "locks", 0);
	cr_expect_eq(json_object_array_length(at(lock, "waiters")), 1);
	cr_expect_eq(json_object_array_length(at(lock, "holders")), 1);
	cr_expect_str_eq(json_object_to_json_string_ext(nth(lock, "holders", 0),
							JSON_C_TO_STRING_PLAIN),
			 "{\"goid\":11,\"kind\":\"mutex\",\"func\":\"main.worker\",\"file\":\"main."
			 "go\",\"line\":20,"
			 "\"at\":{\"state\":\"chan "
			 "receive\",\"func\":\"main.main\",\"file\":\"main.go\",\"line\":9,\"wait_"
			 "ns\":null}}");
	cr_expect(json_object_get_boolean(at(at(lock, "state"), "locked")));
	json_object_put(o);
	free(text);
	end(s);
}

/*
 * Goroutine 11 holds 0x100 and sends on channel 0x300, which only goroutine 12 has, who wants
 * 0x100; others have it too.
 */
static struct scene *mixed(uint32_t others)
{
	static struct wait_edge steps[2];
	static struct wait_cycle cycle = { .nr = 2 };
	struct scene *s = new_scene();

	add_chan(s, 0x300, 0, 0);
	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x300, CENSUS_WAIT_CHAN, CENSUS_DIR_SEND, false);
	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x100, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	s->locks_v[0] = (struct glock){
		.addr = 0x100, .kind = CENSUS_WAIT_MUTEX, .settled = true, .locked = true
	};
	s->locks.nr = 1;
	s->holds_v[0] = (struct ghold){
		.lock = 0x100, .g = 0, .release_pc = PC_WORKER, .kind = GHOLD_MUTEX
	};
	s->holds.nr = 1;
	steps[0] = (struct wait_edge){ .g = 1, .to = 0, .wait = 1, .hold = 0 };
	steps[1] =
		(struct wait_edge){ .g = 0, .to = 1, .wait = 0, .hold = WAITGRAPH_KEEPS + others };
	s->graph = (struct waitgraph){
		.steps = steps, .nr_steps = 2, .cycles = &cycle, .nr_cycles = 1
	};
	show(s);
	return s;
}

Test(chans, says_who_alone_could_end_a_wait_in_a_deadlock)
{
	static const struct {
		uint32_t others;
		const char *want;
	} t[] = {
		{ 0, "    only goroutine 12 could receive: nobody else has it; it is at main.main "
		     "main.go:9\n" },
		{ 1, "    only goroutine 12, or 1 other that waits too, could receive: nobody else "
		     "has it; it is at " },
		{ 18, "    only goroutine 12, or 18 others that wait too, could receive: nobody "
		      "else has it; it is at " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene *s = mixed(t[i].others);
		char *text = rendered(s, false, chans_show__text);

		cr_expect_not_null(
			strstr(text, "  goroutine 12 waits for mutex 0x100 at main.main main.go:9\n"
				     "    goroutine 11 holds it and would unlock it at main.worker "
				     "main.go:20\n"
				     "  goroutine 11 waits to send on chan 0x300 at main.main "
				     "main.go:9\n"),
			"%s", text);
		cr_expect_not_null(strstr(text, t[i].want), "%s", text);
		free(text);
		end(s);
	}
}

Test(chans, json_has_who_could_end_it_where_others_have_a_holder)
{
	struct scene *s = mixed(3);
	char *text = rendered(s, false, chans_show__json);
	struct json_object *o = json_tokener_parse(text), *step;

	cr_assert_not_null(o, "%s", text);
	step = nth(nth(o, "deadlocks", 0), "steps", 1);
	cr_expect_eq(json_object_get_int(at(step, "held_by")), 12);
	cr_expect_str_eq(json_object_get_string(at(at(step, "waits_for"), "kind")), "chan");
	cr_expect_str_eq(json_object_get_string(at(at(step, "waits_for"), "mode")), "send");
	cr_expect_str_eq(json_object_get_string(at(at(step, "hold"), "kind")), "only-reference");
	cr_expect_eq(json_object_get_int(at(at(step, "hold"), "others")), 3);
	json_object_put(o);
	free(text);
	end(s);
}

Test(chans, say_that_a_proof_was_not_finished)
{
	struct scene *s = mixed(0);
	char *text;

	s->graph.unproved = true;
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "there may be deadlocks by channels: who else has them "
					"could not be looked at in time\n"),
			   "%s", text);
	free(text);
	end(s);
}

/* A mutex that the goroutine made last holds; its release stands at release_pc. */
static uint64_t add_mutex(struct scene *s, uint64_t release_pc)
{
	const uint64_t addr = 0x1000 + 0x10 * s->locks.nr;

	s->locks_v[s->locks.nr++] = (struct glock){
		.addr = addr, .kind = CENSUS_WAIT_MUTEX, .settled = true, .locked = true
	};
	s->holds_v[s->holds.nr++] = (struct ghold){ .lock = addr,
						    .g = (uint32_t)s->c.nr - 1,
						    .release_pc = release_pc,
						    .kind = GHOLD_MUTEX };
	return addr;
}

static void add_mutex_waiters(struct scene *s, uint64_t addr, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		add_g(s, IN_MAIN, 0);
		add_wait(s, addr, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	}
}

Test(chans, locks_with_holders_at_one_place_are_a_fold)
{
	struct scene *s = new_scene();
	char *text;

	for (unsigned int i = 0; i < 6; i++) {
		add_g(s, IN_WORKER, 0);
		add_mutex_waiters(s, add_mutex(s, PC_WORKER), 2 + i % 2);
	}
	show(s);
	cr_assert_eq(s->cs->nr_folds, 1);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "6 like this: mutex, locked: 2 to 3 waiting at each\n"
					"  addresses 0x1000 0x1010 0x1020 0x1030 0x1040 0x1050\n"
					"  each held by 1 goroutine, which would unlock it at "
					"main.worker main.go:20; it is at main.worker main.go:20\n"
					"      goroutines 11 14 18 21 25 28\n"
					"  2 to 3 wait at main.main main.go:9\n"),
			   "%s", text);
	free(text);
	end(s);
}

Test(chans, locks_whose_holders_or_waiters_are_not_alike_are_told_apart)
{
	struct scene *s = new_scene();

	add_g(s, IN_WORKER, 0);
	add_mutex_waiters(s, add_mutex(s, PC_WORKER), 1);
	add_g(s, IN_WORKER, 0); /* releases it elsewhere */
	add_mutex_waiters(s, add_mutex(s, PC_MAIN), 1);
	add_g(s, IN_MAIN, 0); /* stands elsewhere */
	add_mutex_waiters(s, add_mutex(s, PC_WORKER), 1);
	add_g(s, IN_WORKER, 0); /* has far more behind it */
	add_mutex_waiters(s, add_mutex(s, PC_WORKER), 20);
	add_mutex_waiters(s, add_mutex(s, PC_WORKER), 1);
	s->holds.nr--; /* nobody is known to hold it */
	show(s);
	cr_expect_eq(s->cs->nr_folds, 5);
	end(s);
}

Test(chans, readers_of_one_lock_are_told_once)
{
	struct scene *s = new_scene();
	char *text;

	s->locks_v[0] = (struct glock){ .addr = 0x1000,
					.kind = CENSUS_WAIT_RWMUTEX,
					.settled = true,
					.writer = true,
					.locked = true,
					.departing = 20 };
	s->locks.nr = 1;
	for (uint32_t i = 0; i < 20; i++) {
		add_g(s, IN_WORKER, 0);
		s->holds_v[i] = (struct ghold){
			.lock = 0x1000, .g = i, .release_pc = PC_WORKER, .kind = GHOLD_READ
		};
	}
	s->holds.nr = 20;
	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x1000, CENSUS_WAIT_RWMUTEX, CENSUS_DIR_WRITE, false);
	show(s);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "  held by 20 goroutines as readers, which would unlock it "
					"at main.worker main.go:20; "
					"they are at main.worker main.go:20\n"
					"      goroutines 11 12 13 14 15 16 17 18 ...\n"),
			   "%s", text);
	free(text);
	end(s);
}

/* Whichever of them is known first: a recording shows them as they were shown. */
Test(chans, holders_are_in_the_order_of_their_texts)
{
	static const uint64_t release[] = { PC_WORKER, PC_LOOP };

	for (uint32_t first = 0; first < 2; first++) {
		struct scene *s = new_scene();
		const char *worker, *innermost;
		char *text;

		s->locks_v[0] = (struct glock){
			.addr = 0x1000, .kind = CENSUS_WAIT_RWMUTEX, .settled = true, .writer = true
		};
		s->locks.nr = 1;
		for (uint32_t i = 0; i < 2; i++) {
			add_g(s, IN_MAIN, 0);
			s->holds_v[i] = (struct ghold){ .lock = 0x1000,
							.g = i,
							.release_pc = release[(first + i) % 2],
							.kind = GHOLD_READ };
		}
		s->holds.nr = 2;
		add_g(s, IN_MAIN, 0);
		add_wait(s, 0x1000, CENSUS_WAIT_RWMUTEX, CENSUS_DIR_WRITE, false);
		show(s);
		text = rendered(s, false, chans_show__text);
		worker = strstr(text, "would unlock it at main.worker");
		innermost = strstr(text, "would unlock it at main.innermost");
		cr_expect(innermost && worker && innermost < worker, "%s", text);
		free(text);
		end(s);
	}
}

/* Of a WaitGroup with a counter of 3: so many goroutines are known to call Done. */
static void show_group(struct scene *s, uint32_t nr)
{
	s->locks_v[0] = (struct glock){
		.addr = 0x1000, .kind = CENSUS_WAIT_WAITGROUP, .settled = true, .counter = 3
	};
	s->locks.nr = 1;
	for (uint32_t i = 0; i < nr; i++) {
		add_g(s, IN_WORKER, 0);
		s->holds_v[i] = (struct ghold){
			.lock = 0x1000, .g = i, .release_pc = PC_WORKER, .kind = GHOLD_GROUP
		};
	}
	s->holds.nr = nr;
	add_g(s, IN_MAIN, 0);
	add_wait(s, 0x1000, CENSUS_WAIT_WAITGROUP, CENSUS_DIR_NONE, false);
	show(s);
}

Test(chans, who_would_call_done_is_told_unless_it_is_more_than_are_waited_for)
{
	static const struct {
		uint32_t nr;
		const char *want;
	} v[] = {
		{ 0, "waitgroup 0x1000, counter 3: 1 waiting\n  1 wait at" },
		{ 1, "  goroutine 11 would call Done at main.worker main.go:20; it is at "
		     "main.worker main.go:20\n" },
		{ 3, "  3 goroutines would call Done at main.worker main.go:20; they are at "
		     "main.worker main.go:20\n"
		     "      goroutines 11 12 13\n" },
		{ 4, "waitgroup 0x1000, counter 3: 1 waiting\n  1 wait at" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct scene *s = new_scene();
		char *text;

		show_group(s, v[i].nr);
		text = rendered(s, false, chans_show__text);
		cr_expect_not_null(strstr(text, v[i].want), "%u: %s", v[i].nr, text);
		free(text);
		end(s);
	}
}

/*
 * Rings of two: the first holds one mutex and wants the other, and the other way round; turned:
 * told from the second one.
 */
static void add_ring(struct scene *s, struct wait_cycle *cycle, struct wait_edge *steps,
		     uint64_t release_pc, bool turned)
{
	const uint32_t g = (uint32_t)s->c.nr, hold = (uint32_t)s->holds.nr,
		       wait = (uint32_t)s->c.nr_waits;
	uint64_t first;

	add_g(s, IN_MAIN, 0);
	first = add_mutex(s, PC_MAIN);
	add_wait(s, first + 0x10, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	add_g(s, IN_MAIN, 0);
	add_mutex(s, release_pc);
	add_wait(s, first, CENSUS_WAIT_MUTEX, CENSUS_DIR_NONE, false);
	steps[turned ? 1 : 0] = (struct wait_edge){ g, g + 1, wait, hold + 1 };
	steps[turned ? 0 : 1] = (struct wait_edge){ g + 1, g, wait + 1, hold };
	cycle->nr = 2;
	cycle->behind = 1;
}

Test(chans, deadlocks_that_are_alike_are_told_once)
{
	struct scene *s = new_scene();
	struct wait_edge steps[8];
	struct wait_cycle cycles[4] = {
		{ .edges_at = 0 }, { .edges_at = 2 }, { .edges_at = 4 }, { .edges_at = 6 }
	};
	struct json_object *o;
	char *text;

	add_ring(s, &cycles[0], steps, PC_WORKER, false);
	add_ring(s, &cycles[1], steps + 2, PC_WORKER, true);
	add_ring(s, &cycles[2], steps + 4, PC_MAIN, false); /* another one */
	add_ring(s, &cycles[3], steps + 6, PC_WORKER, false);
	s->graph = (struct waitgraph){
		.steps = steps, .nr_steps = 8, .cycles = cycles, .nr_cycles = 4
	};
	show(s);
	cr_assert_eq(s->cs->nr_cycle_folds, 2);
	text = rendered(s, false, chans_show__text);
	cr_expect_not_null(strstr(text, "; 4 deadlocks\n\nDEADLOCK: 2 goroutines wait for each "
					"other; 3 like this, one of them:\n"
					"  goroutine 11 waits for mutex 0x1010 "),
			   "%s", text);
	cr_expect_not_null(strstr(text, "  the others, by one goroutine of each: 14 17\n  behind "
					"all of these: 3 more goroutines\n"),
			   "%s", text);
	free(text);
	text = rendered(s, false, chans_show__json);
	o = json_tokener_parse(text);
	cr_assert_not_null(o, "%s", text);
	cr_expect_eq(json_object_array_length(at(o, "deadlocks")), 4,
		     "nothing is folded for programs");
	json_object_put(o);
	free(text);
	end(s);
}
