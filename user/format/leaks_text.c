// SPDX-License-Identifier: BSD-2-Clause
/*
 * leaks_text: for a person: what leaks, the most expensive first, in a minute.
 *
 *	pid 812 'api', go1.22.1: watched for 30.1 s in 13 looks; 120 goroutines at the ...
 *	1 leak: 50 goroutines, 102 kB of stacks
 *
 *	GROWING  50 goroutines [chan send]: blocked send after early return or timeout
 *	  blocked at  main.query.func1 /src/q.go:31
 *	  made at     main.query /src/q.go:30
 *	  ...
 */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "format/dump_show.h"
#include "format/leak_requests_put.h"
#include "view/leak_call.h"
#include "view/leak_incident.h"
#include "view/leak_words.h"
#include "view/leaks.h"

#define FRAMES_SHOWN 12

typedef unsigned long long ull;

struct writer {
	struct leaks *l;
	const struct leaks_show *show;
	struct textbuf to;
};

static void put_place(struct writer *w, const char *what, const char *func, const char *file,
		      uint32_t line)
{
	textbuf__format(&w->to, "  %-11s %s %s:%u\n", what, func, file[0] ? file : "?", line);
}

static void put_site(struct writer *w, const char *what, uint32_t site)
{
	const struct site *s = dump__site(w->l->d, site);

	if (s)
		put_place(w, what, s->func, s->file, s->line);
}

static void put_own_line(struct writer *w, const struct leak_entry *e)
{
	const struct frame *own = leak_words__own_line(w->l, e);

	if (own)
		put_place(w, "own line", own->name, own->file, own->line);
}

/* Where it runs and who made it, unless that is plain from where it is blocked. */
static void put_makers(struct writer *w, const struct leak_entry *e)
{
	const struct site *start = dump__site(w->l->d, e->start);

	if (e->blocked || e->place.file[0])
		put_place(w, e->blocked ? "blocked at" : "runs", e->place.func, e->place.file,
			  e->place.line);
	put_own_line(w, e);
	if (start && start->func != e->place.func)
		put_place(w, "runs", start->func, start->file, start->line);
	put_site(w, "made at", e->made);
	if (e->called.how != CALLED_OWN) {
		textbuf__text(&w->to, "  called from ");
		called__text(&e->called, &w->to);
		textbuf__text(&w->to, "\n");
	}
	for (size_t i = 0; i < e->nr_parents; i++) {
		const struct site *made = dump__site(w->l->d, e->parents[i].made);

		if (made)
			textbuf__format(&w->to, "  %-11s goroutine %llu, made at %s %s:%u\n",
					i ? "" : "by", (ull)e->parents[i].goid, made->func,
					made->file, made->line);
	}
}

/* That would be garbage without them. */
static void put_heap(struct writer *w, uint64_t bytes, bool known)
{
	if (known)
		textbuf__size(&w->to, bytes);
	textbuf__text(&w->to, known ? " of heap that only they keep\n"
				    : "the heap that only they keep was not computed\n");
}

/* Who it is held by of those that were searched for, if any is: the others are proven. */
static void put_held(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	if (!g->reached[LEAK_REACHED_GLOBAL] && !g->reached[LEAK_REACHED_STACK] &&
	    !g->reached[LEAK_REACHED_OTHER])
		return;
	textbuf__text(&w->to, "  held by     of those checked: ");
	leak_words__held(w->l, e, &w->to);
	textbuf__text(&w->to, "\n");
}

static void put_waits(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	struct textbuf *to = &w->to;

	textbuf__text(to, "  waits       ");
	if (g->objects) {
		textbuf__text(to, "for ");
		leak_words__things(e->kind, g->objects, to);
		textbuf__text(to, ", ");
	}
	leak_words__age(g->age_min_ns, to);
	if (g->age_max_ns / NS_PER_SEC > g->age_min_ns / NS_PER_SEC) {
		textbuf__text(to, " to ");
		leak_words__age(g->age_max_ns, to);
	}
	textbuf__text(to, g->age_exact ? " so far\n" : " or longer\n");
}

/*
 * Nothing counts what one goroutine uses: how often looks saw it run tells its part of what all
 * did.
 */
