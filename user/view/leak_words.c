// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_words.h"

#include <string.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "view/leak_incident.h"
#include "view/leak_requests.h"

typedef unsigned long long ull;

void leak_words__age(uint64_t ns, struct textbuf *to)
{
	const uint64_t s = ns / NS_PER_SEC;

	if (s >= 86400)
		textbuf__format(to, "%llud%lluh", (ull)(s / 86400), (ull)(s / 3600 % 24));
	else if (s >= 3600)
		textbuf__format(to, "%lluh%llum", (ull)(s / 3600), (ull)(s / 60 % 60));
	else if (s >= 60)
		textbuf__format(to, "%llum%llus", (ull)(s / 60), (ull)(s % 60));
	else if (s >= 10)
		textbuf__format(to, "%llus", (ull)s);
	else
		textbuf__format(to, "%.1fs", (double)ns / NS_PER_SEC);
}

const struct frame *leak_words__own_line(const struct leaks *l, const struct leak_entry *e)
{
	const struct frame *v;
	size_t nr = 0, i = 0;

	if (!e->blocked || e->stack == DUMP_NO_STACK ||
	    dump__frames(l->d, e->stack, DUMP_FRAMES, &v, &nr))
		return NULL;
	while (i < nr && (!v[i].own || v[i].wrapper) && v[i].name != e->place.func)
		i++;
	if (i < nr && v[i].name == e->place.func && v[i].own)
		return NULL;
	while (i < nr && (!v[i].own || v[i].wrapper))
		i++;
	return i < nr ? &v[i] : NULL;
}

/* "1,606": digits in threes */
void leak_words__number(uint64_t n, struct textbuf *to)
{
	if (n >= 1000) {
		leak_words__number(n / 1000, to);
		textbuf__format(to, ",%03u", (unsigned int)(n % 1000));
	} else {
		textbuf__u64(to, n);
	}
}

void leak_words__things(const char *kind, uint64_t n, struct textbuf *to)
{
	static const struct {
		const char *kind, *one, *many;
	} t[] = {
		{ "chan", "channel", "channels" },
		{ "mutex", "mutex", "mutexes" },
		{ "rwmutex", "RWMutex", "RWMutexes" },
		{ "waitgroup", "WaitGroup", "WaitGroups" },
		{ "cond", "Cond", "Conds" },
		{ "fd", "file descriptor", "file descriptors" },
		{ "semaphore", "semaphore", "semaphores" },
		{ "timer", "timer", "timers" },
	};
	size_t i = 0;

	leak_words__number(n, to);
	while (kind && i < ARRAY_SIZE(t) && strcmp(t[i].kind, kind))
		i++;
	textbuf__text(to, " ");
	if (!kind || i == ARRAY_SIZE(t))
		textbuf__text(to, n == 1 ? "thing" : "things");
	else
		textbuf__text(to, n == 1 ? t[i].one : t[i].many);
}

static void put_growth(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const struct growth *gr = &e->verdict.growth;

	leak_words__number(g->count[0], to);
	textbuf__text(to, " at the start, ");
	leak_words__number(g->count[leakset__nr_looks(l->set) - 1], to);
	textbuf__format(to, " at the end; the number rose in %u of %u parts of the watch%s",
			gr->grew, gr->windows, gr->going ? ", to the very end" : "");
}

/* "; none of the 12 older waits has ended", "; 1 of the 12 older ones has ended" */
static void put_ended(struct textbuf *to, uint32_t all, const char *ones, uint32_t some)
{
	if (!all)
		return;
	textbuf__text(to, "; ");
	if (some)
		leak_words__number(some, to);
	else
		textbuf__text(to, "none");
	textbuf__text(to, " of the ");
	leak_words__number(all, to);
	textbuf__format(to, " older %s %s ended", ones, some > 1 ? "have" : "has");
}

static void put_old(const struct leak_group *g, struct textbuf *to)
{
	const uint32_t moved = g->old_moved + g->old_went;

	put_ended(to, g->old, "ones", g->old_ended);
	if (!g->old)
		return;
	textbuf__text(to, ", ");
	if (moved)
		leak_words__number(moved, to);
	textbuf__text(to, moved ? " ran meanwhile" : "none ran meanwhile");
}

