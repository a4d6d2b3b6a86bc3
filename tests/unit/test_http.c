// SPDX-License-Identifier: BSD-2-Clause
/* http: answers that come later, and in pieces, while others are answered. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/http.h"

#define TURNS 300 /* of the loop, of 10 ms, that something may take */

struct server {
	struct http *http;
	unsigned short port;
	struct http_later *later; /* of the last that waits, or streams */
	const char *piece;        /* the next of the stream */
	bool is_over;             /* the stream, after that */
	int asked, ended;
};

static ssize_t read_piece(void *ctx, char *to, size_t room)
{
	struct server *s = ctx;
	const size_t len = strlen(s->piece);

	cr_assert_leq(len, room);
	memcpy(to, s->piece, len);
	s->piece = "";
	return len ? (ssize_t)len : s->is_over ? HTTP_END : 0;
}

static void end(void *ctx)
{
	((struct server *)ctx)->ended++;
}

static void get(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct server *s = ctx;

	if (!strcmp(q->path, "/now")) {
		http_say(a, 200, "now\n");
		return;
	}
	s->asked++;
	s->later = a->later;
	if (!strcmp(q->path, "/later")) {
		http_later__wait(a->later);
	} else {
		a->type = "text/plain";
		a->stream = (struct http_stream){ .read = read_piece, .end = end, .ctx = s };
	}
}

/* Of ports that are free now one is taken at once: others may take it first. */
static void serve(struct server *s, struct http_ops *ops)
{
	*ops = (struct http_ops){ .get = get, .ctx = s };
	*s = (struct server){ .piece = "" };
	for (int i = 0; i < 100 && !s->http; i++) {
		char listen[32];
		struct cause why = { "" };

		s->port = (unsigned short)(20000 + (getpid() * 7 + i * 101) % 12000);
		snprintf(listen, sizeof(listen), "127.0.0.1:%u", s->port);
		(void)http__new(listen, NULL, NULL, ops, &s->http, &why);
	}
	cr_assert(s->http, "no port is free");
}

static int ask(const struct server *s, const char *path)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(s->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[128];
	const int len =
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(write(fd, text, (size_t)len), len);
	return fd;
}

/* The loop turns until the client has got that; false: it does not come, or the end comes first. */
static bool comes(const struct server *s, int fd, const char *want)
{
	char got[4096];
	size_t nr = 0;

	for (int i = 0; i < TURNS; i++) {
		struct pollfd both[] = { { .fd = fd, .events = POLLIN },
					 { .fd = http__fd(s->http), .events = POLLIN } };
		ssize_t n;

		(void)poll(both, ARRAY_SIZE(both), 10);
		http__run(s->http);
		n = recv(fd, got + nr, sizeof(got) - 1 - nr, MSG_DONTWAIT);
		if (!n)
			return false;
		nr += n > 0 ? (size_t)n : 0;
		got[nr] = '\0';
		if (strstr(got, want))
			return true;
	}
	return false;
}

static void turn_until(const struct server *s, const int *counter, int want)
{
	for (int i = 0; i < TURNS && *counter != want; i++) {
		struct pollfd p = { .fd = http__fd(s->http), .events = POLLIN };

		(void)poll(&p, 1, 10);
		http__run(s->http);
	}
	cr_assert_eq(*counter, want);
}

Test(http, an_answer_that_comes_later_holds_up_nobody)
{
	struct http_ops ops;
	struct server s;
	struct http_answer a = { .later = NULL };
	int later, now;

	serve(&s, &ops);
	later = ask(&s, "/later");
	turn_until(&s, &s.asked, 1);
	now = ask(&s, "/now");
	cr_expect(comes(&s, now, "\r\n\r\nnow\n"));
	cr_expect_lt(recv(later, &(char){ 0 }, 1, MSG_DONTWAIT), 0, "it has an answer");
	textbuf__init(&a.body, NULL);
	http_say(&a, 503, "not now\n");
	a.retry_s = 7;
	http_later__tell(s.later, &a);
	cr_expect(comes(&s, later, "Retry-After: 7\r\n"));
	cr_expect(close(now) == 0 && close(later) == 0);
	http__free(s.http);
}

Test(http, one_that_waits_may_ask_again)
{
	struct http_ops ops;
	struct server s;
	int fd;

	serve(&s, &ops);
	fd = ask(&s, "/later");
	turn_until(&s, &s.asked, 1);
	http_later__again(s.later);
	turn_until(&s, &s.asked, 2);
	close(fd);
	http__free(s.http); /* and one that waits has no answer */
}

Test(http, pieces_come_as_they_are_made)
{
	struct http_ops ops;
	struct server s;
	int fd;

	serve(&s, &ops);
	s.piece = "first";
	fd = ask(&s, "/stream");
	cr_expect(comes(&s, fd, "first"));
	for (int i = 0; i < 3; i++) {
		const char *const pieces[] = { "second", "third", "fourth" };

		s.piece = pieces[i];
		http_later__wake(s.later);
		http_later__wake(s.later);
		cr_expect(comes(&s, fd, pieces[i]));
	}
	s.is_over = true;
	http_later__wake(s.later);
	cr_expect(comes(&s, fd, "0\r\n\r\n"), "the end of chunks");
	turn_until(&s, &s.ended, 1);
	close(fd);
	http__free(s.http);
	cr_expect_eq(s.ended, 1);
}

Test(http, a_client_that_goes_away_ends_its_stream)
{
	struct http_ops ops;
	struct server s;
	int fd;

	serve(&s, &ops);
	s.piece = "first";
	fd = ask(&s, "/stream");
	cr_expect(comes(&s, fd, "first"));
	close(fd);
	for (int i = 0; i < TURNS && !s.ended; i++) { /* it is seen by what is written to it */
		s.piece = "more";
		http_later__wake(s.later);
		http__run(s.http);
		(void)poll(NULL, 0, 1);
	}
	cr_expect_eq(s.ended, 1);
	fd = ask(&s, "/stream"); /* and one that sleeps ends with the server */
	turn_until(&s, &s.asked, 2);
	cr_expect(!comes(&s, fd, "nothing"));
	http__free(s.http);
	cr_expect_eq(s.ended, 2);
	close(fd);
}

Test(http, a_number_of_the_query_is_one_or_it_is_refused)
{
	static const struct {
		const char *why, *value;
		bool is;
		uint32_t n;
	} t[] = {
		{ "a number", "10", true, 10 },
		{ "none", NULL, true, 0 },
		{ "the most", "60", true, 60 },
		{ "over it", "61", false, 0 },
		{ "far over it", "99999999999999999999", false, 0 },
		{ "less than nothing", "-1", false, 0 },
		{ "a word", "x", false, 0 },
		{ "a word behind it", "1s", false, 0 },
		{ "nothing", "", false, 0 },
		{ "a blank", " 1", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct http_request q = { .query = { { "seconds", t[i].value } },
						.nr_query = t[i].value ? 1 : 0 };
		uint32_t n = 7;

		cr_expect_eq(http_number(&q, "seconds", 60, &n), t[i].is, "%s", t[i].why);
		if (t[i].is)
			cr_expect_eq(n, t[i].n, "%s", t[i].why);
	}
}
