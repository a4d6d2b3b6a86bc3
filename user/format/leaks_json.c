// SPDX-License-Identifier: BSD-2-Clause
/* leaks_json: one object; what has no value is null. Every text went through names/textpool: valid
 * UTF-8. */
#include <string.h>

#include "base/clock.h"
#include "format/dump_show.h"
#include "view/leak_incident.h"
#include "view/leak_words.h"
#include "view/leaks.h"

struct writer {
	struct leaks *l;
	const struct leaks_show *show;
	struct textbuf to;
};

static void put_seconds(struct writer *w, const char *key, uint64_t ns)
{
	textbuf__format(&w->to, "%s%.3f", key, (double)ns / NS_PER_SEC);
}

static void put_flag(struct writer *w, const char *key, bool b)
{
	textbuf__text(&w->to, key);
	textbuf__text(&w->to, b ? "true" : "false");
}

static void put_site(struct writer *w, const char *key, uint32_t site)
{
	textbuf__text(&w->to, key);
	dump_json__site(dump__site(w->l->d, site), &w->to);
}

static void put_place(struct writer *w, const char *key, const struct place *p)
{
	textbuf__json_text(&w->to, key, p->func);
	textbuf__json_text(&w->to, ",\"file\":", p->file);
	textbuf__json_u64(&w->to, ",\"line\":", p->line);
	textbuf__text(&w->to, "}");
}

static void put_counts(struct writer *w, const struct leak_group *g)
{
	const size_t looks = leakset__nr_looks(w->l->set);

	textbuf__json_u64(&w->to, ",\"count\":", g->nr);
	textbuf__json_u64(&w->to, ",\"count_start\":", g->count[0]);
	textbuf__text(&w->to, ",\"counts\":[");
	for (size_t i = 0; i < looks; i++)
		textbuf__json_u64(&w->to, i ? "," : "", g->count[i]);
	textbuf__text(&w->to, "]");
}

static void put_growth(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	const struct growth *gr = &e->verdict.growth;

	textbuf__format(&w->to, ",\"growth_per_min\":%.1f", e->verdict.per_min);
	textbuf__json_u64(&w->to, ",\"births\":", e->verdict.births);
	textbuf__json_u64(&w->to, ",\"exits\":", e->verdict.exits);
	textbuf__json_u64(&w->to, ",\"site_groups\":", e->site_groups);
	put_flag(w, ",\"births_estimated\":", !leakset__lives_known(w->l->set));
	textbuf__json_u64(&w->to, ",\"windows\":{\"all\":", gr->windows);
	textbuf__json_u64(&w->to, ",\"grew\":", gr->grew);
	put_flag(w, ",\"to_the_end\":", gr->going);
	textbuf__json_u64(&w->to, "},\"old\":{\"count\":", g->old);
	textbuf__json_u64(&w->to, ",\"ended\":", g->old_ended);
	textbuf__json_u64(&w->to, ",\"went_on\":", g->old_moved + g->old_went);
	textbuf__json_u64(&w->to, ",\"waits\":", g->old_waits);
	textbuf__json_u64(&w->to, ",\"waits_over\":", g->old_over);
	textbuf__text(&w->to, "}");
}

static void put_waits(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	put_seconds(w, ",\"age_s\":{\"min\":", g->age_min_ns);
	put_seconds(w, ",\"max\":", g->age_max_ns);
	put_flag(w, ",\"exact\":", g->age_exact);
	textbuf__json_text(&w->to, "},\"objects\":{\"kind\":", e->kind);
	textbuf__json_u64(&w->to, ",\"distinct\":", g->objects);
	textbuf__json_u64(&w->to, ",\"shared_by\":", g->sharing);
	textbuf__text(&w->to, "}");
	textbuf__json_u64(&w->to, ",\"stack_bytes\":", g->stack_bytes);
	if (e->heap_bytes == LEAK_HEAP_UNKNOWN || !verdict_is_leak(e->verdict.kind))
		textbuf__text(&w->to, ",\"heap_bytes\":null");
	else
		textbuf__json_u64(&w->to, ",\"heap_bytes\":", e->heap_bytes);
}