/* The root of the way to what one of them waits for. */
static void put_holder(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_holder *h = e->group < l->nr_holders ? &l->holders[e->group] : NULL;

	switch (h ? h->kind : -1) {
	case REACH_GLOBAL:
		textbuf__format(to, "a variable of the program, at 0x%llx,", (ull)h->addr);
		break;
	case REACH_STACK:
		textbuf__format(to, "goroutine %llu, which can still run,", (ull)h->goid);
		break;
	default: textbuf__text(to, "something that is still in use");
	}
	textbuf__text(to, " still leads to what they wait for");
}

void leak_words__held(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	static const struct {
		enum leak_reach reach;
		const char *what;
	} t[] = {
		{ LEAK_REACHED_GLOBAL, "by variables of the program" },
		{ LEAK_REACHED_STACK, "by goroutines that can still run" },
		{ LEAK_REACHED_OTHER, "otherwise" },
	};
	const struct leak_holder *h = e->group < l->nr_holders ? &l->holders[e->group] : NULL;
	const struct leak_group *g = leaks__group(l, e);
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		if (!g->reached[t[i].reach])
			continue;
		textbuf__text(to, any ? ", " : "");
		leak_words__number(g->reached[t[i].reach], to);
		textbuf__format(to, " %s", t[i].what);
		any = true;
	}
	if (h && h->kind == REACH_GLOBAL && h->name)
		textbuf__format(to, "; for example the %svariable %s",
				strncmp(h->name, "runtime.", 8) ? "" : "runtime's ", h->name);
	else if (h && h->kind == REACH_GLOBAL)
		textbuf__format(to, "; for example the variable at 0x%llx", (ull)h->addr);
	else if (h && h->kind == REACH_STACK)
		textbuf__format(to, "; for example goroutine %llu", (ull)h->goid);
}

static void put_no_leak(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const bool one = g->nr == 1;

	switch (e->verdict.kind) {
	case VERDICT_POOL:
		textbuf__text(
			to, "all of them wait for the same thing, and their number does not grow");
		break;
	case VERDICT_HELD: put_holder(l, e, to); break;
	case VERDICT_SLEEPING:
		textbuf__text(to, one ? "a timer wakes it" : "a timer wakes them");
		break;
	case VERDICT_ACTIVE: textbuf__text(to, one ? "it runs" : "they run"); break;
	case VERDICT_RUNTIME:
		textbuf__text(to, one ? "it belongs to the Go runtime"
				      : "they belong to the Go runtime");
		break;
	default:
		textbuf__text(to, g->role == LEAK_ROLE_LISTENER ? "they wait for whatever comes"
				  : g->role == LEAK_ROLE_KEEPALIVE
					  ? "connections between two requests"
				  : one ? "it waits, and nothing shows that it waits in vain"
					: "they wait, and nothing shows that they wait in vain");
	}
}

/* What speaks for a leak and is not enough. */
static void put_doubt(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);

	put_growth(l, e, to);
	put_old(g, to);
	if (g->role == LEAK_ROLE_KEEPALIVE)
		textbuf__text(to, "; but these are connections between two requests");
	else if ((g->timer || g->class == LEAK_SLEEP) && !g->old_moved)
		textbuf__text(to, "; but their timers were not due yet");
	else if (leak_group_is_due(g))
		textbuf__text(to, "; but a timer will soon end them, as a context's deadline does");
}

/* "proof: 1,340 of the 1,606 checked are unreachable: ..." */
static void put_proof(uint32_t some, uint32_t all, struct textbuf *to)
{
	textbuf__text(to, "proof: ");
	if (all > 1 && some == all)
		textbuf__text(to, "all ");
	leak_words__number(some, to);
	if (some < all) {
		textbuf__text(to, " of the ");
		leak_words__number(all, to);
	}
	textbuf__format(to, " checked %s unreachable: no live goroutine or variable can wake %s",
			some == 1 ? "is" : "are", some == 1 ? "it" : "them");
}

