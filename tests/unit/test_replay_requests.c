/* SPDX-License-Identifier: BSD-2-Clause */
/* replay: requests of a look, out of a recording, are those that were written. */
#include "dump_fake.h"

#include "facts/pw_writer.h"
#include "view/replay.h"
#include "view/request_rows.h"

#define MANY 3000

static struct grequest fake_requests[] = {
	{ .kind = GREQUEST_HTTP,
	  .served_by = 18,
	  .method = "GET",
	  .path = "/quote/7",
	  .route = "/quote/{id}",
	  .host = "api",
	  .peer = "10.0.0.1:5",
	  .age_ns = 7,
	  .left = true,
	  .has_deadline = true,
	  .left_ns = -31 * (int64_t)FAKE_SECOND,
	  .trace = { .trace_id = { 0x0a, 0xf7, [15] = 0x9c },
		     .span_id = { 0xb7, [7] = 0x31 },
		     .span = "GET" } },
	{ .kind = GREQUEST_GRPC,
	  .over = true,
	  .method = "",
	  .path = NULL,
	  .scheme = "https",
	  .age_ns = -1 },
};
static struct grequest_of fake_of[FAKE_GS] = {
	[1] = { .request = 1, .in_hand = 1, .relation = GREQUEST_SERVES },
	[2] = { .request = 2,
		.in_hand = 1,
		.relation = GREQUEST_OF,
		.made_by_it = true,
		.cancelled = true,
		.has_deadline = true,
		.left_ns = 5,
		.ended_by = GCONTEXT_PARENT_CANCEL,
		.cause_type = "*errors.errorString",
		.calls = 1,
		.trace = { .span_id = { 1 } } },
	[4] = { .in_hand = 2 },
};

struct bytes {
	char *v;
	size_t len;
};

