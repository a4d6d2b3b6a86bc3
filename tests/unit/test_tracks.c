/* SPDX-License-Identifier: BSD-2-Clause */
/* A timeline in its two formats. */
#include "format/tracks.h"

#include <criterion/criterion.h>

#include <json-c/json.h>

#include "format/perfetto.pb-c.h"
#include "report_fake.h"

#define WAITER 100
#define WAKER  200
#define TIMER  400
#define EVIL   500

static const uint64_t waker_stack[] = { PC_SYSTEMSTACK, PC_CHANRECV, PC_MAIN, PC_RUNMAIN };
static const uint64_t timer_stack[] = { PC_GOFUNC, PC_UNLOCKRUN, PC_FINDRUNNABLE, PC_MCALL };
static const uint64_t evil_stack[] = { PC_GOPARK, PC_EVIL };

static void round_of(struct timeline *t, uint64_t goid, uint64_t ran, uint64_t stack,
		     uint64_t start, uint64_t ready, uint64_t waker_goid, uint64_t waker,
		     uint64_t ts)
{
	timeline__add(t, &(struct pw_round){ .hdr = { .goid = goid, .ts_ns = ts },
					     .ran_ns = ran,
					     .start_ns = start,
					     .ready_ns = ready,
					     .waker_goid = waker_goid,
					     .waker = waker,
					     .stack_id = stack,
					     .gopc = PC_MAIN,
					     .startpc = START_GOWRAP,
					     .reason = FAKE_CHAN_RECEIVE });
}

/* 1 wakes 2, a timer wakes 3; 5 events are lost. */
static struct timeline *story(void)
{
	struct timeline *t = NULL;

	cr_assert_eq(timeline__new(&(struct timeline_opts){ 0 }, &t), 0);
	timeline__begin(t, 1000000);
	round_of(t, 2, 1000500, WAITER, 1001000, 1003000, 1, WAKER, 1004000);
	round_of(t, 3, 0, EVIL, 1000000, 1005000, 0, TIMER, 1006000);
	timeline__lost(t, 1007000, 5);
	round_of(t, 1, 1002000, WAITER, 1008000, 0, 0, PW_STACK_ID_NONE, 1009000);
	timeline__end(t, 1010000);
	cr_assert_eq(timeline__order(t), 0);
	return t;
}

static char *written(int (*write)(const struct report *r, FILE *out, struct cause *why),
		     size_t *len)
{
	const struct profile_opts o = { .event = PROFILE_WAKEUPS };
	scoped(timeline) t = story();
	scoped(profile) p = NULL;
	scoped(snap) s = NULL;
	char *text = NULL;
	FILE *out;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000000);
	profile__end(p, 1010000);
	fake_stack(p, WAITER, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, WAKER, waker_stack, ARRAY_SIZE(waker_stack));
	fake_stack(p, TIMER, timer_stack, ARRAY_SIZE(timer_stack));
	fake_stack(p, EVIL, evil_stack, ARRAY_SIZE(evil_stack));
	cr_assert_eq(snap__take(p, &s), 0);
	out = open_memstream(&text, len);
	cr_assert_eq(write(&(struct report){ .snap = s,
					     .meta = &fake_meta,
					     .namers = &fake_namer,
					     .nr_namers = 1,
					     .timeline = t,
					     .stacks = profile__stacks(p) },
			   out, NULL),
		     0);
	fclose(out);
	return text;
}

static const char *member(struct json_object *of, const char *name)
{
	return json_object_get_string(json_object_object_get(of, name));
}

/* The first event of this kind, by its name or its begin; NULL: there is none. */
static struct json_object *event_of(struct json_object *events, const char *ph, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *e = json_object_array_get_idx(events, i);

		if (!strcmp(member(e, "ph"), ph) && (!name || !strcmp(member(e, "name"), name)))
			return e;
	}
	return NULL;
}

Test(tracks, chrome_is_told_slices_arrows_and_losses)
{
	size_t len;
	scoped_mem char *text = written(tracks__json, &len);
	struct json_object *all = json_tokener_parse(text), *events, *e, *args;

	cr_assert(all, "no JSON: %s", text);
	events = json_object_object_get(all, "traceEvents");
	cr_expect_str_eq(member(json_object_object_get(all, "otherData"), "begin_monotonic_ns"),
			 "1000000");
	e = event_of(events, "X", "chan receive: main.worker");
	cr_assert(e, "%s", text);
	cr_expect_str_eq(member(e, "cat"), "waiting");
	args = json_object_object_get(e, "args");
	cr_expect_str_eq(member(args, "reason"), "chan receive");
	cr_expect_str_eq(member(args, "func"), "main.worker");
	cr_expect_str_eq(member(args, "file"), "main.go");
	cr_expect_str_eq(member(args, "line"), "20");
	e = event_of(events, "s", "wakes");
	cr_assert(e);
	cr_expect_float_eq(json_object_get_double(json_object_object_get(e, "ts")), 3.0, 1e-9);
	cr_expect_neq(json_object_get_int(json_object_object_get(e, "tid")),
		      json_object_get_int(json_object_object_get(event_of(events, "f", "wakes"),
								 "tid")));
	e = event_of(events, "X", "ready");
	args = json_object_object_get(e, "args");
	cr_expect_str_eq(member(args, "woken_by"), "1");
	cr_expect_str_eq(member(args, "func"), "main.main");
	cr_expect(strstr(text, "\"by\":\"[timer]\""), "%s", text);
	e = event_of(events, "i", NULL);
	cr_expect_str_eq(member(e, "name"), "5 events were lost");
	cr_expect(event_of(events, "C", "goroutines"));
	cr_expect(strstr(text, "created by main.main, main.go:9"), "%s", text);
	cr_expect(strstr(text, "goroutine 2 main.worker"), "%s", text);
	json_object_put(all);
}

Test(tracks, perfetto_is_told_the_same)
{
	size_t len, kinds[5] = { 0 }, flows = 0, ends = 0, tracks = 0;
	scoped_mem char *bytes = written(tracks__perfetto, &len);
	Perfetto__Trace *all = perfetto__trace__unpack(NULL, len, (const uint8_t *)bytes);

	cr_assert(all);
	cr_assert(all->packet[0]->clocks);
	cr_expect_eq(all->packet[0]->flags & 1, 1, "texts begin anew");
	for (size_t i = 0; i < all->n_packet; i++) {
		const Perfetto__Packet *p = all->packet[i];

		cr_expect_eq(p->sequence, 1);
		tracks += p->track != NULL;
		if (!p->event)
			continue;
		kinds[p->event->kind]++;
		flows += p->event->n_flow_id;
		ends += p->event->n_flow_end_id;
	}
	cr_expect_eq(kinds[1], 7, "%zu slices", kinds[1]);
	cr_expect_eq(kinds[2], kinds[1]);
	cr_expect_eq(kinds[3], 2, "who wakes, and what is lost");
	cr_expect_eq(kinds[4], 3 * TIMELINE_STEPS);
	cr_expect_eq(flows, 1);
	cr_expect_eq(ends, 1);
	cr_expect_eq(tracks, 1 + 3 + 1 + 3);
	perfetto__trace__free_unpacked(all, NULL);
}

Test(tracks, what_has_no_timeline_says_why)
{
	struct cause why = { "" };
	const struct report r = { .meta = &fake_meta };

	cr_expect_eq(tracks__json(&r, NULL, &why), -EOPNOTSUPP);
	cr_expect(strstr(why.text, "record -f trace"), "%s", why.text);
	cr_expect_eq(tracks__perfetto(&r, NULL, &why), -EOPNOTSUPP);
}
