/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "leaks_fake.h"
#include "format/leak_known.h"
#include "serve/leakwatch.h"
#include "view/leak_words.h"
#include "view/leaks.h"

#define LOOKS  7
#define EACH   3 /* goroutines more at each look */
#define MAX_GS (LOOKS * EACH + 2)

/* Goroutines 100, 101, ... in main.worker, each at a channel of its own; goroutine 1 in main. */
struct scene {
	struct census c;
	struct census_g gs[MAX_GS];
	struct census_wait waits[MAX_GS];
};

static void scene__set(struct scene *s, size_t workers, int look)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < workers; i++) {
		s->gs[i] = (struct census_g){
			.who = { 100 + i, 1, PC_MAIN, START_GOWRAP },
			.stack = 0,
			.sp = 0x9f00,
			.stack_lo = 0x9000,
			.stack_hi = 0x9800,
			.waits_at = (uint32_t)i,
			.nr_waits = 1,
			.m = -1,
			.p = -1,
			.status = GOSTATUS_WAITING,
			.reason = FAKE_CHAN_RECEIVE,
			.stops = 1,
		};
		s->waits[i] = (struct census_wait){ .addr = 0xc000000000 + 96 * i,
						    .kind = CENSUS_WAIT_CHAN,
						    .direction = CENSUS_DIR_RECEIVE };
	}
	s->gs[workers] = (struct census_g){ .who.goid = 1,
					    .who.startpc = START_MAIN,
					    .stack = 2,
					    .status = GOSTATUS_WAITING,
					    .reason = 10,
					    .stack_lo = 0x8000,
					    .stack_hi = 0x8800,
					    .m = -1,
					    .p = -1 };
	s->c = fake_census;
	s->c.gs = s->gs;
	s->c.nr = workers + 1;
	s->c.waits = s->waits;
	s->c.nr_waits = workers;
	s->c.unsettled = s->c.refused = 0;
	s->c.taken_ns = FAKE_NOW_NS + (uint64_t)look * 5 * FAKE_SECOND;
}

static void look_at(struct leaks *l, struct scene *s)
{
	fake_look(l, &s->c);
}

static void no_facts(struct leaks *l)
{
	struct gchans chans = { 0 };

	fake_facts(l, &chans);
}

static const struct verdict_opts opts = { .min_age_ns = VERDICT_MIN_AGE_NS,
					  .min_count = VERDICT_MIN_COUNT,
					  .min_more = VERDICT_MIN_MORE,
					  .min_per_min = VERDICT_MIN_PER_MIN };

/* each: how many more at each look. Borrows s->c of the last look. */
static struct leaks *watched(struct scene *s, size_t each)
{
	struct leaks *l = NULL;

	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++) {
		scene__set(s, each ? each * (size_t)look : 2, look);
		look_at(l, s);
	}
	no_facts(l);
	cr_assert_eq(leaks__finish(l, &opts), 0);
	return l;
}

static char *shown(struct leaks *l, const struct leaks_show *how, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq((json ? leaks_show__json : leaks_show__text)(l, how, out, NULL), 0);
	fclose(out);
	expect_recorded(l, how, json, text);
	return text;
}

static const struct leaks_show show = {
	.meta = &fake_meta, .allocs_why = "--no-probes", .cpu_pct = 0.25, .proof = { .doubt = "" }
};

Test(leaks, tell_what_grows_in_a_text_for_a_person)
{
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped_mem char *text = shown(l, &show, false);

	cr_expect_str_eq(
		text,
		"pid 812 'api', go1.22.1: watched for 30.0 s in 7 looks; 1 goroutine at the start, "
		"19 at the end\n"
		"1 leak: 18 goroutines, 36.9 kB of stacks\n"
		"\n"
		"GROWING  18 goroutines [chan receive]: blocked receive: nobody sends any more\n"
		"  blocked at  main.worker main.go:20\n"
		"  made at     main.main main.go:9\n"
		"  because     0 at the start, 18 at the end; the number rose in 5 of 5 parts of "
		"the watch, to the very end; "
		"none of the 12 older waits has ended\n"
		"  cure        close the channel, or select with ctx.Done()\n"
		"  growth      +36.0 a minute; 18 were made at that line, 0 ended, as far as the "
		"looks tell\n"
		"  waits       for 18 channels, 0.0s to 25s or longer\n"
		"  costs       36.9 kB of stacks, the heap that only they keep was not computed\n"
		"  allocated   not known: --no-probes\n"
		"  goroutines  100 101 102 103 104 105 106 107 108 109 ...\n"
		"  stack\n"
		"    main.worker main.go:20\n"
		"    main.innermost main.go:31\n"
		"    main.inner main.go:36\n"
		"    main.loop main.go:41\n",
		"%s", text);
}

