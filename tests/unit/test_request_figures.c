/* SPDX-License-Identifier: BSD-2-Clause */
/* request_figures: what metrics tell of requests. */
#include "dump_fake.h"

#include "serve/request_figures.h"

static struct request_route route(const char *name, uint64_t nr)
{
	struct request_route r = { .under_way = nr, .past_deadline = 1, .oldest_ns = nr };

	snprintf(r.method, sizeof(r.method), "GET");
	snprintf(r.route, sizeof(r.route), "%s", name);
	return r;
}

static void add(struct request_figures *f, const char *name, uint64_t nr)
{
	const struct request_route r = route(name, nr);

	f->known = 1;
	request_figures__add(f, &r);
}

/* under_way; UINT64_MAX: it has no place */
static uint64_t at(const struct request_figures *f, const char *name)
{
	for (size_t i = 0; i < f->nr; i++)
		if (!strcmp(f->routes[i].route, name))
			return f->routes[i].under_way;
	return UINT64_MAX;
}

static void fill(struct request_figures *f, unsigned int first, unsigned int nr)
{
	for (unsigned int i = first; i < first + nr; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/%u", i);
		add(f, name, 10 + i);
	}
}

Test(request_figures, have_the_routes_with_the_most_requests_and_a_sum_of_the_others)
{
	struct request_figures f = { 0 };

	fill(&f, 0, REQUEST_ROUTES_MAX + 2);
	add(&f, "/0", 100);
	cr_expect_eq(f.nr, REQUEST_ROUTES_MAX);
	cr_expect_eq(at(&f, "/21"), 31);
	cr_expect_eq(at(&f, "/0"), 100, "one that went to the others is back when it is large");
	cr_expect_eq(f.other.under_way, 10 + 11 + 12, "/0 before, /1, /2");
	cr_expect_eq(f.other.past_deadline, 3);
	cr_expect_eq(f.other.oldest_ns, 12);
}

Test(request_figures, a_route_keeps_its_place_until_another_needs_it)
{
	struct request_figures to = { 0 }, now = { 0 };

	fill(&to, 0, REQUEST_ROUTES_MAX);
	add(&now, "/3", 1);
	add(&now, "/new", 5);
	request_figures__follow(&to, &now);
	cr_expect_eq(to.nr, REQUEST_ROUTES_MAX);
	cr_expect_eq(at(&to, "/3"), 1);
	cr_expect_eq(at(&to, "/new"), 5);
	cr_expect_eq(at(&to, "/0"), UINT64_MAX, "it had none, and was the first");
	cr_expect_eq(at(&to, "/7"), 0, "it has none now");
	request_figures__follow(&to, &(struct request_figures){ .known = 0 });
	cr_expect_eq(to.known, 0, "they could not be read");
	cr_expect_eq(at(&to, "/new"), 0);
}

