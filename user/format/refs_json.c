// SPDX-License-Identifier: BSD-2-Clause
/*
 * refs_json: one object; what has no value is null. Every text went through base/textpool: valid
 * UTF-8.
 */
#include "view/calls.h"
#include "format/dump_show.h"
#include "view/refs.h"

struct writer {
	const struct refs *rs;
	const struct refs_show *show;
	struct json_writer json;
};

static void put_address(struct json_writer *j, const char *name, uint64_t addr)
{
	if (addr)
		jsonw_hex_field(j, name, addr);
	else
		jsonw_null_field(j, name);
}

static void put_place_value(struct json_writer *j, const struct place *p)
{
	jsonw_start_object(j);
	jsonw_text_field(j, "func", p->func);
	jsonw_text_field(j, "file", p->file);
	jsonw_uint_field(j, "line", p->line);
	jsonw_end_object(j);
}

static void put_place(struct json_writer *j, const char *name, const struct place *p)
{
	if (!p->func[0]) {
		jsonw_null_field(j, name);
		return;
	}
	jsonw_name(j, name);
	put_place_value(j, p);
}

static void put_object(struct json_writer *j, uint64_t addr, const char *type)
{
	jsonw_object_field(j, "object");
	put_address(j, "addr", addr);
	jsonw_text_field(j, "type", type);
	jsonw_end_object(j);
}

static const char *const kinds[] = {
	[REACH_GLOBAL] = "global",    [REACH_STACK] = "stack",
	[REACH_SPECIAL] = "special",  [REACH_C] = "c",
	[REACH_RAN] = "ran",          [REACH_OBJECT] = "object",
	[REACH_WAITER] = "goroutine", [REACH_TIMER] = "timer",
};

static void put_goroutine(struct json_writer *j, const struct ref_step *s)
{
	jsonw_uint_field(j, "goid", s->goid);
	jsonw_text_field(j, "state", s->word);
	put_place(j, "frame", &s->place);
	jsonw_text_field(j, "where", s->field);
	jsonw_uint_or_null_field(j, "frame_offset", s->offset, s->refers);
	jsonw_text_field(j, "variable", s->name);
	jsonw_text_field(j, "type", s->type);
}

static void put_memory(struct json_writer *j, const struct ref_step *s)
{
	jsonw_uint_field(j, "size", s->size);
	if (s->kind == REACH_GLOBAL) {
		jsonw_text_field(j, "name", s->name);
		jsonw_text_field(j, "section", s->section);
	}
	jsonw_text_field(j, "type", s->type);
	if (s->refers) {
		jsonw_uint_field(j, "offset", s->offset);
		jsonw_text_field(j, "field", s->field);
	} else if (s->kind == REACH_OBJECT) {
		jsonw_text_field(j, "awaited", s->word);
		jsonw_uint_field(j, "awaited_offset", s->word[0] ? s->offset : 0);
	}
}

static void put_step(struct json_writer *j, const struct ref_step *s)
{
	jsonw_start_object(j);
	jsonw_text_field(j, "kind", kinds[s->kind]);
	if (s->kind == REACH_STACK || s->kind == REACH_WAITER || s->kind == REACH_RAN) {
		put_goroutine(j, s);
	} else {
		put_address(j, "addr", s->addr);
		if (s->kind == REACH_TIMER)
			jsonw_text_field(j, "fires", s->word);
		else
			put_memory(j, s);
	}
	jsonw_end_object(j);
}

/* The timer that feeds it. */
static void put_feeder(struct json_writer *j, const struct ref_path *path)
{
	const bool sure = path->nr_made == 1 && !path->made_elsewhere;

	if (!path->fed) {
		jsonw_null_field(j, "fed_by");
		return;
	}
	jsonw_object_field(j, "fed_by");
	jsonw_text_field(j, "kind", path->period_ns ? "ticker" : "timer");
	jsonw_uint_field(j, "period_ns", path->period_ns);
	jsonw_uint_field(j, "fires_in_ns", path->fires_in_ns);
	jsonw_text_field(j, "held_in", path->held_in);
	if (sure)
		put_place(j, "made_at", &path->made[0]);
	else
		jsonw_null_field(j, "made_at");
	jsonw_array_field(j, "may_be_made_at");
	for (uint32_t i = 0; !sure && i < path->nr_made; i++)
		put_place_value(j, &path->made[i]);
	jsonw_end_array(j);
	jsonw_uint_field(j, "or_elsewhere", path->made_elsewhere);
	jsonw_end_object(j);
}

