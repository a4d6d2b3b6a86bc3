/* SPDX-License-Identifier: BSD-2-Clause */
/* leaks_facts: what does not fit together is refused; tests/unit/test_leaks shows what is read. */
#include <criterion/criterion.h>

#include "leaks_fake.h"

/* What a watch of two groups writes: goroutine 18, and 19 and 20 behind it. */
struct facts {
	Pw__Leaks watch;
	Pw__LeakGroup groups[2];
	Pw__LeakMembers members;
	uint64_t look_ns[2];
	uint32_t count[2][2], root[1], group[3];
	uint64_t root_goid[1];
	int64_t goid[3], since[3];
};

static void facts__init(struct facts *f)
{
	*f = (struct facts){ .watch = PW__LEAKS__INIT,
			     .groups = { PW__LEAK_GROUP__INIT, PW__LEAK_GROUP__INIT },
			     .members = PW__LEAK_MEMBERS__INIT,
			     .look_ns = { 1, 5000000001 },
			     .count = { { 1, 1 }, { 0, 2 } },
			     .root = { 0 },
			     .root_goid = { 18 },
			     .goid = { 18, 1, 1 },
			     .since = { 1000000001, 0, 0 },
			     .group = { 0, 1, 1 } };
	f->watch.n_look_ns = 2;
	f->watch.look_ns = f->look_ns;
	f->watch.n_root = f->watch.n_root_goid = 1;
	f->watch.root = f->root;
	f->watch.root_goid = f->root_goid;
	f->watch.doubt = f->watch.allocs_why = "";
	for (uint32_t i = 0; i < 2; i++) {
		f->groups[i].n_count = 2;
		f->groups[i].count = f->count[i];
		f->groups[i].verdict = VERDICT_STUCK;
		f->groups[i].why = WHY_OTHERS_WAIT;
		f->groups[i].cause = 1;
		f->groups[i].cause_nr = i + 1;
		f->groups[i].with = i;
	}
	f->groups[0].cause_flags = 1;
	f->members.n_goid_delta = f->members.n_group = f->members.n_since_delta = 3;
	f->members.since_delta = f->since;
	f->members.goid_delta = f->goid;
	f->members.group = f->group;
}

static void write_fact(struct factlog *to, Pw__Fact__FactCase what, void *message)
{
	Pw__Fact fact = PW__FACT__INIT;

	fact.fact_case = what;
	fact.leaks = message; /* of a union */
	factlog__group(to);
	pw_writer__fact(factlog__writer(to), &fact);
}

static int read_back(struct facts *f, char **ret_text, struct cause *why)
{
	const struct factlog_of of = { .view = "leaks",
				       .comm = "api",
				       .exe = "/api",
				       .build_id = "",
				       .namers = &dump_namer,
				       .versions = (const char *const[]){ "go1.24.1" },
				       .nr = 1 };
	scoped(factlog) to = NULL;
	scoped(replay) r = NULL;
	scoped(leaks) l = NULL;
	scoped_mem char *file = NULL;
	struct leaks_show show = { 0 };
	size_t len, text_len;
	FILE *out = open_memstream(&file, &len);
	int err;

	cr_assert_eq(factlog__new(out, &of, &to), 0);
	cr_assert_eq(factlog__look(to, 0, 0, 5, &fake_census, NULL), 0);
	write_fact(to, PW__FACT__FACT_LEAKS, &f->watch);
	write_fact(to, PW__FACT__FACT_LEAK_GROUP, &f->groups[0]);
	write_fact(to, PW__FACT__FACT_LEAK_GROUP, &f->groups[1]);
	write_fact(to, PW__FACT__FACT_LEAK_MEMBERS, &f->members);
	cr_assert_eq(factlog__end(to, NULL), 0);
	fclose(out);
	err = fake_replayed(file, len, &r, &l, &show, why);
	if (err)
		return err;
	show.meta = &fake_meta;
	out = open_memstream(ret_text, &text_len);
	cr_assert_eq(leaks_show__text(l, &show, out, NULL), 0);
	fclose(out);
	return 0;
}

