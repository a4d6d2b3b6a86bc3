/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwreach: what reach says of each goroutine of a process as JSON, for reach.py.
 *
 *	pwreach PID [LOOKS [MS]]	LOOKS looks, MS milliseconds apart; leaked is who is leaked in
 *each of them, on the same object
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "census/census.h"
#include "heap/reach.h"
#include "golang/gostate.h"
#include "target/goproc.h"
#include "target/maps.h"

#define DEPTH 64

static const char *const verdicts[] = {
	[REACH_NOT_BLOCKED] = "runs",
	[REACH_HELD] = "held",
	[REACH_LEAKED] = "leaked",
	[REACH_UNKNOWN] = "unknown",
};
static const char *const kinds[] = {
	[REACH_GLOBAL] = "global", [REACH_STACK] = "stack", [REACH_SPECIAL] = "special",
	[REACH_C] = "c",           [REACH_RAN] = "ran",     [REACH_OBJECT] = "object",
	[REACH_WAITER] = "waiter",
};

struct look {
	const struct goruntime *rt;
	struct census *c;
	struct reach *r;
};

static const struct census_g *goroutine(const struct census *c, uint64_t goid)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->gs[i].who.goid == goid)
			return &c->gs[i];
	return NULL;
}

/* The function of a frame of a goroutine's stack. */
static const char *function_at(const struct look *l, uint64_t goid, uint32_t frame)
{
	const struct census_g *g = goroutine(l->c, goid);
	static struct goframe f[GOSYM_INLINE_MAX];
	const struct census_stack *st;
	int nr;

	if (!g || g->stack == CENSUS_NO_STACK)
		return "";
	st = &l->c->stacks[g->stack];
	if (frame >= st->nr_pcs)
		return "";
	nr = gosym__frames(l->rt->sym, l->c->pcs[st->pcs_at + frame], true, f, GOSYM_INLINE_MAX);
	return nr > 0 ? f[nr - 1].func : "";
}

static const char *start_of(const struct goruntime *rt, uint64_t startpc)
{
	static struct goframe f[GOSYM_INLINE_MAX];
	int nr = gosym__frames(rt->sym, gosym__unwrap_start(rt->sym, startpc), false, f,
			       GOSYM_INLINE_MAX);

	return nr > 0 ? f[nr - 1].func : "";
}

static void put_path(struct json_writer *w, const struct look *l, uint32_t i)
{
	struct reach_step s[REACH_PATH_MAX];
	size_t nr = reach__path(l->r, i, s, REACH_PATH_MAX);
	char text[GOSYM_NAME_MAX + 128];

	jsonw_array_field(w, "path");
	for (size_t k = 0; k < nr; k++) {
		snprintf(text, sizeof(text),
			 "%s 0x%" PRIx64 " size %" PRIu64 " +%" PRIu64 " g%" PRIu64 " %s",
			 kinds[s[k].kind], s[k].addr, s[k].size, s[k].offset, s[k].goid,
			 s[k].goid ? function_at(l, s[k].goid, s[k].frame) : "");
		jsonw_string(w, text);
	}
	jsonw_end_array(w);
}

static uint64_t first_wait(const struct census *c, const struct census_g *g)
{
	return g->nr_waits ? c->waits[g->waits_at].addr : 0;
}

/* Those that were leaked in the looks before, by goid; 0 where one is no more. */
struct suspects {
	uint64_t (*v)[2]; /* goid, what it waits for first */
	size_t nr;
};

static bool was_suspect(const struct suspects *s, uint64_t goid, uint64_t wait)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i][0] == goid)
			return s->v[i][1] == wait;
	return false;
}

static int keep_suspects(struct suspects *s, const struct look *l, bool first)
{
	uint64_t(*v)[2] = calloc(l->c->nr + 1, sizeof(*v));
	size_t nr = 0;

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->c->nr; i++) {
		const struct census_g *g = &l->c->gs[i];
		uint64_t wait = first_wait(l->c, g);

		if (reach__verdict(l->r, i) != REACH_LEAKED ||
		    (!first && !was_suspect(s, g->who.goid, wait)))
			continue;
		v[nr][0] = g->who.goid;
		v[nr++][1] = wait;
	}
	free(s->v);
	s->v = v;
	s->nr = nr;
	return 0;
}

