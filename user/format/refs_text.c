// SPDX-License-Identifier: BSD-2-Clause
/*
 * refs_text: for a person: of each group what keeps what it waits for, root first.
 *
 *	goroutine 18 [chan receive]
 *	  blocked at  main.(*pool).take /src/pool.go:31
 *	  waits for   chan main.conn 0xc0000a2060
 *	  held by
 *	    variable main.server (.bss 0x5a3c40, *main.service)
 *	    -> main.service 0xc000010000, 48 bytes: .pool.conns +0x18
 *	    -> chan main.conn 0xc0000a2060, 96 bytes
 */
#include <string.h>

#include "base/clock.h"
#include "view/calls.h"
#include "format/dump_show.h"
#include "view/refs.h"

#define TYPE_SHOWN  60 /* bytes; UTF-8 may be cut, as it may in names */
#define STEPS_SHOWN 24 /* of a longer path the middle is left out */

typedef unsigned long long ull;

struct writer {
	const struct refs *rs;
	const struct refs_show *show;
	struct textbuf to;
};

static void put_place(struct writer *w, const struct place *p)
{
	textbuf__format(&w->to, "%s %s:%u", p->func, p->file[0] ? p->file : "?", p->line);
}

/* Types without a name can be as long as their source. */
static void put_type(struct writer *w, const char *type)
{
	const size_t len = strlen(type);

	textbuf__bytes(&w->to, type, len > TYPE_SHOWN ? TYPE_SHOWN : len);
	textbuf__text(&w->to, len > TYPE_SHOWN ? "..." : "");
}

/* One without a name is known by what leads to it. */
static void put_nameless(struct writer *w, const struct ref_step *s, const char *section)
{
	if (!s->type[0]) {
		textbuf__format(&w->to, "a variable at 0x%llx (%s)", (ull)s->addr, section);
		return;
	}
	put_type(w, s->type);
	textbuf__format(&w->to, " 0x%llx, %llu bytes (%s): %s%s+0x%llx", (ull)s->addr, (ull)s->size,
			section, s->field, s->field[0] ? " " : "", (ull)s->offset);
}

static void put_global(struct writer *w, const struct ref_step *s)
{
	const char *section = s->section[0] ? s->section : "outside of all modules";

	if (!s->name[0]) {
		put_nameless(w, s, section);
		return;
	}
	textbuf__format(&w->to, "variable %s", s->name);
	if (s->refers && s->field[0])
		textbuf__text(&w->to, s->field);
	else if (s->refers && s->offset)
		textbuf__format(&w->to, " +0x%llx", (ull)s->offset);
	textbuf__format(&w->to, " (%s 0x%llx", section, (ull)s->addr);
	if (s->type[0]) {
		textbuf__text(&w->to, ", ");
		put_type(w, s->type);
	}
	textbuf__text(&w->to, ")");
}

/* Where in the frame. */
static void put_slot(struct writer *w, const struct ref_step *s)
{
	const char *what = s->offset < s->size ? "variable" : "argument";

	if (s->name[0])
		textbuf__format(&w->to, ", variable %s", s->name);
	else
		textbuf__format(&w->to, ", %s %s", s->offset < s->size ? "a" : "an", what);
	textbuf__format(&w->to, " at sp+0x%llx", (ull)s->offset);
}

static void put_goroutine(struct writer *w, const struct ref_step *s)
{
	textbuf__format(&w->to, "goroutine %llu", (ull)s->goid);
	if (s->word[0])
		textbuf__format(&w->to, " [%s]", s->word);
	if (s->kind == REACH_RAN) {
		textbuf__text(&w->to, ", which ran meanwhile");
		return;
	}
	if (s->kind == REACH_WAITER)
		textbuf__text(&w->to, ", which goes on then,");
	textbuf__text(&w->to, s->place.func[0] ? " in "
			      : s->field[0]    ? " in "
					       : ", somewhere on its stack");
	if (s->place.func[0])
		put_place(w, &s->place);
	else
		textbuf__text(&w->to, s->field);
	if (s->refers)
		put_slot(w, s);
}

static void put_object(struct writer *w, const struct ref_step *s)
{
	put_type(w, s->type[0] ? s->type : "object");
	textbuf__format(&w->to, " 0x%llx, %llu bytes", (ull)s->addr, (ull)s->size);
	if (s->refers) {
		textbuf__format(&w->to, ": %s%s+0x%llx", s->field, s->field[0] ? " " : "",
				(ull)s->offset);
	} else if (s->word[0] && strcmp(s->word, s->type) != 0) {
		textbuf__format(&w->to, ": %s at +0x%llx", s->word, (ull)s->offset);
	}
}

