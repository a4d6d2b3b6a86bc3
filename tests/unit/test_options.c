/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"
#include "engine/allocs.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "census/census.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/option_table.h"
#include "model/profile.h"
#include "view/dump.h"
#include "format/dump_group.h"
#include "format/format.h"

static int parse(struct opts *o, const char *line)
{
	static char buf[512];
	static char *argv[32]; /* operands point there */
	char *save = NULL;
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

		cr_expect_eq(units_time(t[i].text, &ns), t[i].want, "'%s'", t[i].text);
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
			       "--group object --sort age --top 5 --objects --labels --depth 4096"),
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
	cr_assert_eq(parse(&o, "parkwatch dump -p 812 --diff old.json"), 0);
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
		"parkwatch record -p 1 --wait x",
		"parkwatch dump -p 1 --top 0",
		"parkwatch requests -p 1 --trace 0af7651916cd43dd8448eb211c80319c0",
		"parkwatch requests -p 1 --trace 0af76519-",
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
	manual_man(f);
	fclose(f);
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_is_of(&opt_table[i], c)) {
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

Test(options, have_a_help_of_100_columns)
{
	for (int c = 0; c < CMD_MAX; c++) {
		scoped_mem char *help = NULL;
		size_t len;
		FILE *f = open_memstream(&help, &len);

		help_command(f, (enum command)c);
		fclose(f);
		for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
			cr_expect_leq(strcspn(line, "\n"), 100, "%.*s", (int)strcspn(line, "\n"),
				      line);
	}
}

Test(options, of_every_command_are_in_the_manual_page)
{
	char *man = NULL, head[64];
	size_t len;
	FILE *f = open_memstream(&man, &len);

	manual_man(f);
	fclose(f);
	for (int c = 0; c < CMD_MAX; c++) {
		snprintf(head, sizeof(head), ".SH COMMAND %s\n", cmd_table[c].name);
		cr_expect(strstr(man, head), "the page lacks %s", cmd_table[c].name);
		cr_expect_not_null(cmd_table[c].text[0], "%s", cmd_table[c].name);
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
	cr_expect_eq(o.addr, 0);
	cr_assert_eq(parse(&o,
			   "parkwatch refs -p 812 --addr 0xc000012345 --top 9 --proof-budget 0"),
		     0);
	cr_expect_eq(o.addr, 0xc000012345);
	cr_expect_eq(o.top, 9);
	cr_expect_eq(o.proof_ns, 0);
}

/* "parkwatch COMMAND", what the command cannot do without, and more */
static int parse_more(struct opts *o, enum command c, const char *more)
{
	const char *needs = strstr(more, "--chain")       ? " --event wakeups"
			    : strstr(more, "--frequency") ? " --event cpu"
							  : "";
	char line[256];

	snprintf(line, sizeof(line), "parkwatch %s%s%s%s %s", cmd_table[c].name,
		 c == CMD_DIFF                                         ? " x.pw y.pw"
		 : cmd_table[c].operand                                ? " x.pw"
		 : c == CMD_HELP || c == CMD_VERSION || c == CMD_SERVE ? ""
								       : " -p 1",
		 c == CMD_REFS ? " --goid 1" : "", needs, more);
	return parse(o, line);
}

Test(options, of_a_recording_are_those_of_its_views)
{
	struct opts o;

	cr_assert_eq(parse(&o, "parkwatch report x.pw --view dump --func ^main --root goid -q"), 0);
	cr_expect_eq(o.command, CMD_REPORT);
	cr_expect_str_eq(o.operands[0], "x.pw");
	cr_assert_eq(o.nr_shown, 2);
	cr_expect_str_eq(o.shown[0], "func");
	cr_expect_str_eq(o.shown_values[0], "^main");
	cr_expect_str_eq(o.shown[1], "root");
	cr_expect_eq(parse(&o, "parkwatch report"), -EINVAL);
	cr_expect_eq(parse(&o, "parkwatch report x.pw y.pw"), -EINVAL);
	cr_expect_eq(parse(&o, "parkwatch report x.pw -p 1"), -EINVAL);
	cr_expect_eq(parse(&o, "parkwatch info"), -EINVAL);
	/* What is written to a recording says nothing of where its reports go. */
	cr_assert_eq(parse(&o, "parkwatch dump -p 1 -o x --save y.pw --mode 600 --full"), 0);
	cr_expect_str_eq(o.save, "y.pw");
	cr_assert_eq(o.nr_shown, 1);
	cr_expect_str_eq(o.shown[0], "full");
}

/* What is told as the default is what holds without the option. */
Test(options, have_the_defaults_that_help_tells)
{
	char text[OPT_TEXT_MAX], more[64];
	static struct opts usual, given;
	size_t seen = 0;

	for (size_t i = 0; i < opt_table_size; i++)
		for (int c = 0; c < CMD_MAX; c++) {
			const struct opt_def *d = &opt_table[i];
			const char *told;

			if (!opt_is_of(d, (enum command)c) || !d->has_usual)
				continue;
			opt_help(d, (enum command)c, text, sizeof(text));
			told = strstr(text, "default: ");
			cr_assert_not_null(told, "--%s: %s", d->name, text);
			snprintf(more, sizeof(more), "--%s %.*s", d->name,
				 (int)strcspn(told + 9, ")"), told + 9);
			cr_assert_eq(parse_more(&usual, (enum command)c, ""), 0);
			cr_expect_eq(parse_more(&given, (enum command)c, more), 0, "%s", more);
			cr_expect_arr_eq((char *)&usual + d->offset, (char *)&given + d->offset,
					 d->type == OPT_WORD ? sizeof(int) : sizeof(uint64_t),
					 "%s is not the default", more);
			seen++;
		}
	cr_expect_geq(seen, 15);
}

static void expect_bound(const struct opt_def *d, enum command c, uint64_t n, int want)
{
	static struct opts o;
	char more[64];

	snprintf(more, sizeof(more),
		 d->type == OPT_MODE                            ? "--%s %" PRIo64
		 : d->type == OPT_TIME || d->type == OPT_MOMENT ? "--%s %" PRIu64 "ns"
								: "--%s %" PRIu64,
		 d->name, n);
	cr_expect_eq(parse_more(&o, c, more), want, "%s %s", cmd_table[c].name, more);
}

Test(options, keep_to_their_bounds, .init = cr_redirect_stderr)
{
	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];
		const uint64_t step = d->type == OPT_BYTES ? d->min : 1;
		enum command c = 0;

		if (d->type == OPT_ADDRESS || d->type == OPT_GOIDS || d->type == OPT_PIDS)
			continue;
		while (!opt_is_of(d, c))
			c++;
		if (d->min) {
			expect_bound(d, c, d->min, 0);
			expect_bound(d, c, d->min - 1, -EINVAL);
		}
		if (d->max && d->max < INT64_MAX) {
			expect_bound(d, c, d->max, 0);
			expect_bound(d, c, d->max + step, -EINVAL);
		}
	}
}