static void put_goroutine(struct json_writer *w, const struct look *l, const struct suspects *s,
			  uint32_t i)
{
	const struct census_g *g = &l->c->gs[i];
	enum reach_verdict v = reach__verdict(l->r, i);
	const char *reason = gowait_word(gowait_of(l->rt->minor, g->reason));

	if (v == REACH_LEAKED && !was_suspect(s, g->who.goid, first_wait(l->c, g)))
		v = REACH_UNKNOWN;
	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_uint_field(w, "goid", g->who.goid);
	jsonw_string_field(w, "verdict", verdicts[v]);
	jsonw_uint_field(w, "status", g->status);
	jsonw_string_field(w, "reason", reason ? reason : "");
	jsonw_string_field(w, "start", start_of(l->rt, g->who.startpc));
	if (v == REACH_HELD)
		put_path(w, l, i);
	jsonw_end_object(w);
}

static void put_stats(struct json_writer *w, const struct look *l)
{
	const struct reach_stats *st = reach__stats(l->r);
	struct rusage ru = { 0 };

	getrusage(RUSAGE_SELF, &ru);
	jsonw_string_field(w, "go", l->rt->version);
	jsonw_uint_field(w, "passes", st->passes);
	jsonw_uint_field(w, "ns", st->ns);
	jsonw_uint_field(w, "bytes", st->bytes);
	jsonw_uint_field(w, "heap_bytes", st->heap_bytes);
	jsonw_uint_field(w, "objects", st->objects);
	jsonw_uint_field(w, "edges", st->edges);
	jsonw_uint_field(w, "ran", st->ran);
	jsonw_int_field(w, "rss_kb", ru.ru_maxrss);
	jsonw_string_field(w, "doubt", reach__doubt(l->r));
}

static int print_look(const struct look *l, const struct suspects *s)
{
	struct json_writer w;
	struct textbuf to;
	int err;

	textbuf__init(&to, stdout);
	jsonw_init(&w, &to);
	jsonw_start_object(&w);
	put_stats(&w, l);
	jsonw_array_field(&w, "goroutines");
	for (uint32_t i = 0; i < l->c->nr; i++)
		put_goroutine(&w, l, s, i);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	jsonw_end(&w);
	err = textbuf__finish(&to);
	textbuf__done(&to);
	return err;
}

static void look__done(struct look *l)
{
	reach__free(l->r);
	census__free(l->c);
	l->r = NULL;
	l->c = NULL;
}

static int look__take(struct look *l, const struct proc *p, struct cause *why)
{
	scoped(maps) maps = NULL;
	struct reach_in in = { .as = proc__mem(p), .rt = l->rt };
	int err = census__read(in.as, l->rt, DEPTH, &l->c);

	if (!err)
		err = maps__read_with_stacks(proc__dirfd(p), &maps);
	in.census = l->c;
	in.maps = maps;
	return err ? err : reach__run(&in, &l->r, why);
}

static int run(int argc, char **argv, struct cause *why)
{
	int looks = argc > 2 ? atoi(argv[2]) : 1, ms = argc > 3 ? atoi(argv[3]) : 0;
	const struct timespec nap = { ms / 1000, ms % 1000 * (long)NS_PER_MS };
	struct suspects s = { NULL, 0 };
	struct look l = { NULL, NULL, NULL };
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	int err;

	if (argc < 2)
		return cause__set(why, -EINVAL, "usage: pwreach PID [LOOKS [MS]]");
	err = proc__open(atoi(argv[1]), &p, why);
	if (!err)
		err = goproc__open(p, &gp, why);
	if (err)
		return err;
	l.rt = goproc__runtime(gp, 0);
	for (int i = 0; i < looks && !err; i++) {
		if (i)
			nanosleep(&nap, NULL);
		look__done(&l);
		err = look__take(&l, p, why);
		if (!err)
			err = keep_suspects(&s, &l, !i);
	}
	if (!err)
		err = print_look(&l, &s);
	look__done(&l);
	free(s.v);
	return err;
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err = run(argc, argv, &why);

	if (err)
		fprintf(stderr, "pwreach: %s (%d)\n", why.text, err);
	return err ? 1 : 0;
}
