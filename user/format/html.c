// SPDX-License-Identifier: BSD-2-Clause
/*
 * html: one page that holds everything: the numbers as JSON, and the flame graph that shows them.
 *
 * The page without numbers is html/built/page.html, linked in (pages.mk makes it). Every name in
 * the JSON comes from the target: base/textpool has made it valid UTF-8 on one line; here `<`, `>` and `&`
 * are escaped too (jsonw_for_page), so nothing in it can end the script element.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "format/diff.h"
#include "view/flametree.h"
#include "format/renderer.h"

#define NODES_MAX 20000 /* of the tree: what a browser draws without a wait */

extern const char html_page[], html_page_end[];

static const char marker[] = "@PARKWATCH_REPORT@";

struct page {
	const struct report *report;
	struct rowframer *framer;
	const struct flametree *tree;
	/* of a difference, else NULL; its names are those of tree */
	const struct stack_diff *diff;
	const struct flametree *after;
	bool has_errors; /* it is an estimate, and intervals are known */
};

/* Of these, in the order of their names, the one with this name; NULL: there is none. *at goes on. */
static const struct flamenode *like(const struct flamenode **at, const char *name)
{
	while (*at && strcmp((*at)->name, name) < 0)
		*at = (*at)->next;
	return *at && !strcmp((*at)->name, name) ? *at : NULL;
}

/*
 * Keys as d3-flame-graph takes them: n name, v value, c children; of an estimate e: v +- e is a confidence
 * interval; of a difference a: the part of v that is of the later recording. At most FRAMES_MAX + 2 deep.
 */
static void put_node(struct json_writer *w, const struct flamenode *n, const struct page *p,
		     const struct flamenode *after)
{
	const struct flamenode *c, *at = after ? after->child : NULL;

	jsonw_start_object(w);
	jsonw_string_field(w, "n", n->name);
	jsonw_uint_field(w, "v", n->value);
	if (p->has_errors)
		jsonw_uint_field(w, "e", (uint64_t)fmin(n->error, 0x1p63));
	if (p->diff)
		jsonw_uint_field(w, "a", after ? after->value : 0);
	if (n->child) {
		jsonw_array_field(w, "c");
		for (c = n->child; c; c = c->next)
			put_node(w, c, p, like(&at, c->name));
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

static void put_text(struct json_writer *w, struct rowframer *f, const char *name, const char *text)
{
	jsonw_newline(w);
	jsonw_string_field(w, name, framer__text(rowframer__names(f), text));
}

static void put_number(struct json_writer *w, const char *name, uint64_t n)
{
	jsonw_newline(w);
	jsonw_uint_field(w, name, n);
}

/* Of the earlier recording; and what values of the later one were multiplied by. */
static void put_before(struct json_writer *w, const struct page *p)
{
	const struct report_meta *m = p->diff->before->meta;

	jsonw_newline(w);
	jsonw_name(w, "before");
	jsonw_start_object(w);
	put_text(w, p->framer, "comm", m->comm);
	put_text(w, p->framer, "exe", m->exe);
	put_text(w, p->framer, "go", m->go_version);
	put_number(w, "pid", (uint64_t)m->pid);
	put_number(w, "start_ms", m->wall_start_ns / NS_PER_MS);
	put_number(w, "duration_ns", m->duration_ns);
	jsonw_float_field(w, "scale", p->diff->scale, 6);
	jsonw_end_object(w);
}

static void put_report(struct json_writer *w, const struct page *p)
{
	const struct report *r = p->report;
	const struct report_meta *m = r->meta;
	struct rowframer *f = p->framer;
	char gap[REPORT_GAP_MAX];

	jsonw_start_object(w);
	put_text(w, f, "event", report_event_name(r->snap->event));
	put_text(w, f, "unit", report_value_unit(r->snap->event));
	put_text(w, f, "comm", m->comm);
	put_text(w, f, "exe", m->exe);
	put_text(w, f, "go", m->go_version);
	put_text(w, f, "cost", m->cost);
	put_text(w, f, "gap", report_gap(r, gap));
	put_number(w, "pid", (uint64_t)m->pid);
	put_number(w, "start_ms", m->wall_start_ns / NS_PER_MS);
	put_number(w, "duration_ns", m->duration_ns);
	put_number(w, "seen", m->seen);
	put_number(w, "lost", m->lost);
	put_number(w, "count", r->snap->count);
	put_number(w, "left_out", flametree__left_out(p->tree));
	put_number(w, "windows", r->snap->windows);
	jsonw_newline(w);
	jsonw_bool_field(w, "estimated", snap_is_estimated(r->snap));
	if (p->diff)
		put_before(w, p);
	jsonw_newline(w);
	jsonw_name(w, "tree");
	put_node(w, flametree__root(p->tree), p, p->after ? flametree__root(p->after) : NULL);
	jsonw_newline(w);
	jsonw_end_object(w);
	jsonw_end(w);
}

static int write_page(const struct page *p, const char *hole, FILE *out, struct cause *why)
{
	const char *rest = hole + sizeof(marker) - 1;
	struct json_writer w;
	struct textbuf to;
	int err;

	fwrite(html_page, 1, (size_t)(hole - html_page), out);
	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	jsonw_for_page(&w);
	put_report(&w, p);
	err = textbuf__finish(&to);
	textbuf__done(&to);
	if (err)
		return cause__set(why, err, "cannot write the report: %s", strerror(-err));
	fwrite(rest, 1, (size_t)(html_page_end - rest), out);
	return ferror(out) ? report_write_error(why) : 0;
}

/* What is counted after, alone: its names are those of both. */
static int tree_of_after(const struct stack_diff *d, struct rowframer *f, struct flametree **ret)
{
	struct snap s = d->snap;
	struct report r = d->report;

	s.rows = d->rows + d->nr_before;
	s.nr = d->snap.nr - d->nr_before;
	r.snap = &s;
	return flametree__new(&r, f, ret);
}

static int render_page(const struct report *r, const struct stack_diff *diff, FILE *out,
		       struct cause *why)
{
	scoped(flametree) after = NULL;
	scoped(flametree) t = NULL;
	scoped(rowframer) f = NULL;
	const char *hole;
	int err;

	hole = memmem(html_page, (size_t)(html_page_end - html_page), marker, sizeof(marker) - 1);
	if (!hole)
		return cause__set(why, -EOPNOTSUPP, "damaged html page: build parkwatch again");
	err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	if (!err)
		err = flametree__new(r, f, &t);
	if (!err && diff)
		err = tree_of_after(diff, f, &after);
	if (err)
		return cause__set(why, err, "cannot write html: %s", strerror(-err));
	flametree__cut(t, NODES_MAX);
	return write_page(&(struct page){ .report = r,
					  .framer = f,
					  .tree = t,
					  .diff = diff,
					  .after = after,
					  .has_errors = !diff && snap_is_estimated(r->snap) &&
							!r->snap->part },
			  hole, out, why);
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	return render_page(r, NULL, out, why);
}

int diff__html(const struct stack_diff *d, FILE *out, struct cause *why)
{
	return render_page(&d->report, d, out, why);
}

const struct renderer renderer_html = {
	.render = render,
};
