// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_naming.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "view/leak_bodies.h"
#include "view/maker.h"

#define TEXT_BYTES 512
#define CHANS_MAX  65536 /* of requests in flight that are remembered */
/* entries whose type is asked for a method that ends it: a pass over all functions */
#define ENDINGS_MAX 32

static int frames_of(struct leaks *l, const struct leak_entry *e, const struct frame **ret,
		     size_t *ret_nr)
{
	*ret_nr = 0;
	return e->stack == DUMP_NO_STACK ? 0
					 : dump__frames(l->d, e->stack, DUMP_FRAMES, ret, ret_nr);
}

/* --- what the groups say of each other --- */

static enum leak_class class_of(const struct leaks *l, const struct leak_entry *e)
{
	return (enum leak_class)leaks__group(l, e)->class;
}

/* "*.f": whatever comes before it. */
static bool stands_in(const struct leak_entry *e, const char *func)
{
	const size_t len = strlen(e->place.func), end = strlen(func + 1);

	if (func[0] != '*')
		return !strcmp(e->place.func, func);
	return len >= end && !strcmp(e->place.func + len - end, func + 1);
}

/* HTTP connections whose reader waits until somebody has read the body. */
static bool waits_for_body(const struct leaks *l, const struct leak_entry *e)
{
	return verdict_is_leak(e->verdict.kind) && leak_bodies__waits(l, leaks__group(l, e));
}

/* What the i-th member of a group waits for. */
static const struct census_wait *waits_of(const struct leaks *l, const struct leak_group *g,
					  uint32_t i, uint32_t *ret_nr)
{
	const struct dump_row *r = &l->d->rows[leakset__member(l->set, g->first + i)->item];
	const struct census_g *cg = dump__g(l->d, r);

	*ret_nr = cg->nr_waits;
	return &l->d->in.censuses[r->rt]->waits[cg->waits_at];
}

/*
 * Who asks and who writes wait for one channel: persistConn.closech, of HTTP/2 clientStream.abort
 * (Go 1.15 to 1.27 net/http, and golang.org/x/net/http2).
 */
static const struct flight {
	const char *asks[2], *writes[2];
	unsigned int fact;
} flights[] = {
	{ { "net/http.(*persistConn).roundTrip", NULL },
	  { "net/http.(*persistConn).writeLoop", NULL },
	  LEAK_FACT_IN_FLIGHT },
	{ { "*ClientConn).roundTrip", "*ClientConn).RoundTrip" },
	  { "*http2clientStream).writeRequest", "*http2.(*clientStream).writeRequest" },
	  LEAK_FACT_STREAMS_IN_FLIGHT },
};

static bool stands_in_one_of(const struct leak_entry *e, const char *const funcs[2])
{
	return stands_in(e, funcs[0]) || (funcs[1] && stands_in(e, funcs[1]));
}

/* Channels that who asks waits for. */
static size_t chans_of_requests(const struct leaks *l, const struct flight *f, uint64_t *chans)
{
	size_t nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		if (!stands_in_one_of(&l->entries[i], f->asks))
			continue;
		for (uint32_t k = 0; k < g->nr; k++) {
			uint32_t nr_waits;
			const struct census_wait *w = waits_of(l, g, k, &nr_waits);

			for (uint32_t n = 0; n < nr_waits && nr < CHANS_MAX; n++)
				chans[nr++] = w[n].addr;
		}
	}
	qsort(chans, nr, sizeof(*chans), order_u64);
	return nr;
}

/* On most connections somebody waits for a response. */
static int connections_are_in_flight(const struct leaks *l, const struct flight *f, bool *ret)
{
	scoped_mem uint64_t *chans = reallocarray(NULL, CHANS_MAX, sizeof(*chans));
	uint64_t all = 0, busy = 0;
	size_t nr;

	if (!chans)
		return -ENOMEM;
	nr = chans_of_requests(l, f, chans);
	for (size_t i = 0; i < l->nr && nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		if (!stands_in_one_of(&l->entries[i], f->writes))
			continue;
		for (uint32_t k = 0; k < g->nr; k++) {
			uint32_t nr_waits, n = 0;
			const struct census_wait *w = waits_of(l, g, k, &nr_waits);

			while (n < nr_waits &&
			       !bsearch(&w[n].addr, chans, nr, sizeof(*chans), order_u64))
				n++;
			busy += n < nr_waits;
			all++;
		}
	}
	*ret = 2 * busy > all;
	return 0;
}

