// SPDX-License-Identifier: BSD-2-Clause
#include "format/dump_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/radix.h"

enum { APPEARED, WENT, STAYED, FATES };
static const char *const fates[FATES] = {
	[APPEARED] = "appeared", [WENT] = "went", [STAYED] = "stayed"
};

struct diff {
	struct dump *d;
	const struct dump_show *show;
	struct old_dump *old;
	size_t top;
	uint8_t *fate; /* of each row; owned */
	bool *matched; /* each of old->gs; owned */
	size_t nr[FATES];
	struct radix_item *v; /* room for one section; owned */
};

static size_t first_with(const struct old_dump *o, uint64_t goid)
{
	size_t low = 0, high = o->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (o->gs[mid].goid < goid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * Is that what it began as? Of a wrapper, one of the two dumps may know what it runs and the other
 * not: nobody knows while it runs.
 */
static bool is_start(struct diff *df, const struct dump_row *r, const char *old)
{
	const struct site *s = dump__site(df->d, r->start), *begins;

	if (!strcmp(old, s && s->known ? s->func : ""))
		return true;
	begins = dump__site(df->d, sites__of(df->d->sites, r->rt, SITE_START,
					     dump__g(df->d, r)->who.startpc, NULL));
	return begins && begins->wrapper && (begins == s || !strcmp(old, begins->func));
}

/*
 * The texts are of one pool: equal ones are one. Closures may share their code, and so where they
 * start (Go 1.27).
 */
static bool is_made(struct diff *df, const struct dump_row *r, const char *old)
{
	const struct site *s = dump__site(df->d, r->made);
	const char *made =
		s && s->known ? old_dump__made(df->old, s->func, s->file, s->line) : NULL;

	return !made || old == made || old == old_dump__made(df->old, NULL, "", 0);
}

static void match(struct diff *df)
{
	for (size_t i = 0; i < df->d->nr; i++) {
		const struct dump_row *r = &df->d->rows[i];
		const uint64_t goid = dump__g(df->d, r)->who.goid;
		size_t at = first_with(df->old, goid);

		while (at < df->old->nr && df->old->gs[at].goid == goid &&
		       (df->matched[at] || df->old->gs[at].runtime != r->rt ||
			!is_start(df, r, df->old->gs[at].start) ||
			!is_made(df, r, df->old->gs[at].made)))
			at++;
		df->fate[i] = APPEARED;
		if (at < df->old->nr && df->old->gs[at].goid == goid) {
			df->matched[at] = true;
			df->fate[i] = STAYED;
		}
		df->nr[df->fate[i]]++;
	}
	df->nr[WENT] = df->old->nr - df->nr[STAYED];
}

/* --- text --- */

/* item: a row of the dump, or of the old one. */
static const char *made_of(struct diff *df, int fate, size_t item)
{
	const struct site *s = fate == WENT ? NULL : dump__site(df->d, df->d->rows[item].made);

	if (fate == WENT)
		return df->old->gs[item].made;
	return old_dump__made(df->old, s && s->known ? s->func : NULL, s ? s->file : "",
			      s ? s->line : 0);
}

static uint64_t goid_of(const struct diff *df, int fate, size_t item)
{
	return fate == WENT ? df->old->gs[item].goid : dump__g(df->d, &df->d->rows[item])->who.goid;
}

static size_t collect(struct diff *df, int fate)
{
	size_t nr = 0;

	for (size_t i = 0; i < (fate == WENT ? df->old->nr : df->d->nr); i++)
		/* texts of a pool: equal ones are one */
		if (fate == WENT ? !df->matched[i] : df->fate[i] == fate)
			df->v[nr++] = (struct radix_item){ .key = (uintptr_t)made_of(df, fate, i),
							   .item = i };
	return nr;
}

static size_t run_of(const struct radix_item *v, size_t nr, size_t at)
{
	size_t end = at + 1;

	while (end < nr && v[end].key == v[at].key)
		end++;
	return end - at;
}

/* "\t10 created by main.fetch at /src/x.go:30: goids 812 813 ..." */
static void put_site(const struct diff *df, int fate, const struct radix_item *v, size_t nr,
		     struct textbuf *to)
{
	textbuf__text(to, "\t");
	textbuf__u64(to, nr);
	textbuf__text(to, " created by ");
	textbuf__text(to, (const char *)(uintptr_t)v[0].key);
	textbuf__text(to, nr == 1 ? ": goid" : ": goids");
	for (size_t i = 0; i < nr && i < DUMP_DIFF_GOIDS; i++) {
		textbuf__text(to, " ");
		textbuf__u64(to, goid_of(df, fate, v[i].item));
	}
	textbuf__text(to, nr > DUMP_DIFF_GOIDS ? " ...\n" : "\n");
}

static int put_section(struct diff *df, int fate, struct textbuf *to)
{
	scoped_mem struct radix_item *sites = NULL;
	size_t nr = collect(df, fate), nr_sites = 0;
	int err = radix_sort_items(df->v, nr);

	sites = reallocarray(NULL, nr + 1, sizeof(*sites));
	if (err || !sites)
		return -ENOMEM;
	/* By count; equal ones by their first goroutine. */
	for (size_t at = 0; at < nr; at += run_of(df->v, nr, at))
		sites[nr_sites++] = (struct radix_item){ .key = df->v[at].item, .item = at };
	err = radix_sort_items(sites, nr_sites);
	for (size_t i = 0; i < nr_sites; i++)
		sites[i].key = UINT64_MAX - run_of(df->v, nr, sites[i].item);
	if (!err)
		err = radix_sort_items(sites, nr_sites);
	textbuf__text(to, fates[fate]);
	textbuf__text(to, ": ");
	textbuf__u64(to, nr);
	textbuf__text(to, nr == 1 ? " goroutine\n" : " goroutines\n");
	for (size_t i = 0; i < nr_sites && (!df->top || i < df->top) && !err; i++)
		put_site(df, fate, &df->v[sites[i].item], run_of(df->v, nr, sites[i].item), to);
	return err;
}

/* --- JSON --- */

static void put_rows(struct diff *df, int fate, struct dump_json *j, struct json_writer *w)
{
	size_t nr = 0;

	for (size_t i = 0; i < df->d->nr && (!df->top || nr < df->top) && !w->to->err; i++)
		if (df->fate[i] == fate) {
			nr++;
			jsonw_newline(w);
			dump_json__goroutine(j, &df->d->rows[i], w);
		}
}

/* As they stand in the old dump, which was checked. */
static void put_went(struct diff *df, struct json_writer *w)
{
	size_t nr = 0;

	for (size_t i = 0; i < df->old->nr && (!df->top || nr < df->top); i++)
		if (!df->matched[i]) {
			nr++;
			jsonw_newline(w);
			jsonw_again(w, df->old->text + df->old->gs[i].at, df->old->gs[i].len);
		}
}

static int put_json(struct diff *df, struct textbuf *to)
{
	scoped(dump_json) j = NULL;
	struct json_writer w;
	int err = dump_json__new(df->d, df->show, &j);

	if (err)
		return err;
	jsonw_init(&w, to);
	jsonw_start_object(&w);
	for (int fate = 0; fate < FATES; fate++) {
		if (fate)
			jsonw_newline(&w);
		jsonw_array_field(&w, fates[fate]);
		if (fate == WENT)
			put_went(df, &w);
		else
			put_rows(df, fate, j, &w);
		jsonw_end_array(&w);
	}
	jsonw_end_object(&w);
	jsonw_end(&w);
	return to->err;
}

int dump_show__diff(struct dump *d, const struct dump_show *s, struct old_dump *o, size_t top,
		    bool json, FILE *out, struct cause *why)
{
	const size_t most = (d->nr > o->nr ? d->nr : o->nr) + 1;
	struct diff df = {
		.d = d,
		.show = s,
		.old = o,
		.top = top,
		.fate = calloc(d->nr + 1, sizeof(*df.fate)),
		.matched = calloc(o->nr + 1, sizeof(*df.matched)),
		.v = reallocarray(NULL, most, sizeof(*df.v)),
	};
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	to.err = df.fate && df.matched && df.v ? 0 : -ENOMEM;
	if (!to.err)
		match(&df);
	if (!to.err && json)
		to.err = put_json(&df, &to);
	for (int fate = 0; fate < FATES && !json && !to.err; fate++)
		to.err = put_section(&df, fate, &to);
	err = dump_show__end(&to, why);
	free(df.fate);
	free(df.matched);
	free(df.v);
	textbuf__done(&to);
	return err;
}