static void put_path(struct writer *w, const struct ref_path *path)
{
	struct json_writer *j = &w->json;

	jsonw_start_object(j);
	jsonw_uint_field(j, "count", path->nr);
	jsonw_uint_or_null_field(j, "goid", path->goid, path->goid);
	put_object(j, path->object, path->object_type);
	jsonw_bool_field(j, "undecided", path->undecided);
	put_feeder(j, path);
	jsonw_bool_field(j, "cut", path->cut);
	jsonw_array_field(j, "steps");
	for (uint32_t i = 0; i < path->nr_steps; i++)
		put_step(j, &w->rs->steps[path->steps_at + i]);
	jsonw_end_array(j);
	jsonw_end_object(j);
}

static void put_keepers(struct json_writer *j, const struct ref_group *g)
{
	if (!g->of[REF_UNREACHED]) {
		jsonw_null_field(j, "kept_by");
		return;
	}
	jsonw_object_field(j, "kept_by");
	jsonw_uint_field(j, "of", g->unreached);
	jsonw_bool_field(j, "itself", g->kept_by_itself);
	jsonw_array_field(j, "goids");
	for (size_t i = 0; i < g->nr_keepers; i++)
		jsonw_uint(j, g->keepers[i]);
	jsonw_end_array(j);
	jsonw_end_object(j);
}

/* r: the first of the group, or NULL. */
static void put_first(struct writer *w, const struct ref_group *g, const struct dump_row *r)
{
	struct dump *d = w->rs->d;
	struct json_writer *j = &w->json;

	jsonw_uint_or_null_field(j, "goid", r ? dump__g(d, r)->who.goid : 0, r);
	jsonw_text_field(j, "reason", r ? dump__word(d, r) : "");
	put_place(j, "blocked_at", &g->place);
	jsonw_name(j, "created_by");
	dump_json__site(r ? dump__site(d, r->made) : NULL, j);
	if (r)
		calls__json(d, r, j);
	else
		jsonw_null_field(j, "called_from");
	put_object(j, g->object, g->object_type);
}

static void put_group(struct writer *w, const struct ref_group *g)
{
	const uint64_t top = refs__paths_told(w->rs, g, w->show->top);
	struct json_writer *j = &w->json;

	jsonw_newline(j);
	jsonw_start_object(j);
	jsonw_uint_field(j, "count", g->nr);
	put_first(w, g, g->nr ? &w->rs->d->rows[g->row] : NULL);
	jsonw_object_field(j, "verdicts");
	for (int v = 0; v < REF_VERDICTS; v++)
		jsonw_uint_field(j, ref_verdict_word((enum ref_verdict)v), g->of[v]);
	jsonw_end_object(j);
	put_keepers(j, g);
	jsonw_array_field(j, "paths");
	for (uint32_t i = 0; i < g->nr_paths && i < top; i++)
		put_path(w, &w->rs->paths[g->paths_at + i]);
	jsonw_end_array(j);
	jsonw_uint_field(j, "paths_left_out", g->nr_paths > top ? g->nr_paths - top : 0);
	jsonw_end_object(j);
}

static void put_head(struct writer *w)
{
	const struct refs_show *s = w->show;
	struct framer *f = w->rs->d->framer;
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "target");
	jsonw_int_field(j, "pid", s->meta->pid);
	jsonw_text_field(j, "go", framer__text(f, s->meta->go_version));
	jsonw_text_field(j, "exe", framer__text(f, s->meta->exe));
	jsonw_end_object(j);
	jsonw_uint_field(j, "looks", s->looks);
	jsonw_object_field(j, "search");
	jsonw_uint_field(j, "heap_bytes", s->heap_bytes);
	jsonw_seconds_field(j, "seconds", s->ns);
	jsonw_text_field(j, "doubt", framer__text(f, s->doubt));
	jsonw_end_object(j);
}

int refs_show__json(const struct refs *rs, const struct refs_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .rs = rs, .show = s };
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(&w.json, &to);
	jsonw_start_object(&w.json);
	put_head(&w);
	jsonw_array_field(&w.json, "groups");
	for (size_t i = 0; i < rs->nr && !to.err; i++)
		put_group(&w, &rs->groups[i]);
	jsonw_end_array(&w.json);
	jsonw_end_object(&w.json);
	jsonw_end(&w.json);
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
