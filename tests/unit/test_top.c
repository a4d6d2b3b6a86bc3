/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "look_fake.h"
#include "view/top_rows.h"

static const struct top_column columns[] = {
	{ "COUNT", 7, 'C', false, "how many" },
	{ "MORE", 5, 'M', false, "how many more" },
	{ "NAME", -4, 'N', true, "what it is called" },
};

static void add(struct top_table *t, uint64_t id, double count, double more, const char *name)
{
	struct top_row *r = top_table__add(t, id);

	cr_assert_not_null(r);
	r->number[0] = count;
	r->cell[0] = textpool__format(t->texts, "%g", count);
	r->number[1] = more;
	r->cell[1] = textpool__format(t->texts, "%g", more);
	r->cell[2] = textpool__get(t->texts, name);
}

static void fill(struct top_table *t)
{
	cr_assert_eq(top_table__init(t, columns, ARRAY_SIZE(columns)), 0);
	add(t, 11, 5, 1, "delta");
	add(t, 12, 9, 1, "Bravo");
	add(t, 13, NAN, 7, "charlie");
	add(t, 14, 9, 3, "alpha");
}

static const char *order_of(const struct top_table *t)
{
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < t->nr_shown; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ",
			 (int)t->rows[i].id);
	return text;
}

Test(top, rows_are_in_the_order_that_was_chosen)
{
	static const struct {
		const char *why, *filter, *order;
		size_t sort;
		bool reverse;
	} t[] = {
		{ "the largest first, not known last; equal ones by the next column", "",
		  "14 12 11 13 ", 0, false },
		{ "the other way round", "", "13 11 14 12 ", 0, true },
		{ "equal ones by the columns after it: their names", "", "13 14 12 11 ", 1, false },
		{ "texts by the alphabet", "", "12 14 13 11 ", 2, false },
		{ "a filter, capitals or not", "A", "14 12 11 13 ", 0, false },
		{ "a filter that takes two", "RAV", "12 ", 0, false },
		{ "a filter that takes none", "zulu", "", 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct top_choice c = { .sort = t[i].sort, .reverse = t[i].reverse };
		struct top_table table;

		fill(&table);
		snprintf(c.filter, sizeof(c.filter), "%s", t[i].filter);
		top_table__arrange(&table, &c);
		cr_expect_str_eq(order_of(&table), t[i].order, "%s", t[i].why);
		top_table__done(&table);
	}
}

Test(top, the_selected_row_stays_selected_where_it_goes)
{
	struct top_choice c = { .sort = 0 };
	struct top_table t;

	fill(&t);
	top_table__arrange(&t, &c);
	cr_expect_eq(c.selected, 14, "the first, as long as nobody chose");
	top_choice__move(&c, &t, 2);
	cr_expect_eq(c.selected, 11);
	cr_expect(top_choice__key(&c, &t, 'M'));
	top_table__arrange(&t, &c);
	cr_expect(c.selected == 11 && c.at == 3, "row %zu", c.at);
	top_choice__move(&c, &t, 1000);
	cr_expect_eq(c.at, 3, "no further than the last");
	top_choice__move(&c, &t, -1000);
	cr_expect_eq(c.at, 0, "nor than the first");
	cr_expect(top_choice__key(&c, &t, 'M') && c.reverse, "twice: the other way round");
	cr_expect_not(top_choice__key(&c, &t, 'x'), "no such key");
	top_choice__next_column(&c, &t, -1);
	cr_expect(c.sort == 0 && !c.reverse);
	top_choice__next_column(&c, &t, -1);
	cr_expect_eq(c.sort, 2, "round");
	top_table__done(&t);
}

struct seen {
	char text[16][TOP_LINE_MAX];
	enum top_look look[16];
	size_t nr;
};

static void see(void *ctx, size_t y, enum top_look look, const char *text)
{
	struct seen *s = ctx;

	cr_assert_lt(y, 16);
	for (; s->nr <= y; s->nr++)
		s->text[s->nr][0] = '\0';
	snprintf(s->text[y], TOP_LINE_MAX, "%s", text);
	s->look[y] = look;
}

Test(top, a_page_has_what_fits_and_always_the_selected_row)
{
	static const struct {
		const char *why;
		size_t height, at, titles, rows, first;
	} t[] = {
		{ "all of it", 10, 0, 2, 4, 0 },
		{ "titles go first", 5, 0, 1, 2, 0 },
		{ "and then the last rows", 5, 3, 1, 2, 2 },
		{ "no title", 4, 1, 0, 2, 0 },
		{ "one row", 3, 2, 0, 1, 2 },
		{ "no row", 2, 0, 0, 0, 0 },
		{ "the head alone", 1, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		static struct seen s;
		struct top_choice c = { .at = 0 };
		struct top_table table;
		struct top_page p = {
			.title = { "one", "two" }, .nr_titles = 2, .table = &table, .status = "keys"
		};
		size_t rows = 0, selected = 0, titles = 0;

		s.nr = 0;
		fill(&table);
		top_table__arrange(&table, &c);
		top_choice__move(&c, &table, (long)t[i].at);
		top_page__put(&p, &c, t[i].height, see, &s);
		for (size_t y = 0; y < s.nr; y++) {
			titles += s.look[y] == TOP_TITLE;
			rows += s.text[y][0] &&
				(s.look[y] == TOP_PLAIN || s.look[y] == TOP_SELECTED);
			selected += s.look[y] == TOP_SELECTED;
		}
		cr_expect_leq(s.nr, t[i].height, "%s", t[i].why);
		cr_expect_eq(titles, t[i].titles, "%s: %zu titles", t[i].why, titles);
		cr_expect_eq(rows, t[i].rows, "%s: %zu rows", t[i].why, rows);
		cr_expect_eq(selected, t[i].rows ? 1 : 0, "%s", t[i].why);
		cr_expect(!t[i].rows || c.first == t[i].first, "%s: %zu", t[i].why, c.first);
		top_table__done(&table);
	}
}

Test(top, lines_are_columns_and_harmless)
{
	static struct seen s;
	struct top_choice c = { .sort = 0 };
	struct top_table t;
	struct top_page p = { .title = { "\x1b[2Jtitle" }, .nr_titles = 1, .table = &t };

	cr_assert_eq(top_table__init(&t, columns, ARRAY_SIZE(columns)), 0);
	add(&t, 1, 1234, -2, "\x1b]0;owned\x07\n\xff");
	add(&t, 2, 5, 0,
	    "gr\xc3\xb6\xc3\x9f"
	    "e");
	top_table__arrange(&t, &c);
	top_page__put(&p, &c, 0, see, &s);
	cr_assert_eq(s.nr, 4);
	cr_expect_str_eq(s.text[0], "?[2Jtitle");
	cr_expect_str_eq(s.text[1], " COUNTv   MORE  NAME");
	cr_expect_str_eq(s.text[2], "   1234     -2  ?]0;owned???");
	cr_expect_str_eq(s.text[3], "      5      0  gr\xc3\xb6\xc3\x9f"
				    "e");
	cr_expect_eq(s.look[2], TOP_PLAIN, "nothing is selected in a file");
	top_table__done(&t);
}

/* --- rows --- */

#define S NS_PER_SEC

/* A look: nr goroutines of a row, the first of them goid from + 1. */
static void look(struct history *h, struct tally *t, struct top_looks *l, uint64_t at_ns,
		 uint64_t from, uint64_t nr)
{
	tally__begin(t, at_ns);
	for (uint64_t i = 1; i <= nr; i++)
		tally__add(t,
			   &(struct tally_g){ .id = from + i,
					      .wait_ns = TALLY_UNKNOWN,
					      .row = tally__row(t, "main.make main.go:1",
								"main.wait main.go:2",
								(enum gostate)GOWAIT_CHAN_RECEIVE),
					      .state = (enum gostate)GOWAIT_CHAN_RECEIVE });
	cr_assert_eq(look_ends(h, t, top_looks__history_ns(l), at_ns), 0);
	top_looks__add(l, at_ns);
}

Test(top, sites_are_what_looks_saw_at_their_times)
{
	static uint64_t oldest[HISTORY_ROWS_MAX + 1];
	struct top_looks l = { .nr = 0 };
	scoped(history) h = NULL;
	scoped(tally) tally = NULL;
	struct top_table t;

	cr_assert(!history__new(&h) && !tally__new(&tally));
	look(h, tally, &l, 100 * S, 0, 10);
	look(h, tally, &l, 102 * S, 0, 14); /* 4 come */
	look(h, tally, &l, 106 * S, 2, 20); /* 2 go, 8 come: 22 - 14; a look that took long */
	oldest[0] = 90 * S;
	cr_assert_eq(top_sites__new(h, &l, oldest, &t), 0);
	cr_assert_eq(t.nr, 1);
	cr_expect_eq(t.rows[0].number[TOP_SITE_GOROUTINES], 20);
	cr_expect_eq(t.rows[0].number[TOP_SITE_BIRTHS], 12);
	/* as many wait as at both looks on average, or as at the later one: of 2 s and 4 s */
	cr_expect(t.rows[0].number[TOP_SITE_BLOCKED] >= (2 * 12 + 4 * 17) * (double)S &&
			  t.rows[0].number[TOP_SITE_BLOCKED] <= (2 * 14 + 4 * 20) * (double)S,
		  "%g s", t.rows[0].number[TOP_SITE_BLOCKED] / (double)S);
	/* least squares through (0,10) (2,14) (6,20) */
	cr_expect_float_eq(t.rows[0].number[TOP_SITE_TREND], 60 * 23.0 / 14, 0.5, "%g",
			   t.rows[0].number[TOP_SITE_TREND]);
	cr_expect_str_eq(t.rows[0].cell[TOP_SITE_OLDEST], "1m30s");
	cr_expect_str_eq(t.rows[0].cell[TOP_SITE_MADE], "main.make main.go:1");
	cr_expect_str_eq(t.rows[0].cell[TOP_SITE_STATE], "chan receive");
	top_table__done(&t);
}

Test(top, looks_beyond_those_that_are_kept_do_not_count)
{
	static uint64_t oldest[HISTORY_ROWS_MAX + 1];
	struct top_looks l = { .nr = 0 };
	scoped(history) h = NULL;
	scoped(tally) tally = NULL;
	struct top_table t;

	cr_assert(!history__new(&h) && !tally__new(&tally));
	for (uint64_t i = 0; i < 3 * TOP_LOOKS; i++)
		look(h, tally, &l, (100 + 2 * i) * S, 0, i < 2 * TOP_LOOKS ? 1000 - i : 500);
	cr_assert_eq(top_sites__new(h, &l, oldest, &t), 0);
	cr_expect_eq(t.rows[0].number[TOP_SITE_TREND], 0);
	cr_expect_eq(t.rows[0].number[TOP_SITE_BIRTHS], 0);
	cr_expect_eq(t.rows[0].number[TOP_SITE_GOROUTINES], 500);
	top_table__done(&t);
}

static double trend_at(struct top_counts *c, struct process_row *row, uint64_t now_ns)
{
	const struct processes p = { .rows = row, .nr = 1 };
	struct top_table t;
	double trend;

	cr_assert_eq(top_counts__look(c, &p, now_ns), 0);
	cr_assert_eq(top_processes__new(&p, c, &t), 0);
	trend = strcmp(t.rows[0].cell[TOP_PROCESS_TREND], "-") ? t.rows[0].number[TOP_PROCESS_TREND]
							       : NAN;
	top_table__done(&t);
	return trend;
}

Test(top, growth_is_of_one_process_not_of_its_pid)
{
	struct process_row row = {
		.pid = 7, .age_ns = 50 * S, .goroutines = 100, .told.leaking = PROCESS_UNKNOWN
	};
	scoped(top_counts) c = NULL;

	cr_assert_eq(top_counts__new(&c), 0);
	cr_expect(isnan(trend_at(c, &row, 100 * S)), "one look tells nothing yet");
	row.age_ns += 30 * S;
	row.goroutines = 150;
	cr_expect_float_eq(trend_at(c, &row, 130 * S), 100, 1e-6);
	/* another process, younger, with this PID */
	row.age_ns = 1 * S;
	row.goroutines = 5;
	cr_expect(isnan(trend_at(c, &row, 160 * S)), "it is another one");
	row.age_ns = 31 * S;
	cr_expect_float_eq(trend_at(c, &row, 190 * S), 0, 1e-6);
}

Test(top, one_that_cannot_be_watched_says_why_on_one_line)
{
	struct process_row rows[2] = {
		{ .pid = 7, .exe = "/a\nb", .why.text = "go1.14: too old" },
		{ .pid = 8, .exe = "/c", .goroutines = 9, .at_least = true }
	};
	const struct processes p = { .rows = rows, .nr = 2 };
	struct top_choice choice = { .sort = TOP_PROCESS_GOROUTINES };
	scoped(top_counts) c = NULL;
	struct top_table t;

	cr_assert_eq(top_counts__new(&c), 0);
	cr_assert_eq(top_counts__look(c, &p, 1), 0);
	cr_assert_eq(top_processes__new(&p, c, &t), 0);
	top_table__arrange(&t, &choice);
	cr_expect_str_eq(t.rows[0].cell[TOP_PROCESS_GOROUTINES], ">=9");
	cr_expect_str_eq(t.rows[1].cell[TOP_PROCESS_GOROUTINES], "-");
	cr_expect_str_eq(t.rows[1].cell[TOP_PROCESS_EXE],
			 "/a?b: cannot be watched: go1.14: too old");
	top_table__done(&t);
}
