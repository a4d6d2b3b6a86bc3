/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/dump_group.h"

#include <criterion/criterion.h>
#include <json-c/json.h>

#include "dump_fake.h"

static char *groups(enum dump_group by, size_t top, bool json)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ .system = true });
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(dump_show__groups(d, &fake_show,
				       &(struct dump_groups_of){ .by = by, .top = top }, json, out,
				       NULL),
		     0);
	fclose(out);
	return text;
}

/* The lines that begin a group, joined by '|'. */
static void expect_heads(enum dump_group by, const char *want)
{
	scoped_mem char *text = groups(by, 0, false);
	char got[2048] = "", *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (line[0] >= '0' && line[0] <= '9')
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
				 got[0] ? "|" : "", line);
	cr_expect_str_eq(got, want, "%s", got);
}

Test(dump_group, counts_what_has_something_in_common_the_largest_first)
{
	expect_heads(DUMP_GROUP_SITE,
		     "7 goroutines created by main.main at main.go:9, oldest 2 minutes|"
		     "1 goroutine created by no go statement that is known");
	expect_heads(DUMP_GROUP_STACK,
		     "4 goroutines in one stack, oldest 2 minutes|2 goroutines in one stack|"
		     "1 goroutine in one stack|1 goroutine in one stack");
	expect_heads(
		DUMP_GROUP_WAIT,
		"4 goroutines [chan receive], oldest 2 minutes|1 goroutine [select (no cases)]|"
		"1 goroutine [sync.Mutex.Lock]|1 goroutine [running]|1 goroutine [select]");
	expect_heads(DUMP_GROUP_OBJECT, "2 goroutines that wait for no object|"
					"2 goroutines wait for chan 0xc000020000, oldest 59 s|"
					"2 goroutines wait for chan 0xc000030000|"
					"1 goroutine waits for chan 0xc000010000, oldest 2 minutes|"
					"1 goroutine waits for mutex 0xc000040000|"
					"1 goroutine waits for fd 7, tcp 1.2.3.4:5 -> ?[6|"
					"1 goroutine waits for timer 0xc000050000");
	expect_heads(
		DUMP_GROUP_LABEL,
		"7 goroutines without labels, oldest 59 s|1 goroutine k=v\", oldest 2 minutes");
}

Test(dump_group, shows_what_its_goroutines_share)
{
	scoped_mem char *text = groups(DUMP_GROUP_SITE, 1, false);

	cr_expect_str_eq(text,
			 "7 goroutines created by main.main at main.go:9, oldest 2 minutes\n"
			 "\tchan receive 4, running 1, sync.Mutex.Lock 1, select 1\n"
			 "\t6 wait for 6 objects\n"
			 "\t0 B of stacks\n"
			 "\tgoids 18 19 20 21 22 23 24\n"
			 "\t4 of them stand here:\n"
			 "main.worker(...)\n\tmain.go:20\nmain.innermost(...)\n\tmain.go:31\nmain."
			 "inner(...)\n\tmain.go:36\n"
			 "main.loop(...)\n\tmain.go:41\n",
			 "%s", text);
}

Test(dump_group, is_by_bytes_of_stacks_if_so_asked)
{
	static struct census_g gs[] = {
		{ .who = { 4, 1, PC_MAIN, START_WORKER },
		  .stack_lo = 0x10000,
		  .stack_hi = 0x12000 },
		{ .who = { 5, 1, PC_MAIN, START_WORKER },
		  .stack_lo = 0x20000,
		  .stack_hi = 0x22000 },
		{ .who = { 6, 1, PC_LOOP, START_WORKER },
		  .stack_lo = 0x30000,
		  .stack_hi = 0x50000 },
		{ .who = { 7, 1, PC_WORKER, START_WORKER }, .stack_lo = 0x60000, .stack_hi = 8 },
	};
	const struct census c = { .gs = gs, .nr = ARRAY_SIZE(gs), .dead = { true, 3, 6144 } };
	const struct census *const cs[] = { &c };
	const struct dump_input in = { .censuses = cs, .namers = &dump_namer, .nr = 1 };
	static const char *const want[] = { "[2,1,1]", "[1,2,1]" };
	static const char *const bytes[] = { "[16384,131072,0]", "[131072,16384,0]" };

	for (size_t i = 0; i < ARRAY_SIZE(gs); i++)
		gs[i].stack = CENSUS_NO_STACK;
	for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
		const struct dump_groups_of of = { DUMP_GROUP_SITE, by_bytes, 0 };
		char counts[64] = "[", sums[64] = "[";
		struct json_object *all, *v;
		scoped_mem char *text = NULL;
		scoped(dump) d = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		cr_assert_eq(dump__new(&in, &(struct dump_opts){ .system = true }, &d), 0);
		cr_assert_eq(dump_show__groups(d, &fake_show, &of, true, out, NULL), 0);
		fclose(out);
		all = json_tokener_parse(text);
		cr_assert_eq(json_pointer_get(all, "/groups", &v), 0);
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			struct json_object *g = json_object_array_get_idx(v, i);
			const char *end = i + 1 < json_object_array_length(v) ? "," : "]";

			snprintf(counts + strlen(counts), sizeof(counts) - strlen(counts), "%d%s",
				 json_object_get_int(json_object_object_get(g, "count")), end);
			snprintf(sums + strlen(sums), sizeof(sums) - strlen(sums), "%d%s",
				 json_object_get_int(json_object_object_get(g, "stack_bytes")),
				 end);
		}
		cr_expect_str_eq(counts, want[by_bytes]);
		cr_expect_str_eq(sums, bytes[by_bytes],
				 "a stack that ends before it begins has none");
		cr_assert_eq(json_pointer_get(all, "/dead", &v), 0);
		cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN),
				 "{\"count\":3,\"stack_bytes\":6144}");
		json_object_put(all);
	}
}

