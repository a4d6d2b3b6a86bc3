/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_fake.h"
#include "view/called.h"
#include "view/calls.h"

#define STACK_LIBRARY 100
#define STACK_MAIN    101
#define STACK_WORKER  102

/* Functions begin at their pcs. */
static int frames_with_entries(const struct namer *n, uint64_t pc, bool is_return,
			       struct goframe *frames, size_t max)
{
	const int nr = fake_frames(n, pc, is_return, frames, max);

	for (int i = 0; i < nr; i++)
		frames[i].entry = pc;
	return nr;
}

static const struct namer namer = { .frames = frames_with_entries,
				    .unwrap_start = fake_unwrap_start,
				    .go_minor = 24 };

static uint64_t pcs[] = {
	PC_GOPARK, PC_RUNMAIN,          /* stack 0: nothing of the program's own */
	PC_GOPARK, PC_YAML,    PC_MAIN, /* stack 1: in the function with the go statement */
	PC_GOPARK, PC_WORKER,           /* stack 2: elsewhere in the program */
};
static struct census_stack stacks[] = { { .pcs_at = 0, .nr_pcs = 2 },
					{ .pcs_at = 2, .nr_pcs = 3 },
					{ .pcs_at = 5, .nr_pcs = 2 } };

#define G(id, up, pc, on)                                                                          \
	{                                                                                          \
		.who = { (id), (up), (pc), START_WORKER }, .stack = (on),                          \
		.status = GOSTATUS_WAITING, .reason = FAKE_CHAN_RECEIVE, .m = -1, .p = -1          \
	}

struct told {
	struct census_g gs[5];
	size_t nr;           /* of them */
	size_t asked;        /* the first ones */
	uint64_t parents[4]; /* of the first ones, whose births are seen; 0: not */
	uint64_t stacks[4];
};
static bool missed; /* not all births of the watch were seen */

static const struct dump_row *row_of(const struct dump *d, uint64_t goid)
{
	for (size_t i = 0; i < d->nr; i++)
		if (dump__g(d, &d->rows[i])->who.goid == goid)
			return &d->rows[i];
	return NULL;
}

static bool find(const void *ctx, uint16_t rt, uint64_t goid, struct dump_row *ret)
{
	const struct dump_row *r = row_of(ctx, goid);

	if (r && r->rt == rt)
		*ret = *r;
	return r && r->rt == rt;
}

static struct births *births_of(const struct told *t)
{
	static const struct {
		uint64_t id, pc;
	} way[] = { { STACK_LIBRARY, PC_RUNMAIN },
		    { STACK_MAIN, PC_MAIN },
		    { STACK_WORKER, PC_WORKER } };
	struct births *b = NULL;

	cr_assert_eq(births__new(&b), 0);
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		const struct pw_stack st = { .hdr = { .kind = PW_STACK },
					     .stack_id = way[i].id,
					     .nr = 3,
					     .pcs = { PC_NEWPROC1, PC_YAML, way[i].pc } };

		births__record(b, &st.hdr);
	}
	for (size_t i = 0; i < ARRAY_SIZE(t->stacks); i++) {
		const struct pw_birth r = { .hdr = { .kind = PW_BIRTH, .goid = t->gs[i].who.goid },
					    .stack_id = t->stacks[i],
					    .parent_goid = t->parents[i],
					    .gopc = t->gs[i].who.gopc,
					    .startpc = START_WORKER };

		if (t->stacks[i])
			births__record(b, &r.hdr);
	}
	for (size_t i = 0; i < t->nr; i++)
		births__before(b, 0, &t->gs[i].who);
	return b;
}

