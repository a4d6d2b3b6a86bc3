/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/reqlooks.h"
#include "facts/requests.h"
#include "model/reqlabel.h"
#include "model/rowset.h"
#include "model/snap.h"

#define CONN 7u /* goid of who serves */

static struct grequest alpha, beta;

static struct gsweep at_sweep(uint32_t number, bool marked)
{
	return (struct gsweep){ 0x1000, 0xc000000000, 3, number, marked, true };
}

/* A recording of an event, and looks at one goroutine. */
struct watched {
	struct profile *profile;
	struct reqlooks *looks;
	struct census census;
	struct census_g g;
	struct grequests rs;
	struct grequest_of of;
	struct grequest said;
};

static struct watched *watch(enum profile_event event)
{
	struct watched *w = calloc(1, sizeof(*w));
	const struct profile_opts po = { .event = event, .root = PROFILE_ROOT_ROUTE };

	alpha = (struct grequest){ .kind = GREQUEST_HTTP,
				   .method = "GET",
				   .route = "/alpha/{id}",
				   .object = 0xc000000030,
				   .sweep = at_sweep(4, true) };
	beta = alpha;
	beta.route = "/beta/{id}";
	cr_assert_eq(profile__new(&po, &w->profile), 0);
	profile__begin(w->profile, 1);
	cr_assert_eq(reqlooks__new(&(struct reqlooks_opts){ .profile = w->profile }, &w->looks), 0);
	w->g.who.goid = CONN;
	w->census = (struct census){ .gs = &w->g, .nr = 1 };
	w->rs = (struct grequests){ .v = &w->said, .nr = 1, .of = &w->of, .nr_of = 1 };
	return w;
}

static void unwatch(struct watched *w)
{
	reqlooks__free(w->looks);
	profile__free(w->profile);
	free(w);
}

/* q NULL: nothing is said of it. */
static void look(struct watched *w, uint64_t begin_ns, uint64_t end_ns, const struct grequest *q,
		 enum grequest_relation r)
{
	w->of = (struct grequest_of){ .request = q != NULL, .relation = (uint8_t)r };
	if (q)
		w->said = *q;
	cr_assert_eq(reqlooks__told(w->looks, 0, &w->census, &w->rs, begin_ns, end_ns), 0);
}

/* Of a label: its route, or why there is none. */
static const char *route_of(const struct watched *w, uint32_t label,
			    char buf[REQLABEL_TEXT_MAX + 1])
{
	struct reqlabel l;

	reqlabel__get(profile__label_text(w->profile, label), buf, &l);
	return l.why ? l.why : l.route;
}

static void sample(struct watched *w, uint64_t at_ns)
{
	reqlooks__cpu(w->looks,
		      &(struct pw_cpu){ .hdr = { .ts_ns = at_ns, .goid = CONN }, .ns = 1 },
		      PW_STACK_ID_NONE, true);
}

/* What all samples so far were for; "": none is in the profile. */
static const char *sampled(struct watched *w, char buf[REQLABEL_TEXT_MAX + 1])
{
	const struct rowset_row *row = rowset__next(profile__rows(w->profile), NULL);

	buf[0] = '\0';
	return row ? route_of(w, (uint32_t)row->key.root, buf) : buf;
}

Test(reqlooks, a_wait_has_the_request_that_a_look_found_in_it)
{
	static const struct {
		const char *why;
		uint64_t start, end;
		const char *want;
	} t[] = {
		{ "both looks are in it: the same wait", 50, 500, "GET /beta/{id}" },
		{ "the first one is in it", 50, 220, "GET /alpha/{id}" },
		{ "the second one only", 150, 500, "GET /beta/{id}" },
		{ "it began while the look went on", 105, 150, REQLABEL_NO_LOOK },
		{ "it ended while the look went on", 50, 105, REQLABEL_NO_LOOK },
		{ "between two looks", 120, 180, REQLABEL_NO_LOOK },
	};
	struct watched *w = watch(PROFILE_BLOCKED);
	char buf[REQLABEL_TEXT_MAX + 1];

	look(w, 100, 110, &alpha, GREQUEST_OF);
	look(w, 200, 230, &beta, GREQUEST_SERVES);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_str_eq(route_of(w,
					  reqlooks__wait(w->looks, 0, CONN, t[i].start, t[i].end),
					  buf),
				 t[i].want, "%s", t[i].why);
	cr_expect_str_eq(route_of(w, reqlooks__wait(w->looks, 0, 8, 50, 500), buf),
			 REQLABEL_NO_LOOK, "nobody has met it");
	unwatch(w);
}

