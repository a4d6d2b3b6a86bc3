/* SPDX-License-Identifier: BSD-2-Clause */
/* What requests/calling, outgoing and awaited say, of a whole process that serves (fake_web). */
#include <criterion/criterion.h>

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

	cr_assert_eq(fake_web__read(&web, NULL, &rs, &why), 0, "%s", why.text);
	cr_assert_eq(rs->nr_of, FW_GS);
	return rs;
}

/* --- what the program sends --- */

static const struct grequest *call_of(const struct grequests *rs, size_t i)
{
	return rs->of[i].calls ? &rs->v[rs->of[i].calls - 1] : NULL;
}

Test(request_calls, that_the_program_sends_are_told_of_who_waits_for_the_answer)
{
	for_each_minor(minor)
	{
		scoped(grequests) rs = NULL;
		const struct grequest *r;

		begin(minor);
		fw_send(&web);
		rs = read_all();
		r = call_of(rs, 2);
		cr_assert_not_null(r, "Go 1.%d", minor);
		cr_expect_eq(r->kind, GREQUEST_OUTGOING);
		cr_expect_str_eq(r->method, "PUT");
		cr_expect_str_eq(r->scheme, "https");
		cr_expect_str_eq(r->host, "upstream:8443");
		cr_expect_str_eq(r->path, "/a%20b/%C3%BC", "as it is sent");
		cr_expect_eq(rs->of[2].request, 0, "no server has it");
		cr_expect_null(call_of(rs, 0), "it serves");
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES);
		fake_web__done(&web);
	}
}

Test(request_calls, that_are_only_in_hand_are_not_sent)
{
	begin(26);
	fw_send(&web);
	fw_word(&web, fw_local(2, 0, 3), web.e[FW_F] + 0x10);
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(call_of(rs, 2), "no function of the client has it");
	}
	fake_web__done(&web);
}

Test(request_calls, are_sent_with_the_path_that_the_program_has_escaped_if_it_is_the_same)
{
	static const struct {
		const char *why, *path, *raw, *want;
	} t[] = {
		{ "it says the same", "/a/b", "/a%2Fb", "/a%2Fb" },
		{ "it says something else", "/a/b", "/a%2Fc", "/a/b" },
		{ "it has a query in it", "/a?k=secret", "/a?k=secret", "/a%3Fk=secret" },
		{ "there is none", "/!", "", "/%21" },
		{ "there is no path either", "", "", "/" },
		{ "it is of the whole server", "*", "", "*" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(grequests) rs = NULL;
		uint64_t url;

		begin(26);
		url = fw_send(&web);
		fw_string(&web, url, t[i].path);
		fw_string(&web, url + 16, t[i].raw);
		rs = read_all();
		cr_assert_not_null(call_of(rs, 2), "%s", t[i].why);
		cr_expect_str_eq(call_of(rs, 2)->path, t[i].want, "%s", t[i].why);
		fake_web__done(&web);
	}
}

Test(request_calls, are_sent_to_a_place_or_are_not_told)
{
	uint64_t url;

	begin(26);
	url = fw_send(&web);
	fw_string(&web, url + 32, "opaque");
	{
		scoped(grequests) rs = read_all();

		cr_assert_not_null(call_of(rs, 2));
		cr_expect_null(call_of(rs, 2)->path, "the URL is not made of host and path");
	}
	fw_word(&web, url + 64 + 8, 1ull << 40);
	{
		scoped(grequests) rs = read_all();

		cr_expect_null(call_of(rs, 2), "the host is no string");
	}
	fake_web__done(&web);
}

/* --- what a request waits for --- */

Test(request_calls, await_who_has_the_channel_that_they_wait_for)
{
	for_each_minor(minor)
	{
		scoped(grequests) rs = NULL;

		begin(minor);
		fw_await(&web);
		rs = read_all();
		cr_expect_eq(rs->of[2].relation, GREQUEST_AWAITED_BY, "Go 1.%d", minor);
		cr_expect_eq(rs->of[2].request, rs->of[0].request);
		cr_expect_not(rs->of[2].has_deadline);
		cr_expect_eq(rs->of[1].relation, GREQUEST_OF, "it has a context");
		fake_web__done(&web);
	}
}

Test(request_calls, await_nobody_who_cannot_end_their_wait)
{
	static const struct {
		const char *why;
		bool no_code, waits_too, other, unknown;
	} t[] = {
		{ "its code does not send", .no_code = true },
		{ "it waits for the same", .waits_too = true },
		{ "it has another channel", .other = true },
		{ "what it waits for is not known", .unknown = true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(grequests) rs = NULL;
		uint64_t chan;

		begin(26);
		chan = fw_await(&web);
		if (t[i].no_code)
			memset(web.code + (web.e[FW_F] - FAKE_TEXT), 0, 5);
		if (t[i].waits_too) {
			fw_go(&web, 2, false, chan);
			fw_word(&web, fw_local(2, 0, 1), chan);
		}
		if (t[i].other)
			fw_word(&web, fw_local(2, 0, 1), chan + 112);
		web.rows[2].waits_cut = t[i].unknown;
		rs = read_all();
		cr_expect_eq(rs->of[2].relation, GREQUEST_NONE, "%s", t[i].why);
		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES, "%s", t[i].why);
		fake_web__done(&web);
	}
}

/* Two wait for it: nobody knows for which of them it works. */
Test(request_calls, that_wait_for_the_same_await_nobody)
{
	uint64_t chan, own, conn, response, request;

	begin(26);
	chan = fw_await(&web);
	own = fw_context(&web, FW_CANCEL_P, 0);
	request = fw_object(&web, FW_112);
	memcpy(fw_at(&web, request, 112), fw_at(&web, web.request, 112), 112);
	fw_word(&web, request + 80, own);
	conn = fw_object(&web, FW_32);
	response = fw_object(&web, FW_16);
	fw_word(&web, conn, response);
	fw_word(&web, response, conn);
	fw_word(&web, response + 8, request);
	fw_go(&web, 1, true, chan);
	fw_word(&web, fw_local(1, 0, 1), 0);
	fw_word(&web, fw_local(1, 2, 1), conn);
	{
		scoped(grequests) rs = read_all();

		cr_expect_eq(rs->of[0].relation, GREQUEST_SERVES);
		cr_expect_eq(rs->of[1].relation, GREQUEST_SERVES);
		cr_expect_eq(rs->of[2].relation, GREQUEST_NONE);
	}
	fake_web__done(&web);
}