/* "text|json" */
static void expect_called(const struct told *t, const char *why, const char *want_text,
			  const char *want_json)
{
	const struct census c = { .gs = (struct census_g *)t->gs,
				  .nr = t->nr,
				  .stacks = stacks,
				  .nr_stacks = ARRAY_SIZE(stacks),
				  .pcs = pcs,
				  .nr_pcs = ARRAY_SIZE(pcs),
				  .taken_ns = FAKE_NOW_NS };
	const struct census *const censuses[] = { &c };
	scoped(births) b = births_of(t);
	scoped(dump) d = NULL;
	const struct dump_row *rows[5];
	struct textbuf text, json;
	struct json_writer w;
	struct called ret;

	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = censuses,
						     .namers = &namer,
						     .nr = 1 },
			       &(struct dump_opts){ .sort = DUMP_SORT_GOID }, &d),
		     0);
	for (size_t i = 0; i < t->asked; i++)
		cr_assert_not_null(rows[i] = row_of(d, t->gs[i].who.goid));
	cr_assert_eq(called_of(&(struct callers){ .d = d,
						  .births = b,
						  .watched = !missed,
						  .find = find,
						  .ctx = d },
			       rows, t->asked, &ret),
		     0);
	textbuf__init(&text, NULL);
	textbuf__init(&json, NULL);
	called__text(&ret, &text);
	jsonw_init(&w, &json);
	called__json(&ret, &w);
	textbuf__bytes(&text, "", 1);
	textbuf__bytes(&json, "", 1);
	cr_expect_str_eq(text.v, want_text, "%s: %s", why, text.v);
	cr_expect_str_eq(json.v, want_json, "%s: %s", why, json.v);
	textbuf__done(&text);
	textbuf__done(&json);
}

#define MAIN   "{\"func\":\"main.main\",\"file\":\"main.go\",\"line\":9,\"how\":"
#define WORKER "{\"func\":\"main.worker\",\"file\":\"main.go\",\"line\":20,\"how\":"
#define NOBODY "{\"func\":null,\"file\":null,\"line\":null,\"how\":"

Test(called, tells_what_the_birth_stack_has_of_the_program)
{
	expect_called(&(struct told){ { G(30, 2, PC_YAML, 0) }, 1, 1, { 2 }, { STACK_MAIN } },
		      "one", "main.main main.go:9", MAIN "\"birth\"}");
	expect_called(&(struct told){ { G(30, 2, PC_YAML, 0), G(31, 2, PC_YAML, 0),
					G(32, 2, PC_YAML, 0) },
				      3,
				      3,
				      { 2, 2, 2 },
				      { STACK_MAIN, STACK_WORKER, STACK_WORKER } },
		      "the commonest", "main.worker main.go:20", WORKER "\"birth\"}");
	expect_called(&(struct told){ { G(30, 31, PC_YAML, 0), G(31, 2, PC_MAIN, 0) },
				      2,
				      1,
				      { 31 },
				      { STACK_LIBRARY } },
		      "a library's goroutine made it",
		      "main.main main.go:9, which made its creator", MAIN "\"ancestor\"}");
	expect_called(&(struct told){ { G(30, 2, PC_YAML, 0) }, 1, 1, { 2 }, { STACK_LIBRARY } },
		      "nobody's", "libraries alone: nothing of the main module was on the stack",
		      NOBODY "\"libraries\"}");
}

