/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/labels_read.h"
#include "names/labels.h"

#include <criterion/criterion.h>

#include "dump_fake.h"

#define BASE 0x700000

/* Sets as Go 1.24 has them: a slice of {key, value}, strings of {pointer, length}. */
static const struct {
	uint64_t none[3], odd[3], same[3], clean[3];
	uint64_t odd_pair[4], clean_pair[4];
	char key[8], odd_value[8], clean_value[8];
} process = {
	.none = { 0, 0, 0 },
	.odd = { BASE + 96, 1, 1 },
	.same = { BASE + 96, 1, 1 },
	.clean = { BASE + 128, 1, 1 },
	.odd_pair = { BASE + 160, 1, BASE + 168, 5 },
	.clean_pair = { BASE + 160, 1, BASE + 176, 5 },
	.key = "k",
	.odd_value = "a\n\x01\xff"
		     "b",
	.clean_value = "a???b",
};
static const struct namer namer = { .frames = fake_frames,
				    .unwrap_start = fake_unwrap_start,
				    .go_minor = 24 };

struct labelled {
	struct bufspace memory;
	struct labelbook *book;
	struct framer *framer;
	struct labels *labels;
};

static void labelled__init(struct labelled *l)
{
	bufspace__init(&l->memory, &process, sizeof(process), BASE);
	cr_assert_eq(framer__new(&namer, 1, &l->framer), 0);
	cr_assert_eq(labelbook__new(&l->book), 0);
	for (uint64_t at = BASE; at < BASE + 96; at += 24)
		cr_assert_eq(labels_read(l->book, &l->memory.as, 24, at), 0);
	cr_assert_eq(labels__new(l->book, l->framer, &l->labels), 0);
}

static void labelled__done(struct labelled *l)
{
	labels__free(l->labels);
	framer__free(l->framer);
	labelbook__free(l->book);
}

Test(labels, keep_their_bytes_and_have_a_clean_line_besides)
{
	const struct label_set *set;
	struct labelled l;

	labelled__init(&l);
	set = labels__get(l.labels, BASE + 24);
	cr_assert_eq(set->nr, 1);
	cr_expect_str_eq(set->v[0].value, "a\n\x01?b");
	cr_expect_str_eq(set->text, "k=a???b");
	labelled__done(&l);
}

Test(labels, are_one_set_if_they_are_equal)
{
	struct labelled l;
	const char *odd;

	labelled__init(&l);
	odd = labels__get(l.labels, BASE + 24)->same;
	cr_expect_eq(odd, labels__get(l.labels, BASE + 48)->same, "at two addresses");
	cr_expect_neq(odd, labels__get(l.labels, BASE + 72)->same, "alike when clean");
	cr_expect_str_eq(labels__get(l.labels, BASE + 72)->text, "k=a???b");
	cr_expect_eq(labels__get(l.labels, 0)->same, labels__get(l.labels, BASE)->same,
		     "none and an empty set");
	cr_expect_eq(labels__get(l.labels, 0)->text, labels__get(l.labels, BASE)->text,
		     "none and an empty set");
	labelled__done(&l);
}

Test(labels, that_cannot_be_read_are_none_and_counted)
{
	struct labelled l;
	size_t nr = 7;

	labelled__init(&l);
	cr_expect_eq(labelbook__unread(l.book), 0);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(labels_read(l.book, &l.memory.as, 24, BASE + 0x10000), 0);
	cr_expect_eq(labelbook__unread(l.book), 1, "a set counts once");
	cr_expect_null(labelbook__get(l.book, BASE + 8, &nr), "nobody read it");
	cr_expect_eq(nr, 0);
	cr_expect_eq(labels__get(l.labels, BASE + 0x10000)->nr, 0);
	cr_expect_eq(labels_read(l.book, &l.memory.as, 24, 0), 0);
	cr_expect_eq(labelbook__unread(l.book), 1, "no labels");
	labelled__done(&l);
}
