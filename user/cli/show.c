// SPDX-License-Identifier: BSD-2-Clause
#include "cli/show.h"

#include <errno.h>
#include <string.h>

#include "facts/book.h"
#include "format/dump_diff.h"
#include "format/dump_group.h"
#include "format/dump_show.h"
#include "view/callsites.h"

int show_pick(const struct opts *o, const struct filter *pick, const struct dump_input *in,
	      struct dump **ret, struct cause *why)
{
	const struct dump_opts dopts = {
		.pick = pick,
		.system = o->system,
		.sort = (enum dump_sort)o->sort,
		.top = o->group || o->diff ? 0 : o->top,
		.full = o->full,
	};
	const int err = dump__new(in, &dopts, ret);

	return err ? cause__set(why, err, "cannot put the dump together: %s", strerror(-err)) : 0;
}

int show_sums(const struct opts *o, const struct format *f, const struct snap *s,
	      const struct report_meta *meta, const struct namer *namers, size_t nr, FILE *out,
	      struct cause *why)
{
	return f->rows->render(&(struct report){ .snap = s,
						 .meta = meta,
						 .namers = namers,
						 .nr_namers = nr,
						 .full = o->full },
			       out, why);
}

/* Goroutines, counted by stack. */
static int show_counts(const struct opts *o, const struct format *f, struct dump *d,
		       const struct report_meta *meta, FILE *out, struct cause *why)
{
	struct namer namers[BOOK_RUNTIMES_MAX];
	scoped(callsites) calls = NULL;
	scoped(snap) snap = NULL;
	int err = dump__snap(d, (enum profile_root)o->root, &snap);

	if (!err && o->root == PROFILE_ROOT_CREATED_BY) {
		err = callsites__new(d->in.namers, d->in.nr, &calls);
		if (!err)
			err = callsites__census(calls, d->in.censuses);
	}
	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	for (size_t i = 0; i < d->in.nr; i++) {
		namers[i] = d->in.namers[i];
		namers[i].calls = calls;
	}
	return show_sums(o, f, snap, meta, namers, d->in.nr, out, why);
}

static int show_diff(const struct opts *o, struct dump *d, const struct dump_show *s,
		     const struct filter *pick, bool json, FILE *out, struct cause *why)
{
	scoped(old_dump) old = NULL;
	int err = old_dump__read(o->diff, pick, o->system, &old, why);

	if (!err && d->counts.not_read)
		err = cause__set(why, -ETIMEDOUT,
				 "reading the goroutines was cut short: there is nothing to "
				 "compare; nothing is known of %zu of them",
				 d->counts.not_read);
	if (!err)
		err = old_dump__is_of(old, o->diff, s->meta->pid, s->meta->exe, why);
	return err ? err : dump_show__diff(d, s, old, o->top, json, out, why);
}

int show_dump(const struct opts *o, const struct format *f, const struct filter *pick,
	      struct dump *d, const struct shown *of, FILE *out, struct cause *why)
{
	struct report_meta meta = *of->meta;
	const struct dump_show s = {
		.meta = &meta,
		.full = o->full,
		.objects = o->objects,
		.labels = o->labels,
		.peer = of->peer,
		.peer_ctx = of->peer_ctx,
	};

	meta.seen = d->counts.nr;
	meta.lost = d->counts.unsettled + d->counts.refused;
	if (o->diff)
		return show_diff(o, d, &s, pick, f->kind == FORMAT_JSON, out, why);
	if (o->group)
		return dump_show__groups(d, &s, (enum dump_group)o->group, o->top,
					 f->kind == FORMAT_JSON, out, why);
	if (f->kind == FORMAT_TEXT)
		return dump_show__text(d, &s, out, why);
	if (f->kind == FORMAT_JSON || f->kind == FORMAT_JSONL)
		return dump_show__json(d, &s, f->kind == FORMAT_JSONL, out, why);
	return show_counts(o, f, d, &meta, out, why);
}
