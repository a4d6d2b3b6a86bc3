/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/textbuf.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/blocks.h"

static void expect(const struct textbuf *b, const char *want)
{
	cr_expect(b->nr == strlen(want) && !memcmp(b->v, want, b->nr), "got '%.*s', want '%s'",
		  (int)b->nr, b->v, want);
}

Test(textbuf, writes_numbers_as_printf_does)
{
	static const uint64_t n[] = { 0, 1, 9, 10, 1234567890, UINT64_MAX, 1ULL << 63 };
	char want[128];
	struct textbuf b;

	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		textbuf__init(&b, NULL);
		textbuf__u64(&b, n[i]);
		textbuf__text(&b, " ");
		textbuf__i64(&b, (int64_t)n[i]);
		textbuf__text(&b, " ");
		textbuf__hex(&b, n[i]);
		snprintf(want, sizeof(want), "%llu %lld 0x%llx", (unsigned long long)n[i],
			 (long long)n[i], (unsigned long long)n[i]);
		expect(&b, want);
		textbuf__done(&b);
	}
}

Test(textbuf, passes_on_all_that_it_is_given_in_its_order)
{
	scoped_mem char *text = NULL;
	const size_t rounds = 3 * TEXTBUF_STREAM_BYTES / 7;
	struct textbuf b;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	textbuf__init(&b, out);
	for (size_t i = 0; i < rounds; i++) {
		char seven[8];

		snprintf(seven, sizeof(seven), "%07zu", i);
		textbuf__text(&b, seven);
	}
	cr_expect_leq(b.cap, 2 * TEXTBUF_STREAM_BYTES);
	cr_expect_eq(textbuf__finish(&b), 0);
	textbuf__done(&b);
	fclose(out);
	cr_assert_eq(len, 7 * rounds);
	for (size_t i = 0; i < rounds; i += 1000)
		cr_assert_eq(strtoull((char[8]){ text[7 * i], text[7 * i + 1], text[7 * i + 2],
						 text[7 * i + 3], text[7 * i + 4], text[7 * i + 5],
						 text[7 * i + 6] },
				      NULL, 10),
			     i);
}

Test(textbuf, keeps_the_first_error_of_writing)
{
	struct textbuf b;
	FILE *out = fopen("/dev/full", "w");

	cr_assert_not_null(out);
	setvbuf(out, NULL, _IONBF, 0);
	textbuf__init(&b, out);
	textbuf__text(&b, "x");
	cr_expect_eq(textbuf__finish(&b), -ENOSPC);
	textbuf__text(&b, "y");
	cr_expect_eq(textbuf__finish(&b), -ENOSPC);
	textbuf__done(&b);
	fclose(out);
}

static void make_number(void *ctx, size_t i, struct textbuf *text)
{
	++*(size_t *)ctx;
	textbuf__u64(text, i);
}

Test(blocks, are_made_once)
{
	struct blocks k;
	struct textbuf to;
	size_t made = 0;

	textbuf__init(&to, NULL);
	cr_assert_eq(blocks__init(&k, 10), 0);
	for (int i = 0; i < 3; i++) {
		blocks__put(&k, 7, &to, make_number, &made);
		blocks__put(&k, 9, &to, make_number, &made);
	}
	expect(&to, "797979");
	cr_expect_eq(made, 2);
	blocks__done(&k);
	textbuf__done(&to);
}

static void make_large(void *ctx, size_t i, struct textbuf *text)
{
	static char bytes[8 << 20];

	++*(size_t *)ctx;
	memset(bytes, 'a' + (int)i, sizeof(bytes));
	textbuf__bytes(text, bytes, sizeof(bytes));
}

Test(blocks, are_forgotten_when_they_are_too_many)
{
	struct blocks k;
	struct textbuf to;
	size_t made = 0;

	cr_assert_eq(blocks__init(&k, 20), 0);
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < 20; i++) {
			textbuf__init(&to, NULL);
			blocks__put(&k, i, &to, make_large, &made);
			cr_assert(to.nr == 8 << 20 && to.v[0] == (char)('a' + i) &&
				  to.v[to.nr - 1] == to.v[0]);
			textbuf__done(&to);
		}
	cr_expect_leq(k.text.cap, 2 * BLOCKS_BYTES);
	cr_expect_eq(made, 40);
	blocks__done(&k);
}
