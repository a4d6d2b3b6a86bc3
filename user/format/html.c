// SPDX-License-Identifier: BSD-2-Clause
/*
 * html: one page that holds everything: the numbers as JSON, and the flame graph that shows them.
 *
 * The page without numbers is bundled by npm when parkwatch is built (html/, format.mk) and linked
 * in; a build without npm has none, and the weak symbols below are NULL. Every name in the JSON
 * comes from the target: base/textpool has made it valid UTF-8 on one line; here `<`, `>` and `&`
 * are escaped too (jsonw_for_page), so nothing in it can end the script element.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "view/flametree.h"
#include "format/renderer.h"

#define NODES_MAX 20000 /* of the tree: what a browser draws without a wait */

extern const char html_page[] __attribute__((weak));
extern const char html_page_end[] __attribute__((weak));

static const char marker[] = "@PARKWATCH_REPORT@";

/* Keys as d3-flame-graph takes them: n name, v value, c children. At most FRAMES_MAX + 2 deep. */
static void put_node(struct json_writer *w, const struct flamenode *n)
{
	const struct flamenode *c;

	jsonw_start_object(w);
	jsonw_string_field(w, "n", n->name);
	jsonw_uint_field(w, "v", n->value);
	if (n->child) {
		jsonw_array_field(w, "c");
		for (c = n->child; c; c = c->next)
			put_node(w, c);
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

static void put_report(struct json_writer *w, const struct report *r, struct rowframer *f,
		       const struct flametree *t)
{
	const struct report_meta *m = r->meta;
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
	put_number(w, "left_out", flametree__left_out(t));
	jsonw_newline(w);
	jsonw_name(w, "tree");
	put_node(w, flametree__root(t));
	jsonw_newline(w);
	jsonw_end_object(w);
	jsonw_end(w);
}

static const char *missing(void)
{
	if (html_page)
		return NULL;
	return "this parkwatch was built without npm and has no html page; "
	       "use folded or pprof, or build again with npm";
}

static int render_into(const struct report *r, const char *hole, FILE *out, struct cause *why)
{
	const char *rest = hole + sizeof(marker) - 1;
	scoped(flametree) t = NULL;
	scoped(rowframer) f = NULL;
	struct json_writer w;
	struct textbuf to;
	int err;

	err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	if (!err)
		err = flametree__new(r, f, &t);
	if (err)
		return cause__set(why, err, "cannot write html: %s", strerror(-err));
	flametree__cut(t, NODES_MAX);
	fwrite(html_page, 1, (size_t)(hole - html_page), out);
	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	jsonw_for_page(&w);
	put_report(&w, r, f, t);
	err = textbuf__finish(&to);
	textbuf__done(&to);
	if (err)
		return cause__set(why, err, "cannot write the report: %s", strerror(-err));
	fwrite(rest, 1, (size_t)(html_page_end - rest), out);
	return ferror(out) ? report_write_error(why) : 0;
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	const char *hole;

	if (!html_page)
		return cause__set(why, -EOPNOTSUPP, "%s", missing());
	hole = memmem(html_page, (size_t)(html_page_end - html_page), marker, sizeof(marker) - 1);
	if (!hole)
		return cause__set(why, -EOPNOTSUPP, "damaged html page: build parkwatch again");
	return render_into(r, hole, out, why);
}

const struct renderer renderer_html = {
	.missing = missing,
	.render = render,
};
