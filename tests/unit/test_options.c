/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"
#include "daemon/allocs.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "census/census.h"
#include "cli/help.h"
#include "model/profile.h"
#include "view/dump.h"
#include "format/dump_group.h"

static int parse(struct opts *o, const char *line)
{
	static char buf[512];
	char *argv[32], *save = NULL;
	int argc = 0;

	snprintf(buf, sizeof(buf), "%s", line);
	for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return opts__parse(o, argc, argv);
}

Test(options, reads_times_in_every_unit)
{
	static const struct {
		const char *text;
		uint64_t ns;
		int want;
	} t[] = {
		{ "10", 10000000000ULL, 0 },
		{ "10s", 10000000000ULL, 0 },
		{ "2m", 120000000000ULL, 0 },
		{ "1.5s", 1500000000ULL, 0 },
		{ "250ms", 250000000ULL, 0 },
		{ "7us", 7000, 0 },
		{ "9ns", 9, 0 },
		{ "1h", 3600000000000ULL, 0 },
		{ "", 0, -EINVAL },
		{ "-1", 0, -EINVAL },
		{ "10x", 0, -EINVAL },
		{ "nan", 0, -EINVAL },
		{ "1e300", 0, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t ns = 0;

		cr_expect_eq(opt_time(t[i].text, &ns), t[i].want, "'%s'", t[i].text);
		cr_expect_eq(ns, t[i].ns, "'%s'", t[i].text);
	}
}

Test(options, reads_a_whole_record_line)
{
	struct opts o;

	cr_assert_eq(parse(&o,
			   "parkwatch record -p 812 -d 10 -e sched --root created-by --async "
			   "--goid 18,1 "
			   "--min-wait 5ms --depth 20 --transport perf --ring-size 64k -o x.html"),
		     0);
	cr_expect_eq(o.command, CMD_RECORD);
	cr_expect_eq(o.pid, 812);
	cr_expect_eq(o.duration_ns, 10000000000ULL);
	cr_expect_eq(o.event, PROFILE_SCHED);
	cr_expect_eq(o.root, PROFILE_ROOT_CREATED_BY);
	cr_expect(o.async && !o.full);
	cr_expect(o.nr_goids == 2 && o.goids[0] == 1 && o.goids[1] == 18);
	cr_expect_eq(o.min_wait_ns, 5000000);
	cr_expect_eq(o.depth, 20);
	cr_expect_eq(o.transport, PW_TRANSPORT_PERF);
	cr_expect_eq(o.ring_bytes, 65536);
	cr_expect_str_eq(o.output, "x.html");
}

Test(options, reads_where_allocations_come_from)
{
	struct opts o;

	cr_assert_eq(parse(&o, "parkwatch record -p 812 -e alloc"), 0);
	cr_expect_eq(o.event, PROFILE_ALLOC);
	cr_expect_eq(o.alloc, ALLOC_SOURCE_AUTO);
	cr_assert_eq(parse(&o, "parkwatch record -p 812 -e alloc --alloc=exact"), 0);
	cr_expect_eq(o.alloc, ALLOC_SOURCE_EXACT);
	cr_expect_eq(parse(&o, "parkwatch record -p 812 -e alloc --alloc=all"), -EINVAL);
}

Test(options, reads_a_whole_dump_line)
{
	struct opts o;

	cr_assert_eq(parse(&o, "parkwatch dump -p 812 -f json --state waiting --func ^main --func "
			       "x --not p=1 --goid 1,2 "
			       "--group object --sort age --top 5 --objects --labels --depth 4096 "
			       "--diff old.json"),
		     0);
	cr_expect_eq(o.command, CMD_DUMP);
	cr_expect_str_eq(o.format, "json");
	cr_assert_eq(o.nr_filters, 5);
	cr_expect_str_eq(o.filters[0].name, "state");
	cr_expect_str_eq(o.filters[2].value, "x");
	cr_expect_str_eq(o.filters[3].name, "not");
	cr_expect_str_eq(o.filters[3].value, "p=1");
	cr_expect_str_eq(o.filters[4].value, "1,2");
	cr_expect_eq(o.nr_goids, 0);
	cr_expect(o.group == DUMP_GROUP_OBJECT && o.sort == DUMP_SORT_AGE && o.top == 5 &&
		  o.depth == 4096);
	cr_expect(o.objects && o.labels && !o.full);
	cr_expect_str_eq(o.diff, "old.json");
	cr_assert_eq(parse(&o, "parkwatch dump -p 1 -o x --mode 0644"), 0);
	cr_expect_eq(o.mode, 0644);
}

Test(options, have_the_depth_of_their_command)
{
	struct opts o;

	cr_assert_eq(parse(&o, "parkwatch dump -p 1"), 0);
	cr_expect_eq(o.depth, CENSUS_DEPTH_MAX);
	cr_assert_eq(parse(&o, "parkwatch record -p 1"), 0);
	cr_expect_eq(o.depth, PW_STACK_MAX);
}

Test(options, refuse_what_they_do_not_know, .init = cr_redirect_stderr)
{
	static const char *const lines[] = {
		"parkwatch",
		"parkwatch rekord -p 1",
		"parkwatch record",
		"parkwatch record -p",
		"parkwatch record -p 0",
		"parkwatch record -p 1x",
		"parkwatch record -p 99999999999",
		"parkwatch record -p 1 --nonsense",
		"parkwatch record -p 1 -e parks",
		"parkwatch record -p 1 -d soon",
		"parkwatch record -p 1 more",
		"parkwatch record -p 1 --goid 1,,2",
		"parkwatch record -p 1 --depth 128",
		"parkwatch record -p 1 --ring-size 5000",
		"parkwatch dump",
		"parkwatch dump -p 1 --depth 4097",
		"parkwatch dump -p 1 --group x",
		"parkwatch dump -p 1 --mode 888",
		"parkwatch dump -p 1 --mode 4755",
		"parkwatch dump -p 1 --mode 044",
		"parkwatch dump -p 1 --mode rw",
		"parkwatch dump -p 1 --mode ''",
		"parkwatch dump -p 1 -d 5",
		"parkwatch record -p 1 --func x",
		"parkwatch dump -p 1 --top 0",
	};
	struct opts o;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		cr_expect_eq(parse(&o, lines[i]), -EINVAL, "%s", lines[i]);
}

static void expect_all_named(enum command c)
{
	char *help = NULL, *man = NULL;
	size_t len;
	FILE *f = open_memstream(&help, &len);

	help_command(f, c);
	fclose(f);
	f = open_memstream(&man, &len);
	help_man(f);
	fclose(f);
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_table[i].commands & CMD_BIT(c)) {
			char *dash, roff[64] = "";

			cr_expect(strstr(help, opt_table[i].name), "--help lacks --%s",
				  opt_table[i].name);
			snprintf(roff, sizeof(roff), "%s", opt_table[i].name);
			dash = strchr(roff, '-');
			if (dash)
				*dash = '\0'; /* the page escapes hyphens */
			cr_expect(strstr(man, roff), "the page lacks --%s", opt_table[i].name);
		}
	free(help);
	free(man);
}

