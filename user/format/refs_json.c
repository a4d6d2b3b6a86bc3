// SPDX-License-Identifier: BSD-2-Clause
/* refs_json: one object; what has no value is null. Every text went through names/textpool: valid UTF-8. */
#include "base/clock.h"
#include "view/calls.h"
#include "format/dump_show.h"
#include "view/refs.h"

struct writer {
	const struct refs *rs;
	const struct refs_show *show;
	struct textbuf to;
};

/* "" is null. */
static void put_text(struct writer *w, const char *key, const char *text)
{
	textbuf__json_text(&w->to, key, text[0] ? text : NULL);
}

static void put_address(struct writer *w, const char *key, uint64_t addr)
{
	textbuf__text(&w->to, key);
	if (!addr) {
		textbuf__text(&w->to, "null");
		return;
	}
	textbuf__text(&w->to, "\"");
	textbuf__hex(&w->to, addr);
	textbuf__text(&w->to, "\"");
}

static void put_place(struct writer *w, const char *key, const struct place *p)
{
	textbuf__text(&w->to, key);
	if (!p->func[0]) {
		textbuf__text(&w->to, "null");
		return;
	}
	put_text(w, "{\"func\":", p->func);
	put_text(w, ",\"file\":", p->file);
	textbuf__json_u64(&w->to, ",\"line\":", p->line);
	textbuf__text(&w->to, "}");
}

static const char *const kinds[] = {
	[REACH_GLOBAL] = "global",   [REACH_STACK] = "stack", [REACH_SPECIAL] = "special",
	[REACH_C] = "c",             [REACH_RAN] = "ran",     [REACH_OBJECT] = "object",
	[REACH_WAITER] = "goroutine", [REACH_TIMER] = "timer",
};

static void put_step(struct writer *w, const struct ref_step *s)
{
	put_text(w, "{\"kind\":", kinds[s->kind]);
	if (s->kind == REACH_STACK || s->kind == REACH_WAITER || s->kind == REACH_RAN) {
		textbuf__json_u64(&w->to, ",\"goid\":", s->goid);
		put_text(w, ",\"state\":", s->word);
		put_place(w, ",\"frame\":", &s->place);
		put_text(w, ",\"where\":", s->field);
		textbuf__text(&w->to, ",\"frame_offset\":");
		if (s->refers)
			textbuf__u64(&w->to, s->offset);
		else
			textbuf__text(&w->to, "null");
		put_text(w, ",\"variable\":", s->name);
		put_text(w, ",\"type\":", s->type);
		textbuf__text(&w->to, "}");
		return;
	}
	put_address(w, ",\"addr\":", s->addr);
	if (s->kind == REACH_TIMER) {
		put_text(w, ",\"fires\":", s->word);
		textbuf__text(&w->to, "}");
		return;
	}
	textbuf__json_u64(&w->to, ",\"size\":", s->size);
	if (s->kind == REACH_GLOBAL) {
		put_text(w, ",\"name\":", s->name);
		put_text(w, ",\"section\":", s->section);
	}
	put_text(w, ",\"type\":", s->type);
	if (s->refers) {
		textbuf__json_u64(&w->to, ",\"offset\":", s->offset);
		put_text(w, ",\"field\":", s->field);
	} else if (s->kind == REACH_OBJECT) {
		put_text(w, ",\"awaited\":", s->word);
		textbuf__json_u64(&w->to, ",\"awaited_offset\":", s->word[0] ? s->offset : 0);
	}
	textbuf__text(&w->to, "}");
}

/* The timer that feeds it. */
static void put_feeder(struct writer *w, const struct ref_way *way)
{
	textbuf__text(&w->to, ",\"fed_by\":");
	if (!way->fed) {
		textbuf__text(&w->to, "null");
		return;
	}
	put_text(w, "{\"kind\":", way->period_ns ? "ticker" : "timer");
	textbuf__json_u64(&w->to, ",\"period_ns\":", way->period_ns);
	textbuf__json_u64(&w->to, ",\"fires_in_ns\":", way->fires_in_ns);
	put_text(w, ",\"held_in\":", way->held_in);
	textbuf__text(&w->to, "}");
}

