/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <json-c/json.h>

#include "leaks_fake.h"
#include "view/leak_outgoing.h"
#include "view/leak_requests.h"

#define LOOKS    7
#define EACH     3 /* goroutines more at each look */
#define NR       ((LOOKS - 1) * EACH)
#define REQUESTS 12
#define SECOND   ((int64_t)FAKE_SECOND)

/* Goroutines 100, 101, ... in main.worker, each at a channel of its own, and their requests. */
struct scene {
	struct census c;
	struct census_g gs[NR];
	struct census_wait waits[NR];
	struct grequest v[REQUESTS];
	struct grequest_of of[NR];
	struct grequests rs;
};

static void scene__look(struct scene *s, int look)
{
	const size_t nr = (size_t)look * EACH;

	for (size_t i = 0; i < nr; i++) {
		s->gs[i] = (struct census_g){ .who = { 100 + i, 1, PC_MAIN, START_GOWRAP },
					      .sp = 0x9f00,
					      .waits_at = (uint32_t)i,
					      .nr_waits = 1,
					      .m = -1,
					      .p = -1,
					      .status = GOSTATUS_WAITING,
					      .reason = FAKE_CHAN_RECEIVE };
		s->waits[i] = (struct census_wait){ .addr = 0xc000000000 + 96 * i,
						    .kind = CENSUS_WAIT_CHAN,
						    .direction = CENSUS_DIR_RECEIVE };
	}
	s->c = fake_census;
	s->c.gs = s->gs;
	s->c.nr = nr;
	s->c.waits = s->waits;
	s->c.nr_waits = nr;
	s->c.unsettled = s->c.refused = 0;
	s->c.taken_ns = FAKE_NOW_NS + (uint64_t)look * 5 * FAKE_SECOND;
}

/* Watched, and judged; chans: what is known of the channels. */
static struct leaks *watched(struct scene *s, const struct gchans *chans)
{
	static const struct verdict_opts opts = { .min_age_ns = VERDICT_MIN_AGE_NS,
						  .min_count = VERDICT_MIN_COUNT,
						  .min_more = VERDICT_MIN_MORE,
						  .min_per_min = VERDICT_MIN_PER_MIN };
	struct leaks *l = NULL;

	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++) {
		scene__look(s, look);
		fake_look(l, &s->c);
	}
	fake_facts(l, (struct gchans *)chans);
	cr_assert_eq(leaks__finish(l, &opts), 0);
	s->rs = (struct grequests){ .v = s->v, .nr = REQUESTS, .of = s->of, .nr_of = NR };
	return l;
}

/* What the report says of them, and its recording says the same. */
static char *told(struct leaks *l, const struct scene *s, bool json)
{
	const struct leaks_show how = { .meta = &fake_meta,
					.allocs_why = "",
					.proof = { .doubt = "" } };
	const struct grequests *rs = &s->rs;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(leak_requests__note(l, &rs), 0);
	cr_assert_eq(leak_outgoing__note(l, &rs), 0);
	cr_assert_eq((json ? leaks_show__json : leaks_show__text)(l, &how, out, NULL), 0);
	fclose(out);
	expect_recorded(l, &how, json, text);
	return text;
}

/* Two goroutines of each of six requests that are over, four of two without a route, two of one. */
static void some_requests(struct scene *s)
{
	static const char *const paths[] = { "/quote/0", "/quote/1", "/quote/2",
					     "/quote/3", "/quote/4", "/quote/5",
					     "/img/a",   "/img/b",   "/pay" };

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		s->v[i] = (struct grequest){ .method = i == 8 ? "POST" : "GET",
					     .path = paths[i],
					     .route = i < 6 ? "/quote/{id}" : NULL,
					     .over = i < 6,
					     .age_ns = -1,
					     .trace.trace_id = { 0x0a, (uint8_t)(i / 2) } };
	for (size_t i = 0; i < NR; i++)
		s->of[i] = (struct grequest_of){
			.request = (uint32_t)i / 2 + 1,
			.relation = i == 16 ? GREQUEST_SERVES : GREQUEST_OF,
			.cancelled = i < 12,
			.has_deadline = i < 12,
			.left_ns = -(31 + (int64_t)i / 2) * SECOND,
			.ended_by = i < 8    ? GCONTEXT_OWN_DEADLINE
				    : i < 11 ? GCONTEXT_PARENT_DEADLINE
					     : GCONTEXT_END_UNKNOWN,
		};
}

static const struct gchans no_chans;

Test(leak_requests, are_told_by_route)
{
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL;

	some_requests(&s);
	l = watched(&s, &no_chans);
	text = told(l, &s, false);
	cr_expect(strstr(text, "  requests    12 goroutines, of 6 requests to GET /quote (route "
			       "/quote/{id}), all over\n"
			       "              4 goroutines, of 2 requests to GET /img/...\n"
			       "              1 goroutine serves 1 request to POST /pay\n"
			       "              1 goroutine, of 1 request to POST /pay\n"
			       "  traces      0a000000000000000000000000000000 "
			       "0a010000000000000000000000000000 "
			       "0a020000000000000000000000000000 ...\n"),
		  "%s", text);
}

