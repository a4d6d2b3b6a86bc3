/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdio.h>

#include "fake_web.h"
#include "requests/requests.h"

#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

static struct fake_web web;

static void begin(int minor)
{
	cr_assert(fake_web__init(&web, minor), "Go 1.%d", minor);
}

static struct grequests *read_all(void)
{
	struct grequests *rs = NULL;
	struct cause why = { "" };

	cr_assert_eq(requests__read(&web.as, &web.rt, &web.census, NULL, &rs, &why), 0, "%s",
		     why.text);
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
	own = fw_context(&web, FW_CANCEL, FW_CANCEL_P, 0);
	value = fw_context(&web, FW_VALUE, FW_CANCEL_P, own);
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

/* --- what moves --- */

static uint64_t moves_at;

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

Test(requests, are_not_read_past_the_deadline)
{
	struct deadline past = { .at_ns = 1 };
	scoped(grequests) rs = NULL;
	struct cause why = { "" };

	begin(26);
	cr_assert_eq(requests__read(&web.as, &web.rt, &web.census, &past, &rs, &why), 0);
	cr_expect(rs->cut);
	cr_expect_eq(rs->nr, 0);
	fake_web__done(&web);
}