static void put_way(struct writer *w, const struct ref_way *way)
{
	textbuf__json_u64(&w->to, "{\"count\":", way->nr);
	textbuf__text(&w->to, ",\"goid\":");
	if (way->goid)
		textbuf__u64(&w->to, way->goid);
	else
		textbuf__text(&w->to, "null");
	put_address(w, ",\"object\":{\"addr\":", way->object);
	put_text(w, ",\"type\":", way->object_type);
	textbuf__text(&w->to, way->undecided ? "},\"undecided\":true" : "},\"undecided\":false");
	put_feeder(w, way);
	textbuf__text(&w->to, way->cut ? ",\"cut\":true,\"steps\":[" : ",\"cut\":false,\"steps\":[");
	for (uint32_t i = 0; i < way->nr_steps; i++) {
		if (i)
			textbuf__text(&w->to, ",");
		put_step(w, &w->rs->steps[way->steps_at + i]);
	}
	textbuf__text(&w->to, "]}");
}

static void put_keepers(struct writer *w, const struct ref_group *g)
{
	textbuf__text(&w->to, ",\"kept_by\":");
	if (!g->of[REF_UNREACHED]) {
		textbuf__text(&w->to, "null");
		return;
	}
	textbuf__json_u64(&w->to, "{\"of\":", g->unreached);
	textbuf__text(&w->to, g->kept_by_itself ? ",\"itself\":true,\"goids\":[" : ",\"itself\":false,\"goids\":[");
	for (size_t i = 0; i < g->nr_keepers; i++)
		textbuf__json_u64(&w->to, i ? "," : "", g->keepers[i]);
	textbuf__text(&w->to, "]}");
}

static void put_group(struct writer *w, const struct ref_group *g)
{
	const struct dump *d = w->rs->in.d;
	const struct dump_row *r = g->nr ? &d->rows[g->row] : NULL;
	const uint64_t top = refs__ways_told(w->rs, g, w->show->top);

	textbuf__json_u64(&w->to, "{\"count\":", g->nr);
	textbuf__text(&w->to, ",\"goid\":");
	if (r)
		textbuf__u64(&w->to, dump__g(d, r)->goid);
	else
		textbuf__text(&w->to, "null");
	put_text(w, ",\"reason\":", r ? dump__word(d, r) : "");
	put_place(w, ",\"blocked_at\":", &g->place);
	textbuf__text(&w->to, ",\"created_by\":");
	dump_json__site(r ? dump__site(d, r->made) : NULL, &w->to);
	if (r)
		calls__json(w->rs->in.d, r, &w->to);
	else
		textbuf__text(&w->to, ",\"called_from\":null");
	put_address(w, ",\"object\":{\"addr\":", g->object);
	put_text(w, ",\"type\":", g->object_type);
	textbuf__text(&w->to, "},\"verdicts\":{");
	for (int v = 0; v < REF_VERDICTS; v++) {
		put_text(w, v ? "," : "", ref_verdict_word((enum ref_verdict)v));
		textbuf__json_u64(&w->to, ":", g->of[v]);
	}
	textbuf__text(&w->to, "}");
	put_keepers(w, g);
	textbuf__text(&w->to, ",\"paths\":[");
	for (uint32_t i = 0; i < g->nr_ways && i < top; i++) {
		if (i)
			textbuf__text(&w->to, ",");
		put_way(w, &w->rs->ways[g->ways_at + i]);
	}
	textbuf__json_u64(&w->to, "],\"paths_left_out\":", g->nr_ways > top ? g->nr_ways - top : 0);
	textbuf__text(&w->to, "}");
}

int refs_show__json(const struct refs *rs, const struct refs_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .rs = rs, .show = s };
	struct framer *f = rs->in.d->framer;
	int err;

	textbuf__init(&w.to, out);
	textbuf__format(&w.to, "{\"target\":{\"pid\":%d", s->meta->pid);
	put_text(&w, ",\"go\":", framer__text(f, s->meta->go_version));
	put_text(&w, ",\"exe\":", framer__text(f, s->meta->exe));
	textbuf__json_u64(&w.to, "},\"looks\":", s->looks);
	textbuf__json_u64(&w.to, ",\"search\":{\"heap_bytes\":", s->heap_bytes);
	textbuf__format(&w.to, ",\"seconds\":%.3f", (double)s->ns / NS_PER_SEC);
	put_text(&w, ",\"doubt\":", framer__text(f, s->doubt));
	textbuf__text(&w.to, "},\"groups\":[");
	for (size_t i = 0; i < rs->nr && !w.to.err; i++) {
		textbuf__text(&w.to, i ? ",\n" : "\n");
		put_group(&w, &rs->groups[i]);
	}
	textbuf__text(&w.to, "]}\n");
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
