// SPDX-License-Identifier: BSD-2-Clause
/*
 * chans_html: a page of channels that were watched: a heat strip over time for each, with its
 * figures. It has no script and asks for nothing. Every name comes from the target: it is clean text
 * (base/textpool), and what HTML takes for markup is escaped here.
 */
#include <string.h>

#include "base/clock.h"
#include "format/chans_watch.h"
#include "format/dump_show.h"
#include "view/chans.h"

#define ROWS_MAX 1000 /* what a browser shows without a wait */
#define HEAT_MAX 8    /* colours */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<title>parkwatch chans</title>\n<style>\n"
	":root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:1.5em}\n"
	"table{border-collapse:collapse}td,th{padding:.3em .8em .3em "
	"0;text-align:left;vertical-align:top}\n"
	"td.n{text-align:right;white-space:nowrap}small{color:gray}code{font-size:13px}\n"
	"svg{display:block;background:#8882}.h0{fill:#2c7bb6}.h1{fill:#5aa2c8}.h2{fill:#90c3d4}"
	".h3{fill:#c7e0c8}.h4{fill:#f3e0a0}.h5{fill:#f8b26a}.h6{fill:#ea6a47}.h7{fill:#c3202a}\n"
	"</style></head><body>\n";

static void put_text(struct textbuf *to, const char *text)
{
	for (; *text; text++) {
		const char *as = *text == '&'   ? "&amp;"
				 : *text == '<' ? "&lt;"
				 : *text == '>' ? "&gt;"
				 : *text == '"' ? "&quot;"
						: NULL;

		if (as)
			textbuf__text(to, as);
		else
			textbuf__bytes(to, text, 1);
	}
}

/* 1 to HEAT_MAX; 0: no look. */
static unsigned int heat_of(uint16_t cell)
{
	const unsigned int heat = cell ? 1u + (cell - 1u) * HEAT_MAX / 1000u : 0;

	return heat > HEAT_MAX ? HEAT_MAX : heat;
}

/* Of each part: as it is at its looks; where it has none, as it was at the look before. */
static void heats_of(const struct chan_watch *w, const struct chan_life *l,
		     unsigned int heats[CHAN_WATCH_CELLS])
{
	const double cells = w->duration_ns ? (double)CHAN_WATCH_CELLS / (double)w->duration_ns : 0;
	unsigned int heat = 0;

	for (size_t i = 0; i < CHAN_WATCH_CELLS; i++) {
		if ((double)i > (double)l->to_ns * cells)
			heat = 0;
		heat = l->cells[i] ? heat_of(l->cells[i]) : heat;
		heats[i] = heat;
	}
}

/* Parts of one colour that follow each other are one rectangle. */
static void put_strip(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	unsigned int heats[CHAN_WATCH_CELLS];

	heats_of(w, l, heats);
	textbuf__format(to,
			"<svg role=\"img\" width=\"600\" height=\"24\" viewBox=\"0 0 %d 1\" "
			"preserveAspectRatio=\"none\">",
			CHAN_WATCH_CELLS);
	textbuf__format(to, "<title>mean fill %.1f %%, full %.1f %% of the time</title>",
			100 * l->fill.is, 100 * l->full.is);
	for (size_t i = 0, n; i < CHAN_WATCH_CELLS; i += n) {
		n = 1;
		while (i + n < CHAN_WATCH_CELLS && heats[i + n] == heats[i])
			n++;
		if (heats[i])
			textbuf__format(to,
					"<rect class=\"h%u\" x=\"%zu\" width=\"%zu\" "
					"height=\"1\"/>",
					heats[i] - 1, i, n);
	}
	textbuf__text(to, "</svg>");
}

static void put_share(struct textbuf *to, const struct chan_share *s, bool known)
{
	if (known)
		textbuf__format(to, "<td class=\"n\">%.1f %%<br><small>%.1f to %.1f</small></td>",
				100 * s->is, 100 * chan_share_least(s), 100 * chan_share_most(s));
	else
		textbuf__text(to, "<td></td>");
}

static void put_sites(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	for (uint32_t i = 0; i < l->nr_sites; i++) {
		const struct chan_site *s = &w->sites[l->sites_at + i];
		const char *slash = strrchr(s->file, '/');

		textbuf__format(to, "%s%s: %u at <code>", i ? "<br>" : "",
				s->direction == CENSUS_DIR_SEND ? "send" : "receive", s->most);
		put_text(to, s->func);
		textbuf__text(to, " ");
		put_text(to, slash ? slash + 1 : s->file);
		textbuf__format(to, ":%u</code>", s->line);
	}
}

static void put_row(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	const bool fills = l->looks && l->cap;

	textbuf__text(to, "<tr><td><code>");
	put_text(to, l->elem_name[0] ? l->elem_name : "?");
	textbuf__format(to, "</code><br><small>0x%llx%s%s</small></td>",
			(unsigned long long)l->addr, l->closed ? ", closed" : "",
			l->ended ? ", gone" : "");
	textbuf__format(to, "<td class=\"n\">%llu</td><td>", (unsigned long long)l->cap);
	if (fills)
		put_strip(to, w, l);
	textbuf__text(to, "</td>");
	put_share(to, &l->fill, fills);
	put_share(to, &l->full, fills);
	if (fills)
		textbuf__format(to, "<td class=\"n\">%.3g s<br><small>%u bursts</small></td>",
				(double)chan_run_for_ns(&l->longest) / NS_PER_SEC,
				l->nr_bursts + l->bursts_more);
	else
		textbuf__text(to, "<td></td>");
	put_share(to, &l->sends, l->looks);
	textbuf__format(to, "<td class=\"n\">%u / %u%s</td><td>", l->senders_max, l->receivers_max,
			l->contended ? "<br><small>contended</small>" : "");
	put_sites(to, w, l);
	textbuf__text(to, "</td></tr>\n");
}

static void put_head(struct textbuf *to, const struct chans_show *s, const struct watched_chans *c)
{
	textbuf__text(to, head);
	textbuf__format(to, "<h1>channels of ");
	put_text(to, s->meta->comm);
	textbuf__format(to, " (pid %d), ", s->meta->pid);
	put_text(to, s->meta->go_version);
	textbuf__format(
		to,
		"</h1>\n<p>%zu channels watched for %.3g s: %u looks, each at a random moment of "
		"its "
		"%.3g s; small figures are 95 %% intervals. Blue is empty, red is full.</p>\n",
		c->nr, (double)c->w->duration_ns / NS_PER_SEC, c->w->looks,
		(double)c->w->period_ns / NS_PER_SEC);
	if (c->nr > ROWS_MAX)
		textbuf__format(to, "<p>%zu more, less in the way, are left out.</p>\n",
				c->nr - ROWS_MAX);
	textbuf__text(to, "<table><tr><th>channel of</th><th>room</th><th>how full, over "
			  "time</th><th>fill</th><th>full</th><th>longest</th><th>senders "
			  "queue</th><th>most queued<br>send / receive</th><th>who</th></tr>\n");
}

int chans_show__html(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why)
{
	struct textbuf to;
	int err;

	(void)cs;
	textbuf__init(&to, out);
	put_head(&to, s, s->watched);
	for (size_t i = 0; i < s->watched->nr && i < ROWS_MAX && !to.err; i++)
		put_row(&to, s->watched->w, s->watched->v[i]);
	textbuf__text(&to, "</table></body></html>\n");
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
