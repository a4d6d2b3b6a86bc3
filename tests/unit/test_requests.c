/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "fake_web.h"
#include "requests/header.h"
#include "requests/requests.h"

#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

static struct fake_web web;
static uint64_t moves_at;

static void begin(int minor)
{
	cr_assert(fake_web__init(&web, minor), "Go 1.%d", minor);
}

static struct grequests *read_all(void)
{
	struct grequests *rs = NULL;
	struct cause why = { "" };

	cr_assert_eq(fake_web__read(&web, NULL, &rs, &why), 0, "%s", why.text);
	cr_assert_eq(rs->nr_of, FW_GS);
	return rs;
}

static void expect_silence(const char *why)
{
	scoped(grequests) rs = read_all();

	for (size_t i = 0; i < rs->nr_of; i++)
		cr_expect_eq(rs->of[i].request, 0, "%s: goroutine %zu", why, 10 + i);
}

/* What the goroutine that has a context is told of; NULL: nothing. */
static const struct grequest *of_child(const struct grequests *rs)
{
	return rs->of[1].request ? &rs->v[rs->of[1].request - 1] : NULL;
}

Test(requests, are_told_in_every_version)
{
	for_each_minor(minor)
	{
		scoped(grequests) rs = NULL;

		begin(minor);
		rs = read_all();
		cr_assert_eq(rs->nr, 1, "Go 1.%d: %zu", minor, rs->nr);
		cr_expect_str_eq(rs->v[0].method, "GET");
		cr_expect_str_eq(rs->v[0].path, "/quote/7", "without its query");
		cr_expect_str_eq(rs->v[0].route, "/quote/{id}");
		cr_expect_str_eq(rs->v[0].host, "api");
		cr_expect_eq(rs->v[0].served_by, 10);
		cr_expect_eq(rs->v[0].kind, GREQUEST_HTTP);
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES, "Go 1.%d", minor);
		cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "Go 1.%d", minor);
		cr_expect(rs->of[1].made_by_it);
		cr_expect_eq(rs->of[2].request, 0, "it has nothing");
		cr_expect_not(rs->v[0].over);
		fake_web__done(&web);
	}
}

Test(requests, of_a_program_without_a_server_are_none)
{
	const struct gofacts *go = gofacts_of(26);

	begin(26);
	fake_put(&web.module, FAKE_MD + go->md_typelinks + 8u, 0, 8);
	expect_silence("no type is listed");
	fake_web__done(&web);
}

/* The word of the pair says what lies there: left-overs are proved wrong. */
Test(requests, are_not_told_by_a_left_over_of_a_table_of_methods)
{
	begin(26);
	fw_word(&web, fw_local(1, 0, 0), fw_itab(&web, FW_CANCEL_P));
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "the context is one all the same");
	}
	fw_word(&web, web.value, 0x1234);
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(of_child(rs), "it is no context");
	}
	fake_web__done(&web);
}

Test(requests, need_words_that_a_map_calls_alive)
{
	begin(26);
	fw_word(&web, fw_local(1, 0, 0), web.value);
	fw_word(&web, fw_local(1, 0, 1), 0);
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].request, 0, "word 0 is a left-over");
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES);
	}
	fake_web__done(&web);
}

Test(requests, need_a_connection_and_a_response_that_lead_to_each_other)
{
	begin(26);
	fw_word(&web, web.response, web.conn + 32);
	expect_silence("the response is another connection's");
	fake_web__done(&web);
	begin(26);
	fw_word(&web, web.conn, 0);
	expect_silence("the connection waits for the next request");
	fake_web__done(&web);
}

/* net/http has more to do with a request, before its handler and after it. */
Test(requests, need_a_handler_that_runs)
{
	begin(26);
	fw_word(&web, fw_local(0, 0, 3), web.e[FW_F] + 0x10);
	expect_silence("conn.serve has called something else");
	fake_web__done(&web);
}

/* A child waits for ctx.Done(): it has the channel, and no context any more. */
Test(requests, are_told_by_the_channel_of_their_context)
{
	const uint64_t chan = FW_HEAP + FW_112 * GOHEAP_PAGE + 50 * 112;

	begin(26);
	fw_word(&web, fw_local(1, 0, 0), 0);
	fw_word(&web, fw_local(1, 0, 1), 0);
	fw_word(&web, web.own + 16, chan);
	fw_go(&web, 1, false, chan);
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].relation, GREQUEST_OF);
	}
	fake_web__done(&web);
}

