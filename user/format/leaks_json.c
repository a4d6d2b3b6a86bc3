// SPDX-License-Identifier: BSD-2-Clause
/* leaks_json: one object; what has no value is null. Every text went through base/textpool: valid
 * UTF-8. */
#include "format/dump_show.h"
#include "format/leak_requests_put.h"
#include "view/leak_incident.h"
#include "view/leak_words.h"
#include "view/leaks.h"

struct writer {
	struct leaks *l;
	const struct leaks_show *show;
	struct json_writer json;
};

static void put_site(struct writer *w, const char *name, uint32_t site)
{
	jsonw_name(&w->json, name);
	dump_json__site(dump__site(w->l->d, site), &w->json);
}

static void put_place(struct json_writer *j, const char *name, const struct place *p)
{
	jsonw_object_field(j, name);
	jsonw_string_field(j, "func", p->func);
	jsonw_string_field(j, "file", p->file);
	jsonw_uint_field(j, "line", p->line);
	jsonw_end_object(j);
}

static void put_counts(struct writer *w, const struct leak_group *g)
{
	const size_t looks = leakset__nr_looks(w->l->set);
	struct json_writer *j = &w->json;

	jsonw_uint_field(j, "count", g->nr);
	jsonw_uint_field(j, "count_start", g->count[0]);
	jsonw_array_field(j, "counts");
	for (size_t i = 0; i < looks; i++)
		jsonw_uint(j, g->count[i]);
	jsonw_end_array(j);
}

static void put_growth(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	const struct growth *gr = &e->verdict.growth;
	struct json_writer *j = &w->json;

	jsonw_float_field(j, "growth_per_min", e->verdict.per_min, 1);
	jsonw_uint_field(j, "births", e->verdict.births);
	jsonw_uint_field(j, "exits", e->verdict.exits);
	jsonw_uint_field(j, "site_groups", e->site_groups);
	jsonw_bool_field(j, "births_estimated", !leakset__lives_known(w->l->set));
	jsonw_object_field(j, "windows");
	jsonw_uint_field(j, "all", gr->windows);
	jsonw_uint_field(j, "grew", gr->grew);
	jsonw_bool_field(j, "to_the_end", gr->going);
	jsonw_end_object(j);
	jsonw_object_field(j, "old");
	jsonw_uint_field(j, "count", g->old);
	jsonw_uint_field(j, "ended", g->old_ended);
	jsonw_uint_field(j, "went_on", g->old_moved + g->old_went);
	jsonw_uint_field(j, "waits", g->old_waits);
	jsonw_uint_field(j, "waits_over", g->old_over);
	jsonw_end_object(j);
}

static void put_waits(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "age_s");
	jsonw_seconds_field(j, "min", g->age_min_ns);
	jsonw_seconds_field(j, "max", g->age_max_ns);
	jsonw_bool_field(j, "exact", g->age_exact);
	jsonw_end_object(j);
	jsonw_object_field(j, "objects");
	jsonw_string_field(j, "kind", e->kind);
	jsonw_uint_field(j, "distinct", g->objects);
	jsonw_uint_field(j, "shared_by", g->sharing);
	jsonw_end_object(j);
	jsonw_uint_field(j, "stack_bytes", g->stack_bytes);
	jsonw_uint_or_null_field(j, "heap_bytes", e->heap_bytes,
				 e->heap_bytes != LEAK_HEAP_UNKNOWN &&
					 verdict_is_leak(e->verdict.kind));
}

static void put_cpu(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	struct json_writer *j = &w->json;

	if (!w->show->cpu_ns || !leakset__on_cpu(w->l->set)) {
		jsonw_null_field(j, "cpu");
		return;
	}
	jsonw_object_field(j, "cpu");
	jsonw_seconds_field(j, "s", leaks__cpu_ns(w->l, e, w->show->cpu_ns));
	jsonw_uint_field(j, "seen", g->on_cpu);
	jsonw_uint_field(j, "seen_of", leakset__on_cpu(w->l->set));
	jsonw_bool_field(j, "estimated", true);
	jsonw_end_object(j);
}

/* Of one group, or NULL: of all goroutines. */
static void put_allocated(struct writer *w, const struct leak_entry *e)
{
	const struct leak_sum *s = leaks__allocs(w->l, e);
	struct json_writer *j = &w->json;

	if (!s) {
		jsonw_null_field(j, "allocated");
		return;
	}
	jsonw_object_field(j, "allocated");
	jsonw_uint_field(j, "bytes", s->bytes);
	jsonw_bool_field(j, "estimated", e);
	jsonw_uint_field(j, "seen", s->seen);
	jsonw_uint_field(j, "windows", w->l->alloc_windows);
	jsonw_seconds_field(j, "gap_s", w->l->alloc_gap_ns);
	jsonw_end_object(j);
}

static void put_makers(struct writer *w, const struct leak_entry *e)
{
	struct json_writer *j = &w->json;

	put_site(w, "start", e->start);
	put_site(w, "created_by", e->made);
	jsonw_name(j, "called_from");
	called__json(&e->called, j);
	jsonw_array_field(j, "parents");
	for (size_t i = 0; i < e->nr_parents; i++) {
		jsonw_start_object(j);
		jsonw_uint_field(j, "goid", e->parents[i].goid);
		put_site(w, "start", e->parents[i].start);
		put_site(w, "created_by", e->parents[i].made);
		jsonw_end_object(j);
	}
	jsonw_end_array(j);
	if (e->blocked)
		put_place(j, "blocked_at", &e->place);
	else
		jsonw_null_field(j, "blocked_at");
	jsonw_object_field(j, "labels");
	for (size_t i = 0; e->labels && i < e->labels->nr; i++)
		jsonw_string_field(j, e->labels->v[i].key, e->labels->v[i].value);
	jsonw_end_object(j);
}