Test(called, asks_the_creator_where_no_birth_was_seen)
{
	expect_called(&(struct told){ { G(30, 31, PC_YAML, 0), G(31, 2, PC_YAML, 1) },
				      2,
				      1,
				      { 0 },
				      { 0 } },
		      "it is there still", "main.main main.go:9, where goroutine 31 still is",
		      MAIN "\"creator\",\"goid\":31}");
	expect_called(&(struct told){ { G(30, 31, PC_YAML, 0), G(31, 2, PC_YAML, 2) },
				      2,
				      1,
				      { 0 },
				      { 0 } },
		      "it went on", "not seen: by goroutine 31, which is at main.worker main.go:20",
		      WORKER "\"stands\",\"goid\":31}");
	expect_called(&(struct told){ { G(30, 31, PC_YAML, 0), G(31, 32, PC_YAML, 0),
					G(32, 2, PC_YAML, 2) },
				      3,
				      1,
				      { 0 },
				      { 0 } },
		      "who made the creator",
		      "not seen: by goroutine 32, which is at main.worker main.go:20",
		      WORKER "\"stands\",\"goid\":32}");
	expect_called(&(struct told){ { G(30, 31, PC_YAML, 0), G(31, 2, PC_MAIN, 0) },
				      2,
				      1,
				      { 0 },
				      { 0 } },
		      "where that was made", "main.main main.go:9, which made its creator",
		      MAIN "\"ancestor\"}");
	expect_called(&(struct told){ { G(31, 2, PC_YAML, 0), G(30, 2, PC_YAML, 0) },
				      2,
				      1,
				      { 0, 2 },
				      { 0, STACK_MAIN } },
		      "another's birth", "main.main main.go:9, as others that were made there",
		      MAIN "\"others\"}");
	expect_called(&(struct told){ { G(30, 2, PC_YAML, 0) }, 1, 1, { 0 }, { 0 } },
		      "nobody saw it", "not seen: it was made before watching",
		      NOBODY "\"not seen\"}");
	missed = true;
	expect_called(&(struct told){ { G(30, 2, PC_YAML, 0) }, 1, 1, { 0 }, { 0 } },
		      "nobody watched", "not seen: not all births were watched",
		      NOBODY "\"not seen\"}");
}

Test(called, says_nothing_of_what_the_program_makes_itself)
{
	expect_called(&(struct told){ { G(30, 2, PC_MAIN, 0) }, 1, 1, { 2 }, { STACK_WORKER } },
		      "own", "", "null");
	expect_called(&(struct told){ { G(30, 2, PC_UNKNOWN, 0) }, 1, 1, { 2 }, { STACK_WORKER } },
		      "an unknown place", "", "null");
	expect_called(&(struct told){ { G(30, 2, 0, 0) }, 1, 1, { 0 }, { 0 } }, "of a C thread", "",
		      "null");
}

/* The first is shown alone: its creator is not. */
Test(called, tells_of_a_dump_what_the_creators_say)
{
	const struct told t = { { G(30, 31, PC_YAML, 0), G(31, 2, PC_YAML, 1),
				  G(32, 31, PC_YAML, 0) },
				3,
				1,
				{ 0 },
				{ 0 } };
	const struct census c = { .gs = (struct census_g *)t.gs,
				  .nr = t.nr,
				  .stacks = stacks,
				  .nr_stacks = ARRAY_SIZE(stacks),
				  .pcs = pcs,
				  .nr_pcs = ARRAY_SIZE(pcs),
				  .taken_ns = FAKE_NOW_NS };
	const struct census *const censuses[] = { &c };
	scoped(dump) d = NULL;
	struct json_writer w;
	struct textbuf to;

	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = censuses,
						     .namers = &namer,
						     .nr = 1 },
			       &(struct dump_opts){ .sort = DUMP_SORT_GOID, .top = 1 }, &d),
		     0);
	textbuf__init(&to, NULL);
	for (int again = 0; again < 2; again++) {
		calls__text(d, &d->rows[0], "from ", &to);
		jsonw_init(&w, &to);
		jsonw_start_object(&w);
		calls__json(d, &d->rows[0], &w);
		jsonw_end_object(&w);
		jsonw_end(&w);
	}
	textbuf__bytes(&to, "", 1);
	cr_expect_str_eq(
		to.v,
		"from main.main main.go:9, where goroutine 31 still is\n{\"called_from\":" MAIN
		"\"creator\",\"goid\":31}}\n"
		"from main.main main.go:9, where goroutine 31 still is\n{\"called_from\":" MAIN
		"\"creator\",\"goid\":31}}\n",
		"%s", to.v);
	textbuf__done(&to);
}