/* Two connections that claim one context: it is nobody's. */
Test(requests, that_two_claim_are_nobodys)
{
	uint64_t conn, response;

	begin(26);
	conn = fw_object(&web, FW_32);
	response = fw_object(&web, FW_16);
	fw_word(&web, conn, response);
	fw_word(&web, response, conn);
	fw_word(&web, response + 8, web.request);
	fw_go(&web, 2, true, 0);
	fw_word(&web, fw_local(2, 2, 1), conn);
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(of_child(rs));
	}
	fake_web__done(&web);
}

Test(requests, in_hand_are_counted_where_there_are_several)
{
	uint64_t own, value, conn, response, request;

	begin(26);
	own = fw_context(&web, FW_CANCEL_P, 0);
	value = fw_context(&web, FW_CANCEL_P, own);
	request = fw_object(&web, FW_112);
	memcpy(fw_at(&web, request, 112), fw_at(&web, web.request, 112), 112);
	fw_word(&web, request + 80, own);
	conn = fw_object(&web, FW_32);
	response = fw_object(&web, FW_16);
	fw_word(&web, conn, response);
	fw_word(&web, response, conn);
	fw_word(&web, response + 8, request);
	fw_go(&web, 2, true, 0);
	fw_word(&web, fw_local(2, 2, 1), conn);
	/* a second frame of main.f for goroutine 11 */
	fw_word(&web, fw_local(1, 0, 3), web.e[FW_F] + 0x10);
	fw_word(&web, fw_local(1, 1, 3), web.e[FW_GOEXIT] + 1);
	fw_word(&web, fw_local(1, 1, 1), value);
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].request, 0);
		cr_expect_eq(rs->of[1].in_hand, 2);
		cr_expect_eq(rs->of[2].relation, GREQUEST_SERVES);
	}
	fake_web__done(&web);
}

/* --- routers --- */

static void expect_route(const char *want, const char *why)
{
	scoped(grequests) rs = read_all();

	cr_assert_eq(rs->nr, 1, "%s", why);
	cr_expect_str_eq(rs->v[0].route, want, "%s", why);
}

Test(requests, have_the_route_of_gin_if_its_context_has_the_request)
{
	uint64_t context;

	begin(26);
	context = fw_object(&web, FW_32);
	fw_word(&web, context, web.request);
	fw_string(&web, context + 8, "/quote/:id");
	fw_word(&web, fw_local(0, 0, 1), context);
	expect_route("/quote/:id", "who serves has it in hand");
	fw_word(&web, context, 0);
	expect_route("/quote/{id}", "it is in its pool");
	fw_word(&web, context, fw_object(&web, FW_112));
	expect_route("/quote/{id}", "it is another request's");
	fw_word(&web, context, web.request);
	fw_word(&web, fw_local(0, 0, 1), 0);
	fw_word(&web, fw_local(1, 0, 1), context);
	expect_route("/quote/{id}", "nobody who serves has it in hand");
	fake_web__done(&web);
}

/* A context of chi with two patterns, made of the request's own. */
static uint64_t make_chi(void)
{
	const uint64_t at = fw_object(&web, FW_48), patterns = fw_object(&web, FW_32);

	fw_word(&web, at, fw_itab(&web, FW_CANCEL_P));
	fw_word(&web, at + 8, web.own);
	fw_word(&web, at + 16, patterns);
	fw_word(&web, at + 24, 2);
	fw_word(&web, at + 32, 2);
	fw_string(&web, patterns, "/api/*");
	fw_string(&web, patterns + 16, "/quote/{id}/");
	return at;
}

Test(requests, have_the_route_of_chi_if_its_context_was_made_of_theirs)
{
	uint64_t chi, context;

	begin(26);
	chi = make_chi();
	context = fw_context(&web, FW_CANCEL_P, web.own);
	fw_word(&web, context + 32, web.t[FW_CHI_P]);
	fw_word(&web, context + 40, chi);
	fw_word(&web, fw_local(0, 0, 0), fw_itab(&web, FW_VALUE_P));
	fw_word(&web, fw_local(0, 0, 1), context);
	expect_route("/api/quote/{id}", "it is a value of a context");
	fw_word(&web, chi + 8, web.value);
	expect_route("/quote/{id}", "it is another request's");
	fake_web__done(&web);
}

/* --- traces --- */

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* Goroutine 11 has the context in its innermost frame. */
static void have_context(uint64_t context)
{
	fw_word(&web, fw_local(1, 0, 0), fw_itab(&web, FW_VALUE_P));
	fw_word(&web, fw_local(1, 0, 1), context);
}