Test(options, appear_in_help_and_manual_page)
{
	expect_all_named(CMD_RECORD);
	expect_all_named(CMD_DUMP);
}

Test(options, of_every_command_are_in_the_manual_page)
{
	char *man = NULL, head[64];
	size_t len;
	FILE *f = open_memstream(&man, &len);

	help_man(f);
	fclose(f);
	for (int c = 0; c < CMD_MAX; c++) {
		snprintf(head, sizeof(head), ".SH COMMAND %s\n", cmd_table[c].name);
		cr_expect(strstr(man, head), "the page lacks %s", cmd_table[c].name);
		cr_expect(cmd_table[c].text && cmd_table[c].text[0], "%s", cmd_table[c].name);
		if (c != CMD_HELP) /* its help is the overview */
			expect_all_named((enum command)c);
	}
	free(man);
}

Test(options, of_refs_tell_what_is_asked_for)
{
	struct opts o;

	cr_assert_eq(parse(&o, "parkwatch refs -p 812 --goid 18 --func ^main --not label=k=v"), 0);
	cr_expect_eq(o.command, CMD_REFS);
	cr_expect_eq(o.nr_filters, 3);
	cr_expect_eq(o.top, 3, "the default");
	cr_expect_eq(o.proof_ns, 10000000000ULL);
	cr_expect_null(o.addr);
	cr_assert_eq(parse(&o,
			   "parkwatch refs -p 812 --addr 0xc000012345 --top 9 --proof-budget 0"),
		     0);
	cr_expect_str_eq(o.addr, "0xc000012345");
	cr_expect_eq(o.top, 9);
	cr_expect_eq(o.proof_ns, 0);
}