Test(reqlooks, what_nobody_works_for_is_no_request)
{
	static const enum grequest_relation others[] = { GREQUEST_AWAITED_BY, GREQUEST_MADE_IN };
	struct watched *w = watch(PROFILE_BLOCKED);
	char buf[REQLABEL_TEXT_MAX + 1];
	struct grequest sent = alpha;
	uint64_t at = 100;

	sent.kind = GREQUEST_OUTGOING;
	for (size_t i = 0; i < 4; i++, at += 100) {
		look(w, at, at + 10,
		     i == 0   ? NULL
		     : i == 1 ? &sent
			      : &alpha,
		     i < 2 ? GREQUEST_OF : others[i - 2]);
		cr_expect_str_eq(route_of(w, reqlooks__wait(w->looks, 0, CONN, at - 1, at + 50),
					  buf),
				 REQLABEL_NONE, "case %zu", i);
	}
	look(w, at, at + 10, NULL, GREQUEST_NONE);
	w->of.in_hand = 2;
	cr_assert_eq(reqlooks__told(w->looks, 0, &w->census, &w->rs, at + 100, at + 110), 0);
	cr_expect_str_eq(route_of(w, reqlooks__wait(w->looks, 0, CONN, at + 50, at + 150), buf),
			 REQLABEL_SEVERAL);
	unwatch(w);
}

/* A sample at 150, after a look at 100; then others. */
static void expect_sampled(const char *why, const struct grequest *before,
			   enum grequest_relation relation, const struct grequest *after,
			   const char *want)
{
	struct watched *w = watch(PROFILE_CPU);
	char buf[REQLABEL_TEXT_MAX + 1];

	look(w, 100, 110, before, relation);
	sample(w, 150);
	look(w, 200, 210, NULL, GREQUEST_NONE); /* it runs: nobody says anything of it */
	look(w, 300, 310, after, GREQUEST_SERVES);
	reqlooks__end(w->looks);
	cr_expect_str_eq(sampled(w, buf), want, "%s", why);
	unwatch(w);
}

Test(reqlooks, a_sample_has_the_request_that_was_served_before_and_after_it)
{
	struct watched *w = watch(PROFILE_CPU);
	struct grequest again;
	char buf[REQLABEL_TEXT_MAX + 1];

	expect_sampled("the very same", &alpha, GREQUEST_SERVES, &alpha, "GET /alpha/{id}");
	again = alpha;
	again.sweep = at_sweep(6, true);
	expect_sampled("swept once, in use", &alpha, GREQUEST_SERVES, &again, "GET /alpha/{id}");
	again.sweep = at_sweep(6, false);
	expect_sampled("swept, and free", &alpha, GREQUEST_SERVES, &again, REQLABEL_CHANGED);
	again.sweep = at_sweep(8, true);
	expect_sampled("swept twice", &alpha, GREQUEST_SERVES, &again, REQLABEL_CHANGED);
	again.sweep.known = false;
	expect_sampled("nobody knows", &alpha, GREQUEST_SERVES, &again, REQLABEL_CHANGED);
	again = alpha;
	again.object += 48;
	expect_sampled("another one", &alpha, GREQUEST_SERVES, &again, REQLABEL_CHANGED);
	expect_sampled("it had it in hand", &alpha, GREQUEST_OF, &alpha, REQLABEL_HAS);
	expect_sampled("it has ended", &alpha, GREQUEST_SERVES, NULL, REQLABEL_NO_LOOK);
	sample(w, 50);
	cr_expect_str_eq(sampled(w, buf), REQLABEL_NO_LOOK, "nobody has looked yet");
	unwatch(w);
}