static void put_cpu(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	if (!w->show->cpu_ns || !leakset__on_cpu(w->l->set)) {
		textbuf__text(&w->to, ",\"cpu\":null");
		return;
	}
	put_seconds(w, ",\"cpu\":{\"s\":", leaks__cpu_ns(w->l, e, w->show->cpu_ns));
	textbuf__json_u64(&w->to, ",\"seen\":", g->on_cpu);
	textbuf__json_u64(&w->to, ",\"seen_of\":", leakset__on_cpu(w->l->set));
	textbuf__text(&w->to, ",\"estimated\":true}");
}

/* Of one group, or NULL: of all goroutines. */
static void put_allocated(struct writer *w, const struct leak_entry *e)
{
	const struct leak_sum *s = leaks__allocs(w->l, e);

	textbuf__text(&w->to, ",\"allocated\":");
	if (!s) {
		textbuf__text(&w->to, "null");
		return;
	}
	textbuf__json_u64(&w->to, "{\"bytes\":", s->bytes);
	put_flag(w, ",\"estimated\":", e);
	textbuf__json_u64(&w->to, ",\"seen\":", s->seen);
	textbuf__json_u64(&w->to, ",\"windows\":", w->l->alloc_windows);
	put_seconds(w, ",\"gap_s\":", w->l->alloc_gap_ns);
	textbuf__text(&w->to, "}");
}

static void put_makers(struct writer *w, const struct leak_entry *e)
{
	put_site(w, ",\"start\":", e->start);
	put_site(w, ",\"created_by\":", e->made);
	textbuf__text(&w->to, ",\"called_from\":");
	called__json(&e->called, &w->to);
	textbuf__text(&w->to, ",\"parents\":[");
	for (size_t i = 0; i < e->nr_parents; i++) {
		textbuf__json_u64(&w->to, i ? ",{\"goid\":" : "{\"goid\":", e->parents[i].goid);
		put_site(w, ",\"start\":", e->parents[i].start);
		put_site(w, ",\"created_by\":", e->parents[i].made);
		textbuf__text(&w->to, "}");
	}
	if (e->blocked)
		put_place(w, "],\"blocked_at\":{\"func\":", &e->place);
	else
		textbuf__text(&w->to, "],\"blocked_at\":null");
	textbuf__text(&w->to, ",\"labels\":{");
	for (size_t i = 0; e->labels && i < e->labels->nr; i++) {
		textbuf__json_text(&w->to, i ? "," : "", e->labels->v[i].key);
		textbuf__json_text(&w->to, ":", e->labels->v[i].value);
	}
	textbuf__text(&w->to, "}");
}

static void put_goids(struct writer *w, const struct leak_entry *e)
{
	uint64_t goids[LEAKS_GOIDS];
	const size_t nr = leaks__goids(w->l, e, goids);

	textbuf__text(&w->to, ",\"goids\":[");
	for (size_t i = 0; i < nr; i++)
		textbuf__json_u64(&w->to, i ? "," : "", goids[i]);
	textbuf__text(&w->to, "]");
}

/* Of those that were searched for. */
static void put_proof(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	textbuf__json_u64(&w->to, ",\"proven\":", leaks__proven(w->l, e));
	textbuf__json_u64(&w->to, ",\"searched\":{\"count\":", g->asked);
	textbuf__json_u64(&w->to, ",\"unreached\":", g->unreached);
	textbuf__json_u64(&w->to, ",\"held_by_global\":", g->reached[LEAK_REACHED_GLOBAL]);
	textbuf__json_u64(&w->to, ",\"held_by_goroutine\":", g->reached[LEAK_REACHED_STACK]);
	textbuf__json_u64(&w->to, ",\"held_otherwise\":", g->reached[LEAK_REACHED_OTHER]);
	textbuf__text(&w->to, "}");
}

static void put_why(struct writer *w, const struct leak_entry *e)
{
	struct textbuf why;

	textbuf__init(&why, NULL);
	leak_words__why(w->l, e, &why);
	textbuf__bytes(&why, "", 1);
	if (why.err)
		w->to.err = w->to.err ? w->to.err : why.err;
	else
		textbuf__json_text(&w->to, ",\"why\":", why.v);
	textbuf__done(&why);
}