static void expect_span(const struct gtrace *t, uint8_t id, const char *name, const char *why)
{
	uint8_t ids[16];

	memset(ids, id, sizeof(ids));
	cr_expect_arr_eq(t->trace_id, ids, sizeof(t->trace_id), "%s", why);
	cr_expect_arr_eq(t->span_id, ids, sizeof(t->span_id), "%s", why);
	cr_expect_str_eq(t->span ? t->span : "", name, "%s", why);
}

Test(requests, have_the_trace_of_their_header_in_every_version)
{
	for_each_minor(minor)
	{
		scoped(grequests) rs = NULL;
		struct gtrace_text text;

		begin(minor);
		fw_set_header(&web, "Traceparent", TRACEPARENT);
		rs = read_all();
		cr_assert_eq(rs->nr, 1, "Go 1.%d: %zu", minor, rs->nr);
		text = gtrace_text_of(&rs->v[0].trace);
		cr_expect_str_eq(text.trace_id, "0af7651916cd43dd8448eb211c80319c", "Go 1.%d",
				 minor);
		cr_expect_str_eq(text.span_id, "b7ad6b7169203331", "Go 1.%d", minor);
		cr_expect_eq(rs->v[0].age_ns, -1, "no span says when it began");
		cr_expect_not(gtrace_is_known(&rs->of[1].trace), "it is in no span");
		cr_expect_eq(grequests__trace(rs, &rs->of[1]), &rs->v[0].trace);
		cr_expect_null(grequests__trace(rs, &rs->of[2]), "it has no request");
		fake_web__done(&web);
	}
}

Test(requests, have_no_trace_of_another_header)
{
	begin(26);
	fw_set_header(&web, "Traceparenu", TRACEPARENT);
	{
		scoped(grequests) rs = read_all();

		cr_assert_eq(rs->nr, 1);
		cr_expect_not(gtrace_is_known(&rs->v[0].trace));
	}
	fake_web__done(&web);
}

/* Its own is made from the request's context, and the client's is in the header. */
Test(requests, have_the_span_of_their_context_in_every_version)
{
	for_each_minor(minor)
	{
		scoped(grequests) rs = NULL;
		uint64_t span;

		begin(minor);
		fw_set_header(&web, "Traceparent", TRACEPARENT);
		span = fw_new_span(&web, "fetch", 0x17, 1000, 0);
		have_context(fw_span_context(&web, span, FW_CANCEL_P, web.own));
		rs = read_all();
		cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "Go 1.%d", minor);
		expect_span(&rs->of[1].trace, 0x17, "fetch", "of a context");
		cr_expect_neq(rs->v[0].trace.trace_id[0], 0x17, "who serves has it not in hand");
		fake_web__done(&web);
	}
}

/* A frame for goroutine 11 that has called the innermost one, and this word in it. */
static void add_outer_frame(uint64_t word)
{
	fw_word(&web, fw_local(1, 0, 3), web.e[FW_F] + 0x10);
	fw_word(&web, fw_local(1, 1, 3), web.e[FW_GOEXIT] + 1);
	fw_word(&web, fw_local(1, 1, 1), word);
}

Test(requests, have_the_span_of_the_innermost_frame_that_is_alive)
{
	static const struct {
		const char *why;
		uint64_t inner_start, inner_end, outer_start, outer_end;
		const char *want;
	} t[] = {
		{ "both are alive", 1000, 0, 2000, 0, "inner" },
		{ "the inner one has ended", 1000, 1500, 900, 0, "outer" },
		{ "both have ended", 1000, 1500, 900, 1600, "inner" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(grequests) rs = NULL;
		uint64_t inner, outer;

		begin(26);
		inner = fw_new_span(&web, "inner", 0x17, t[i].inner_start, t[i].inner_end);
		outer = fw_new_span(&web, "outer", 0x18, t[i].outer_start, t[i].outer_end);
		have_context(fw_span_context(&web, inner, FW_CANCEL_P, web.own));
		add_outer_frame(fw_span_context(&web, outer, FW_CANCEL_P, web.own));
		rs = read_all();
		cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "%s", t[i].why);
		cr_expect_str_eq(rs->of[1].trace.span, t[i].want, "%s", t[i].why);
		fake_web__done(&web);
	}
}

/* `defer span.End()`: a variable has the span, with or without its table of methods. */
Test(requests, have_a_span_that_is_only_to_be_ended)
{
	begin(26);
	add_outer_frame(web.value);
	fw_word(&web, fw_local(1, 0, 0), 0);
	fw_word(&web, fw_local(1, 0, 1), fw_new_span(&web, "fetch", 0x17, 1000, 0));
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].relation, GREQUEST_OF);
		expect_span(&rs->of[1].trace, 0x17, "fetch", "alone");
	}
	fake_web__done(&web);
}

