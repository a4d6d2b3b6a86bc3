/* SPDX-License-Identifier: BSD-2-Clause */
/* digest: what a look says, from a worker that may be hostile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/history.h"
#include "serve/digest.h"

#define RECEIVES ((enum gostate)GOWAIT_CHAN_RECEIVE)

static void look(struct tally *t, uint64_t now_ns, uint64_t first, uint64_t nr, struct digest *ret)
{
	tally__begin(t, now_ns);
	for (uint64_t i = 0; i < nr; i++)
		tally__add(t, &(struct tally_g){ .id = first + i,
						 .wait_ns = i ? TALLY_UNKNOWN : 7,
						 .stack_bytes = 2048,
						 .row = tally__row(t, "main.a\xff\n",
								   "main.b b.go:1", RECEIVES),
						 .state = RECEIVES });
	*ret = (struct digest){
		.sums_unix_ns = 5,
		.resource = { sizeof("team\0shop"), "team\0shop" },
		.requests = { .known = 1,
			      .nr = 1,
			      .routes = { { .method = "GET", .route = "/a", .under_way = 7 } } },
	};
	cr_assert_eq(tally__end(t, &ret->look), 0);
}

static void pack(const struct digest *d, struct textbuf *b)
{
	textbuf__init(b, NULL);
	digest__pack(d, b);
	cr_assert_eq(b->err, 0);
}

Test(digest, comes_as_it_was)
{
	scoped(tally) t = NULL;
	struct digest d, got;
	struct textbuf b;

	cr_assert_eq(tally__new(&t), 0);
	look(t, 1, 1, 10, &d);
	look(t, 2, 4, 20, &d);
	pack(&d, &b);
	cr_assert_eq(digest__unpack(b.v, b.nr, &got), 0);
	cr_expect_eq(got.sums_unix_ns, 5);
	cr_expect_arr_eq(&got.requests, &d.requests, sizeof(d.requests));
	cr_assert_eq(got.resource.len, sizeof("team\0shop"));
	cr_expect_arr_eq(got.resource.v, "team\0shop", sizeof("team\0shop"));
	cr_expect_eq(tally_look__goroutines(&got.look), 20);
	cr_expect_eq(got.look.by_state[RECEIVES], 20);
	cr_expect_eq(got.look.oldest_ns[RECEIVES], 7);
	cr_assert_eq(got.look.nr, 1);
	cr_expect_str_eq(got.look.rows[0].made, "main.a\xff\n");
	cr_expect_str_eq(got.look.rows[0].blocked, "main.b b.go:1");
	cr_expect_eq(got.look.rows[0].state, RECEIVES);
	cr_expect(got.look.rows[0].nr == 20 && got.look.rows[0].waiting == 20 &&
		  got.look.rows[0].births == 13 && got.look.rows[0].exits == 3 &&
		  got.look.rows[0].first == 4 && got.look.rows[0].stack_bytes == 20 * 2048);
	digest__done(&got);
	textbuf__done(&b);
}

/* Each byte as it should not be, and each length that is too short: it is refused, or it is a digest. */
Test(digest, of_any_bytes_is_refused_or_harmless)
{
	scoped(tally) t = NULL;
	scoped(history) h = NULL;
	struct digest d, got;
	struct textbuf b;
	size_t refused = 0;

	cr_assert(!tally__new(&t) && !history__new(&h));
	look(t, 1, 1, 10, &d);
	pack(&d, &b);
	for (size_t i = 0; i < b.nr; i++) {
		char *bytes = malloc(b.nr); /* of that length: reading beyond it is seen */
		int err;

		cr_assert_not_null(bytes);
		memcpy(bytes, b.v, b.nr);
		cr_expect_eq(digest__unpack(bytes, i, &got), -EBADMSG, "%zu bytes", i);
		bytes[i] = (char)0xff;
		err = digest__unpack(bytes, b.nr, &got);
		cr_assert(!err || err == -EBADMSG);
		refused += err != 0;
		if (!err) {
			cr_expect_eq(history__look(h, i, i, &got.look, NULL), 0);
			digest__done(&got);
		}
		free(bytes);
	}
	cr_expect_gt(refused, 16, "numbers of rows, texts, states: %zu", refused);
	textbuf__done(&b);
}