Test(options, say_what_they_take)
{
	static const struct {
		const char *line, *want;
	} t[] = {
		{ "parkwatch record -p 1 --depth 128",
		  "bad --depth '128': it takes a whole number (1 to 127); see 'parkwatch record "
		  "--help'" },
		{ "parkwatch leaks -p 1 -d 0",
		  "bad --duration '0': it takes a time such as 10s, 500ms or 2m (more than 0); see "
		  "'parkwatch leaks --help'" },
		{ "parkwatch record -p 1 -e parks",
		  "bad --event 'parks': it takes one of these "
		  "words: blocked, births, exits, sched, "
		  "alloc, wakeups, cpu, block, mutex, wall; see 'parkwatch record --help'" },
		{ "parkwatch record -p 1 --ring-size 5000",
		  "bad --ring-size '5000': it takes a size such as 64K, 8M or 1G (4K to 1G, a "
		  "power "
		  "of two); see 'parkwatch record --help'" },
		{ "parkwatch refs -p 1 --addr channel",
		  "bad --addr 'channel': it takes an address such as 0xc000012345; see 'parkwatch "
		  "refs --help'" },
		{ "parkwatch requests -p 1 --trace 0af7651",
		  "bad --trace '0af7651': it takes 8 to 32 hexadecimal digits; see 'parkwatch "
		  "requests --help'" },
		{ "parkwatch refs -p 1",
		  "of which goroutines? give --goid N, --func REGEX or another filter, or --addr "
		  "ADDRESS; see 'parkwatch refs --help'" },
		{ "parkwatch dump", "which process? give -p PID; see 'parkwatch dump --help'" },
		{ "parkwatch version now",
		  "what is meant by 'now'; see 'parkwatch version --help'" },
	};
	static struct opts o;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped_mem char *said = NULL;
		FILE *old = stderr;
		size_t len;

		stderr = open_memstream(&said, &len);
		cr_expect_eq(parse(&o, t[i].line), -EINVAL, "%s", t[i].line);
		fclose(stderr);
		stderr = old;
		cr_expect(!strncmp(said, "parkwatch: ", 11) && said[len - 1] == '\n' &&
				  len == strlen(t[i].want) + 12 &&
				  !strncmp(said + 11, t[i].want, len - 12),
			  "%s", said);
	}
}