Test(request_figures, are_of_what_is_served_now)
{
	struct grequest v[] = {
		{ .kind = GREQUEST_HTTP,
		  .method = "GET",
		  .route = "/a",
		  .age_ns = -1,
		  .served_by = 18,
		  .has_deadline = true,
		  .left_ns = -5 },
		{ .kind = GREQUEST_HTTP,
		  .method = "GET",
		  .route = "/a",
		  .age_ns = 600 * FAKE_SECOND },
		{ .kind = GREQUEST_HTTP2, .method = "BREW", .age_ns = -1 },
		{ .kind = GREQUEST_OUTGOING, .method = "GET", .route = "/a", .age_ns = -1 },
		{ .kind = GREQUEST_HTTP,
		  .method = "GET",
		  .route = "/a",
		  .age_ns = -1,
		  .over = true },
	};
	struct grequest_of of[FAKE_GS] = {
		[1] = { .request = 1, .relation = GREQUEST_SERVES },     /* waits for 125 s */
		[2] = { .request = 3, .relation = GREQUEST_AWAITED_BY }, /* for 59 s */
	};
	const struct grequests rs = { .v = v, .nr = 5, .of = of, .nr_of = FAKE_GS };
	const struct grequests *const all[] = { &rs };
	struct dump_input in = { .censuses = fake_censuses, .namers = &dump_namer, .nr = 1 };
	struct request_figures f;
	scoped(dump) d = NULL;

	in.requests = all;
	cr_assert_eq(dump__new(&in, &(struct dump_opts){ 0 }, &d), 0);
	cr_assert_eq(request_figures_of(d, &f), 0);
	cr_expect_eq(f.known, 1);
	cr_expect_eq(f.over, 1);
	cr_assert_eq(f.nr, 2);
	cr_expect_str_eq(f.routes[0].method, "GET");
	cr_expect_eq(f.routes[0].under_way, 2);
	cr_expect_eq(f.routes[0].past_deadline, 1);
	cr_expect_eq(f.routes[0].oldest_ns, 600 * FAKE_SECOND, "older than any wait");
	cr_expect_str_eq(f.routes[1].method, "other", "clients choose methods");
	cr_expect_str_eq(f.routes[1].route, "unknown");
	cr_expect_eq(f.routes[1].oldest_ns, 0, "what another has in hand may be older than it");
	v[1].age_ns = -1;
	cr_assert_eq(request_figures_of(d, &f), 0);
	cr_expect_eq(f.routes[0].oldest_ns, 125 * FAKE_SECOND, "as long as who serves it waits");
}

Test(request_figures, a_dump_without_requests_knows_none)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	struct request_figures f;

	cr_assert_eq(request_figures_of(d, &f), 0);
	cr_expect(!f.known && !f.nr);
}

Test(request_figures, that_make_no_sense_are_refused)
{
	struct request_figures f = { 0 }, got;

	add(&f, "/a", 1);
	cr_expect_eq(request_figures__unpack((char *)&f, sizeof(f), &got), 0);
	cr_expect_eq(request_figures__unpack((char *)&f, sizeof(f) - 1, &got), -EBADMSG);
	memset(f.routes[0].route, 'a', sizeof(f.routes[0].route));
	cr_expect_eq(request_figures__unpack((char *)&f, sizeof(f), &got), -EBADMSG, "no NUL");
	f.routes[0].route[0] = '\0';
	f.routes[0].route[REQUEST_ROUTE_MAX - 1] = '\0';
	f.nr = REQUEST_ROUTES_MAX + 1;
	cr_expect_eq(request_figures__unpack((char *)&f, sizeof(f), &got), -EBADMSG);
}

Test(request_figures, the_youngest_long_wait_in_a_trace_is_known)
{
	struct grequest_of of[FAKE_GS] = {
		[1] = { .trace = { .trace_id = { 1 }, .span_id = { 2 } } }, /* for 125 s */
		[2] = { .trace = { .trace_id = { 1 } } },                   /* for 59 s */
		[4] = { .trace = { .trace_id = { 1 }, .span_id = { 2 } } }, /* nobody knows */
	};
	const struct grequests rs = { .of = of, .nr_of = FAKE_GS };
	const struct grequests *const all[] = { &rs };
	struct dump_input in = { .censuses = fake_censuses, .namers = &dump_namer, .nr = 1 };
	struct request_figures f;
	scoped(dump) d = NULL;

	in.requests = all;
	cr_assert_eq(dump__new(&in, &(struct dump_opts){ 0 }, &d), 0);
	cr_assert_eq(request_figures_of(d, &f), 0);
	cr_expect_eq(f.traced_since_ns, FAKE_NOW_NS - 125 * FAKE_SECOND,
		     "the other has no span in hand");
	of[2].trace.span_id[0] = 3;
	cr_assert_eq(request_figures_of(d, &f), 0);
	cr_expect_eq(f.traced_since_ns, FAKE_NOW_NS - 59 * FAKE_SECOND);
}
