// SPDX-License-Identifier: BSD-2-Clause
#include "report/leak_words.h"

#include "base/clock.h"

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

static void put_growth(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);
	const struct growth *gr = &e->verdict.growth;

	textbuf__format(to, "%u at the start, %u at the end; more in %u of %u windows", g->count[0],
			g->count[leakset__nr_looks(l->set) - 1], gr->grew, gr->windows);
	textbuf__text(to, gr->going ? ", to the last" : "");
}

static void put_of(struct textbuf *to, uint32_t all, const char *ones, uint32_t some,
		   const char *did)
{
	if (some)
		textbuf__format(to, "; of %u older %s %u %s", all, ones, some, did);
	else
		textbuf__format(to, "; of %u older %s none %s", all, ones, did);
}

static void put_old(const struct leak_group *g, struct textbuf *to)
{
	const uint32_t moved = g->old_moved + g->old_went;

	put_of(to, g->old, "ones", g->old_ended, "ended");
	if (moved)
		textbuf__format(to, ", %u went on", moved);
	else
		textbuf__text(to, ", none went on");
}

/* The root of the way to what one of them waits for. */
static void put_holder(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_holder *h = e->group < l->nr_holders ? &l->holders[e->group] : NULL;

	switch (h ? h->kind : -1) {
	case REACH_GLOBAL:
		textbuf__format(
			to, "a variable of the program, at 0x%llx, refers to what they wait for",
			(ull)h->addr);
		break;
	case REACH_STACK:
		textbuf__format(to,
				"goroutine %llu, which can still run, refers to what they wait for",
				(ull)h->goid);
		break;
	default: textbuf__text(to, "something that lives refers to what they wait for");
	}
}

static void put_no_leak(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);

	switch (e->verdict.kind) {
	case VERDICT_POOL:
		textbuf__text(to, "all of them wait for the same thing, and they do not grow");
		break;
	case VERDICT_HELD: put_holder(l, e, to); break;
	case VERDICT_SLEEPING: textbuf__text(to, "a timer wakes them"); break;
	case VERDICT_ACTIVE: textbuf__text(to, "they run"); break;
	case VERDICT_RUNTIME: textbuf__text(to, "the Go runtime's own"); break;
	default:
		textbuf__text(to, g->role == LEAK_ROLE_LISTENER ? "they wait for whatever comes"
				  : g->role == LEAK_ROLE_KEEPALIVE
					  ? "connections between two requests"
					  : "they wait, and nothing says in vain");
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
		textbuf__text(to, "; but their timers were not due");
}

void leak_words__why(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct leak_group *g = leaks__group(l, e);

	switch (e->verdict.why) {
	case WHY_RUNTIME_SAYS:
		textbuf__format(to, "the Go runtime itself says that nothing can wake %u of them",
				g->leaked);
		break;
	case WHY_FOREVER: textbuf__text(to, "nothing can ever end this wait"); break;
	case WHY_UNREACHED:
		textbuf__format(
			to, "of %u of %u, nothing that can still run refers to what they wait for",
			g->unreached, g->asked);
		break;
	case WHY_RING:
		textbuf__format(
			to,
			"%u of them are in a ring of goroutines that wait for each other's locks",
			g->rings);
		break;
	case WHY_BEHIND_RING:
		textbuf__format(to,
				"%u of them wait for goroutines that wait for each other's locks",
				g->behinds);
		break;
	case WHY_GROWS:
		put_growth(l, e, to);
		put_of(to, g->old_waits, "waits", g->old_over, "is over");
		break;
	case WHY_GROWS_AMONG_OTHERS:
		textbuf__format(
			to,
			"%lld more of them stand than at the start, more in %u of %u windows, "
			"while others come and go",
			(long long)e->verdict.growth.net, e->verdict.growth.grew,
			e->verdict.growth.windows);
		put_of(to, g->old_waits, "waits", g->old_over, "is over");
		break;
	case WHY_GROWS_AND_WAKES:
		put_growth(l, e, to);
		put_old(g, to);
		break;
	case WHY_GROWS_AND_RUNS:
		put_growth(l, e, to);
		put_of(to, g->old, "ones", g->old_ended, "ended");
		textbuf__text(to, "; they run, or are ready to, whenever one looks");
		break;
	case WHY_NOBODY_GOT_IT:
	case WHY_HELD_UP:
		textbuf__format(to, "%u have waited for a lock for ",
				g->stands ? g->stands : g->held_up);
		leak_words__age(l->opts.min_age_ns, to);
		textbuf__text(to, " or longer, and nobody got it");
		textbuf__text(to, e->verdict.why == WHY_HELD_UP
					  ? "; but who holds it may go on, as far as is known"
					  : "");
		break;
	case WHY_KEEPS_LOCK:
		textbuf__format(to, "%u hold%s a lock for which others have waited for ",
				g->keepers, g->keepers == 1 ? "s" : "");
		leak_words__age(l->opts.min_age_ns, to);
		textbuf__text(to, " or longer, and nobody got it");
		break;
	case WHY_UNREAD:
		textbuf__format(to,
				"%u wait until somebody has read the response's body, and nobody "
				"is reading one",
				g->unread);
		break;
	case WHY_NOBODY_RECEIVES:
	case WHY_OLD_AND_APART:
		textbuf__format(to, "%u have waited for ", g->aged);
		leak_words__age(l->opts.min_age_ns, to);
		textbuf__text(to, " or longer, each for a thing of its own");
		break;
	case WHY_ONE_PASS:
		textbuf__text(to, "one search found nothing that refers to what they wait for");
		break;
	case WHY_OTHERS_WAIT: textbuf__text(to, "others cannot go on before it does"); break;
	case WHY_GROWS_UNSURE: put_doubt(l, e, to); break;
	case WHY_MORE_CONNECTIONS:
		put_growth(l, e, to);
		put_old(g, to);
		textbuf__text(to, "; but their clients are there: more connections");
		break;
	case WHY_NOTHING:
	case WHY_KINDS: put_no_leak(l, e, to); break;
	}
}