/* "3 goroutines ", "1 goroutine " */
static void put_goroutines(uint32_t nr, struct textbuf *to)
{
	leak_words__number(nr, to);
	textbuf__text(to, nr == 1 ? " goroutine " : " goroutines ");
}

static void put_locks(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const unsigned int facts = l->facts ? l->facts[e->group] : 0U;

	if (e->verdict.why == WHY_BEHIND_RING) {
		put_goroutines(g->behinds, to);
		textbuf__format(
			to, "wait%s behind a deadlock: for goroutines that wait for each other%s",
			g->behinds == 1 ? "s" : "",
			leak_incident__is_mixed(l, e) ? "" : "'s locks");
		return;
	}
	put_goroutines(g->cycles, to);
	if ((facts & LEAK_FACT_ITSELF) && !(facts & LEAK_FACT_RING))
		textbuf__text(to, g->cycles == 1 ? "waits for a lock that it holds itself"
						 : "wait, each for a lock that it holds itself");
	else
		textbuf__format(to, "%s in a cycle: each waits for %s",
				g->cycles == 1 ? "is" : "are",
				leak_incident__is_mixed(l, e)
					? "the next, and nobody else can end its wait"
					: "a lock that the next one holds");
}

/* Of loops that were not seen to wake. */
static void put_endless(const struct leak_group *g, struct textbuf *to)
{
	if (g->old_moved)
		return;
	if (g->endless)
		textbuf__text(to, "; their code has no way to end");
	else if (g->loops && g->unended)
		textbuf__text(to, "; nobody else refers to what would end them");
}

static void put_growing(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const struct growth *gr = &e->verdict.growth;

	if (e->verdict.why == WHY_GROWS_AMONG_OTHERS) {
		leak_words__number((uint64_t)(gr->net > 0 ? gr->net : 0), to);
		textbuf__format(to,
				" more wait here than at the start; the number rose in %u of %u "
				"parts of the watch, "
				"while others come and go",
				gr->grew, gr->windows);
	} else {
		put_growth(l, e, to);
	}
	if (e->verdict.why == WHY_GROWS_AND_WAKES) {
		put_old(g, to);
		put_endless(g, to);
	} else {
		put_ended(to, g->old_waits, "waits", g->old_over);
	}
}

/* "5 have waited for a lock for 30s or longer" */
static void put_long(const struct leaks *l, uint32_t nr, const char *what, struct textbuf *to)
{
	leak_words__number(nr, to);
	textbuf__format(to, " %s for ", what);
	leak_words__age(l->opts.min_age_ns, to);
	textbuf__text(to, " or longer");
}

static void put_standing(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const uint32_t nr = g->stands ? g->stands : g->held_up;

	switch (e->verdict.why) {
	case WHY_KEEPS_LOCK:
		put_long(l, g->keepers,
			 g->keepers == 1 ? "holds a lock for which others have waited"
					 : "hold locks for which others have waited",
			 to);
		textbuf__text(to, "; nobody got it meanwhile");
		break;
	case WHY_NOBODY_RECEIVES:
		put_long(l, g->aged, g->aged == 1 ? "has waited" : "have waited", to);
		textbuf__text(
			to, ", each to send on a channel of its own that nobody is known to have");
		break;
	case WHY_BEHIND_HANG:
		put_long(l, g->aged, "have waited for one WaitGroup", to);
		textbuf__text(to, "; whoever would call Done hangs");
		break;
	case WHY_OLD_AND_APART:
		put_long(l, g->aged, g->aged == 1 ? "has waited" : "have waited", to);
		textbuf__text(to, ", each at an object of its own");
		break;
	default:
		put_long(l, nr, nr == 1 ? "has waited for a lock" : "have waited for a lock", to);
		textbuf__text(to, "; nobody got it meanwhile");
		if (e->verdict.why == WHY_HELD_UP)
			textbuf__text(to, ", but its holder may still go on");
	}
}

