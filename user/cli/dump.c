/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "census/census.h"
#include "cli/commands.h"
#include "golang/gostate.h"
#include "report/dump_diff.h"
#include "report/dump_group.h"
#include "report/dump_show.h"
#include "target/fds.h"
#include "target/goproc.h"

/* What is written: text and JSON are dump's own, the rest is a renderer's. */
struct how {
	enum { HOW_TEXT, HOW_JSON, HOW_JSONL, HOW_RENDERER } kind;
	const struct renderer *renderer;
};

struct taken {			/* all censuses of a process */
	struct proc *proc;
	struct goproc *gp;
	struct census *censuses[GOPROC_RUNTIMES_MAX];
	struct namer namers[GOPROC_RUNTIMES_MAX];
	size_t nr;
	uint64_t began_ns, read_ns, wall_ns;
	struct fds *fds;	/* NULL until somebody asks */
};

static void taken__done(struct taken *t)
{
	for (size_t i = 0; i < t->nr; i++)
		census__free(t->censuses[i]);
	fds__free(t->fds);
	goproc__free(t->gp);
	proc__free(t->proc);
}

static int own_format(const char *name, struct how *ret)
{
	static const char *const names[] = { [HOW_TEXT] = "text", [HOW_JSON] = "json", [HOW_JSONL] = "jsonl" };

	for (int i = 0; i < HOW_RENDERER; i++)
		if (!strcmp(name, names[i])) {
			ret->kind = i;
			return 0;
		}
	return -ENOENT;
}

static void format_of_path(const char *path, struct how *ret)
{
	const char *dot = strrchr(path, '.');

	if (!dot || !strcmp(dot, ".txt") || !own_format(dot + 1, ret))
		return;
	ret->renderer = renderer_by_path(path);
	if (ret->renderer)
		ret->kind = HOW_RENDERER;
}

/* 0, or the exit status, after one line. */
static int choose_how(const struct opts *o, struct how *ret)
{
	const struct renderer *r;
	const char *missing;

	if (o->format && own_format(o->format, ret)) {
		ret->kind = HOW_RENDERER;
		ret->renderer = renderer_by_name(o->format);
		if (!ret->renderer) {
			log_error("there is no format '%s'; see 'parkwatch dump --help'", o->format);
			return 2;
		}
	} else if (!o->format && o->output) {
		format_of_path(o->output, ret);
	}
	if (o->diff && o->group) {
		log_error("--diff and --group do not go together: a difference is grouped by creation site");
		return 2;
	}
	if ((o->diff || o->group) && ret->kind != HOW_TEXT && ret->kind != HOW_JSON) {
		log_error("--%s is for the formats text and json", o->diff ? "diff" : "group");
		return 2;
	}
	r = ret->kind == HOW_RENDERER ? ret->renderer : NULL;
	missing = r && r->missing ? r->missing() : NULL;
	if (missing) {
		log_error("cannot write format %s: %s", r->name, missing);
		return 1;
	}
	if (r && r->binary && isatty(STDOUT_FILENO) && (!o->output || !strcmp(o->output, "-"))) {
		log_error("format %s is not for a terminal; give -o FILE", r->name);
		return 2;
	}
	return 0;
}

/* Times have units here; report knows nanoseconds. */
static int add_filter(struct pick *pick, const char *name, const char *value, bool negate, struct cause *why)
{
	char ns[24];
	uint64_t n;

	if (strcmp(name, "older"))
		return pick__add(pick, name, value, negate, why);
	if (opt_time(value, &n))
		return cause__set(why, -EINVAL, "bad older '%s': a time such as 30s, 2m or 500ms is wanted", value);
	snprintf(ns, sizeof(ns), "%llu", (unsigned long long)n);
	return pick__add(pick, name, ns, negate, why);
}