/* A Cmd.Wait whose process has ended: it waits for the goroutines that copy the output. */
static bool waits_for_output(struct leaks *l, const struct leak_entry *e)
{
	const struct frame *v;
	size_t nr;

	if ((class_of(l, e) != LEAK_RECEIVE && class_of(l, e) != LEAK_SELECT) ||
	    frames_of(l, e, &v, &nr))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(v[i].name, "os/exec.(*Cmd).Wait"))
			return true;
	return false;
}

static int facts_of_all(struct leaks *l, unsigned int *ret)
{
	int err = 0;

	*ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(flights) && !err; i++) {
		bool in_flight = false;

		err = connections_are_in_flight(l, &flights[i], &in_flight);
		*ret |= in_flight ? flights[i].fact : 0U;
	}
	for (size_t i = 0; i < l->nr; i++) {
		*ret |= waits_for_body(l, &l->entries[i]) ? LEAK_FACT_BODIES : 0U;
		*ret |= waits_for_output(l, &l->entries[i]) ? LEAK_FACT_PIPE_HELD : 0U;
	}
	return err;
}

/* What connections have of their own is called so only while it is load. */
static bool is_load(const struct leak_group *g, const struct leak_entry *e)
{
	return g->served && (g->class == LEAK_IO || e->verdict.why == WHY_MORE_CONNECTIONS);
}

static unsigned int facts_of(const struct leaks *l, const struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(l, e);

	return (l->facts ? l->facts[e->group] : 0U) |
	       (g->nr > 1 && g->sharing == g->nr ? LEAK_FACT_SHARED : 0U) |
	       (e->verdict.why == WHY_GROWS_AND_RUNS ? LEAK_FACT_SPINS : 0U) |
	       (is_load(g, e) ? LEAK_FACT_SERVED : 0U) |
	       (g->role == LEAK_ROLE_KEEPALIVE ? LEAK_FACT_KEEPALIVE : 0U) |
	       (e->verdict.why == WHY_SETTING_UP ? LEAK_FACT_SET_UP : 0U) |
	       (g->behinds ? LEAK_FACT_RING : 0U);
}

/* --- what would end a loop --- */

/*
 * "main.(*cache)" of "main.(*cache).loop.func1". false: it is no method of a pointer, or of a
 * generic type.
 */
static bool receiver_of(const char *func, char *to, size_t size)
{
	const char *at = strstr(func, ".(*"), *end = at ? strchr(at, ')') : NULL;

	if (!end || strchr(func, '[') || (size_t)(end + 1 - func) >= size)
		return false;
	memcpy(to, func, (size_t)(end + 1 - func));
	to[end + 1 - func] = '\0';
	return true;
}

/*
 * A method of the type whose method the loop is, that the program has and that by its name ends it.
 * NULL: none is known.
 */
static const char *ending_of(struct leaks *l, const struct leak_entry *e)
{
	static const char *const methods[] = { "Close", "Stop", "Shutdown" };
	const uint16_t rt = leakset__member(l->set, leaks__group(l, e)->first)->rt;
	char type[TEXT_BYTES], names[ARRAY_SIZE(methods)][TEXT_BYTES + 16];
	const char *wanted[ARRAY_SIZE(methods)];
	uint32_t has;

	if (rt >= l->d->in.nr || !receiver_of(e->place.func, type, sizeof(type)))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		snprintf(names[i], sizeof(names[i]), "%s.%s", type, methods[i]);
		wanted[i] = names[i];
	}
	has = namer__has(&l->d->in.namers[rt], wanted, ARRAY_SIZE(methods));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (has & 1u << i)
			return framer__text(l->framer, names[i]);
	return NULL;
}

static bool may_be_ended(const struct leaks *l, const struct leak_entry *e)
{
	return verdict_is_leak(e->verdict.kind) && class_of(l, e) == LEAK_SELECT;
}

/* --- words and cure --- */

static const char *with(struct leaks *l, const char *text, const char *before, const char *detail,
			const char *after)
{
	char to[2 * TEXT_BYTES];

	snprintf(to, sizeof(to), "%s%s%s%s", text, before, detail, after);
	return framer__text(l->framer, to);
}

/* "double lock", and where it was locked first. */
static const char *with_lock(struct leaks *l, const char *text, const struct place *p)
{
	char to[2 * TEXT_BYTES];

	if (!p || !p->func)
		return text;
	snprintf(to, sizeof(to), "%s: %s has locked it already, before %s:%u", text, p->func,
		 p->file[0] ? p->file : "?", p->line);
	return framer__text(l->framer, to);
}