Test(options, are_refused_with_what_they_do_not_go_with, .init = cr_redirect_stderr)
{
	static const struct {
		const char *line;
		int want;
	} t[] = {
		{ "parkwatch dump -p 1 --diff a.json --group site", -EINVAL },
		{ "parkwatch dump -p 1 --diff a.json", 0 },
		{ "parkwatch refs -p 1 --addr 0xc0 --func main", -EINVAL },
		{ "parkwatch refs -p 1 --addr 0xc0", 0 },
		{ "parkwatch record -p 1 --min-wait 5ms --no-probes", -EINVAL },
		{ "parkwatch record -p 1 --min-wait 5ms --max-overhead 1", -EINVAL },
		{ "parkwatch record -p 1 --min-wait 5ms --max-overhead 0", 0 },
		{ "parkwatch record -p 1 --min-wait 0 --no-probes", 0 },
		{ "parkwatch record -p 1 -e alloc --alloc exact --max-overhead 1", -EINVAL },
		{ "parkwatch record -p 1 -e alloc --alloc refill --max-overhead 1", 0 },
		{ "parkwatch record -p 1 -e alloc --alloc exact", 0 },
		{ "parkwatch record -p 1 --alloc exact", -EINVAL },
		{ "parkwatch record -p 1 -e alloc --async", -EINVAL },
		{ "parkwatch record -p 1 -e births --async", 0 },
		{ "parkwatch record -p 1 -e alloc --no-probes", -EINVAL },
		{ "parkwatch record -p 1 -e alloc --min-wait 1ms", -EINVAL },
		{ "parkwatch record -p 1 -e alloc --root label", -EINVAL },
		{ "parkwatch record -p 1 -e alloc --root goid", 0 },
		{ "parkwatch record -p 1 --root label", 0 },
		{ "parkwatch leaks -p 1 --no-probes --max-overhead 1", 0 },
		{ "parkwatch dump -p 1 --trace 0af76519", -EINVAL },
		{ "parkwatch dump -p 1 --requests --trace 0af76519", 0 },
		{ "parkwatch requests -p 1 --trace 0AF7651916cd43dd8448eb211c80319c", 0 },
		{ "parkwatch doctor --repair", -EINVAL },
		{ "parkwatch doctor --repair -p 1", 0 },
	};
	static struct opts o;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(parse(&o, t[i].line), t[i].want, "%s", t[i].line);
}