static int make_pick(const struct opts *o, struct pick **ret, struct cause *why)
{
	scoped(pick) pick = NULL;
	int err = pick__new(&pick);

	for (size_t i = 0; i < o->nr_filters && !err; i++) {
		const struct opt_filter *f = &o->filters[i];
		const char *equals = strchr(f->value, '=');
		char name[16];

		if (strcmp(f->name, "not")) {
			err = add_filter(pick, f->name, f->value, false, why);
			continue;
		}
		if (!equals || (size_t)(equals - f->value) >= sizeof(name))
			return cause__set(why, -EINVAL, "bad --not '%s': FILTER=VALUE is wanted, such as func=^net/http", f->value);
		snprintf(name, sizeof(name), "%.*s", (int)(equals - f->value), f->value);
		err = add_filter(pick, name, equals + 1, true, why);
	}
	if (!err)
		*ret = steal(pick);
	return err;
}

static int take_runtime(struct taken *t, size_t i, unsigned int depth, struct cause *why)
{
	struct goruntime *rt = goproc__runtime(t->gp, i);
	int err = census_proof(t->proc, rt, why);

	if (!err)
		err = census__read(proc__mem(t->proc), rt, depth, &t->censuses[i]);
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s", proc__comm(t->proc),
				  proc__pid(t->proc), err == -ESRCH ? "it has ended" : strerror(-err));
	namer__init(&t->namers[i], rt->sym, rt->minor);
	t->nr++;
	return 0;
}

static int take(const struct opts *o, struct taken *t, struct cause *why)
{
	struct timespec wall;
	int err;

	t->began_ns = clock_now_ns();
	err = proc__open(o->pid, &t->proc, why);
	if (!err)
		err = goproc__open(t->proc, &t->gp, why);
	for (size_t i = 0; !err && i < goproc__nr_runtimes(t->gp); i++)
		err = take_runtime(t, i, (unsigned int)o->depth, why);
	if (err)
		return err;
	if (proc__executed(t->proc))
		return cause__set(why, -ESRCH, "pid %d started another program while it was read; try again", o->pid);
	t->read_ns = clock_now_ns();
	clock_gettime(CLOCK_REALTIME, &wall);
	t->wall_ns = (uint64_t)wall.tv_sec * NS_PER_SEC + (uint64_t)wall.tv_nsec - (t->read_ns - t->censuses[0]->taken_ns);
	return 0;
}

static const char *peer_of(void *ctx, int fd)
{
	struct taken *t = ctx;

	if (!t->fds && fds__new(t->proc, &t->fds))
		return "";
	return fds__describe(t->fds, fd);
}

static void fill_meta(const struct taken *t, const struct dump *d, struct report_meta *ret)
{
	const struct goruntime *rt = goproc__runtime(t->gp, 0);

	*ret = (struct report_meta){
		.pid = proc__pid(t->proc), .comm = proc__comm(t->proc), .exe = proc__exe(t->proc), .build_id = rt->build_id,
		.go_version = rt->version, .text_start = rt->modules[0].text, .text_end = rt->modules[0].etext,
		.wall_start_ns = t->wall_ns, .seen = d->counts.nr, .lost = d->counts.unsettled + d->counts.refused, .cost = "",
	};
}

static int render(const struct opts *o, const struct renderer *r, const struct taken *t, const struct report_meta *meta,
		  struct dump *d, FILE *out, struct cause *why)
{
	scoped(snap) snap = NULL;
	int err = dump_show__snap(d, (enum profile_root)o->root, &snap);

	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	return r->render(&(struct report){ .snap = snap, .meta = meta, .namers = t->namers, .nr_namers = t->nr,
					   .full = o->full }, out, why);
}

static int show_diff(const struct opts *o, struct dump *d, const struct dump_show *s, const struct pick *pick, bool json,
		     FILE *out, struct cause *why)
{
	scoped(old_dump) old = NULL;
	int err = old_dump__read(o->diff, o->nr_filters ? pick : NULL, o->system, &old, why);

	if (!err)
		err = old_dump__is_of(old, o->diff, s->meta->pid, s->meta->exe, why);
	return err ? err : dump_show__diff(d, s, old, o->top, json, out, why);
}