static void put_entry(struct writer *w, const struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(w->l, e);

	put_flag(w, "{\"leak\":", leak_entry__counts(e, w->show->suspects));
	textbuf__json_text(&w->to, ",\"verdict\":", verdict_name(e->verdict.kind));
	put_proof(w, e, g);
	textbuf__json_text(&w->to, ",\"pattern\":", e->pattern ? e->pattern->words : NULL);
	textbuf__json_text(&w->to, ",\"cure\":", e->pattern ? e->pattern->cure : NULL);
	put_why(w, e);
	leak_incident__json(w->l, e, &w->to);
	put_flag(w, ",\"known\":", e->known);
	textbuf__json_text(&w->to, ",\"reason\":", e->reason);
	put_counts(w, g);
	put_growth(w, e, g);
	put_waits(w, e, g);
	put_cpu(w, e, g);
	put_allocated(w, e);
	put_makers(w, e);
	put_goids(w, e);
	textbuf__text(&w->to, ",\"stack\":");
	if (e->stack == DUMP_NO_STACK)
		textbuf__text(&w->to, "[]");
	else
		dump_json__stack(w->l->d, e->stack, false, &w->to);
	textbuf__json_u64(&w->to, ",\"stacks\":", e->nr_stacks);
	textbuf__text(&w->to, "}");
}

static void put_head(struct writer *w)
{
	const struct report_meta *m = w->show->meta;
	struct framer *f = w->l->framer;
	const size_t looks = leakset__nr_looks(w->l->set);

	textbuf__format(&w->to, "{\"target\":{\"pid\":%d", m->pid);
	textbuf__json_text(&w->to, ",\"go\":", framer__text(f, m->go_version));
	textbuf__json_text(&w->to, ",\"exe\":", framer__text(f, m->exe));
	put_seconds(w, "},\"window_s\":",
		    leakset__look_ns(w->l->set, looks - 1) - leakset__look_ns(w->l->set, 0));
	textbuf__json_u64(&w->to, ",\"looks\":", looks);
	textbuf__json_u64(&w->to, ",\"goroutines\":{\"start\":", w->l->nr_first);
	textbuf__json_u64(&w->to, ",\"end\":", w->l->nr_last);
	textbuf__json_u64(&w->to, "},\"lost\":", m->lost);
	textbuf__json_u64(&w->to, ",\"unsettled\":", w->l->unsettled);
	textbuf__json_u64(&w->to, ",\"refused\":", w->l->refused + leakset__refused(w->l->set));
	textbuf__text(&w->to, ",\"cost\":{\"cpu_pct\":");
	if (w->show->cpu_pct < 0)
		textbuf__text(&w->to, "null");
	else
		textbuf__format(&w->to, "%.2f", w->show->cpu_pct);
	textbuf__json_u64(&w->to, "},\"proof\":{\"passes\":", w->show->proof.passes);
	textbuf__json_u64(&w->to, ",\"heap_bytes\":", w->show->proof.heap_bytes);
	put_seconds(w, ",\"seconds\":", w->show->proof.ns);
	put_seconds(w, ",\"cpu_seconds\":", w->show->proof.cpu_ns);
	textbuf__json_text(&w->to, ",\"doubt\":", framer__text(f, w->show->proof.doubt));
	textbuf__text(&w->to, "}");
	put_allocated(w, NULL);
}

int leaks_show__json(struct leaks *l, const struct leaks_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .l = l, .show = s };
	bool any = false;
	int err;

	textbuf__init(&w.to, out);
	put_head(&w);
	textbuf__text(&w.to, ",\"groups\":[");
	for (size_t i = 0; i < l->nr && !w.to.err; i++) {
		if (!s->all && !leak_entry__counts(&l->entries[i], s->suspects))
			continue;
		textbuf__text(&w.to, any ? ",\n" : "\n");
		put_entry(&w, &l->entries[i]);
		any = true;
	}
	textbuf__text(&w.to, "]}\n");
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