/* A wait's length is not seen under a limit, so there is none where lengths are asked for. */
Test(options, have_no_default_that_hinders_what_is_given)
{
	static struct opts o;

	cr_assert_eq(parse(&o, "parkwatch record -p 1"), 0);
	cr_expect_eq(o.max_overhead, 1);
	cr_assert_eq(parse(&o, "parkwatch record -p 1 --min-wait 5ms"), 0);
	cr_expect_eq(o.max_overhead, 0);
	cr_assert_eq(parse(&o, "parkwatch leaks -p 1"), 0);
	cr_expect_eq(o.max_overhead, 1);
}

/* The option that a row names is one of the same command. */
static bool is_named(const struct opt_def *of, const char *asked)
{
	const size_t len = strcspn(asked, "=");

	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];

		if (!(d->commands & of->commands))
			continue;
		if (!strcmp(asked, OPT_ANY_FILTER) && d->type == OPT_FILTER)
			return true;
		if (strncmp(asked, d->name, len) || d->name[len])
			continue;
		for (const struct opt_word *w = d->words; w && w->word; w++)
			if (!strcmp(asked + len + !!asked[len], w->word))
				return true;
		return !asked[len];
	}
	return false;
}

Test(options, are_whole_rows)
{
	char text[OPT_TEXT_MAX];

	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];
		enum command c = 0;

		while (!opt_is_of(d, c))
			c++;
		opt_help(d, c, text, sizeof(text));
		cr_expect_lt(strlen(text), sizeof(text) - 1, "--%s is cut", d->name);
		opt_takes(d, text, sizeof(text));
		cr_expect_lt(strlen(text), sizeof(text) - 1, "--%s is cut", d->name);
		opt_synopsis(d, text, sizeof(text));
		cr_expect_lt(strlen(text), 70, "--%s is too long for help", d->name);
		cr_expect_eq(d->arg != NULL, d->type != OPT_FLAG && d->type != OPT_COUNT, "--%s",
			     d->name);
		cr_expect_eq(d->words != NULL, d->type == OPT_WORD, "--%s", d->name);
		cr_expect(!d->has_usual || !d->otherwise, "--%s has two defaults", d->name);
		cr_expect(!d->needs || is_named(d, d->needs), "--%s needs nothing", d->name);
		cr_expect_null(d->not_with[OPT_CLASHES_MAX - 1].with, "--%s", d->name);
		for (const struct opt_clash *no = d->not_with; no->with; no++)
			cr_expect(is_named(d, no->with) && no->why, "--%s and %s", d->name,
				  no->with);
		cr_expect(!i || opt_table[i - 1].part <= d->part, "--%s: not in its part", d->name);
	}
}

/* The ends of file names that choose a format are told where the file is given. */
Test(options, of_the_file_tell_its_ends)
{
	for (size_t i = 0; i < opt_table_size; i++) {
		if (strcmp(opt_table[i].name, "output"))
			continue;
		for (size_t k = 0; format_at(k); k++)
			cr_expect(!format_at(k)->suffixes[0] ||
					  strstr(opt_table[i].more, format_at(k)->suffixes[0]),
				  "%s", format_at(k)->suffixes[0]);
	}
}

/* `make reference` writes it. */
Test(options, are_those_of_the_reference)
{
	static const char path[] = "docs/reference.md";
	scoped_mem char *want = NULL, *is = NULL;
	size_t len, nr;
	FILE *f = open_memstream(&want, &len);

	manual_reference(f);
	fclose(f);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s: is this the project's folder?", path);
	is = calloc(1, len + 2);
	nr = fread(is, 1, len + 1, f);
	fclose(f);
	cr_expect(nr == len && !memcmp(is, want, len),
		  "%s is not what the option table says: make reference", path);
}
