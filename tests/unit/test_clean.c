/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clean.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cause.h"
#include "base/cleanup.h"

Test(clean, leaves_what_is_only_shown)
{
	static const char *const t[] = {
		"",
		"main.(*store).refresh /srv/a b.go:12 ~!\"'\\<>&",
		"main.\xc3\xa9\xd1\x8f\xe4\xb8\xad\xf0\x9f\x98\x80",
		"\xc2\xa0 \xe2\x80\xa6 \xe2\x80\xa7 \xe2\x80\xaf",
		"\xe2\x81\xa5 \xe2\x81\xaa \xd8\x9b",
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char to[128];

		cr_expect_eq(clean(to, sizeof(to), t[i]), strlen(t[i]));
		cr_expect_str_eq(to, t[i]);
	}
}

Test(clean, shows_what_would_do_something)
{
	static const struct {
		const char *why, *from, *to;
	} t[] = {
		{ "C0", "a\x01\x1b[2J\n\t\rz", "a??[2J???z" },
		{ "DEL", "\x7f", "?" },
		{ "C1",
		  "\xc2\x80\xc2\x9b"
		  "31m\xc2\x9f\xc2\xa0",
		  "??31m?\xc2\xa0" },
		{ "C1 as one byte",
		  "\x9b"
		  "31m",
		  "?31m" },
		{ "embeddings and overrides",
		  "\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae", "?????" },
		{ "isolates", "\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "????" },
		{ "marks", "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "???" },
		{ "ends of lines", "\xe2\x80\xa8\xe2\x80\xa9", "??" },
		{ "bytes without a head", "\x80\xbf", "??" },
		{ "a head without bytes", "\xe2\x80", "??" },
		{ "cut at the end", "\xf0\x9f\x98", "???" },
		{ "too long a form", "\xc0\xaf\xe0\x80\xaf", "?????" },
		{ "half a pair", "\xed\xa0\x80", "???" },
		{ "beyond Unicode", "\xf4\x90\x80\x80\xff", "?????" },
		{ "a head that takes an ESC", "\xc2\x1b[", "??[" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };
		char to[64], same[64];

		clean(to, sizeof(to), t[i].from);
		cr_expect_str_eq(to, t[i].to, "%s: %s", t[i].why, to);
		strcpy(same, t[i].from);
		cr_expect_eq(clean_text(same), strlen(t[i].to), "%s", t[i].why);
		cr_expect_str_eq(same, t[i].to, "%s: in place", t[i].why);
		cause__set(&why, 0, "%s", t[i].from);
		cr_expect_str_eq(why.text, t[i].to, "%s: as a cause", t[i].why);
	}
}

Test(clean, cuts_between_characters)
{
	char to[5];

	cr_expect_eq(clean(to, sizeof(to), "ab\xe4\xb8\xad"), 2);
	cr_expect_str_eq(to, "ab");
	cr_expect_eq(clean(to, sizeof(to), "a\xe4\xb8\xad."), 4);
}
