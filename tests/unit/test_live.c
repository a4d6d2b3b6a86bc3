/* SPDX-License-Identifier: BSD-2-Clause */
/* live: who takes the stream gets what happens; who does not is cut off. */
#include <criterion/criterion.h>
#include <string.h>

#include "serve/live.h"

/* A request that does not sleep: nobody wakes it. */
static uint64_t awake[64];

static struct http_stream begun(struct live *l, const struct events *e)
{
	struct http_answer a = { .status = 200, .later = (struct http_later *)awake };

	textbuf__init(&a.body, NULL);
	live_get(l, e, &a);
	textbuf__done(&a.body);
	return a.stream;
}

static const char *taken(const struct http_stream *s)
{
	static char text[4096];
	const ssize_t n = s->read(s->ctx, text, sizeof(text) - 1);

	cr_assert(n >= 0);
	text[n] = '\0';
	return text;
}

Test(live, tells_what_happens_and_not_what_did)
{
	struct events e = { .nr = 0 };
	struct live l = { .nr = 0 };
	struct http_stream s;
	const char *got;

	events__tell(&e, EVENT_LEAK, "api-1", "before");
	s = begun(&l, &e);
	cr_expect_str_eq(taken(&s), ": parkwatch\n\n");
	events__tell(&e, EVENT_STORM, "api-2", "a line\nand another");
	live__tick(&l, &e, 1);
	got = taken(&s);
	cr_expect(strstr(got, "event: event\ndata: {") && strstr(got, "\"target\":\"api-2\"") &&
			  strstr(got, "\"text\":\"a line\\nand another\"") &&
			  strstr(got, ": beat\n\n"),
		  "%s", got);
	cr_expect(!strstr(got, "before"), "%s", got);
	live__tick(&l, &e, 2);
	cr_expect_str_eq(taken(&s), "", "once");
	s.end(s.ctx);
	cr_expect_eq(l.nr, 0);
	events__done(&e);
}

Test(live, who_takes_nothing_is_cut_off_and_the_others_go_on)
{
	struct events e = { .nr = 0 };
	struct live l = { .nr = 0 };
	const struct http_stream slow = begun(&l, &e), quick = begun(&l, &e);
	char text[16];

	for (int i = 0; i < 3000 && !l.cut; i++) {
		events__tell(&e, EVENT_LEAK, "api-1", "%0500d", i);
		live__tick(&l, &e, 1);
		while (quick.read(quick.ctx, text, sizeof(text)) > 0)
			;
	}
	cr_expect_eq(l.cut, 1);
	cr_expect_eq(slow.read(slow.ctx, text, sizeof(text)), HTTP_BROKEN);
	cr_expect_eq(quick.read(quick.ctx, text, sizeof(text)), 0);
	slow.end(slow.ctx);
	quick.end(quick.ctx);
	events__done(&e);
}

Test(live, clients_are_bounded)
{
	struct events e = { .nr = 0 };
	struct live l = { .nr = 0 };
	struct http_stream s[LIVE_CLIENTS_MAX];

	for (size_t i = 0; i < LIVE_CLIENTS_MAX; i++)
		s[i] = begun(&l, &e);
	cr_expect_null(begun(&l, &e).read);
	cr_expect_eq(l.refused, 1);
	for (size_t i = 0; i < LIVE_CLIENTS_MAX; i++)
		s[i].end(s[i].ctx);
	cr_expect_eq(l.nr, 0);
}