/* It stands in the program's own code: what its authors can change. */
static bool is_at_home(const struct leaks *l, const struct leak_entry *e)
{
	const uint16_t rt = leakset__member(l->set, leaks__group(l, e)->first)->rt;

	return namer__owns(rt < l->d->in.nr ? &l->d->in.namers[rt] : NULL, e->place.func,
			   e->place.file);
}

/*
 * A cure that is a change where it is blocked is none where the program's authors cannot change the
 * code.
 */
static const char *cure_of(const struct leaks *l, const struct leak_entry *e,
			   const struct leak_pattern *p)
{
	const char *cure = p->elsewhere && !is_at_home(l, e) ? p->elsewhere : p->cure;

	return cure && cure[0] ? cure : NULL;
}

/* Of a type that other packages can name. */
static bool is_exported(const char *method)
{
	const char *type = strstr(method, ".(*");

	return type && isupper((unsigned char)type[3]) && !strstr(method, "/internal/");
}

/*
 * A library's goroutines that stand where its own code would let them, if somebody ended what the
 * program has begun.
 */
static bool is_left_running(const struct leaks *l, const struct leak_entry *e,
			    const struct leak_pattern *p, const struct frame *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i].own)
			return false;
	switch (class_of(l, e)) {
	case LEAK_RECEIVE:
	case LEAK_SELECT:
	case LEAK_SEND:
	case LEAK_COND:
	case LEAK_SLEEP:
	case LEAK_IO: break;
	default: return false;
	}
	return p->elsewhere && e->maker && verdict_is_leak(e->verdict.kind);
}

static void name_left_running(struct leaks *l, const struct leak_entry *e, unsigned int facts,
			      struct leak_pattern *named)
{
	if (class_of(l, e) == LEAK_SEND) {
		named->cure = with(l, "", "receive all that comes from what ", e->maker,
				   " started, and close it when it is no longer needed");
		return;
	}
	named->cure = with(l, "", "close, stop or cancel what ", e->maker,
			   " started when it is no longer needed, or share one");
	if (class_of(l, e) == LEAK_SLEEP || (facts & LEAK_FACT_TIMER))
		named->words =
			with(l, "timer or ticker never stopped: ", "", e->maker, " started it");
	else if (class_of(l, e) != LEAK_RECEIVE || (facts & LEAK_FACT_DONE))
		named->words = with(l, "never closed: ", "", e->maker, " started it");
}

static int name_entry(struct leaks *l, struct leak_entry *e, struct leak_pattern *named,
		      unsigned int all, size_t *endings)
{
	const unsigned int facts = all | facts_of(l, e);
	const struct leak_pattern *p;
	const char *c, *end = NULL;
	const struct frame *v = NULL;
	size_t nr = 0;
	int err = frames_of(l, e, &v, &nr);

	if (err)
		return err;
	p = leak_pattern_of(class_of(l, e), facts, v, nr);
	e->pattern = p ? named : NULL;
	if (!p)
		return 0;
	*named = (struct leak_pattern){ .words = p->words, .cure = cure_of(l, e, p) };
	c = class_of(l, e) == LEAK_SYSCALL ? leak_pattern_c_function(v, nr) : NULL;
	if (c)
		named->words = with(l, p->words, ": ", c, "()");
	if (class_of(l, e) == LEAK_LOCK && (facts & LEAK_FACT_ITSELF) && l->locked_at)
		named->words = with_lock(l, p->words, &l->locked_at[e->group]);
	/* elsewhere: a rule for code of whatever package, not for one that is known. */
	if (p->elsewhere && may_be_ended(l, e) && *endings < ENDINGS_MAX) {
		++*endings;
		end = ending_of(l, e);
	}
	/* they may be others' by now */
	if (!frames_of(l, e, &v, &nr) && is_left_running(l, e, p, v, nr))
		name_left_running(l, e, facts, named);
	else if (end && (is_exported(end) || is_at_home(l, e)))
		named->cure = with(l, "", "call ", end, " when it is no longer needed");
	return 0;
}

int leak_naming(struct leaks *l)
{
	unsigned int all = 0;
	size_t endings = 0;
	int err = facts_of_all(l, &all);

	l->patterns = calloc(l->nr + 1, sizeof(*l->patterns));
	if (!l->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr && !err; i++)
		err = name_entry(l, &l->entries[i], &l->patterns[i], all, &endings);
	return err;
}