Test(dump_group, is_json_too)
{
	scoped_mem char *text = groups(DUMP_GROUP_OBJECT, 2, true);
	struct json_object *all = json_tokener_parse(text), *v = NULL;

	cr_assert_not_null(all, "%s", text);
	cr_assert_eq(json_pointer_get(all, "/groups", &v), 0);
	cr_expect_eq(json_object_array_length(v), 2);
	cr_assert_eq(json_pointer_get(all, "/groups/1/object", &v), 0);
	cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN),
			 "{\"kind\":\"chan\",\"addr\":\"0xc000020000\"}");
	cr_assert_eq(json_pointer_get(all, "/groups/1/goids", &v), 0);
	cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN), "[19,23]");
	cr_assert_eq(json_pointer_get(all, "/groups/0/object", &v), 0);
	cr_expect_null(v);
	json_object_put(all);
}

Test(dump_group, takes_stacks_that_look_the_same_as_one)
{
	/* The first two differ in a wrapper, which nobody sees. */
	static uint64_t pcs[] = { PC_GOPARK, PC_WORKER, PC_GOWRAP, PC_GOEXIT, PC_GOPARK,
				  PC_WORKER, PC_GOEXIT, PC_GOPARK, PC_MAIN,   PC_GOEXIT };
	static struct census_stack stacks[] = { { .pcs_at = 0, .nr_pcs = 4 },
						{ .pcs_at = 4, .nr_pcs = 3 },
						{ .pcs_at = 7, .nr_pcs = 3 } };
	static struct census_g gs[] = {
		{ .who.goid = 4,
		  .who.startpc = START_WORKER,
		  .status = GOSTATUS_WAITING,
		  .stack = 2 },
		{ .who.goid = 5,
		  .who.startpc = START_WORKER,
		  .status = GOSTATUS_WAITING,
		  .stack = 0 },
		{ .who.goid = 6,
		  .who.startpc = START_WORKER,
		  .status = GOSTATUS_WAITING,
		  .stack = 1 },
	};
	const struct census c = { .gs = gs,
				  .nr = 3,
				  .stacks = stacks,
				  .nr_stacks = 3,
				  .pcs = pcs,
				  .nr_pcs = ARRAY_SIZE(pcs) };
	const struct census *const cs[] = { &c };
	const struct dump_input in = { .censuses = cs, .namers = &dump_namer, .nr = 1 };

	for (int full = 0; full < 2; full++) {
		const struct dump_opts o = { .full = full, .sort = DUMP_SORT_STACK };
		scoped_mem char *text = NULL;
		scoped(dump) d = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		cr_assert_eq(dump__new(&in, &o, &d), 0);
		cr_expect_eq(dump__g(d, &d->rows[0])->who.goid, full ? 4 : 5,
			     "the commonest stack is first");
		cr_assert_eq(dump_show__groups(d, &fake_show,
					       &(struct dump_groups_of){ .by = DUMP_GROUP_STACK,
									 .top = 1 },
					       false, out, NULL),
			     0);
		fclose(out);
		cr_expect(!strncmp(text, full ? "1 goroutine " : "2 goroutines ", 12), "%s", text);
	}
}