static int show(const struct opts *o, const struct how *how, struct taken *t, struct dump *d, const struct pick *pick,
		FILE *out, struct cause *why)
{
	struct report_meta meta;
	const struct dump_show s = {
		.meta = &meta, .full = o->full, .objects = o->objects, .labels = o->labels, .peer = peer_of, .peer_ctx = t,
	};

	fill_meta(t, d, &meta);
	if (o->diff)
		return show_diff(o, d, &s, pick, how->kind == HOW_JSON, out, why);
	if (o->group)
		return dump_show__groups(d, &s, (enum dump_group)o->group, o->top, how->kind == HOW_JSON, out, why);
	switch (how->kind) {
	case HOW_TEXT:
		return dump_show__text(d, &s, out, why);
	case HOW_JSON:
	case HOW_JSONL:
		return dump_show__json(d, &s, how->kind == HOW_JSONL, out, why);
	case HOW_RENDERER:
		break;
	}
	return render(o, how->renderer, t, &meta, d, out, why);
}

/* "1203 goroutines (1198 waiting, 4 runnable, 1 running), 17 shown; read in 12 ms" */
static void say_end(const struct taken *t, const struct dump *d)
{
	char states[256] = "";
	size_t used = 0;

	for (uint32_t s = 0; s < DUMP_STATUS_MAX; s++) {
		const char *name = gostatus_name(t->namers[0].go_minor, s);

		if (d->counts.by_status[s] && used < sizeof(states))
			used += (size_t)snprintf(states + used, sizeof(states) - used, "%s%zu %s", used ? ", " : "",
						 d->counts.by_status[s], name ? name : "unknown");
	}
	if (d->counts.refused)
		log_warn("%zu goroutines are left out: more than this parkwatch keeps; a smaller --depth may help",
			 d->counts.refused);
	if (labels__unread(d->labels))
		log_warn("the labels of %llu goroutines could not be read", (unsigned long long)labels__unread(d->labels));
	log_info("%zu goroutines%s%s%s, %zu shown; %zu unsettled; read in %.3g ms", d->counts.nr, states[0] ? " (" : "",
		 states, states[0] ? ")" : "", d->nr, d->counts.unsettled, (double)(t->read_ns - t->began_ns) / NS_PER_MS);
}

static int dump(const struct opts *o, const struct how *how, const struct pick *pick, struct taken *t, struct cause *why)
{
	const struct dump_opts dopts = {
		.pick = o->nr_filters ? pick : NULL, .system = o->system, .sort = (enum dump_sort)o->sort,
		.top = o->group || o->diff ? 0 : o->top,
	};
	scoped(outfile) out = NULL;
	scoped(dump) d = NULL;
	struct dump_input in;
	int err;

	err = outfile__open(o->output, &out, why);
	if (!err)
		err = take(o, t, why);
	if (err)
		return err;
	in = (struct dump_input){
		.censuses = (const struct census *const *)t->censuses, .namers = t->namers, .nr = t->nr,
		.as = proc__mem(t->proc),
	};
	err = dump__new(&in, &dopts, &d);
	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	err = show(o, how, t, d, pick, outfile__stream(out), why);
	if (!err)
		err = outfile__commit(out, why);
	if (!err)
		say_end(t, d);
	return err;
}

int cmd_dump(const struct opts *o)
{
	struct taken t = { 0 };
	struct how how = { 0 };
	scoped(pick) pick = NULL;
	struct cause why = { "" };
	int err;

	err = choose_how(o, &how);
	if (err)
		return err;
	err = make_pick(o, &pick, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);	/* a reader that ends early is an error of writing, and is said */
	err = dump(o, &how, pick, &t, &why);
	taken__done(&t);
	if (!err)
		return 0;
	log_error("%s", why.text[0] ? why.text : strerror(-err));
	return 1;
}