static void put_step(struct writer *w, const struct ref_step *s)
{
	switch ((enum reach_kind)s->kind) {
	case REACH_GLOBAL: put_global(w, s); break;
	case REACH_STACK:
	case REACH_RAN:
	case REACH_WAITER: put_goroutine(w, s); break;
	case REACH_SPECIAL:
		textbuf__format(&w->to, "a finalizer, cleanup or weak pointer of 0x%llx",
				(ull)s->addr);
		break;
	case REACH_C: textbuf__format(&w->to, "memory of C at 0x%llx", (ull)s->addr); break;
	case REACH_TIMER:
		textbuf__format(&w->to, "a timer of the runtime, which fires %s",
				s->word[0] ? s->word : "later");
		break;
	case REACH_OBJECT: put_object(w, s); break;
	}
}

/* "(3 of 20, such as goroutine 18)" */
static void put_share(struct writer *w, const struct ref_group *g, const struct ref_path *path)
{
	if (g->nr > 1)
		textbuf__format(&w->to, " (%u of %u, such as goroutine %llu)", path->nr, g->nr,
				(ull)path->goid);
}

/* One place, and which one is not known, is told behind the rest. */
static void put_made(struct writer *w, const struct ref_path *path)
{
	if (path->nr_made == 1 && !path->made_elsewhere)
		return;
	for (uint32_t i = 0; i < path->nr_made; i++) {
		textbuf__text(&w->to, !i ? "; made at " : " or at ");
		put_place(w, &path->made[i]);
	}
	if (path->made_elsewhere)
		textbuf__format(&w->to, " or at one of %u places that do not say how often",
				path->made_elsewhere);
}

static void put_feeder(struct writer *w, const struct ref_group *g, const struct ref_path *path)
{
	textbuf__format(&w->to, "  fed by      a %s", path->period_ns ? "running ticker" : "timer");
	if (path->nr_made == 1 && !path->made_elsewhere) {
		textbuf__text(&w->to, " made at ");
		put_place(w, &path->made[0]);
	}
	if (path->period_ns)
		textbuf__format(&w->to, " (every %g s)", (double)path->period_ns / NS_PER_SEC);
	else
		textbuf__format(&w->to, "%s that fires once, in %.1f s", path->nr_made ? "," : "",
				(double)path->fires_in_ns / NS_PER_SEC);
	put_made(w, path);
	if (path->held_in[0])
		textbuf__format(&w->to, "; it is in %s", path->held_in);
	put_share(w, g, path);
	textbuf__text(&w->to, "\n");
}

/* One of the channels of a select; what feeds it. true: that is all. */
static bool put_what(struct writer *w, const struct ref_group *g, const struct ref_path *path)
{
	if (path->object)
		textbuf__format(&w->to, "  of its cases: %s 0x%llx\n", path->object_type,
				(ull)path->object);
	if (path->fed)
		put_feeder(w, g, path);
	if (path->nr_steps)
		return false;
	textbuf__format(&w->to, "  held by     %s",
			path->undecided ? "what else refers to it could not be decided"
			: g->nr > 1
				? "only goroutines that are told of here, of all that can still run"
				: "only the goroutine itself, of all that can still run");
	put_share(w, g, path);
	textbuf__text(&w->to, "\n");
	return true;
}

static void put_path(struct writer *w, const struct ref_group *g, const struct ref_path *path)
{
	const uint32_t left = path->nr_steps > STEPS_SHOWN ? path->nr_steps - STEPS_SHOWN : 0;

	if (put_what(w, g, path))
		return;
	textbuf__text(&w->to, "  held by");
	put_share(w, g, path);
	textbuf__text(&w->to, path->cut ? "\n    ... more steps\n" : "\n");
	for (uint32_t i = 0; i < path->nr_steps; i++) {
		if (left && i == STEPS_SHOWN / 2) {
			textbuf__format(&w->to, "    ... %u steps\n", left);
			i += left;
		}
		textbuf__text(&w->to, i ? "    -> " : "    ");
		put_step(w, &w->rs->steps[path->steps_at + i]);
		textbuf__text(&w->to, "\n");
	}
}