static void put_cpu(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	textbuf__text(&w->to, "  cpu         ");
	if (!g->on_cpu || !w->show->cpu_ns) {
		textbuf__text(&w->to, "not known: no look saw one of them on a processor\n");
		return;
	}
	textbuf__format(&w->to, "~%.1f s of the %.1f s that the program used: ",
			(double)leaks__cpu_ns(w->l, e, w->show->cpu_ns) / NS_PER_SEC,
			(double)w->show->cpu_ns / NS_PER_SEC);
	textbuf__format(&w->to,
			"of %llu goroutines that looks saw on a processor, %u were of these\n",
			(ull)leakset__on_cpu(w->l->set), g->on_cpu);
}

static void put_numbers(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	struct textbuf *to = &w->to;

	textbuf__format(to, "  growth      %+.1f a minute; ", e->verdict.per_min);
	leak_words__number(e->verdict.births, to);
	textbuf__text(to, e->verdict.births == 1 ? " was made at that line, "
						 : " were made at that line, ");
	leak_words__number(e->verdict.exits, to);
	textbuf__text(to, " ended");
	if (e->site_groups > 1)
		textbuf__format(to, " (all %u groups of that line together)", e->site_groups);
	textbuf__text(to, leakset__lives_known(w->l->set) ? "\n" : ", as far as the looks tell\n");
	if (g->class == LEAK_RUNS)
		put_cpu(w, e, g);
	else
		put_waits(w, e, g);
	textbuf__text(to, "  costs       ");
	textbuf__size(to, g->stack_bytes);
	textbuf__text(to, " of stacks, ");
	put_heap(w, leak_entry__heap(e), e->heap_bytes != LEAK_HEAP_UNKNOWN);
}

static void put_allocated(struct writer *w, const struct leak_entry *e)
{
	const struct leak_sum *s = leaks__allocs(w->l, e);

	const char *why = w->show->allocs_why;

	if (!s) {
		textbuf__format(&w->to, "  allocated   not known%s%s\n", why && why[0] ? ": " : "",
				why && why[0] ? why : "");
		return;
	}
	textbuf__text(&w->to, "  allocated   ");
	if (s->bytes) {
		textbuf__text(&w->to, "~");
		textbuf__size(&w->to, s->bytes);
		textbuf__text(&w->to, " while watched: of ");
		leak_words__number(s->seen, &w->to);
		textbuf__format(&w->to, " object%s seen in ", s->seen == 1 ? "" : "s");
	} else {
		textbuf__text(&w->to, "nothing that was seen, in ");
	}
	textbuf__format(&w->to, "%u window%s", w->l->alloc_windows,
			w->l->alloc_windows == 1 ? "" : "s");
	if (w->l->alloc_gap_ns)
		textbuf__format(&w->to, "; %.1f s are left out: parkwatch was stopped or held up",
				(double)w->l->alloc_gap_ns / NS_PER_SEC);
	textbuf__text(&w->to, "\n");
}

static void put_goids(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	uint64_t goids[LEAKS_GOIDS];
	const size_t nr = leaks__goids(w->l, e, goids);

	textbuf__format(&w->to, "  goroutine%s ", g->nr == 1 ? " " : "s");
	for (size_t i = 0; i < nr; i++)
		textbuf__format(&w->to, " %llu", (ull)goids[i]);
	textbuf__text(&w->to, g->nr > LEAKS_GOIDS ? " ...\n" : "\n");
	if (!e->labels)
		return;
	textbuf__text(&w->to, "  labels      ");
	textbuf__text(&w->to, e->labels->text);
	textbuf__text(&w->to, "\n");
}

static void put_stack(struct writer *w, const struct leak_entry *e)
{
	const struct frame *v;
	size_t nr = 0;
	int err = e->stack == DUMP_NO_STACK
			  ? 0
			  : dump__frames(w->l->d, e->stack, DUMP_TRACEBACK, &v, &nr);

	if (err && !w->to.err)
		w->to.err = err;
	if (nr)
		textbuf__format(&w->to, "  stack%s\n", e->nr_stacks > 1 ? " of most" : "");
	for (size_t i = 0; i < nr && i < FRAMES_SHOWN; i++)
		textbuf__format(&w->to, "    %s %s:%u\n", v[i].name, v[i].file[0] ? v[i].file : "?",
				v[i].line);
	if (nr > FRAMES_SHOWN)
		textbuf__format(&w->to, "    ... %zu more\n", nr - FRAMES_SHOWN);
}

static void put_verdict(struct writer *w, enum verdict_kind kind)
{
	for (const char *c = verdict_name(kind); *c; c++) {
		const char up = (char)toupper((unsigned char)*c);

		textbuf__bytes(&w->to, &up, 1);
	}
}