Test(leaks_facts, causes_are_told_as_they_were)
{
	scoped_mem char *text = NULL;
	struct cause why = { "" };
	struct facts f;

	facts__init(&f);
	cr_assert_eq(read_back(&f, &text, &why), 0, "%s", why.text);
	cr_expect(strstr(text, "1 leak: 3 goroutines"), "%s", text);
	cr_expect(strstr(text,
			 "root        goroutine 18 must go on first; it has been here for 4.0s\n"),
		  "%s", text);
	cr_expect(strstr(text, "\n              2 [] at"), "%s", text);
}

static void no_looks(struct facts *f)
{
	f->watch.n_look_ns = 0;
}

static void count_of_more_looks(struct facts *f)
{
	f->groups[1].n_count = 1;
}

static void unknown_verdict(struct facts *f)
{
	f->groups[0].verdict = VERDICT_KINDS;
}

static void unknown_class(struct facts *f)
{
	f->groups[0].class_ = LEAK_CLASSES;
}

static void more_on_processors(struct facts *f)
{
	f->groups[0].on_cpu = 1;
}

static void told_with_nobody(struct facts *f)
{
	f->groups[0].with = 2;
}

static void of_another_cause(struct facts *f)
{
	f->groups[1].cause = 2;
}

static void root_that_is_not_there(struct facts *f)
{
	f->root[0] = 2;
}

static void root_in_no_cause(struct facts *f)
{
	f->groups[0].cause = 0;
}

static void root_is_no_member(struct facts *f)
{
	f->root_goid[0] = 24;
}

static void fewer_groups_than_members(struct facts *f)
{
	f->members.n_group = 2;
}

static void member_that_is_not_there(struct facts *f)
{
	f->goid[2] = 1000;
}

static void member_of_no_group(struct facts *f)
{
	f->group[2] = 2;
}

static void group_without_members(struct facts *f)
{
	f->group[1] = f->group[2] = 0;
}

static uint32_t relations[9] = { 1, 2, 0 };
static uint64_t numbers[9];

static void requests_without_rows(struct facts *f)
{
	f->groups[0].requests = 1;
}

static void row_of_no_relation(struct facts *f)
{
	f->groups[0].requests = 1;
	f->groups[0].n_route_relation = 3;
	f->groups[0].route_relation = relations;
}

static void counts_of_fewer_rows(struct facts *f)
{
	f->groups[0].requests = f->groups[0].n_route_count = 1;
	f->groups[0].n_route_relation = 2;
	f->groups[0].route_relation = relations;
	f->groups[0].route_count = numbers;
}

static void half_a_trace(struct facts *f)
{
	f->groups[0].traces = (ProtobufCBinaryData){ 8, (uint8_t *)numbers };
}

static void context_that_ended_too_long_ago(struct facts *f)
{
	f->groups[0].ignored_max_ns = UINT64_MAX;
}

Test(leaks_facts, what_does_not_fit_together_is_refused)
{
	static void (*const t[])(struct facts *) = {
		no_looks,
		count_of_more_looks,
		unknown_verdict,
		unknown_class,
		more_on_processors,
		told_with_nobody,
		of_another_cause,
		root_that_is_not_there,
		root_in_no_cause,
		root_is_no_member,
		fewer_groups_than_members,
		member_that_is_not_there,
		member_of_no_group,
		group_without_members,
		requests_without_rows,
		row_of_no_relation,
		counts_of_fewer_rows,
		half_a_trace,
		context_that_ended_too_long_ago,
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped_mem char *text = NULL;
		struct cause why = { "" };
		struct facts f;

		facts__init(&f);
		t[i](&f);
		cr_expect_eq(read_back(&f, &text, &why), -EBADMSG, "%zu", i);
		cr_expect(why.text[0], "%zu", i);
	}
}