static struct bytes write_look(const struct grequests *rs)
{
	const struct factlog_of of = { .view = "look",
				       .pid = 1,
				       .comm = "c",
				       .exe = "/c",
				       .build_id = "",
				       .namers = &dump_namer,
				       .versions = (const char *const[]){ "go1.24.1" },
				       .nr = 1 };
	scoped(factlog) f = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	cr_assert_eq(factlog__new(out, &of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	if (rs)
		cr_assert_eq(factlog__requests(f, 0, 0, 5, &fake_census, rs), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

static struct replay *read_look(const struct grequests *rs, struct replay_look *ret)
{
	struct bytes b = write_look(rs);
	struct replay *r = NULL;
	struct cause why = { "" };

	cr_assert_eq(replay__of_bytes(b.v, b.len, "x.pw", &r, &why), 0, "%s", why.text);
	cr_assert(replay__look(r, ret));
	free(b.v);
	return r;
}

static void same_text(const char *a, const char *b)
{
	cr_expect(a && b ? !strcmp(a, b) : a == b, "%s: %s", a ? a : "none", b ? b : "none");
}

static void same_trace(const struct gtrace *a, const struct gtrace *b)
{
	cr_expect_arr_eq(a->trace_id, b->trace_id, sizeof(a->trace_id));
	cr_expect_arr_eq(a->span_id, b->span_id, sizeof(a->span_id));
	same_text(a->span, b->span);
}

static void same_request(const struct grequest *a, const struct grequest *b)
{
	cr_expect(a->kind == b->kind && a->over == b->over && a->left == b->left &&
		  a->has_deadline == b->has_deadline && a->served_by == b->served_by &&
		  a->left_ns == b->left_ns && a->age_ns == b->age_ns);
	same_text(a->method, b->method);
	same_text(a->path, b->path);
	same_text(a->route, b->route);
	same_text(a->scheme, b->scheme);
	same_text(a->host, b->host);
	same_text(a->peer, b->peer);
	same_trace(&a->trace, &b->trace);
}

Test(replay_requests, are_those_that_were_written)
{
	const struct grequests rs = {
		.v = fake_requests, .nr = 2, .of = fake_of, .nr_of = FAKE_GS, .moved = 3
	};
	struct replay_look look;
	scoped(replay) r = read_look(&rs, &look);
	const struct grequests *got;

	cr_assert(r && look.in.requests);
	got = look.in.requests[0];
	cr_assert(got->nr == 2 && got->nr_of == FAKE_GS && got->moved == 3 && !got->cut);
	for (size_t i = 0; i < got->nr; i++)
		same_request(&got->v[i], &fake_requests[i]);
	for (size_t i = 0; i < FAKE_GS; i++) {
		const struct grequest_of *a = &got->of[i], *b = &fake_of[i];

		cr_expect(a->request == b->request && a->in_hand == b->in_hand &&
				  a->relation == b->relation && a->made_by_it == b->made_by_it &&
				  a->cancelled == b->cancelled &&
				  a->has_deadline == b->has_deadline && a->left_ns == b->left_ns &&
				  a->calls == b->calls && a->ended_by == b->ended_by,
			  "goroutine %zu", i);
		same_text(a->cause_type, b->cause_type);
		same_trace(&a->trace, &b->trace);
	}
}

Test(replay_requests, where_none_were_read_none_are_known)
{
	const struct grequests none = { .of = fake_of, .nr_of = 0 };
	struct replay_look look;
	scoped(replay) without = read_look(NULL, &look);

	cr_expect_null(look.in.requests);
	replay__free(steal(without));
	without = read_look(&none, &look);
	cr_assert_not_null(look.in.requests, "they were read, and there are none");
	cr_expect_eq(look.in.requests[0]->nr, 0);
}

Test(replay_requests, are_whole_over_many_facts)
{
	static struct grequest many[MANY];
	const struct grequests rs = { .v = many, .nr = MANY, .of = fake_of, .nr_of = FAKE_GS };
	struct replay_look look;
	scoped(replay) r = NULL;

	for (size_t i = 0; i < MANY; i++)
		many[i] = (struct grequest){
			.kind = GREQUEST_HTTP, .served_by = i + 1, .method = "GET", .age_ns = -1
		};
	r = read_look(&rs, &look);
	cr_assert_eq(look.in.requests[0]->nr, MANY);
	for (size_t i = 0; i < MANY; i++)
		same_request(&look.in.requests[0]->v[i], &many[i]);
}

Test(replay_requests, a_trace_takes_the_goroutines_that_have_it_in_hand_and_those_of_its_request)
{
	struct grequest_of of[FAKE_GS] = {
		[1] = { .request = 1, .relation = GREQUEST_SERVES },
		[2] = { .request = 2,
			.relation = GREQUEST_OF,
			.trace = { .trace_id = { 0x0a, 0xf7, [15] = 0x9c } } },
		[4] = { .request = 2, .relation = GREQUEST_OF },
	};
	const struct grequests rs = { .v = fake_requests, .nr = 2, .of = of, .nr_of = FAKE_GS };
	struct replay_look look;
	scoped(replay) r = read_look(&rs, &look);
	scoped(dump) d = NULL;

	cr_assert(r && look.in.requests);
	cr_assert_eq(dump__new(&look.in, &(struct dump_opts){ .trace = "0AF7" }, &d), 0);
	cr_assert_eq(d->nr, 2);
	cr_expect_eq(dump__g(d, &d->rows[0])->who.goid, 18);
	cr_expect_eq(dump__g(d, &d->rows[1])->who.goid, 19);
}

/* One fact of requests after a look, as nobody would write it. */
static int read_hostile(const Pw__Requests *q, const Pw__RequestsOf *of)
{
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);
	const struct factlog_of who = { .view = "look",
					.pid = 1,
					.comm = "c",
					.exe = "/c",
					.build_id = "",
					.namers = &dump_namer,
					.versions = (const char *const[]){ "go1.24.1" },
					.nr = 1 };
	Pw__Fact fact = PW__FACT__INIT;
	scoped(factlog) f = NULL;
	struct replay *r = NULL;
	int err;

	cr_assert_eq(factlog__new(out, &who, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, NULL), 0);
	fact.fact_case = PW__FACT__FACT_REQUESTS;
	fact.requests = (Pw__Requests *)(uintptr_t)q;
	pw_writer__fact(factlog__writer(f), &fact);
	fact.fact_case = PW__FACT__FACT_REQUESTS_OF;
	fact.requests_of = (Pw__RequestsOf *)(uintptr_t)of;
	if (of)
		pw_writer__fact(factlog__writer(f), &fact);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	err = replay__of_bytes(b.v, b.len, "x.pw", &r, NULL);
	replay__free(r);
	free(b.v);
	return err;
}

Test(replay_requests, that_do_not_fit_together_are_refused)
{
	uint32_t kind[] = { 1 }, bad_kind[] = { 9 }, sent[] = { 4 }, flags[] = { 1, 1 },
		 g[] = { 0 }, no_g[] = { FAKE_GS }, request[] = { 1 }, no_request[] = { 2 },
		 relation[] = { 2 }, bad_relation[] = { 9 };
	Pw__Requests q = PW__REQUESTS__INIT;
	Pw__RequestsOf of = PW__REQUESTS_OF__INIT;

	q.n_kind = 1;
	q.kind = kind;
	of.n_goroutine = of.n_request = of.n_relation = 1;
	of.goroutine = g;
	of.request = request;
	of.relation = relation;
	cr_assert_eq(read_hostile(&q, &of), 0);
	of.goroutine = no_g;
	cr_expect_eq(read_hostile(&q, &of), -EBADMSG, "no such goroutine");
	of.goroutine = g;
	of.request = no_request;
	cr_expect_eq(read_hostile(&q, &of), -EBADMSG, "no such request");
	of.request = request;
	of.relation = bad_relation;
	cr_expect_eq(read_hostile(&q, &of), -EBADMSG, "no such relation");
	q.kind = bad_kind;
	cr_expect_eq(read_hostile(&q, NULL), -EBADMSG, "no such kind");
	q.kind = sent;
	cr_expect_eq(read_hostile(&q, NULL), -EBADMSG, "it was sent to nobody");
	q.kind = kind;
	q.n_flags = 2;
	q.flags = flags;
	cr_expect_eq(read_hostile(&q, NULL), -EBADMSG, "columns differ in length");
}