static void put_entry(struct writer *w, const struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(w->l, e);

	textbuf__text(&w->to, "\n");
	put_verdict(w, e->verdict.kind);
	textbuf__format(&w->to, "  %u goroutine%s [%s]", g->nr, g->nr == 1 ? "" : "s", e->reason);
	if (verdict_is_leak(e->verdict.kind) && e->pattern)
		textbuf__format(&w->to, ": %s", e->pattern->words);
	textbuf__text(&w->to, e->known ? " (known)\n" : "\n");
	put_makers(w, e);
	textbuf__text(&w->to, "  because     ");
	leak_words__why(w->l, e, &w->to);
	textbuf__text(&w->to, "\n");
	leak_incident__text(w->l, e, w->show->suspects, &w->to);
	leak_call__text(w->l, e, w->show->suspects, &w->to);
	if (!verdict_is_leak(e->verdict.kind)) {
		leak_requests_put__text(e, NULL, &w->to);
		put_goids(w, e, g);
		return;
	}
	put_held(w, e, g);
	leak_requests_put__cure(w->l, e, &w->to);
	if (e->pattern && e->pattern->cure)
		textbuf__format(&w->to, "  cure        %s\n", e->pattern->cure);
	leak_requests_put__text(e, w->show->requests_why, &w->to);
	put_numbers(w, e, g);
	put_allocated(w, e);
	put_goids(w, e, g);
	put_stack(w, e);
}

/* Another entry tells of it. */
static bool is_folded(const struct leaks *l, const struct leak_entry *e, bool suspects)
{
	return leak_incident__is_folded(l, e, suspects) || leak_call__is_folded(l, e, suspects);
}

static void put_head(struct writer *w)
{
	const struct leaks *l = w->l;
	const struct report_meta *m = w->show->meta;
	const size_t looks = leakset__nr_looks(l->set);
	const uint64_t ns = leakset__look_ns(l->set, looks - 1) - leakset__look_ns(l->set, 0);
	uint64_t nr = 0, bytes = 0, heap = 0;
	bool heap_known = true;
	size_t leaks = 0, known = 0, suspects = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		known += l->entries[i].known;
		suspects += !l->entries[i].known && l->entries[i].verdict.kind == VERDICT_SUSPECT;
		if (!leak_entry__counts(&l->entries[i], w->show->suspects))
			continue;
		leaks += !is_folded(l, &l->entries[i], w->show->suspects);
		nr += g->nr;
		bytes += g->stack_bytes;
		heap += leak_entry__heap(&l->entries[i]);
		heap_known &= l->entries[i].heap_bytes != LEAK_HEAP_UNKNOWN;
	}
	textbuf__format(&w->to,
			"pid %d '%s', %s: watched for %.1f s in %zu looks; %zu goroutine%s at the "
			"start, %zu at the end\n",
			m->pid, framer__text(l->framer, m->comm),
			framer__text(l->framer, m->go_version), (double)ns / NS_PER_SEC, looks,
			l->nr_first, l->nr_first == 1 ? "" : "s", l->nr_last);
	if (leaks) {
		textbuf__format(&w->to, "%zu leak%s: %llu goroutine%s, ", leaks,
				leaks == 1 ? "" : "s", (ull)nr, nr == 1 ? "" : "s");
		textbuf__size(&w->to, bytes);
		textbuf__text(&w->to, " of stacks");
		if (heap_known) {
			textbuf__text(&w->to, ", ");
			textbuf__size(&w->to, heap);
			textbuf__text(&w->to, " of heap");
		}
	} else {
		textbuf__text(&w->to, "no leak found");
	}
	if (suspects && !w->show->suspects)
		textbuf__format(&w->to, "; %zu suspect%s: --suspects tells which", suspects,
				suspects == 1 ? "" : "s");
	if (known)
		textbuf__format(&w->to, "; %zu known", known);
	textbuf__text(&w->to, "\n");
}

int leaks_show__text(struct leaks *l, const struct leaks_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .l = l, .show = s };
	int err;

	textbuf__init(&w.to, out);
	put_head(&w);
	for (size_t i = 0; i < l->nr && !w.to.err; i++)
		if ((s->all || leak_entry__counts(&l->entries[i], s->suspects)) &&
		    !is_folded(l, &l->entries[i], s->suspects))
			put_entry(&w, &l->entries[i]);
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
