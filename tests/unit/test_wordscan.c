/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "heap/wordscan.h"

#define BASE  0x100000ull
#define BYTES (3 * WORDSCAN_PIECE)

static uint64_t memory[BYTES / 8];
static struct bufspace space;

struct hits {
	size_t nr;
	uint64_t value[16], at[16];
	int kind[16];
	int stop; /* what the next hit returns */
};

static int on_hit(void *ctx, const struct wordpiece *p, uint64_t value, uint64_t at)
{
	struct hits *h = ctx;
	uint64_t v;

	memcpy(&v, p->bytes + (at - p->addr), sizeof(v));
	cr_assert_eq(v, value, "the word is in the piece");
	if (h->nr < 16) {
		h->value[h->nr] = value;
		h->at[h->nr] = at;
		h->kind[h->nr++] = p->kind;
	}
	return h->stop;
}

static struct wordscan *scan_new(struct hits *h)
{
	struct wordscan *s = NULL;

	memset(memory, 0, sizeof(memory));
	memset(h, 0, sizeof(*h));
	bufspace__init(&space, memory, sizeof(memory), BASE);
	cr_assert_eq(wordscan__new(&space.as, &s), 0);
	wordscan__begin(s, on_hit, h, UINT64_MAX, UINT64_MAX);
	return s;
}

Test(wordscan, tells_words_that_point_where_it_looks)
{
	struct hits h;
	scoped(wordscan) s = scan_new(&h);

	wordscan__look_for(s, 0xc000012340, 0xc000012380);
	wordscan__look_for(s, 0xc000900000, 0xc000900010);
	memory[5] = 0xc000012348;
	memory[6] = 0xc000500000; /* between them */
	memory[7] = 0xc000013348; /* another page */
	memory[8] = 0xc000012940; /* the same page */
	memory[BYTES / 8 - 1] = 0xc000900000;
	cr_assert_eq(wordscan__add(s, BASE, BASE + BYTES, 7, NULL), 0);
	cr_assert_eq(wordscan__end(s), 0);
	cr_assert_eq(h.nr, 2, "%zu", h.nr);
	cr_expect_eq(h.value[0], 0xc000012348);
	cr_expect_eq(h.at[0], BASE + 40);
	cr_expect_eq(h.kind[0], 7);
	cr_expect_eq(h.at[1], BASE + BYTES - 8);
	cr_expect_eq(wordscan__bytes(s), BYTES);
	cr_expect(wordscan__passes(s, 0xc000012340));
	cr_expect_not(wordscan__passes(s, 0xc0009f0000));
	wordscan__clear(s);
	cr_expect_not(wordscan__passes(s, 0xc000012340));
}

Test(wordscan, reads_what_can_be_read_of_a_stretch)
{
	struct hits h;
	scoped(wordscan) s = scan_new(&h);

	wordscan__look_for(s, 0x5000, 0x6000);
	memory[BYTES / 8 - 1] = 0x5000;
	cr_assert_eq(wordscan__add(s, BASE + BYTES - 4096, BASE + BYTES + 8192, 0, NULL), 0);
	cr_assert_eq(wordscan__end(s), 0);
	cr_expect_eq(h.nr, 1);
	cr_expect_eq(wordscan__unread(s), 8192);
}

Test(wordscan, ends_at_its_limits)
{
	struct hits h;
	scoped(wordscan) s = scan_new(&h);

	wordscan__begin(s, on_hit, &h, UINT64_MAX, WORDSCAN_PIECE);
	cr_assert_eq(wordscan__add(s, BASE, BASE + BYTES, 0, NULL), -ETIME, "bytes");
	wordscan__begin(s, on_hit, &h, 1, UINT64_MAX);
	cr_assert_eq(wordscan__add(s, BASE, BASE + 64, 0, NULL), 0);
	cr_expect_eq(wordscan__end(s), -ETIME, "time");
}

Test(wordscan, hands_on_what_its_caller_says)
{
	struct hits h;
	scoped(wordscan) s = scan_new(&h);

	wordscan__look_for(s, 0x5000, 0x6000);
	memory[0] = memory[1] = 0x5000;
	h.stop = -ENOMEM;
	cr_assert_eq(wordscan__add(s, BASE, BASE + 64, 0, NULL), 0);
	cr_expect_eq(wordscan__end(s), -ENOMEM);
	cr_expect_eq(h.nr, 1);
}