static void expect_member(struct json_object *all, const char *path, const char *want)
{
	struct json_object *v = NULL;

	cr_expect_eq(json_pointer_get(all, path, &v), 0, "%s is not there", path);
	cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE),
			 want, "%s: %s", path,
			 json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
}

Test(leaks, are_json_with_all_that_is_promised)
{
	static const struct {
		const char *path, *want;
	} t[] = {
		{ "/target", "{\"pid\":812,\"go\":\"go1.22.1\",\"exe\":\"/srv/api\"}" },
		{ "/window_s", "30.000" },
		{ "/goroutines", "{\"start\":1,\"end\":19}" },
		{ "/lost", "1" },
		{ "/cost/cpu_pct", "0.25" },
		{ "/proof/passes", "0" },
		{ "/groups/0/leak", "true" },
		{ "/groups/0/verdict", "\"growing\"" },
		{ "/groups/0/proven", "0" },
		{ "/groups/0/pattern", "\"blocked receive: nobody sends any more\"" },
		{ "/groups/0/reason", "\"chan receive\"" },
		{ "/groups/0/count", "18" },
		{ "/groups/0/count_start", "0" },
		{ "/groups/0/counts", "[0,3,6,9,12,15,18]" },
		{ "/groups/0/growth_per_min", "36.0" },
		{ "/groups/0/births", "18" },
		{ "/groups/0/exits", "0" },
		{ "/groups/0/births_estimated", "true" },
		{ "/groups/0/age_s", "{\"min\":0.000,\"max\":25.000,\"exact\":false}" },
		{ "/groups/0/objects", "{\"kind\":\"chan\",\"distinct\":18,\"shared_by\":1}" },
		{ "/groups/0/stack_bytes", "36864" },
		{ "/groups/0/heap_bytes", "null" },
		{ "/groups/0/allocated", "null" },
		{ "/allocated", "null" },
		{ "/groups/0/start",
		  "{\"func\":\"main.worker\",\"file\":\"main.go\",\"line\":18}" },
		{ "/groups/0/created_by",
		  "{\"func\":\"main.main\",\"file\":\"main.go\",\"line\":9}" },
		{ "/groups/0/parents/0/goid", "1" },
		{ "/groups/0/blocked_at",
		  "{\"func\":\"main.worker\",\"file\":\"main.go\",\"line\":20}" },
		{ "/groups/0/goids", "[100,101,102,103,104,105,106,107,108,109]" },
		{ "/groups/0/stack/0/func", "\"runtime.gopark\"" },
	};
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped_mem char *text = shown(l, &show, true);
	struct json_object *all = json_tokener_parse(text), *v = NULL;

	cr_assert_not_null(all, "%s", text);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		expect_member(all, t[i].path, t[i].want);
	cr_assert_eq(json_pointer_get(all, "/groups", &v), 0);
	cr_expect_eq(json_object_array_length(v), 1);
	json_object_put(all);
}

Test(leaks, that_are_none_are_shown_only_when_asked_for)
{
	struct scene s;
	scoped(leaks) l = watched(&s, 0);
	scoped_mem char *some = shown(l, &show, false);
	scoped_mem char *all =
		shown(l,
		      &(struct leaks_show){
			      .meta = &fake_meta, .all = true, .proof = { .doubt = "" } },
		      false);

	cr_expect_not_null(strstr(some, "no leak found"));
	cr_expect_null(strstr(some, "main.worker"));
	cr_expect_not_null(strstr(all, "IDLE  2 goroutines [chan receive]\n"), "%s", all);
	cr_expect_not_null(
		strstr(all, "because     they wait, and nothing shows that they wait in vain\n"),
		"%s", all);
}