/* Nothing of it is said: that it has the span says nothing of a request. */
Test(requests, are_not_told_by_a_span_alone)
{
	begin(26);
	fw_word(&web, fw_local(1, 0, 0), 0);
	fw_word(&web, fw_local(1, 0, 1), fw_new_span(&web, "fetch", 0x17, 1000, 0));
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].request, 0);
	}
	fake_web__done(&web);
}

/* Who serves has a context of two spans: the request is as old as the first one. */
Test(requests, are_as_old_as_the_first_span_of_their_trace)
{
	const uint64_t began = (uint64_t)time(NULL) - 100;
	uint64_t context;

	begin(26);
	context = fw_span_context(&web, fw_new_span(&web, "first", 0x17, began, 0), FW_CANCEL_P,
				  web.own);
	context = fw_span_context(&web, fw_new_span(&web, "second", 0x17, began + 60, 0),
				  FW_VALUE_P, context);
	fw_word(&web, fw_local(0, 0, 0), fw_itab(&web, FW_VALUE_P));
	fw_word(&web, fw_local(0, 0, 1), context);
	{
		scoped(grequests) rs = read_all();

		expect_span(&rs->v[0].trace, 0x17, "second", "the innermost");
		cr_expect_geq(rs->v[0].age_ns, 100 * (int64_t)NS_PER_SEC);
		cr_expect_lt(rs->v[0].age_ns, 160 * (int64_t)NS_PER_SEC);
	}
	fake_web__done(&web);
}

/* It ends while it is read: the request holds, the span does not. */
static uint64_t ending_span;

static void end_span(struct fake_web *w, uint64_t addr)
{
	if (addr <= ending_span && addr + 4096 > ending_span && w->reads > moves_at)
		fw_word(w, ending_span + 48, 62135596800ull + 2000);
}

Test(requests, keep_their_words_where_a_span_ends_meanwhile)
{
	uint64_t reads;

	begin(26);
	have_context(fw_span_context(&web, fw_new_span(&web, "fetch", 0x17, 1000, 0), FW_CANCEL_P,
				     web.own));
	grequests__free(read_all());
	reads = web.reads;
	fake_web__done(&web);
	for (moves_at = 1; moves_at < reads; moves_at++) {
		begin(26);
		ending_span = fw_new_span(&web, "fetch", 0x17, 1000, 0);
		have_context(fw_span_context(&web, ending_span, FW_CANCEL_P, web.own));
		web.on_read = end_span;
		{
			scoped(grequests) rs = read_all();

			cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "at read %llu",
				     (unsigned long long)moves_at);
		}
		fake_web__done(&web);
	}
}

/* Datadog's context leads to its span, which has other ids if it was used again since. */
Test(requests, have_the_span_of_datadogs_context_while_it_is_that)
{
	uint64_t context, span, ids;

	begin(26);
	context = fw_object(&web, FW_32);
	ids = fw_object(&web, FW_32);
	span = fw_object(&web, FW_48);
	fw_string(&web, span, "web.request");
	fw_word(&web, span + 16, 1000);
	fw_word(&web, span + 32, ids);
	memset(fw_at(&web, ids, 16), 0x17, 16);
	fw_word(&web, ids + 16, 0x0102030405060708);
	fw_word(&web, context, fw_itab(&web, FW_CANCEL_P));
	fw_word(&web, context + 8, web.own);
	fw_word(&web, context + 16, span);
	fw_word(&web, context + 24, ids);
	fw_word(&web, fw_local(1, 0, 0), 0);
	fw_word(&web, fw_local(1, 0, 1), context);
	{
		scoped(grequests) rs = read_all();
		struct gtrace_text text = gtrace_text_of(&rs->of[1].trace);

		cr_expect_eq(rs->of[1].relation, GREQUEST_OF);
		cr_expect_str_eq(text.trace_id, "17171717171717171717171717171717");
		cr_expect_str_eq(text.span_id, "0102030405060708");
		cr_expect_str_eq(rs->of[1].trace.span, "web.request");
	}
	fw_word(&web, span + 32, fw_object(&web, FW_32));
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[1].relation, GREQUEST_OF);
		cr_expect_not(gtrace_is_known(&rs->of[1].trace), "it is another's");
	}
	fake_web__done(&web);
}

