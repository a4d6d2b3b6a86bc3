/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "dump_fake.h"
#include "facts/reach.h"
#include "view/replay.h"

#define MANY 2500 /* rows, over some facts */

static const struct factlog_of fake_of = {
	.view = "refs",
	.comm = "api",
	.exe = "/srv/api",
	.build_id = "ab",
	.namers = &dump_namer,
	.versions = (const char *const[]){ "go1.24.1" },
	.nr = 1,
};
static const struct refs_show show = {
	.meta = &fake_meta, .looks = 2, .heap_bytes = 5000000, .ns = 7, .doubt = "no time", .top = 3
};

#define TEXTS .name = "", .field = "", .section = "", .type = "", .word = ""
static struct ref_step steps[] = {
	{ .kind = REACH_GLOBAL,
	  .refers = true,
	  .addr = 0x600010,
	  .size = 16,
	  .offset = 8,
	  .name = "main.jobs",
	  .field = ".next",
	  .section = ".bss",
	  .type = "main.list",
	  .word = "",
	  .place = { "", "", 0 } },
	{ .kind = REACH_STACK, .goid = 22, TEXTS, .place = { "main.worker", "main.go", 20 } },
	{ .kind = REACH_OBJECT, .addr = 0xc000020000, .size = 96, TEXTS, .place = { "", "", 0 } },
};
static struct ref_path paths[] = {
	{ .steps_at = 1, .nr_steps = 2, .object_type = "", .held_in = "", .nr = 2, .goid = 19 },
	{ .steps_at = 0,
	  .nr_steps = 1,
	  .object = 0xc000030000,
	  .object_type = "chan int",
	  .period_ns = 1000000000,
	  .fires_in_ns = 5,
	  .held_in = "main.poller.tick",
	  .timer = 0xc000055000,
	  .made = { { "main.startPoller", "/srv/x/main.go", 49 }, { "main.other", "", 0 } },
	  .nr_made = 2,
	  .made_elsewhere = 4,
	  .fed = true,
	  .cut = true,
	  .nr = 1,
	  .goid = 18 },
	{ .object_type = "", .held_in = "", .undecided = true, .nr = 1, .goid = 20 },
};
static struct ref_group groups[] = {
	{ .nr = 3,
	  .of = { 2, 1 },
	  .paths_at = 1,
	  .nr_paths = 2,
	  .object = 0xc000010000,
	  .object_type = "chan int",
	  .place = { "main.worker", "main.go", 20 },
	  .keepers = { 21, 22 },
	  .unreached = 18,
	  .nr_keepers = 2,
	  .kept_by_itself = true },
	{ .nr = 1,
	  .of = { 0, 0, 0, 0, 1 },
	  .paths_at = 0,
	  .nr_paths = 1,
	  .object_type = "",
	  .place = { "?", "", 0 } },
};

static struct dump *all_goroutines(const struct replay *r)
{
	const struct census *const *cs =
		r ? (const struct census *const *)r->book->looks[0].censuses : fake_censuses;
	struct dump *d = NULL;

	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
						     .namers = r ? r->namers : &dump_namer,
						     .nr = 1 },
			       &(struct dump_opts){ .system = true }, &d),
		     0);
	return d;
}

static struct replay *there_and_back(const struct refs *rs)
{
	scoped(factlog) f = NULL;
	struct replay *r = NULL;
	struct cause why = { "" };
	char *v = NULL;
	size_t len;
	FILE *file = open_memstream(&v, &len);