static void put_goids(struct writer *w, const struct leak_entry *e)
{
	uint64_t goids[LEAKS_GOIDS];
	const size_t nr = leaks__goids(w->l, e, goids);

	jsonw_array_field(&w->json, "goids");
	for (size_t i = 0; i < nr; i++)
		jsonw_uint(&w->json, goids[i]);
	jsonw_end_array(&w->json);
}

/* Of those that were searched for. */
static void put_proof(struct writer *w, const struct leak_entry *e, const struct leak_group *g)
{
	struct json_writer *j = &w->json;

	jsonw_uint_field(j, "proven", leaks__proven(w->l, e));
	jsonw_object_field(j, "searched");
	jsonw_uint_field(j, "count", g->asked);
	jsonw_uint_field(j, "unreached", g->unreached);
	jsonw_uint_field(j, "held_by_global", g->reached[LEAK_REACHED_GLOBAL]);
	jsonw_uint_field(j, "held_by_goroutine", g->reached[LEAK_REACHED_STACK]);
	jsonw_uint_field(j, "held_otherwise", g->reached[LEAK_REACHED_OTHER]);
	jsonw_end_object(j);
}

static void put_why(struct writer *w, const struct leak_entry *e)
{
	struct textbuf why;

	textbuf__init(&why, NULL);
	leak_words__why(w->l, e, &why);
	textbuf__bytes(&why, "", 1);
	jsonw_fail(&w->json, why.err);
	if (!why.err)
		jsonw_string_field(&w->json, "why", why.v);
	textbuf__done(&why);
}

static void put_stack(struct writer *w, const struct leak_entry *e)
{
	struct json_writer *j = &w->json;

	jsonw_name(j, "stack");
	if (e->stack == DUMP_NO_STACK) {
		jsonw_start_array(j);
		jsonw_end_array(j);
	} else {
		dump_json__stack(w->l->d, e->stack, false, j);
	}
	jsonw_uint_field(j, "stacks", e->nr_stacks);
}

static void put_entry(struct writer *w, const struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(w->l, e);
	struct json_writer *j = &w->json;

	jsonw_newline(j);
	jsonw_start_object(j);
	jsonw_bool_field(j, "leak", leak_entry__counts(e, w->show->suspects));
	jsonw_string_field(j, "verdict", verdict_name(e->verdict.kind));
	put_proof(w, e, g);
	jsonw_string_field(j, "pattern", e->pattern ? e->pattern->words : NULL);
	jsonw_string_field(j, "cure", e->pattern ? e->pattern->cure : NULL);
	put_why(w, e);
	leak_incident__json(w->l, e, j);
	jsonw_bool_field(j, "known", e->known);
	jsonw_string_field(j, "reason", e->reason);
	leak_requests_put__json(w->l, e, j);
	put_counts(w, g);
	put_growth(w, e, g);
	put_waits(w, e, g);
	put_cpu(w, e, g);
	put_allocated(w, e);
	put_makers(w, e);
	put_goids(w, e);
	put_stack(w, e);
	jsonw_end_object(j);
}

static void put_search(struct writer *w)
{
	const struct leaks_show *s = w->show;
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "proof");
	jsonw_uint_field(j, "passes", s->proof.passes);
	jsonw_uint_field(j, "heap_bytes", s->proof.heap_bytes);
	jsonw_seconds_field(j, "seconds", s->proof.ns);
	jsonw_seconds_field(j, "cpu_seconds", s->proof.cpu_ns);
	jsonw_string_field(j, "doubt", framer__text(w->l->framer, s->proof.doubt));
	jsonw_end_object(j);
}

static void put_head(struct writer *w)
{
	const struct report_meta *m = w->show->meta;
	struct framer *f = w->l->framer;
	const size_t looks = leakset__nr_looks(w->l->set);
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "target");
	jsonw_int_field(j, "pid", m->pid);
	jsonw_string_field(j, "go", framer__text(f, m->go_version));
	jsonw_string_field(j, "exe", framer__text(f, m->exe));
	jsonw_end_object(j);
	jsonw_seconds_field(j, "window_s",
			    leakset__look_ns(w->l->set, looks - 1) -
				    leakset__look_ns(w->l->set, 0));
	jsonw_uint_field(j, "looks", looks);
	jsonw_object_field(j, "goroutines");
	jsonw_uint_field(j, "start", w->l->nr_first);
	jsonw_uint_field(j, "end", w->l->nr_last);
	jsonw_end_object(j);
	jsonw_uint_field(j, "lost", m->lost);
	jsonw_uint_field(j, "unsettled", w->l->unsettled);
	jsonw_uint_field(j, "refused", w->l->refused + leakset__refused(w->l->set));
	jsonw_object_field(j, "cost");
	if (w->show->cpu_pct < 0)
		jsonw_null_field(j, "cpu_pct");
	else
		jsonw_float_field(j, "cpu_pct", w->show->cpu_pct, 2);
	jsonw_end_object(j);
	put_search(w);
	put_allocated(w, NULL);
	jsonw_string_field(j, "requests_why", w->show->requests_why);
}

int leaks_show__json(struct leaks *l, const struct leaks_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .l = l, .show = s };
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(&w.json, &to);
	jsonw_start_object(&w.json);
	put_head(&w);
	jsonw_array_field(&w.json, "groups");
	for (size_t i = 0; i < l->nr && !to.err; i++)
		if (s->all || leak_entry__counts(&l->entries[i], s->suspects))
			put_entry(&w, &l->entries[i]);
	jsonw_end_array(&w.json);
	jsonw_end_object(&w.json);
	jsonw_end(&w.json);
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
