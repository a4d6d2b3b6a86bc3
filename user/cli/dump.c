/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "heap/gchan.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/format.h"
#include "cli/filters.h"
#include "cli/stop.h"
#include "daemon/snapshot.h"
#include "golang/gostate.h"
#include "view/callsites.h"
#include "format/dump_diff.h"
#include "format/dump_group.h"
#include "format/dump_show.h"
#include "target/fds.h"

/* What is at the other end of a descriptor: nothing is read of it until somebody asks. */
struct peers {
	const struct proc *proc;
	struct fds *fds;
};

static const char *peer_of(void *ctx, int fd)
{
	struct peers *p = ctx;

	if (!p->fds && fds__new(p->proc, &p->fds))
		return "";
	return fds__describe(p->fds, fd);
}

static bool has_selects(const struct census *c)
{
	for (size_t i = 0; i < c->nr_waits; i++)
		if (c->waits[i].select && c->waits[i].kind == CENSUS_WAIT_CHAN)
			return true;
	return false;
}

/*
 * Which way a case of a select waits is known to its channel only. Where that cannot be read it
 * stays unknown.
 */
static int read_ways(const struct snapshot *t, struct cause *why)
{
	for (size_t i = 0; i < t->target.nr; i++) {
		scoped(gchans) cs = NULL;

		if (has_selects(t->censuses[i]) &&
		    gchans__read(proc__mem(t->target.proc), goproc__runtime(t->target.gp, i),
				 t->censuses[i], false, &cs) == -ENOMEM)
			return cause__set(why, -ENOMEM, "cannot read the channels: %s",
					  strerror(ENOMEM));
	}
	return 0;
}

static int render(const struct opts *o, const struct renderer *r, const struct snapshot *t,
		  const struct report_meta *meta, struct dump *d, FILE *out, struct cause *why)
{
	struct namer namers[GOPROC_RUNTIMES_MAX];
	scoped(callsites) calls = NULL;
	scoped(snap) snap = NULL;
	int err = dump__snap(d, (enum profile_root)o->root, &snap);

	if (!err && o->root == PROFILE_ROOT_CREATED_BY) {
		err = callsites__new(t->target.namers, t->target.nr, &calls);
		if (!err)
			err = callsites__census(calls, (const struct census *const *)t->censuses);
	}
	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	for (size_t i = 0; i < t->target.nr; i++) {
		namers[i] = t->target.namers[i];
		namers[i].calls = calls;
	}
	return r->render(&(struct report){ .snap = snap,
					   .meta = meta,
					   .namers = namers,
					   .nr_namers = t->target.nr,
					   .full = o->full },
			 out, why);
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

static int show(const struct opts *o, const struct format *f, const struct snapshot *t,
		struct dump *d, struct peers *peers, const struct filter *pick, FILE *out,
		struct cause *why)
{
	struct report_meta meta;
	const struct dump_show s = {
		.meta = &meta,
		.full = o->full,
		.objects = o->objects,
		.labels = o->labels,
		.peer = peer_of,
		.peer_ctx = peers,
	};

	snapshot__meta(t, &meta);
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
	return render(o, f->rows, t, &meta, d, out, why);
}

/* "1203 goroutines (1198 waiting, 4 runnable, 1 running), 17 shown; read in 12 ms" */
static void say_end(const struct snapshot *t, const struct dump *d, const struct labelbook *labels,
		    const struct deadline *until)
{
	const uint64_t took = t->read_ns - t->began_ns;
	char states[256] = "";
	size_t used = 0;

	for (uint32_t s = 0; s < DUMP_STATUS_MAX; s++) {
		const char *name = gostatus_name(t->target.namers[0].go_minor, s);

		if (d->counts.by_status[s] && used < sizeof(states))
			used += (size_t)snprintf(states + used, sizeof(states) - used, "%s%zu %s",
						 used ? ", " : "", d->counts.by_status[s],
						 name ? name : "unknown");
	}
	if (d->counts.refused)
		log_warn("%zu goroutines are left out: more than this parkwatch keeps; a smaller "
			 "--depth may help",
			 d->counts.refused);
	if (d->counts.not_read)
		log_warn("reading took longer than %.3g s and was cut short: %zu goroutines were "
			 "read; of %zu more, ended ones among them, nothing is known",
			 (double)SNAPSHOT_CENSUS_NS / NS_PER_SEC, d->counts.nr, d->counts.not_read);
	if (until->hit)
		log_warn("reading took longer than %.3g s and was cut short: labels and channels "
			 "may be missing",
			 (double)SNAPSHOT_MOST_NS / NS_PER_SEC);
	if (labelbook__unread(labels))
		log_warn("%llu sets of labels could not be read",
			 (unsigned long long)labelbook__unread(labels));
	log_info("%zu goroutines%s%s%s, %zu shown; %zu unsettled; read in %.3g %s", d->counts.nr,
		 states[0] ? " (" : "", states, states[0] ? ")" : "", d->nr, d->counts.unsettled,
		 (double)took / (took < NS_PER_SEC ? NS_PER_MS : NS_PER_SEC),
		 took < NS_PER_SEC ? "ms" : "s");
}

static int dump(const struct opts *o, const struct format *f, const struct filter *pick,
		struct cause *why)
{
	const struct dump_opts dopts = {
		.pick = pick,
		.system = o->system,
		.sort = (enum dump_sort)o->sort,
		.top = o->group || o->diff ? 0 : o->top,
		.full = o->full,
	};
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL),
			census = deadline_in(SNAPSHOT_CENSUS_NS, NULL);
	scoped(outfile) out = NULL;
	scoped(snapshot) t = NULL;
	scoped(labelbook) labels = NULL;
	scoped(dump) d = NULL;
	struct dump_input in;
	struct peers peers;
	int err;

	err = labelbook__new(&labels);
	if (err)
		return cause__set(why, err, "out of memory");
	err = outfile__open(o->output, o->mode, &out, why);
	if (!err)
		err = snapshot__new(o->pid, (unsigned int)o->depth, &until, &census, &t, why);
	if (!err && (o->objects || f->kind == FORMAT_JSON || f->kind == FORMAT_JSONL))
		err = read_ways(t, why);
	if (!err)
		err = snapshot__labels(t, labels, why);
	if (err)
		return err;
	in = (struct dump_input){
		.censuses = (const struct census *const *)t->censuses,
		.namers = t->target.namers,
		.nr = t->target.nr,
		.labels = labels,
	};
	err = dump__new(&in, &dopts, &d);
	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	peers = (struct peers){ .proc = t->target.proc };
	err = show(o, f, t, d, &peers, pick, outfile__stream(out), why);
	fds__free(peers.fds);
	err = outfile__end(out, err, why);
	if (!err)
		say_end(t, d, labels, &until);
	return err;
}

int cmd_dump(const struct opts *o)
{
	const struct format *f = NULL;
	scoped(filter) pick = NULL;
	scoped(proc) target = NULL;
	struct cause why = { "" };
	int err;

	err = format_choose(o, &f);
	if (err)
		return err;
	err = filters_pick(o, &pick, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	stop_at_once(o->pid, 2 * SNAPSHOT_MOST_NS);
	target = fate_begin(o->pid);
	err = dump(o, f, pick, &why);
	if (!err)
		return 0;
	return fate_failed(target, err, &why);
}
