/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "leaks_fake.h"
#include "view/leak_incident.h"
#include "view/leak_peer.h"

#define LOOKS   7
#define EACH    3 /* pairs more at each look */
#define PAIRS   (EACH * (LOOKS - 1))
#define CLIENT  100 /* goid of the first; its server's is SERVERS more */
#define SERVERS 1000

/*
 * Clients that receive, made in main; servers that want a lock, made in the worker: one client and
 * one server for each connection.
 */
struct scene {
	struct census c;
	struct census_g gs[2 * PAIRS + 1];
	struct census_wait waits[2 * PAIRS + 1];
};

static void put(struct scene *s, uint64_t goid, bool server, uint64_t object)
{
	const uint32_t i = (uint32_t)s->c.nr++;

	s->gs[i] =
		(struct census_g){ .who = { goid, 1, server ? PC_WORKER : PC_MAIN, START_GOWRAP },
				   .stack = server,
				   .sp = 0x9f00,
				   .stack_lo = 0x9000,
				   .stack_hi = 0x9800,
				   .waits_at = i,
				   .nr_waits = 1,
				   .m = -1,
				   .p = -1,
				   .status = GOSTATUS_WAITING,
				   .reason = server ? FAKE_SEMACQUIRE : FAKE_CHAN_RECEIVE,
				   .stops = 1 };
	s->waits[i] = (struct census_wait){ .addr = object,
					    .kind = server ? CENSUS_WAIT_MUTEX : CENSUS_WAIT_CHAN,
					    .direction = CENSUS_DIR_RECEIVE };
}

static void look_at(struct leaks *l, struct scene *s, int look)
{
	*s = (struct scene){ .c = fake_census };
	s->c.gs = s->gs;
	s->c.waits = s->waits;
	s->c.nr = s->c.unsettled = s->c.refused = 0;
	s->c.taken_ns = FAKE_NOW_NS + (uint64_t)look * 5 * FAKE_SECOND;
	for (uint64_t i = 0; i < EACH * (uint64_t)look; i++) {
		put(s, CLIENT + i, false, 0xc000000000 + 96 * i);
		put(s, CLIENT + SERVERS + i, true, 0xc100000000 + 8 * i);
	}
	s->c.nr_waits = s->c.nr;
	fake_look(l, &s->c);
}

static void no_facts(struct leaks *l)
{
	struct gchans chans = { 0 };

	fake_facts(l, &chans);
}

static const struct verdict_opts opts = { .min_age_ns = VERDICT_MIN_AGE_NS,
					  .min_count = VERDICT_MIN_COUNT,
					  .min_more = VERDICT_MIN_MORE,
					  .min_per_min = VERDICT_MIN_PER_MIN };

/*
 * at: what is noted of one client and of one server; goid and conn are set here. Of the first nr
 * connections.
 */
static struct leaks *watched(struct scene *s, const struct leak_peer *client,
			     const struct leak_peer *server, uint64_t nr)
{
	struct leaks *l = NULL;

	cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
	for (int look = 0; look < LOOKS; look++)
		look_at(l, s, look);
	no_facts(l);
	for (uint64_t i = 0; i < nr; i++) {
		struct leak_peer p = client ? *client : *server;

		p.conn = (uint32_t)i;
		p.goid = CLIENT + i;
		if (client)
			cr_assert_eq(leak_peer__add(l, &p), 0);
		p = server ? *server : *client;
		p.conn = (uint32_t)i;
		p.goid = CLIENT + SERVERS + i;
		if (server)
			cr_assert_eq(leak_peer__add(l, &p), 0);
	}
	cr_assert_eq(leaks__finish(l, &opts), 0);
	return l;
}

/* 'c': servers are told behind clients; 's': the other way round; '-': they are apart. */
static char root_of(const struct leaks *l)
{
	const struct leak_entry *client = NULL, *server = NULL;

	for (size_t i = 0; i < l->nr; i++) {
		client = l->entries[i].reason[0] == 'c' ? &l->entries[i] : client;
		server = l->entries[i].reason[0] == 's' ? &l->entries[i] : server;
	}
	cr_assert(client && server && leak_entry__counts(client, false) &&
		  leak_entry__counts(server, false));
	if (leak_incident__is_folded(l, server, false))
		return client == &l->entries[0] ? 'c' : '?';
	if (leak_incident__is_folded(l, client, false))
		return server == &l->entries[0] ? 's' : '?';
	return leak_incident__has(l, client) || leak_incident__has(l, server) ? '?' : '-';
}

static const struct leak_peer reads = { .waits = true, .reads = true }, leads = { .waits = false };

Test(leak_peer, tells_who_waits_for_whom)
{
	static const struct {
		const char *why;
		const struct leak_peer *client;
		struct leak_peer server;
		uint64_t nr;
		char want;
	} t[] = {
		{ "the server waits for the client to write",
		  &leads,
		  { .accepted = true, .waits = true, .reads = true },
		  PAIRS,
		  'c' },
		{ "... for the client to read",
		  &leads,
		  { .accepted = true, .waits = true },
		  PAIRS,
		  'c' },
		{ "both read: who dialled must go on",
		  &reads,
		  { .accepted = true, .waits = true, .reads = true },
		  PAIRS,
		  'c' },
		{ "the handler waits for the end of a context",
		  &reads,
		  { .accepted = true, .context = true },
		  PAIRS,
		  'c' },
		{ "the handler hangs by itself", &reads, { .accepted = true }, PAIRS, 's' },
		{ "... but the client does not wait for it",
		  &leads,
		  { .accepted = true },
		  PAIRS,
		  '-' },
		{ "nobody is known at the dialled end",
		  NULL,
		  { .accepted = true, .waits = true, .reads = true },
		  PAIRS,
		  '-' },
		{ "both at the dialled end, and both the program's own",
		  &reads,
		  { .waits = false },
		  PAIRS,
		  '-' },
		{ "most of them: then all",
		  &leads,
		  { .accepted = true, .waits = true, .reads = true },
		  PAIRS - 3,
		  'c' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s;
		scoped(leaks) l = watched(&s, t[i].client, &t[i].server, t[i].nr);

		cr_expect_eq(root_of(l), t[i].want, "%s: %c", t[i].why, root_of(l));
	}
}

Test(leak_peer, says_so_where_they_stand)
{
	static const struct leak_peer server = { .accepted = true, .waits = true, .reads = true };
	struct scene s;
	scoped(leaks) l = watched(&s, &reads, &server, PAIRS);
	struct textbuf to;

	textbuf__init(&to, NULL);
	leak_incident__text(l, &l->entries[0], false, &to);
	textbuf__bytes(&to, "", 1);
	cr_expect(strstr(to.v, "  behind it   18 goroutines wait for it\n"), "%s", to.v);
	cr_expect(strstr(to.v, ", at the other end of the connection\n"), "%s", to.v);
	textbuf__done(&to);
}