	cr_assert_eq(factlog__new(file, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	if (rs)
		cr_assert_eq(refs_facts__write(f, rs, &show), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(file);
	file = fmemopen(v, len, "r");
	cr_assert_eq(replay__read(file, "x.pw", &r, &why), 0, "%s", why.text);
	fclose(file);
	free(v);
	return r;
}

static char *shown(const struct refs *rs, const struct refs_show *s, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq((json ? refs_show__json : refs_show__text)(rs, s, out, NULL), 0);
	fclose(out);
	return text;
}

Test(refs_facts, are_shown_as_they_were)
{
	scoped(dump) live = all_goroutines(NULL);
	struct refs rs = { .d = live,
			   .groups = groups,
			   .nr = 2,
			   .paths = paths,
			   .nr_paths = 3,
			   .steps = steps,
			   .nr_steps = 3,
			   .of = { 2, 1, 0, 0, 1 } };
	scoped(replay) r = NULL;
	scoped(dump) back = NULL;
	scoped(refs) read = NULL;
	struct refs_show s;

	for (uint32_t i = 0; i < live->nr; i++)
		if (dump__g(live, &live->rows[i])->who.goid == 18)
			groups[0].row = i;
	r = there_and_back(&rs);
	back = all_goroutines(r);
	cr_assert_eq(refs_facts__refs(r->refs, back, &read, &s, NULL), 0);
	cr_expect_arr_eq(read->of, rs.of, sizeof(rs.of));
	s.meta = &fake_meta;
	s.top = show.top;
	for (int json = 0; json < 2; json++) {
		scoped_mem char *one = shown(&rs, &show, json), *other = shown(read, &s, json);

		cr_expect_str_eq(one, other);
		cr_expect(strstr(one, "main.jobs") && strstr(one, "no time"), "%s", one);
		cr_expect(strstr(one, "main.startPoller") && strstr(one, "main.other"), "%s", one);
	}
}

Test(refs_facts, rows_of_several_facts_follow_each_other)
{
	static struct ref_group many[MANY];
	static struct ref_path each[MANY];
	static struct ref_step step[2 * MANY];
	scoped(dump) live = all_goroutines(NULL);
	struct refs rs = { .d = live,
			   .groups = many,
			   .nr = MANY,
			   .paths = each,
			   .nr_paths = MANY,
			   .steps = step,
			   .nr_steps = 2 * MANY };
	scoped(replay) r = NULL;
	scoped(dump) back = NULL;
	scoped(refs) read = NULL;
	struct refs_show s;

	for (uint32_t i = 0; i < MANY; i++) {
		many[i] = groups[1];
		many[i].row = i % 8;
		many[i].paths_at = MANY - 1 - i; /* groups are sorted after their paths */
		many[i].object = MANY - 1 - i;
		each[i] = paths[0];
		each[i].steps_at = 2 * i;
		each[i].goid = i;
		each[i].nr_made = i % 2;
		each[i].made[0] = (struct place){ "main.startPoller", "main.go", i };
		step[2 * i] = step[2 * i + 1] = steps[2];
		step[2 * i].addr = i;
	}
	r = there_and_back(&rs);
	back = all_goroutines(r);
	cr_assert_eq(refs_facts__refs(r->refs, back, &read, &s, NULL), 0);
	cr_assert_eq(read->nr, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct ref_path *w = &read->paths[read->groups[i].paths_at];

		cr_expect_eq(w->goid, read->groups[i].object);
		cr_expect_eq(read->steps[w->steps_at].addr, w->goid);
		cr_assert_eq(w->nr_made, w->goid % 2);
		cr_expect(!w->nr_made || w->made[0].line == w->goid);
		cr_expect_eq(dump__g(back, &back->rows[read->groups[i].row])->who.goid,
			     dump__g(live, &live->rows[many[i].row])->who.goid);
	}
}

Test(refs_facts, that_were_not_recorded_are_told_so)
{
	scoped(replay) r = there_and_back(NULL);
	scoped(dump) d = all_goroutines(r);
	struct refs *read = NULL;
	struct refs_show s;

	cr_expect_eq(refs_facts__refs(r->refs, d, &read, &s, NULL), -ENOENT);
}

#define WAYS 40000 /* over several segments */

static int there_and_cut(const struct refs *rs, unsigned int part, struct replay **ret)
{
	scoped(factlog) f = NULL;
	scoped_mem char *v = NULL;
	struct cause why = { "" };
	size_t len;
	FILE *file = open_memstream(&v, &len);
	int err;

	cr_assert_eq(factlog__new(file, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	cr_assert_eq(refs_facts__write(f, rs, &show), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(file);
	file = fmemopen(v, len * part / 8, "r");
	err = replay__read(file, "x.pw", ret, &why);
	fclose(file);
	return err;
}

/* Wherever the file ends: paths that are whole are as they were, others are not there. */
Test(refs_facts, of_a_file_that_was_cut_off_are_shown_as_far_as_they_are_whole)
{
	static struct ref_step all_steps[2 * WAYS];
	static struct ref_path all_ways[WAYS];
	struct ref_group all[] = { groups[1], groups[1] };
	scoped(dump) live = all_goroutines(NULL);
	const struct refs rs = { .d = live,
				 .groups = all,
				 .nr = 2,
				 .paths = all_ways,
				 .nr_paths = WAYS,
				 .steps = all_steps,
				 .nr_steps = 2 * WAYS };
	size_t some = 0;

	for (uint32_t i = 0; i < 2 * WAYS; i++) {
		all_steps[i] = steps[2];
		all_steps[i].addr = all_steps[i].offset = (i + 1) * 0x9e3779b97f4a7c15;
	}
	for (uint32_t i = 0; i < WAYS; i++) {
		all_ways[i] = paths[0];
		all_ways[i].steps_at = 2 * i;
	}
	for (uint32_t i = 0; i < 2; i++) {
		all[i].paths_at = i * WAYS / 2;
		all[i].nr_paths = WAYS / 2;
	}
	for (unsigned int part = 1; part < 8; part++) {
		scoped(replay) r = NULL;
		scoped(dump) d = NULL;
		scoped(refs) read = NULL;
		struct refs_show s;
		size_t nr = 0;
		int err;

		if (there_and_cut(&rs, part, &r))
			continue; /* not even one segment */
		cr_assert(r->read.cut);
		d = all_goroutines(r);
		err = refs_facts__refs(r->refs, d, &read, &s, NULL);
		cr_assert_eq(err, 0, "%u/8: %d", part, err);
		for (size_t i = 0; i < read->nr; i++) {
			const struct ref_group *g = &read->groups[i];

			for (uint32_t k = 0; k < g->nr_paths; k++, nr++) {
				const struct ref_path *w = &read->paths[g->paths_at + k];

				cr_assert_eq(w->nr_steps, 2);
				cr_assert_eq(read->steps[w->steps_at + 1].addr,
					     all_steps[2 * nr + 1].addr);
			}
		}
		some += nr && nr < WAYS;
	}
	cr_expect(some, "cut within the steps, at least once");
}

/* What a writer that lies says: read at once, or when all is there. */
static int read_facts(const Pw__Fact *v, size_t nr)
{
	const struct pw_names none = { .v = (char *[]){ "" }, .nr = 1 };
	scoped(textpool) texts = NULL;
	scoped(refs_facts) s = NULL;
	scoped(dump) d = all_goroutines(NULL);
	scoped(refs) read = NULL;
	struct refs_show how;
	int err = textpool__new(&texts);

	cr_assert_eq(err, 0);
	cr_assert_eq(refs_facts__new(texts, &s), 0);
	for (size_t i = 0; i < nr; i++) {
		err = refs_facts__fact(s, &v[i], &none, NULL);
		if (err < 0)
			return err;
	}
	return refs_facts__refs(s, d, &read, &how, NULL);
}

Test(refs_facts, that_do_not_fit_together_are_refused)
{
	uint32_t one[] = { 1 }, two[] = { 2, 2 }, many[] = { 99 };
	Pw__Search search = PW__SEARCH__INIT;
	Pw__RefGroups g = PW__REF_GROUPS__INIT;
	Pw__RefPaths w = PW__REF_PATHS__INIT;
	Pw__RefSteps p = PW__REF_STEPS__INIT;
	Pw__Fact v[] = {
		{ .fact_case = PW__FACT__FACT_SEARCH, .search = &search },
		{ .fact_case = PW__FACT__FACT_REF_GROUPS, .ref_groups = &g },
		{ .fact_case = PW__FACT__FACT_REF_PATHS, .ref_paths = &w },
		{ .fact_case = PW__FACT__FACT_REF_STEPS, .ref_steps = &p },
	};

	g.n_goroutines = g.n_paths = w.n_goroutines = w.n_steps = p.n_kind = 1;
	g.goroutines = g.paths = w.goroutines = w.steps = p.kind = one;
	cr_expect_eq(read_facts(v, 4), 0, "one group, one path, one step");
	cr_expect_eq(read_facts(v, 3), -EBADMSG, "it was cut off before the steps");
	cr_expect_eq(read_facts(v, 2), -EBADMSG, "it was cut off before the paths");
	p.kind = many;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "a step of no kind");
	p.kind = one;
	g.n_goroutine = 1;
	g.goroutine = many;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "a goroutine that is not there");
	g.n_goroutine = 2;
	g.goroutine = two;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "a column too long");
	g.n_goroutine = 0;
	g.n_keepers = 1;
	g.keepers = one;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "a keeper that is not told");
	g.keepers = many;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "too many keepers");
	g.n_keepers = 0;
	w.n_made = 1;
	w.made = many;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "too many places of one ticker");
	w.made = one;
	w.n_made_line = 2;
	w.made_line = two;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "a place of no ticker");
	w.n_made = w.n_made_line = 0;
	g.paths = many;
	cr_expect_eq(read_facts(v, 4), -EBADMSG, "more paths than there are");
}
