// SPDX-License-Identifier: BSD-2-Clause
#include "cli/show.h"

#include <errno.h>
#include <string.h>

#include "format/dump_show.h"
#include "view/old_dump.h"
#include "view/watched_chans.h"

int show_filtered(const struct opts *o, const struct filter *filter, const struct dump_input *in,
		  struct dump **ret, struct cause *why)
{
	const struct dump_opts dopts = {
		.filter = filter,
		.system = o->system,
		.sort = (enum dump_sort)o->sort,
		.top = o->group || o->diff ? 0 : o->top,
		.full = o->full,
		.trace = o->trace,
		.over_deadline = o->over_deadline,
	};
	const int err = dump__new(in, &dopts, ret);

	return err ? cause__set(why, err, "cannot put the dump together: %s", strerror(-err)) : 0;
}

/* The older dump, of the same program, and nothing left out of this one: what went was there. */
static int read_old(const struct opts *o, const struct dump *d, const struct report_meta *meta,
		    const struct filter *filter, struct old_dump **ret, struct cause *why)
{
	scoped(old_dump) old = NULL;
	int err;

	if (!o->diff)
		return 0;
	err = old_dump__read(o->diff, filter, o->system, &old, why);
	if (!err && d->counts.not_read)
		err = cause__set(why, -ETIMEDOUT,
				 "reading the goroutines was cut short: there is nothing to "
				 "compare; nothing is known of %zu of them",
				 d->counts.not_read);
	if (!err)
		err = old_dump__is_of(old, o->diff, meta->pid, meta->exe, why);
	if (!err)
		*ret = steal(old);
	return err;
}

int show_dump(const struct opts *o, const struct format *f, const struct filter *filter,
	      struct dump *d, const struct show_of *of, FILE *out, struct cause *why)
{
	const enum view v = o->diff ? VIEW_DIFF : o->group ? VIEW_GROUPS : VIEW_DUMP;
	scoped(old_dump) old = NULL;
	struct report_meta meta = *of->meta;
	const struct dump_show s = {
		.meta = &meta,
		.full = o->full,
		.objects = o->objects,
		.labels = o->labels,
		.peer = of->peer,
		.peer_ctx = of->peer_ctx,
	};
	int err;

	meta.seen = d->counts.nr;
	meta.lost = d->counts.unsettled + d->counts.refused;
	err = read_old(o, d, &meta, filter, &old, why);
	if (err)
		return err;
	return format__write(f, v,
			     &(struct shown){
				     .dump = { .dump = d,
					       .show = &s,
					       .root = (enum profile_root)o->root,
					       .groups = { (enum dump_group)o->group,
							   o->sort == DUMP_SORT_STACK, o->top },
					       .top = o->top,
					       .old = old } },
			     out, why);
}

int show_chans(const struct opts *o, const struct format *f, const struct filter *filter,
	       const struct dump_input *in, const struct chans_source *sources,
	       const struct chan_watch *watch, const struct report_meta *meta, FILE *out,
	       struct cause *why)
{
	const struct dump_opts dopts = { .filter = filter, .system = true };
	struct chans_show s = { .meta = meta, .elements = o->elements };
	scoped(watched_chans) watched = NULL;
	scoped(dump) d = NULL;
	scoped(chans) cs = NULL;
	int err = dump__new(in, &dopts, &d);

	if (!err)
		err = chans__new(d, sources, &cs);
	if (!err && watch)
		err = watched_chans__new(watch, filter ? cs : NULL, &watched);
	s.watched = watched;
	if (err)
		return cause__set(why, err, "cannot put the channels together: %s", strerror(-err));
	return format__write(f, watch ? VIEW_CHANS_WATCH : VIEW_CHANS,
			     &(struct shown){ .chans = { .chans = cs, .show = &s } }, out, why);
}