static void expect_member(struct json_object *all, const char *path, const char *want)
{
	struct json_object *v = NULL;

	cr_expect_eq(json_pointer_get(all, path, &v), 0, "%s is not there", path);
	cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE),
			 want, "%s", path);
}

Test(leak_requests, are_json_as_it_is_promised)
{
	static const struct {
		const char *path, *want;
	} t[] = {
		{ "/groups/0/requests/of", "9" },
		{ "/groups/0/requests/over", "6" },
		{ "/groups/0/requests/routes/0/route", "\"GET /quote/{id}\"" },
		{ "/groups/0/requests/routes/0/count", "12" },
		{ "/groups/0/requests/routes/0/path", "\"/quote\"" },
		{ "/groups/0/requests/routes/0/over", "6" },
		{ "/groups/0/requests/routes/1/route", "null" },
		{ "/groups/0/requests/routes/2/relation", "\"serves\"" },
		{ "/groups/0/requests/others", "0" },
		{ "/groups/0/requests/trace_ids/4", "\"0a040000000000000000000000000000\"" },
		{ "/groups/0/ignores_context/count", "12" },
		{ "/groups/0/ignores_context/deadline_passed_s",
		  "{\"min\":31.000,\"max\":36.000}" },
		{ "/groups/0/ignores_context/ended_by",
		  "[{\"by\":\"own deadline\",\"count\":8},{\"by\":\"parent's "
		  "deadline\",\"count\":3}]" },
		{ "/groups/0/calls", "null" },
		{ "/groups/0/ignores_context/cure", "\"select with ctx.Done()\"" },
		{ "/groups/0/ignores_context/look_at",
		  "{\"func\":\"main.worker\",\"file\":\"main.go\",\"line\":20}" },
		{ "/requests_why", "null" },
	};
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL;
	struct json_object *all;

	some_requests(&s);
	l = watched(&s, &no_chans);
	text = told(l, &s, true);
	all = json_tokener_parse(text);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		expect_member(all, t[i].path, t[i].want);
	json_object_put(all);
}

Test(leak_requests, of_many_routes_are_those_of_the_most_goroutines)
{
	static const char *const routes[REQUESTS] = { "/0", "/1", "/2", "/3", "/4",  "/5",
						      "/6", "/7", "/8", "/9", "/10", "/11" };
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL;

	memset(&s, 0, sizeof(s));
	for (size_t i = 0; i < REQUESTS; i++)
		s.v[i] = (struct grequest){ .method = "GET", .route = routes[i], .age_ns = -1 };
	for (size_t i = 0; i < NR; i++) /* six have two, the others one */
		s.of[i] = (struct grequest_of){ .request = (uint32_t)(i % REQUESTS) + 1,
						.relation = GREQUEST_OF };
	l = watched(&s, &no_chans);
	text = told(l, &s, false);
	for (size_t i = 0; i < 6; i++)
		cr_expect(strstr(text, "2 goroutines, of 1 request to GET route "), "%s", text);
	cr_expect_eq(l->entries[0].requests->nr_routes, LEAK_ROUTES_MAX);
	cr_expect_eq(l->entries[0].requests->routes[5].count, 2);
	cr_expect_eq(l->entries[0].requests->routes[6].count, 1);
	cr_expect(strstr(text, "              4 more, of other requests\n"), "%s", text);
}

Test(leak_requests, an_ended_context_is_evidence_with_its_cure)
{
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL;

	some_requests(&s);
	l = watched(&s, &no_chans);
	text = told(l, &s, false);
	cr_expect(strstr(text, "; ignores its context: 12 have one that has ended, and still wait; "
			       "deadlines passed 31s to 36s ago; ended by: own deadline 8, "
			       "parent's deadline 3\n"),
		  "%s", text);
	cr_expect(strstr(text, "  cure        select with ctx.Done(), at main.worker main.go:20\n"),
		  "%s", text);
}

/* Ten call one of two paths, four gRPC, and four others: one each. */
static void some_calls(struct scene *s)
{
	static const char *const hosts[] = { "up", "up", "quotes", "a", "b", "c", "d" };

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		s->v[i] = (struct grequest){ .kind = GREQUEST_OUTGOING,
					     .method = "GET",
					     .scheme = i == 2 ? GREQUEST_SCHEME_GRPC : "http",
					     .host = hosts[i],
					     .path = i == 2 ? "/shop.Quotes/Get"
						     : i    ? "/x/1"
							    : "/x/0",
					     .age_ns = -1 };
	for (size_t i = 0; i < NR; i++)
		s->of[i].calls = i < 10 ? (uint32_t)i % 2 + 1 : i < 14 ? 3 : (uint32_t)i - 10;
}

