// SPDX-License-Identifier: BSD-2-Clause
/*
 * html: one page that holds everything: the numbers as JSON, and the flame graph that shows them.
 *
 * The page without numbers is bundled by npm when parkwatch is built (html/, report.mk) and linked
 * in; a build without npm has none, and the weak symbols below are NULL. Every name in the JSON
 * comes from the target: names/textpool has made it valid UTF-8 on one line; here `<`, `>` and `&`
 * are escaped too, so nothing in it can end the script element.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "view/flametree.h"
#include "format/renderer.h"

#define NODES_MAX 20000		/* of the tree: what a browser draws without a wait */

extern const char html_page[] __attribute__((weak));
extern const char html_page_end[] __attribute__((weak));

static const char marker[] = "@PARKWATCH_REPORT@";

static void put_text(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	for (; *s; s++) {
		if (*s < 0x20 || *s == '<' || *s == '>' || *s == '&' || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

/* Keys as d3-flame-graph takes them: n name, v value, c children. At most FRAMES_MAX + 2 deep. */
static void put_node(FILE *out, const struct flamenode *n)
{
	const struct flamenode *c;

	fputs("{\"n\":", out);
	put_text(out, n->name);
	fprintf(out, ",\"v\":%" PRIu64, n->value);
	if (n->child) {
		fputs(",\"c\":[", out);
		for (c = n->child; c; c = c->next) {
			put_node(out, c);
			if (c->next)
				fputc(',', out);
		}
		fputc(']', out);
	}
	fputc('}', out);
}

static void put_pair(FILE *out, struct rowframer *f, const char *key, const char *text)
{
	fprintf(out, "\"%s\":", key);
	put_text(out, framer__text(rowframer__names(f), text));
	fputs(",\n", out);
}

static void put_report(FILE *out, const struct report *r, struct rowframer *f,
		       const struct flametree *t)
{
	const struct report_meta *m = r->meta;
	char gap[REPORT_GAP_MAX];

	fputs("{\n", out);
	put_pair(out, f, "event", report_event_name(r->snap->event));
	put_pair(out, f, "unit", report_value_unit(r->snap->event));
	put_pair(out, f, "comm", m->comm);
	put_pair(out, f, "exe", m->exe);
	put_pair(out, f, "go", m->go_version);
	put_pair(out, f, "cost", m->cost);
	put_pair(out, f, "gap", report_gap(m, gap));
	fprintf(out, "\"pid\":%d,\n\"start_ms\":%" PRIu64 ",\n\"duration_ns\":%" PRIu64 ",\n",
		m->pid, m->wall_start_ns / 1000000, m->duration_ns);
	fprintf(out, "\"seen\":%" PRIu64 ",\n\"lost\":%" PRIu64 ",\n", m->seen, m->lost);
	fprintf(out, "\"count\":%" PRIu64 ",\n\"left_out\":%zu,\n", r->snap->count,
		flametree__left_out(t));
	fputs("\"tree\":", out);
	put_node(out, flametree__root(t));
	fputs("\n}\n", out);
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
	int err;

	err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	if (!err)
		err = flametree__new(r, f, &t);
	if (err)
		return cause__set(why, err, "cannot write html: %s", strerror(-err));
	flametree__cut(t, NODES_MAX);
	fwrite(html_page, 1, (size_t)(hole - html_page), out);
	put_report(out, r, f, t);
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
	.name = "html",
	.suffixes = (const char *const[]){ ".html", ".htm", NULL },
	.what = "interactive flame graph, one page that needs no network",
	.missing = missing,
	.render = render,
};