/* "; ended by: own deadline 12, request's cancel 3" */
static void put_enders(const struct leak_ignored *i, struct textbuf *to)
{
	const char *words = "; ended by: ";

	for (size_t by = GCONTEXT_END_UNKNOWN + 1; by <= GCONTEXT_END_MAX; by++) {
		if (!i->by[by])
			continue;
		textbuf__text(to, words);
		textbuf__text(to, gcontext_end_word((enum gcontext_end)by));
		textbuf__text(to, " ");
		leak_words__number(i->by[by], to);
		words = ", ";
	}
}

/* "; ignores its context: 50 have one that has ended, and still wait; deadlines passed 31s to 40s ago" */
static void put_ignored(const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_ignored *i = leak_requests__ignored(e);

	if (!i)
		return;
	textbuf__text(to, "; ignores its context: ");
	leak_words__number(i->count, to);
	textbuf__text(to, i->count == 1 ? " has one that has ended, and still waits"
					: " have one that has ended, and still wait");
	if (i->deadlines) {
		textbuf__text(to,
			      i->deadlines == 1 ? "; a deadline passed " : "; deadlines passed ");
		leak_words__age(i->min_ns, to);
		if (i->max_ns / NS_PER_SEC > i->min_ns / NS_PER_SEC) {
			textbuf__text(to, " to ");
			leak_words__age(i->max_ns, to);
		}
		textbuf__text(to, " ago");
	}
	put_enders(i, to);
}

/* The rule that held, with its numbers. */
static void put_rule(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);

	switch (e->verdict.why) {
	case WHY_RUNTIME_SAYS:
		textbuf__text(to, "proof: the Go runtime itself says that nothing can wake ");
		leak_words__number(g->leaked, to);
		textbuf__text(to, " of the ");
		leak_words__number(g->nr, to);
		break;
	case WHY_FOREVER: textbuf__text(to, "proof: nothing can ever end this wait"); break;
	case WHY_UNREACHED: put_proof(g->unreached, g->asked, to); break;
	case WHY_RING:
	case WHY_BEHIND_RING: put_locks(l, e, to); break;
	case WHY_GROWS:
	case WHY_GROWS_AMONG_OTHERS:
	case WHY_GROWS_AND_WAKES: put_growing(l, e, to); break;
	case WHY_GROWS_AND_RUNS:
		put_growth(l, e, to);
		put_ended(to, g->old, "ones", g->old_ended);
		textbuf__text(to, "; they run, or are ready to run, at every look");
		break;
	case WHY_NOBODY_GOT_IT:
	case WHY_HELD_UP:
	case WHY_KEEPS_LOCK:
	case WHY_NOBODY_RECEIVES:
	case WHY_OLD_AND_APART: put_standing(l, e, to); break;
	case WHY_UNENDED:
		textbuf__text(to, "a timer wakes them again and again; of the ");
		put_goroutines(g->unended, to);
		textbuf__text(to, "that were looked at, nobody else refers to what would end them");
		break;
	case WHY_UNREAD:
		put_goroutines(g->unread, to);
		textbuf__format(to,
				"wait%s until somebody has read the body of a response, and nobody "
				"reads one",
				g->unread == 1 ? "s" : "");
		break;
	case WHY_ONE_PASS:
		textbuf__text(to, "one search found nothing that leads to what they wait for; it "
				  "takes two to prove it");
		break;
	case WHY_OTHERS_WAIT: textbuf__text(to, "others cannot go on before it does"); break;
	case WHY_GROWS_UNSURE: put_doubt(l, e, to); break;
	case WHY_SETTING_UP:
		put_growth(l, e, to);
		put_old(g, to);
		textbuf__text(to, "; but they are still being set up: goroutine 1 made them, and "
				  "holds what they wait for");
		break;
	case WHY_MORE_CONNECTIONS:
		put_growth(l, e, to);
		put_old(g, to);
		textbuf__text(to, "; but their clients are there: more connections");
		break;
	case WHY_BEHIND_HANG: put_standing(l, e, to); break;
	case WHY_NOTHING:
	case WHY_KINDS: put_no_leak(l, e, to); break;
	}
}

void leak_words__why(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	put_rule(l, e, to);
	put_ignored(e, to);
}