Test(leaks, tell_the_heap_that_only_they_keep)
{
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped_mem uint32_t *entries = NULL;
	scoped_mem char *text = NULL, *again = NULL, *json = NULL;
	const uint64_t bytes[] = { 1000000, 0 };

	cr_assert_eq(leaks__keepers(l, 0, false, &entries), 0);
	for (size_t i = 0; i < s.c.nr; i++)
		cr_expect_eq(entries[i], s.gs[i].who.goid == 1 ? UINT32_MAX : 0, "goroutine %d",
			     (int)s.gs[i].who.goid);
	leaks__heap(l, bytes);
	leaks__heap(l, bytes); /* of another runtime */
	leaks__rank(l);
	text = shown(l, &show, false);
	cr_expect_not_null(strstr(text,
				  "1 leak: 18 goroutines, 36.9 kB of stacks, 2.0 MB of heap\n"),
			   "%s", text);
	cr_expect_not_null(
		strstr(text, "costs       36.9 kB of stacks, 2.0 MB of heap that only they keep\n"),
		"%s", text);
	json = shown(l, &show, true);
	cr_expect_not_null(strstr(json, "\"heap_bytes\":2000000"), "%s", json);
	leaks__heap(l, NULL);
	again = shown(l, &show, false);
	cr_expect_not_null(strstr(again, "the heap that only they keep was not computed"));
}

/* Two workers, each pass of the search with what it told of them. */
static char *proved(const struct reach_goal *goals, unsigned int passes)
{
	struct reach_goal both[2] = { goals[0], goals[1] };
	const struct reach_answer answer = { .goals = both, .nr = 2 };
	const struct leaks_show all = { .meta = &fake_meta, .all = true, .proof = { .doubt = "" } };
	scoped(leaks) l = NULL;
	struct scene s;

	both[1].g = 1;
	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++) {
		scene__set(&s, 2, look);
		look_at(l, &s);
		if (LOOKS - look <= (int)passes)
			leaks__proved(l, 0, &answer);
	}
	no_facts(l);
	cr_assert_eq(leaks__finish(l, &opts), 0);
	return shown(l, &all, false);
}

Test(leaks, say_what_a_search_told)
{
	static const struct {
		struct reach_goal goals[2];
		unsigned int passes;
		const char *want;
	} t[] = {
		{ { { .verdict = REACH_LEAKED }, { .verdict = REACH_LEAKED } },
		  LEAK_PASSES,
		  "because     proof: all 2 checked are unreachable" },
		{ { { .verdict = REACH_LEAKED }, { .verdict = REACH_LEAKED } },
		  1,
		  "SUSPECT  2 goroutines" },
		{ { { .verdict = REACH_LEAKED },
		    { .verdict = REACH_HELD, .root = REACH_GLOBAL, .root_addr = 0x5500 } },
		  LEAK_PASSES,
		  "held by     of those checked: 1 by variables of the program; for example the "
		  "variable at 0x5500\n" },
		{ { { .verdict = REACH_HELD, .root = REACH_GLOBAL, .root_addr = 0x5500 },
		    { .verdict = REACH_HELD, .root = REACH_STACK, .root_goid = 1 } },
		  1,
		  "because     goroutine 1, which can still run, still leads to what they wait "
		  "for\n" },
		{ { { .verdict = REACH_HELD, .root = REACH_C }, { .verdict = REACH_UNKNOWN } },
		  1,
		  "because     something that is still in use still leads to what they wait "
		  "for\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped_mem char *text = proved(t[i].goals, t[i].passes);

		cr_expect_not_null(strstr(text, t[i].want), "%zu: %s", i, text);
	}
}

Test(leaks, that_loop_on_a_timer_end_only_if_somebody_else_can_end_them)
{
	uint32_t keepers[] = { 0, 1, 0 };
	struct reach_goal goals[] = {
		{ .g = 0, .verdict = REACH_LEAKED, .keepers_at = 0, .nr_keepers = 1 },
		{ .g = 1, .verdict = REACH_LEAKED, .keepers_at = 1, .nr_keepers = 2 },
		{ .g = 2, .verdict = REACH_LEAKED, .keepers_at = 0, .nr_keepers = 1 },
		{ .g = 3, .verdict = REACH_HELD, .root = REACH_C, .root_addr = 0x77 },
	};
	const struct reach_answer answer = { goals, ARRAY_SIZE(goals), keepers, 3 };
	scoped(leaks) l = NULL;
	struct scene s;
	uint32_t group;

	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++) {
		scene__set(&s, 4, look);
		look_at(l, &s);
	}
	group = leakset__get(l->set, 0, 100)->group;
	cr_assert_eq(leak_ends__found(l, 0, &s.c, &answer), 0);
	cr_expect_eq(leakset__group(l->set, group)->unended, 1, "its own only keeper is the first");
	cr_expect_eq(l->holders[group].kind, REACH_C);
	cr_expect_eq(l->holders[group].addr, 0x77);
}

