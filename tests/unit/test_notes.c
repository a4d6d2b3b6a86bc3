/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/notes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static unsigned int shown;
static char last[NOTE_MAX];

static void show(enum log_level level, const char *text)
{
	(void)level;
	shown++;
	snprintf(last, sizeof(last), "%s", text);
}

static void begin(void)
{
	shown = 0;
	notes_forget();
	notes_show(show);
}

TestSuite(notes, .init = begin);

Test(notes, what_is_said_is_kept_and_shown)
{
	const struct note *v;
	uint64_t lost;
	size_t nr;

	note_warn("%d probes were lost", 3);
	note_info("so it is");
	v = notes_kept(&nr, &lost);
	cr_assert_eq(nr, 2);
	cr_expect_eq(v[0].level, LOG_WARN);
	cr_expect_str_eq(v[0].text, "3 probes were lost");
	cr_expect_str_eq(v[1].text, "so it is");
	cr_expect_leq(v[0].unix_ns, v[1].unix_ns);
	cr_expect_eq(lost, 0);
	cr_expect_eq(shown, 2);
	notes_forget();
	(void)notes_kept(&nr, &lost);
	cr_expect_eq(nr, 0);
}

Test(notes, a_hostile_name_is_one_clean_line)
{
	const struct note *v;
	uint64_t lost;
	size_t nr;

	note_warn("'%s' is watched", "a\x1b[2J\nparkwatch: all is well\xff");
	v = notes_kept(&nr, &lost);
	cr_assert_eq(nr, 1);
	cr_expect_str_eq(v[0].text, "'a?[2J?parkwatch: all is well?' is watched");
	cr_expect_str_eq(last, v[0].text);
}

Test(notes, what_is_for_who_looks_for_a_mistake_is_kept_only_for_them)
{
	uint64_t lost;
	size_t nr;

	note_debug("x");
	(void)notes_kept(&nr, &lost);
	cr_expect_eq(nr + lost, 0);
	log_set_level(LOG_DEBUG);
	note_debug("x");
	(void)notes_kept(&nr, &lost);
	cr_expect_eq(nr, 1);
}

Test(notes, what_is_over_a_bound_is_counted)
{
	char long_line[2 * NOTE_MAX];
	uint64_t lost;
	size_t nr;

	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = '\0';
	for (int i = 0; i < 3 * NOTES_PER_S; i++)
		note_info("%s", long_line);
	(void)notes_kept(&nr, &lost);
	cr_expect_eq(nr + lost, 3 * NOTES_PER_S, "all are accounted for");
	cr_expect_leq(nr, NOTES_BYTES_MAX / NOTE_MAX, "by bytes");
	cr_expect_geq(nr, NOTES_BYTES_MAX / NOTE_MAX - 1);
	notes_forget();
	for (int i = 0; i < 3 * NOTES_PER_S; i++)
		note_info("x");
	(void)notes_kept(&nr, &lost);
	cr_expect_leq(nr, 2 * NOTES_PER_S, "by time: these took a second at most");
	cr_expect_eq(nr + lost, 3 * NOTES_PER_S);
	cr_expect_eq(strlen(last), 1);
}