Test(traces, are_found_by_the_first_digits_of_their_ids)
{
	const struct gtrace t = { .trace_id = { 0x0a, 0xf7, 0x65, 0x19 } }, none = { .span = NULL };

	cr_expect(gtrace_begins_with(&t, "0af76519"));
	cr_expect(gtrace_begins_with(&t, "0AF76519"), "capital ones");
	cr_expect(gtrace_begins_with(&t, "0af76519000000000000000000000000"), "all of them");
	cr_expect_not(gtrace_begins_with(&t, "0af76518"));
	cr_expect_not(gtrace_begins_with(&none, "00000000"), "it is in none");
}

Test(traces, of_headers_are_those_of_the_letter)
{
	static const struct {
		const char *text, *why;
		bool want;
	} t[] = {
		{ TRACEPARENT, "as it is to be", true },
		{ "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a later version",
		  true },
		{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
		  "a later version with more", true },
		{ TRACEPARENT "-more", "the first version has no more", false },
		{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
		  "more begins with -", false },
		{ "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "no version", false },
		{ "00-00000000000000000000000000000000-b7ad6b7169203331-01", "no trace", false },
		{ "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "no span", false },
		{ "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "capital", false },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", "cut", false },
		{ "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01", "shifted", false },
		{ "", "nothing", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint8_t trace[16] = { 0 }, span[8] = { 0 };

		cr_expect_eq(header_parse_trace(t[i].text, trace, span), t[i].want, "%s", t[i].why);
		cr_expect_eq(trace[0], t[i].want ? 0x0a : 0, "%s", t[i].why);
		cr_expect_eq(span[7], t[i].want ? 0x31 : 0, "%s", t[i].why);
	}
}

/* --- what moves --- */

static void move_stack(struct fake_web *w, uint64_t addr)
{
	(void)addr;
	fw_word(w, fw_local(1, 0, 2), w->reads);
}

/* It ends at one of the reads: then the connection waits, and who served it has moved. */
static void end_request(struct fake_web *w, uint64_t addr)
{
	(void)addr;
	if (w->reads != moves_at)
		return;
	fw_word(w, w->conn, 0);
	fw_word(w, fw_local(0, 0, 2), 0xbad);
}

Test(requests, of_a_goroutine_that_moves_meanwhile_are_not_told)
{
	begin(26);
	web.on_read = move_stack;
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(of_child(rs));
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES);
		cr_expect_eq(rs->moved, 1);
	}
	fake_web__done(&web);
}

#define PRINT_READS 2 /* of a g and of its stack; those of who serves are the last ones */

Test(requests, that_end_while_they_are_read_are_not_told)
{
	uint64_t reads;

	begin(26);
	grequests__free(read_all());
	reads = web.reads;
	fake_web__done(&web);
	for (moves_at = 1; moves_at < reads - 2 * PRINT_READS; moves_at++) {
		char why[32];

		begin(26);
		web.on_read = end_request;
		snprintf(why, sizeof(why), "at read %llu", (unsigned long long)moves_at);
		expect_silence(why);
		fake_web__done(&web);
	}
}

Test(requests, are_of_the_wait_that_the_census_saw)
{
	begin(26);
	web.rows[1].sp -= 8;
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(of_child(rs));
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES);
	}
	fake_web__done(&web);
}

static uint32_t lists_read; /* of types */

static void on_list(struct fake_web *w, uint64_t addr)
{
	(void)w;
	lists_read += addr >= FW_RUNTIME + FW_LINKS && addr < FW_RUNTIME + FW_MHEAP;
}

Test(requests, finds_the_types_once)
{
	scoped(requests_reader) rr = NULL;
	struct cause why = { "" };
	uint32_t once;

	begin(26);
	web.on_read = on_list;
	cr_assert_eq(requests_reader__new(&web.as, &web.rt, &rr), 0);
	cr_assert(requests_reader__knows_a_server(rr));
	once = lists_read;
	cr_expect_gt(once, 0);
	for (size_t i = 0; i < 3; i++) {
		scoped(grequests) rs = NULL;

		cr_assert_eq(requests_reader__read(rr, &web.census, NULL, &rs, &why), 0, "%s",
			     why.text);
		cr_expect_eq(rs->nr, 1);
		cr_expect_str_eq(rs->v[0].method, "GET");
	}
	cr_expect_eq(lists_read, once);
	web.on_read = NULL;
	fake_web__done(&web);
}

Test(requests, are_not_read_past_the_deadline)
{
	struct deadline past = { .at_ns = 1 };
	scoped(grequests) rs = NULL;
	struct cause why = { "" };

	begin(26);
	cr_assert_eq(fake_web__read(&web, &past, &rs, &why), 0);
	cr_expect(rs->cut);
	cr_expect_eq(rs->nr, 0);
	fake_web__done(&web);
}
