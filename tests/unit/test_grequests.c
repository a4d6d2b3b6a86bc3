/* SPDX-License-Identifier: BSD-2-Clause */
/* grequests: what is read of requests, later, and without what clients say. */
#include "facts/requests.h"

#include <criterion/criterion.h>

Test(grequests, later_ages_and_deadlines_have_moved)
{
	struct grequest v[] = { { .age_ns = 5, .has_deadline = true, .left_ns = 3 },
				{ .age_ns = -1, .left_ns = 0 } };
	struct grequest_of of[] = { { .has_deadline = true, .left_ns = -1 }, { .left_ns = 0 } };
	struct grequests rs = { .v = v, .nr = 2, .of = of, .nr_of = 2 };

	grequests__later(&rs, 10);
	cr_expect(v[0].age_ns == 15 && v[0].left_ns == -7);
	cr_expect(v[1].age_ns == -1 && v[1].left_ns == 0, "not known, and none");
	cr_expect(of[0].left_ns == -11 && of[1].left_ns == 0);
}

Test(grequests, routes_stay_where_what_clients_say_is_forgotten)
{
	struct grequest v[] = {
		{ .kind = GREQUEST_HTTP,
		  .method = "GET",
		  .path = "/a/7",
		  .route = "/a/{id}",
		  .host = "h",
		  .peer = "p" },
		{ .kind = GREQUEST_OUTGOING, .method = "GET", .path = "/b/7", .host = "upstream" },
		{ .kind = GREQUEST_OUTGOING,
		  .method = "POST",
		  .path = "/shop.Quotes/Get",
		  .scheme = GREQUEST_SCHEME_GRPC,
		  .host = "quotes" },
	};
	struct grequests rs = { .v = v, .nr = 3 };

	grequests__routes_only(&rs);
	cr_expect(!v[0].path && !v[0].host && !v[0].peer && !v[1].path);
	cr_expect_str_eq(v[0].route, "/a/{id}");
	cr_expect_str_eq(v[0].method, "GET");
	cr_expect_str_eq(v[1].host, "upstream", "whom the program calls");
	cr_expect_str_eq(v[2].path, "/shop.Quotes/Get", "a method is as good as a route");
}

Test(grequests, the_text_of_a_cause_stays_only_with_queries)
{
	struct grequest_of of[] = { { .cause_type = "*errors.errorString", .cause = "secret" } };
	struct grequests rs = { .of = of, .nr_of = 1 };

	grequests__keep(&rs, GREQUEST_QUERIES);
	cr_expect_str_eq(of[0].cause, "secret");
	grequests__keep(&rs, GREQUEST_PATHS);
	cr_expect_null(of[0].cause);
	cr_expect_str_eq(of[0].cause_type, "*errors.errorString");
}