Test(leak_requests, what_they_have_sent_is_told_by_where_to)
{
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL, *json = NULL;
	struct json_object *all;

	some_calls(&s);
	l = watched(&s, &no_chans);
	text = told(l, &s, false);
	cr_expect(strstr(text, "  calls       10 goroutines call GET http://up/x/...\n"
			       "              4 goroutines call /shop.Quotes/Get at quotes\n"
			       "              1 goroutine calls GET http://a/x/1\n"
			       "              1 goroutine calls GET http://b/x/1\n"
			       "              2 more, that call others\n"),
		  "%s", text);
	json = told(l, &s, true);
	all = json_tokener_parse(json);
	expect_member(all, "/groups/0/calls/count", "18");
	expect_member(all, "/groups/0/calls/others", "2");
	expect_member(all, "/groups/0/calls/to/1",
		      "{\"method\":\"GET\",\"scheme\":\"grpc\",\"host\":\"quotes\",\"path\":"
		      "\"/shop.Quotes/Get\",\"count\":4,\"wait_s\":null}");
	expect_member(all, "/groups/0/requests", "null");
	json_object_put(all);
}

static uint64_t ignored(struct scene *s, const struct gchans *chans)
{
	scoped(leaks) l = watched(s, chans);
	const struct grequests *rs = &s->rs;
	const struct leak_ignored *i;

	cr_assert_eq(leak_requests__note(l, &rs), 0);
	i = leak_requests__ignored(&l->entries[0]);
	return i ? i->count : 0;
}

Test(leak_requests, an_ended_context_is_no_evidence_of_who_may_look_at_it)
{
	struct gchan done[NR];
	const struct gchans chans = { .v = done, .nr = NR };
	struct scene s;

	for (size_t i = 0; i < NR; i++)
		done[i] = (struct gchan){ .addr = 0xc000000000 + 96 * i, .settled = true };
	some_requests(&s);
	cr_expect_eq(ignored(&s, &chans), 12, "the Done of what is over is closed");
	for (size_t i = 0; i < REQUESTS; i++)
		s.v[i].over = false;
	cr_expect_eq(ignored(&s, &chans), 0, "of another context");
	cr_expect_eq(ignored(&s, &no_chans), 12, "it is no Done");
	for (size_t i = 0; i < NR; i++)
		s.of[i].cancelled = false;
	cr_expect_eq(ignored(&s, &no_chans), 0, "another one in hand has ended");
	for (size_t i = 0; i < NR; i++) {
		s.of[i].cancelled = true;
		s.of[i].relation = GREQUEST_MADE_IN;
	}
	cr_expect_eq(ignored(&s, &no_chans), 0, "it has none in hand");
	for (size_t i = 0; i < NR; i++)
		s.of[i].relation = GREQUEST_OF;
	cr_expect_eq(ignored(&s, &no_chans), NR - EACH, "the last ones have just begun to wait");
}

Test(leak_requests, that_could_not_be_read_are_said_to_be_not_known)
{
	const struct leaks_show how = { .meta = &fake_meta,
					.allocs_why = "",
					.requests_why = "reading was cut short",
					.proof = { .doubt = "" } };
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL, *json = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	memset(&s, 0, sizeof(s));
	l = watched(&s, &no_chans);
	cr_assert_eq(leaks_show__text(l, &how, out, NULL), 0);
	fclose(out);
	cr_expect(strstr(text, "  requests    not known: reading was cut short\n"), "%s", text);
	expect_recorded(l, &how, false, text);
	out = open_memstream(&json, &len);
	cr_assert_eq(leaks_show__json(l, &how, out, NULL), 0);
	fclose(out);
	cr_expect(strstr(json, "\"requests\":null,\"calls\":null,\"ignores_context\":null"), "%s",
		  json);
	cr_expect(strstr(json, "\"requests_why\":\"reading was cut short\""), "%s", json);
	expect_recorded(l, &how, true, json);
}

Test(leak_requests, are_left_out_where_nothing_is_said)
{
	struct scene s;
	scoped(leaks) l = NULL;
	scoped_mem char *text = NULL;

	memset(&s, 0, sizeof(s));
	l = watched(&s, &no_chans);
	text = told(l, &s, false);
	cr_expect_null(strstr(text, "requests"), "%s", text);
}

Test(grequests, keep_what_may_be_told)
{
	struct grequest v[2], was[2] = {
		{ .path = "/a", .query = "b", .route = "/{x}", .host = "h", .peer = "p" },
		{ .path = "/a", .query = "b", .host = "h", .kind = GREQUEST_OUTGOING },
	};
	struct grequests rs = { .v = v, .nr = 2 };

	memcpy(v, was, sizeof(v));
	grequests__keep(&rs, GREQUEST_QUERIES);
	cr_expect_str_eq(v[0].query, "b");
	grequests__keep(&rs, GREQUEST_PATHS);
	cr_expect_null(v[0].query);
	cr_expect_str_eq(v[0].path, "/a");
	memcpy(v, was, sizeof(v));
	grequests__keep(&rs, GREQUEST_ROUTES);
	for (size_t i = 0; i < 2; i++)
		cr_expect(!v[i].path && !v[i].query && !v[i].peer, "%zu", i);
	cr_expect_null(v[0].host);
	cr_expect_str_eq(v[0].route, "/{x}");
	cr_expect_str_eq(v[1].host, "h");
}
