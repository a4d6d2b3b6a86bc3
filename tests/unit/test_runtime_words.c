/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "heap/runtime_words.h"

#define START 0xc000010000
#define BYTES 480 /* a size class */

/* Gs of 440 bytes: three side by side, the others apart. */
static uint64_t gs[] = { START,
			 START + BYTES,
			 START + 2 * BYTES,
			 START + 4 * BYTES,
			 START + 9 * BYTES,
			 START + 10 * BYTES };

Test(runtime_words, a_span_of_gs_alone_refers_to_nothing)
{
	static const struct {
		const char *why;
		struct gospan s;
		bool want;
	} t[] = {
		{ "all", { .start = START, .elem_bytes = BYTES, .nelems = 3 }, true },
		{ "from the second on",
		  { .start = START + BYTES, .elem_bytes = BYTES, .nelems = 2 },
		  true },
		{ "one of them is none",
		  { .start = START, .elem_bytes = BYTES, .nelems = 4 },
		  false },
		{ "as is the first",
		  { .start = START + 3 * BYTES, .elem_bytes = BYTES, .nelems = 2 },
		  false },
		{ "more than there are",
		  { .start = START + 10 * BYTES, .elem_bytes = BYTES, .nelems = 2 },
		  false },
		{ "of another size",
		  { .start = START, .elem_bytes = 2 * BYTES, .nelems = 2 },
		  false },
		{ "nothing in it", { .start = START, .elem_bytes = BYTES }, false },
		{ "behind a header",
		  { .start = START - 8, .elem_bytes = BYTES, .nelems = 3, .header = 8 },
		  true },
	};
	const struct goruntime rt = { .layout.g_size = 440 };
	const struct grefs refs = { .gs = gs, .nr_gs = ARRAY_SIZE(gs) }, none = { .nr_gs = 0 };
	const struct runtime_words own = { .rt = &rt, .refs = &refs },
				   of_none = { .rt = &rt, .refs = &none };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(runtime_words_has_only_gs(&own, &t[i].s), t[i].want, "%s", t[i].why);
	cr_expect(!runtime_words_has_only_gs(&of_none, &t[0].s));
}