Test(leaks, tell_what_their_goroutines_allocated)
{
	struct leak_allocated parts[] = {
		{ .goid = 100, .bytes = 1000000 },
		{ .goid = 117, .bytes = 500000 },
		{ .goid = 100, .seen = 7 },
		/* has ended */
		{ .goid = 1, .bytes = 40, .seen = 1 },
		{ .goid = 99, .bytes = 2 },
		{ .goid = 100, .rt = 1, .bytes = 3, .seen = 1 }, /* of another runtime */
	};
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped_mem char *text = NULL, *json = NULL, *none = NULL, *gap = NULL;

	cr_assert_eq(leaks__allocated(l, &(struct leak_allocs){ parts, ARRAY_SIZE(parts), 4, 0 }),
		     0);
	text = shown(l, &show, false);
	cr_expect_not_null(
		strstr(text,
		       "\n  allocated   ~1.5 MB while watched: of 7 objects seen in 4 windows\n"),
		"%s", text);
	json = shown(l, &show, true);
	cr_expect_not_null(strstr(json, "\"allocated\":{\"bytes\":1500000,\"estimated\":true,"
					"\"seen\":7,\"windows\":4,\"gap_s\":0.000}"),
			   "%s", json);
	cr_expect_not_null(strstr(json, "\"allocated\":{\"bytes\":1500045,\"estimated\":false,"
					"\"seen\":9,\"windows\":4,\"gap_s\":0.000}"),
			   "%s", json);
	l->allocated[l->entries[0].group].bytes = 0;
	none = shown(l, &show, false);
	cr_expect_not_null(strstr(none, "\n  allocated   nothing that was seen, in 4 windows\n"),
			   "%s", none);
	l->alloc_gap_ns = 1250000000;
	gap = shown(l, &show, false);
	cr_expect_not_null(
		strstr(gap,
		       " in 4 windows; 1.2 s are left out: parkwatch was stopped or held up\n"),
		"%s", gap);
}

static char *why_of(const struct leaks *l)
{
	struct textbuf to;
	char *text;

	textbuf__init(&to, NULL);
	leak_words__why(l, &l->entries[0], &to);
	textbuf__bytes(&to, "", 1);
	text = strdup(to.v);
	textbuf__done(&to);
	return text;
}

