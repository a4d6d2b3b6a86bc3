/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "model/seen.h"

static enum seen_is see(struct seen *s, uint64_t goid, uint64_t wait)
{
	return seen__g(s, &(struct seen_g){ .who.goid = goid, .wait = wait });
}

static void note_gone(void *ctx, const struct seen_g *g)
{
	*(uint64_t *)ctx += g->who.goid * 100 + g->wait;
}

Test(seen, tells_who_is_new_who_moved_and_who_did_not)
{
	scoped(seen) s = NULL;
	uint64_t gone = 0;

	cr_assert_eq(seen__new(&s), 0);
	seen__look(s);
	cr_expect_eq(see(s, 1, 7), SEEN_NEW);
	cr_expect_eq(see(s, 2, 7), SEEN_NEW);
	cr_expect_eq(seen__gone(s, note_gone, &gone), 0);
	seen__look(s);
	cr_expect_eq(see(s, 1, 7), SEEN_AGAIN);
	cr_expect_eq(seen__gone(s, note_gone, &gone), 1);
	cr_expect_eq(gone, 207, "who is gone is told as it was");
	seen__look(s);
	cr_expect_eq(see(s, 1, 8), SEEN_MOVED);
	cr_expect_eq(see(s, 2, 7), SEEN_NEW, "it was forgotten");
	cr_expect_eq(seen__gone(s, NULL, NULL), 0);
	seen__look(s);
	cr_expect_eq(see(s, 1, 8), SEEN_AGAIN, "the wait of the look before counts");
}