static void put_unreached(struct writer *w, const struct ref_group *g)
{
	const uint32_t nr = g->of[REF_UNREACHED];

	textbuf__text(&w->to, "  unreached   ");
	if (g->nr > 1)
		textbuf__format(&w->to, "%u of %u: ", nr, g->nr);
	if (g->nr && !g->object) {
		textbuf__text(&w->to,
			      "it waits for nothing that exists, so nothing can end this wait\n");
		return;
	}
	textbuf__text(&w->to, g->nr ? "nothing that can still run refers to what it waits for\n"
				    : "nothing that can still run refers to it\n");
	if (!g->kept_by_itself && !g->nr_keepers) {
		textbuf__text(&w->to, "              nothing refers to it at all\n");
		return;
	}
	textbuf__text(&w->to, "              ");
	if (g->nr > 1)
		textbuf__format(&w->to, "of goroutine %llu: ", (ull)g->unreached);
	if (!g->nr_keepers) {
		textbuf__text(&w->to, "only the goroutine itself refers to it\n");
		return;
	}
	textbuf__format(&w->to, "only %sgoroutines that nothing can wake refer to it:",
			g->kept_by_itself ? "the goroutine itself and " : "");
	for (size_t i = 0; i < g->nr_keepers; i++)
		textbuf__format(&w->to, " %llu", (ull)g->keepers[i]);
	textbuf__text(&w->to, g->nr_keepers == REFS_KEEPERS ? " ...\n" : "\n");
}

static void put_others(struct writer *w, const struct ref_group *g)
{
	static const struct {
		enum ref_verdict v;
		const char *what, *words;
	} t[] = {
		{ REF_ONCE, "too new",
		  "nothing refers to what it waits for, but one look is no proof" },
		{ REF_UNKNOWN, "unknown",
		  "it could not be decided whether something refers to it" },
		{ REF_RAN, "goes on", "it ran while it was looked at" },
		{ REF_NO_OBJECT, "goes on",
		  "by itself; or it is the main goroutine, or the runtime's own" },
		{ REF_NOT_SEARCHED, "left out", "not searched for: there are too many" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		if (!g->of[t[i].v])
			continue;
		textbuf__format(&w->to, "  %-11s ", t[i].what);
		if (g->nr > 1)
			textbuf__format(&w->to, "%u of %u: ", g->of[t[i].v], g->nr);
		textbuf__format(&w->to, "%s\n", t[i].words);
	}
}

static void put_who(struct writer *w, const struct ref_group *g)
{
	const struct dump *d = w->rs->d;
	const struct dump_row *r = &d->rows[g->row];
	const struct site *made = dump__site(d, r->made);

	if (g->nr == 1)
		textbuf__format(&w->to, "\ngoroutine %llu [%s]\n", (ull)dump__g(d, r)->who.goid,
				dump__word(d, r));
	else
		textbuf__format(&w->to, "\n%u goroutines [%s]\n", g->nr, dump__word(d, r));
	textbuf__text(&w->to, "  blocked at  ");
	put_place(w, &g->place);
	if (made)
		textbuf__format(&w->to, "\n  made at     %s %s:%u", made->func,
				made->file[0] ? made->file : "?", made->line);
	textbuf__text(&w->to, "\n");
	calls__text(w->rs->d, r, "  called from ", &w->to);
	if (g->object && g->nr == 1)
		textbuf__format(&w->to, "  waits for   %s 0x%llx%s\n", g->object_type,
				(ull)g->object, dump__g(d, r)->nr_waits > 1 ? " and others" : "");
}

static void put_group(struct writer *w, const struct ref_group *g)
{
	if (g->nr)
		put_who(w, g);
	else
		textbuf__format(&w->to, "\n%s 0x%llx, %llu bytes\n",
				g->object_type[0] ? g->object_type : "object", (ull)g->object,
				(ull)g->object_size);
	if (g->of[REF_UNREACHED])
		put_unreached(w, g);
	for (uint32_t i = 0; i < g->nr_paths && i < refs__paths_told(w->rs, g, w->show->top); i++)
		put_path(w, g, &w->rs->paths[g->paths_at + i]);
	if (g->nr_paths > refs__paths_told(w->rs, g, w->show->top))
		textbuf__format(&w->to, "  %llu more paths are left out; --top shows more\n",
				(ull)(g->nr_paths - refs__paths_told(w->rs, g, w->show->top)));
	put_others(w, g);
}

int refs_show__text(const struct refs *rs, const struct refs_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .rs = rs, .show = s };
	struct framer *f = rs->d->framer;
	int err;

	textbuf__init(&w.to, out);
	textbuf__format(&w.to, "pid %d '%s', %s: ", s->meta->pid, framer__text(f, s->meta->comm),
			framer__text(f, s->meta->go_version));
	textbuf__size(&w.to, s->heap_bytes);
	textbuf__format(&w.to, " of heap searched through in %u look%s, %.2g s\n", s->looks,
			s->looks == 1 ? "" : "s", (double)s->ns / NS_PER_SEC);
	if (s->doubt[0])
		textbuf__format(&w.to, "not all could be decided: %s\n", framer__text(f, s->doubt));
	for (size_t i = 0; i < rs->nr && !w.to.err; i++)
		put_group(&w, &rs->groups[i]);
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