Test(reqlooks, of_http2_a_goroutine_serves_one_request)
{
	struct grequest before, after;

	unwatch(watch(PROFILE_CPU));
	before = after = alpha;
	before.kind = after.kind = GREQUEST_HTTP2;
	after.sweep = at_sweep(40, true);
	expect_sampled("swept often", &alpha, GREQUEST_SERVES, &after, REQLABEL_CHANGED);
	expect_sampled("swept often", &before, GREQUEST_SERVES, &after, "GET /alpha/{id}");
}

/* What was told of allocations: how many calls, of what. */
struct told {
	struct watched *w;
	unsigned int nr;
	struct pw_alloc last;
	char text[REQLABEL_TEXT_MAX + 1];
};

static void tell(void *ctx, const struct pw_alloc *a, uint32_t label)
{
	char buf[REQLABEL_TEXT_MAX + 1];
	struct told *t = ctx;

	t->nr++;
	t->last = *a;
	snprintf(t->text, sizeof(t->text), "%s", route_of(t->w, label, buf));
}

static void allocate(struct watched *w, uint64_t at_ns, uint64_t goid, uint64_t stack_id)
{
	reqlooks__alloc(w->looks, &(struct pw_alloc){ .hdr = { .ts_ns = at_ns, .goid = goid },
						      .key = { .stack_id = stack_id },
						      .sum = { 1, 64 } });
}

Test(reqlooks, an_allocation_has_the_request_that_was_served_before_and_after_it)
{
	struct watched *w = watch(PROFILE_ALLOC);
	struct told t = { .w = w };

	reqlooks__allocs(w->looks, tell, &t);
	allocate(w, 50, CONN, 1);
	cr_expect_str_eq(t.text, REQLABEL_NO_LOOK, "nobody has looked yet");
	look(w, 100, 110, &alpha, GREQUEST_SERVES);
	allocate(w, 105, CONN, 1);
	cr_expect_eq(t.nr, 2, "it was while the look went on");
	cr_expect_str_eq(t.text, REQLABEL_NO_LOOK);
	allocate(w, 120, 0, 1);
	cr_expect_str_eq(t.text, REQLABEL_NOBODY);
	allocate(w, 150, CONN, 1);
	allocate(w, 160, CONN, 1);
	cr_expect_eq(t.nr, 3, "a look after it is still to come");
	look(w, 155, 158, &alpha, GREQUEST_SERVES);
	cr_expect_eq(t.nr, 3, "one of them was after that look");
	look(w, 200, 210, &alpha, GREQUEST_SERVES);
	cr_assert_eq(t.nr, 4);
	cr_expect_str_eq(t.text, "GET /alpha/{id}");
	cr_expect(t.last.sum.objects == 2 && t.last.sum.bytes == 128, "both as one");
	allocate(w, 250, CONN, 1);
	look(w, 300, 310, &beta, GREQUEST_SERVES); /* in the same memory, swept in between */
	cr_expect_eq(t.nr, 5);
	cr_expect_str_neq(t.text, "GET /beta/{id}");
	cr_expect_str_neq(t.text, "GET /alpha/{id}");
	unwatch(w);
}

Test(reqlooks, allocations_of_two_requests_are_never_told_as_one)
{
	struct watched *w = watch(PROFILE_ALLOC);
	struct told t = { .w = w };
	struct grequest other = beta;

	reqlooks__allocs(w->looks, tell, &t);
	other.object += 48;
	look(w, 100, 110, &alpha, GREQUEST_SERVES);
	allocate(w, 150, CONN, 1);
	look(w, 200, 210, &other, GREQUEST_SERVES);
	cr_expect_eq(t.nr, 1);
	cr_expect_str_eq(t.text, REQLABEL_CHANGED);
	allocate(w, 250, CONN, 1);
	look(w, 300, 310, &other, GREQUEST_SERVES);
	cr_expect_eq(t.nr, 2);
	cr_expect_eq(t.last.sum.objects, 1);
	cr_expect_str_eq(t.text, "GET /beta/{id}");
	allocate(w, 350, CONN, 1);
	allocate(w, 360, CONN, 2);
	reqlooks__end(w->looks);
	cr_expect_eq(t.nr, 4);
	cr_expect_str_eq(t.text, REQLABEL_NO_LOOK, "no look came after it");
	unwatch(w);
}
