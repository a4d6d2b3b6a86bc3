/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/token.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define TOKEN "0123456789abcdef+/=-._~"

static struct token *made(const char *text)
{
	struct token *t = NULL;
	struct cause why = { "" };

	cr_assert_eq(token__new("f", text, strlen(text), &t, &why), 0, "%s", why.text);
	return t;
}

Test(token, a_file_is_one_word)
{
	static const struct {
		const char *why, *text;
		size_t len;
		int want;
	} t[] = {
		{ "a word", TOKEN, 23, 0 },
		{ "a new line at its end", TOKEN "\n", 24, 0 },
		{ "two of them", TOKEN "\n\n", 25, -EBADMSG },
		{ "nothing", "", 0, -EBADMSG },
		{ "a new line", "\n", 1, -EBADMSG },
		{ "15 bytes", TOKEN, 15, -EBADMSG },
		{ "16 bytes", TOKEN, 16, 0 },
		{ "a blank", "0123456789 abcdef", 17, -EBADMSG },
		{ "the end of a header", "0123456789\r\nabcdef", 18, -EBADMSG },
		{ "a zero byte", "0123456789\0abcdef", 17, -EBADMSG },
		{ "no ASCII", "0123456789abcdef\xc3\xa4", 18, -EBADMSG },
	};
	char longest[TOKEN_BYTES_MAX + 1];
	struct token *none = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(token) ret = NULL;
		struct cause why = { "" };

		cr_expect_eq(token__new("f", t[i].text, t[i].len, &ret, &why), t[i].want, "%s",
			     t[i].why);
		cr_expect_eq(ret != NULL, t[i].want == 0, "%s", t[i].why);
		cr_expect_eq(why.text[0] != '\0', t[i].want != 0, "%s", t[i].why);
	}
	memset(longest, 'x', sizeof(longest));
	cr_expect_eq(token__new("f", longest, sizeof(longest), &none, NULL), -EBADMSG);
	cr_expect_eq(token__new("f", longest, TOKEN_BYTES_MAX, &none, NULL), 0);
	token__free(none);
}

Test(token, one_header_is_right_and_no_other)
{
	static const struct {
		const char *why, *header;
		bool want;
	} t[] = {
		{ "as RFC 6750 has it", "Bearer " TOKEN, true },
		{ "a scheme is written as one likes", "bEARER " TOKEN, true },
		{ "the token alone", TOKEN, false },
		{ "no token", "Bearer ", false },
		{ "no blank", "Bearer" TOKEN, false },
		{ "two blanks", "Bearer  " TOKEN, false },
		{ "more behind it", "Bearer " TOKEN "x", false },
		{ "less", "Bearer 0123456789abcdef+/=-._", false },
		{ "another case", "Bearer 0123456789ABCDEF+/=-._~", false },
		{ "another scheme", "Basic " TOKEN, false },
		{ "nothing", "", false },
	};
	scoped(token) token = made(TOKEN);

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(token__in_header(token, t[i].header), t[i].want, "%s", t[i].why);
}

Test(token, a_session_is_random_and_no_part_of_the_token)
{
	scoped(token) a = made(TOKEN);
	scoped(token) b = made(TOKEN);

	cr_expect_eq(strlen(a->session), TOKEN_SESSION);
	cr_expect_str_neq(a->session, b->session);
	cr_expect(token__has_session(a, a->session) && !token__has_session(a, b->session));
	cr_expect(!token__has_session(a, "") && !token__has_session(a, TOKEN) &&
		  !token__is(a, a->session, TOKEN_SESSION));
}

/* The least that 1,000 comparisons took, of many tries: what else runs only makes some of them longer. */
static uint64_t least_ns(const struct token *t, const char *given)
{
	uint64_t least = UINT64_MAX;

	for (int try = 0; try < 50; try++) {
		const uint64_t began = clock_now_ns();

		for (int i = 0; i < 1000; i++)
			cr_assert(!token__is(t, given, TOKEN_BYTES_MAX));
		if (clock_now_ns() - began < least)
			least = clock_now_ns() - began;
	}
	return least;
}

Test(token, time_does_not_tell_how_much_is_right)
{
	char text[TOKEN_BYTES_MAX + 1] = "", first[sizeof(text)], last[sizeof(text)];
	scoped(token) t = NULL;
	uint64_t of_first, of_last;

	memset(text, 'x', TOKEN_BYTES_MAX);
	memcpy(first, text, sizeof(text));
	memcpy(last, text, sizeof(text));
	first[0] = last[TOKEN_BYTES_MAX - 1] = 'y';
	t = made(text);
	of_first = least_ns(t, first);
	of_last = least_ns(t, last);
	/* one that stops where texts differ takes a hundredth for the first */
	cr_expect(2 * of_first > of_last && 2 * of_last > of_first, "%llu ns, %llu ns",
		  (unsigned long long)of_first, (unsigned long long)of_last);
}