/* What the set says of the group is told: the rules that lead to it are the verdict's. */
Test(leak_words, say_how_many_of_how_many)
{
	static const struct {
		enum verdict_why why;
		struct leak_group g;
		uint8_t facts;
		const char *want;
	} t[] = {
		{ WHY_UNREACHED,
		  { .unreached = 1340, .asked = 1606 },
		  0,
		  "proof: 1,340 of the 1,606 checked are unreachable: no live goroutine or "
		  "variable can wake them" },
		{ WHY_UNREACHED,
		  { .unreached = 1, .asked = 3 },
		  0,
		  "proof: 1 of the 3 checked is unreachable: no live goroutine or variable can "
		  "wake it" },
		{ WHY_UNREACHED,
		  { .unreached = 53, .asked = 53 },
		  0,
		  "proof: all 53 checked are unreachable: no live goroutine or variable can wake "
		  "them" },
		{ WHY_RUNTIME_SAYS,
		  { .leaked = 2, .nr = 5 },
		  0,
		  "proof: the Go runtime itself says that nothing can wake 2 of the 5" },
		{ WHY_RING,
		  { .cycles = 1 },
		  LEAK_FACT_ITSELF,
		  "1 goroutine waits for a lock that it holds itself" },
		{ WHY_RING,
		  { .cycles = 2 },
		  LEAK_FACT_RING,
		  "2 goroutines are in a cycle: each waits for a lock that the next one holds" },
		{ WHY_RING,
		  { .cycles = 1 },
		  LEAK_FACT_RING,
		  "1 goroutine is in a cycle: each waits for a lock that the next one holds" },
		{ WHY_BEHIND_RING,
		  { .behinds = 1 },
		  0,
		  "1 goroutine waits behind a deadlock: for goroutines that wait for each other's "
		  "locks" },
		{ WHY_NOBODY_GOT_IT,
		  { .stands = 1 },
		  0,
		  "1 has waited for a lock for 30s or longer; nobody got it meanwhile" },
		{ WHY_KEEPS_LOCK,
		  { .keepers = 2 },
		  0,
		  "2 hold locks for which others have waited for 30s or longer; nobody got it "
		  "meanwhile" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s;
		scoped(leaks) l = watched(&s, EACH);
		struct leak_group *g = (struct leak_group *)leaks__group(l, &l->entries[0]);
		scoped_mem char *said = NULL;

		g->unreached = t[i].g.unreached;
		g->asked = t[i].g.asked;
		g->leaked = t[i].g.leaked;
		g->cycles = t[i].g.cycles;
		g->behinds = t[i].g.behinds;
		g->stands = t[i].g.stands;
		g->keepers = t[i].g.keepers;
		g->nr = t[i].g.nr ? t[i].g.nr : g->nr;
		l->facts[l->entries[0].group] = t[i].facts;
		l->entries[0].verdict.why = t[i].why;
		said = why_of(l);
		cr_expect_str_eq(said, t[i].want, "%s", said);
	}
}

Test(leak_words, call_things_by_their_names)
{
	static const struct {
		const char *kind;
		uint64_t nr;
		const char *want;
	} t[] = {
		{ "mutex", 138, "138 mutexes" },
		{ "mutex", 1, "1 mutex" },
		{ "rwmutex", 2, "2 RWMutexes" },
		{ "chan", 1606, "1,606 channels" },
		{ "fd", 1000000, "1,000,000 file descriptors" },
		{ NULL, 2, "2 things" },
		{ "unknown", 1, "1 thing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct textbuf to;

		textbuf__init(&to, NULL);
		leak_words__things(t[i].kind, t[i].nr, &to);
		textbuf__bytes(&to, "", 1);
		cr_expect_str_eq(to.v, t[i].want, "%s", to.v);
		textbuf__done(&to);
	}
}

Test(leaks, say_of_whom_the_births_are_and_who_holds_the_others)
{
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	struct leak_group *g = (struct leak_group *)leaks__group(l, &l->entries[0]);
	scoped_mem char *alone = shown(l, &show, false), *text = NULL;

	cr_expect_eq(l->entries[0].site_groups, 1);
	cr_expect_null(strstr(alone, "together"));
	cr_expect_null(strstr(alone, "held by"));
	g->reached[LEAK_REACHED_GLOBAL] = 200;
	g->reached[LEAK_REACHED_STACK] = 66;
	l->entries[0].site_groups = 3;
	text = shown(l, &show, false);
	cr_expect_not_null(
		strstr(text,
		       "0 ended (all 3 groups of that line together), as far as the looks tell\n"),
		"%s", text);
	cr_expect_not_null(strstr(text, "\n  held by     of those checked: 200 by variables of the "
					"program, 66 by goroutines that can still run\n"),
			   "%s", text);
}

Test(leaks, of_a_process_that_ended_may_wait_for_timers)
{
	struct leaks *l = NULL;
	struct scene s;

	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++) {
		scene__set(&s, (size_t)(EACH * look), look);
		look_at(l, &s);
	}
	cr_assert_eq(leaks__finish(l, &opts), 0); /* nobody could read its channels */
	for (size_t i = 0; i < l->nr; i++)
		cr_expect(!leak_entry__counts(&l->entries[i], false));
	leaks__free(l);
}

Test(leaks, are_stacks_with_counts_too)
{
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped(snap) snap = NULL;

	cr_assert_eq(leaks_show__snap(l, &show, &snap), 0);
	cr_expect_eq(snap->nr, 1);
	cr_expect_eq(snap->value, 18);
	cr_expect_str_eq(snap->rows[0].word, "chan receive");
	cr_expect_eq(snap->rows[0].own.stack.nr, 6);
}

/* --- what is known --- */

static char *file_with(const char *text)
{
	static char path[] = "/tmp/parkwatch-known-XXXXXX";
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static int read_known(struct leak_known *k, const char *text, bool allow, struct cause *why)
{
	const char *path = file_with(text);
	int err = (allow ? leak_known__allow : leak_known__baseline)(k, path, why);

	unlink(path);
	return err;
}

Test(leak_known, silences_what_is_allowed)
{
	static const struct {
		const char *why, *text;
		bool known;
	} t[] = {
		{ "the start function", "^main\\.worker$\n", true },
		{ "a function on the stack", "# ours\n\ninner$\n", true },
		{ "its maker", "^main\\.main$", true },
		{ "another", "^main\\.workers$\n", false },
		{ "a comment", "#main\n", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s;
		scoped(leaks) l = watched(&s, EACH);
		scoped(leak_known) k = NULL;

		cr_assert_eq(leak_known__new(&k), 0);
		cr_assert_eq(read_known(k, t[i].text, true, NULL), 0);
		cr_assert_eq(leak_known__mark(k, l), 0);
		cr_expect_eq(l->entries[0].known, t[i].known, "%s", t[i].why);
		cr_expect_eq(leak_entry__counts(&l->entries[0], true), !t[i].known, "%s", t[i].why);
	}
}

Test(leak_known, a_saved_baseline_silences_the_same_leak)
{
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped(leak_known) k = NULL;
	scoped(leak_known) other = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(leak_known__save(l, false, out, NULL), 0);
	fclose(out);
	cr_assert_eq(leak_known__new(&k), 0);
	cr_assert_eq(read_known(k, text, false, NULL), 0);
	cr_assert_eq(leak_known__mark(k, l), 0);
	cr_expect(l->entries[0].known, "%s", text);
	free(text);
	cr_assert_eq(leak_known__new(&other), 0);
	cr_assert_eq(read_known(other, "chan receive\tmain.worker\tmain.main\tmain.other\n", false,
				NULL),
		     0);
	cr_assert_eq(leak_known__mark(other, l), 0);
	cr_expect(!l->entries[0].known);
}

Test(leak_known, tells_closures_that_share_their_code_by_the_go_statement)
{
	static const struct {
		const char *why, *line;
		bool known;
	} t[] = {
		{ "the same statement", "chan receive\tmain.worker\tmain.main\tmain.worker\t+4\n",
		  true },
		{ "another one of the same function",
		  "chan receive\tmain.worker\tmain.main\tmain.worker\t+5\n", false },
		{ "of an earlier version", "chan receive\tmain.worker\tmain.main\tmain.worker\n",
		  true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s;
		scoped(leaks) l = watched(&s, EACH);
		scoped(leak_known) k = NULL;

		cr_assert_eq(leak_known__new(&k), 0);
		cr_assert_eq(read_known(k, t[i].line, false, NULL), 0);
		cr_assert_eq(leak_known__mark(k, l), 0);
		cr_expect_eq(l->entries[0].known, t[i].known, "%s", t[i].why);
	}
}

Test(leak_known, says_which_line_is_no_good)
{
	static const struct {
		const char *text, *says;
		bool allow;
	} t[] = {
		{ "a\n(b\n", "line 2 of", true },
		{ "# fine\nno tabs here\n", "line 2 of", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(leak_known) k = NULL;
		struct cause why = { "" };

		cr_assert_eq(leak_known__new(&k), 0);
		cr_expect_eq(read_known(k, t[i].text, t[i].allow, &why), -EINVAL);
		cr_expect_not_null(strstr(why.text, t[i].says), "%s", why.text);
	}
}

Test(leak_known, a_file_that_is_not_there_is_an_error)
{
	scoped(leak_known) k = NULL;
	struct cause why = { "" };

	cr_assert_eq(leak_known__new(&k), 0);
	cr_expect_eq(leak_known__allow(k, "/nonexistent/allow", &why), -ENOENT);
	cr_expect_not_null(strstr(why.text, "/nonexistent/allow"));
}

Test(leak_known, reads_regular_files_of_bounded_size_only)
{
	static const struct {
		const char *path, *says;
		int want;
	} t[] = {
		{ "/tmp", "no regular file", -EINVAL },
		{ "/dev/zero", "no regular file", -EINVAL },
		{ "/dev/null", "no regular file", -EINVAL },
		{ "fifo", "no regular file", -EINVAL },
		{ "large", "larger than 16 MB", -EFBIG },
	};
	char dir[] = "/tmp/parkwatch-known-XXXXXX", fifo[64], large[64];

	cr_assert(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	snprintf(large, sizeof(large), "%s/large", dir);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	close(open(large, O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(truncate(large, LEAK_KNOWN_BYTES_MAX + 1), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(t); i++) {
		scoped(leak_known) k = NULL;
		struct cause why = { "" };
		const char *path = t[i / 2].path;

		path = !strcmp(path, "fifo") ? fifo : !strcmp(path, "large") ? large : path;
		cr_assert_eq(leak_known__new(&k), 0);
		cr_expect_eq((i % 2 ? leak_known__allow : leak_known__baseline)(k, path, &why),
			     t[i / 2].want, "%s", path);
		cr_expect(strstr(why.text, t[i / 2].says), "%s: %s", path, why.text);
	}
	unlink(fifo);
	unlink(large);
	rmdir(dir);
}

/* The daemon's way: a frame from a leak worker, and what HTTP answers with. */
Test(leaks, that_a_worker_sent_are_told_as_they_are)
{
	struct leak_turns turns = { 0 };
	struct leak_figures figures;
	struct leakwatch w;
	struct scene s;
	scoped(leaks) l = watched(&s, EACH);
	scoped_mem char *want = shown(l, &show, true);
	scoped_mem char *text = NULL, *file = NULL;
	size_t len, text_len;
	FILE *out = open_memstream(&text, &text_len);
	int fds[4];

	leak_figures_of(l, &figures);
	file = fake_recording(l, &show, &len);
	cr_assert_eq(pipe(fds), 0);
	leakwatch__init(&w, 1);
	leakwatch__begin(&w, 1);
	leakwatch__attach(&w, fds[0]);
	cr_expect_eq(leakwatch__read(&w, "id", &turns, 2), 0, "there is nothing yet");
	cr_assert_eq(fake_frame(fds[1], &(struct frame_figures){ .lost = 3 }, file, len, &figures),
		     0);
	cr_expect_eq(leakwatch__read(&w, "id", &turns, 2), 1);
	cr_expect(!w.plan.running && w.plan.leaks && w.lost == 3);
	cr_expect_eq(w.figures.leaking, 18);
	cr_expect_str_eq(w.figures.sites[0].created_by, "main.main");
	cr_expect_str_eq(w.figures.sites[0].blocked_at, "main.worker");
	cr_expect_eq(turns.rest_until_ns, 0, "the first of a target lets nobody wait");
	leakwatch__begin(&w, 3);
	cr_assert_eq(pipe(fds + 2), 0);
	leakwatch__attach(&w, fds[2]);
	cr_assert_eq(fake_frame(fds[3], &(struct frame_figures){ .own_cpu_ns = 1 }, file, len,
				&figures),
		     0);
	cr_expect_eq(leakwatch__read(&w, "id", &turns, 4), 1);
	cr_expect_gt(turns.rest_until_ns, 4);
	close(fds[3]);
	cr_assert_eq(leakwatch_write_json(w.report, w.report_len, out, NULL), 0);
	fclose(out);
	cr_expect_str_eq(text, want);
	close(fds[1]);
	leakwatch__done(&w);
}
