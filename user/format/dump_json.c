// SPDX-License-Identifier: BSD-2-Clause
/*
 * dump_json: goroutines as JSON, written by hand: what they share is made once, the rest is a few numbers.
 *
 * Every text went through names/textpool: valid UTF-8. Addresses are strings: JSON's numbers are not that long everywhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gostate.h"
#include "format/blocks.h"
#include "view/calls.h"
#include "format/dump_show.h"

struct dump_json {
	struct dump *d;
	const struct dump_show *show;
	struct blocks stacks, sites;
};

int dump_json__new(struct dump *d, const struct dump_show *s, struct dump_json **ret)
{
	scoped(dump_json) j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->d = d;
	j->show = s;
	if (blocks__init(&j->stacks, d->nr_stacks) || blocks__init(&j->sites, d->sites->nr))
		return -ENOMEM;
	*ret = steal(j);
	return 0;
}

void dump_json__free(struct dump_json *j)
{
	if (!j)
		return;
	blocks__done(&j->stacks);
	blocks__done(&j->sites);
	free(j);
}

static void put_place(const char *func, const char *file, uint32_t line, struct textbuf *to)
{
	textbuf__json_text(to, "{\"func\":", func);
	textbuf__json_text(to, ",\"file\":", file);
	textbuf__json_u64(to, ",\"line\":", line);
}

void dump_json__stack(struct dump *d, size_t stack, bool full, struct textbuf *to)
{
	const struct frame *v;
	size_t nr = 0;
	int err = dump__frames(d, stack, full ? DUMP_ALL : DUMP_FRAMES, &v, &nr);

	if (err && !to->err)
		to->err = err;
	textbuf__text(to, "[");
	for (size_t i = 0; i < nr; i++) {
		textbuf__text(to, i ? "," : "");
		put_place(v[i].name, v[i].file, v[i].line, to);
		if (v[i].inlined)
			textbuf__text(to, ",\"inlined\":true");
		if (v[i].wrapper)
			textbuf__text(to, ",\"wrapper\":true");
		textbuf__text(to, "}");
	}
	textbuf__text(to, "]");
}

void dump_json__site(const struct site *s, struct textbuf *to)
{
	if (!s || !s->known) {
		textbuf__text(to, "null");
		return;
	}
	put_place(s->func, s->file, s->line, to);
	textbuf__text(to, "}");
}

static void make_stack(void *ctx, size_t i, struct textbuf *to)
{
	struct dump_json *j = ctx;
	uint16_t rt;

	textbuf__text(to, ",\"stack\":");
	dump_json__stack(j->d, i, j->show->full, to);
	if (dump__stack_at(j->d, i, &rt)->truncated)
		textbuf__text(to, ",\"truncated\":true");
}

static void make_site(void *ctx, size_t i, struct textbuf *to)
{
	dump_json__site(&((struct dump_json *)ctx)->d->sites->v[i], to);
}

static void put_site(struct dump_json *j, uint32_t site, struct textbuf *to)
{
	if (site == SITES_NONE)
		textbuf__text(to, "null");
	else
		blocks__put(&j->sites, site, to, make_site, j);
}

static void put_number(struct textbuf *to, const char *key, uint64_t n, bool known)
{
	textbuf__text(to, key);
	if (known)
		textbuf__u64(to, n);
	else
		textbuf__text(to, "null");
}

static void put_labels(const struct label_set *set, struct textbuf *to)
{
	textbuf__text(to, ",\"labels\":{");
	for (size_t i = 0; i < set->nr; i++) {
		textbuf__text(to, i ? "," : "");
		textbuf__json(to, set->v[i].key);
		textbuf__json_text(to, ":", set->v[i].value);
	}
	textbuf__text(to, "}");
}

static void put_address(struct textbuf *to, const char *key, uint64_t addr)
{
	textbuf__text(to, key);
	textbuf__hex(to, addr);
	textbuf__text(to, "\"");
}

static void put_way(struct textbuf *to, const char *key, uint8_t way)
{
	static const char *const names[] = {
		[CENSUS_WAY_RECEIVE] = "receive", [CENSUS_WAY_SEND] = "send",
		[CENSUS_WAY_READ] = "read", [CENSUS_WAY_WRITE] = "write",
	};

	if (way == CENSUS_WAY_NONE || way >= ARRAY_SIZE(names))
		return;
	textbuf__text(to, key);
	textbuf__text(to, names[way]);
	textbuf__text(to, "\"");
}

static void put_fd(struct dump_json *j, const struct census_wait *w, struct textbuf *to)
{
	const char *peer = j->show->peer ? j->show->peer(j->show->peer_ctx, (int32_t)w->via) : "";

	textbuf__text(to, ",\"fd\":");
	textbuf__i64(to, (int32_t)w->via);
	put_way(to, ",\"mode\":\"", w->way);
	if (peer[0]) {
		textbuf__json_text(to, ",\"peer\":", framer__text(j->d->framer, peer));
	}
}

static void put_wait(struct dump_json *j, const struct census_wait *w, uint64_t now_ns, struct textbuf *to)
{
	textbuf__text(to, "{\"kind\":\"");
	textbuf__text(to, dump_wait_kind(w->kind));
	put_address(to, "\",\"addr\":\"", w->addr);
	switch (w->kind) {
	case CENSUS_WAIT_CHAN:
		put_way(to, ",\"dir\":\"", w->way);
		break;
	case CENSUS_WAIT_TIMER:
		textbuf__text(to, ",\"when_ns\":");
		textbuf__i64(to, (int64_t)w->via - (int64_t)now_ns);
		break;
	case CENSUS_WAIT_FD:
		put_fd(j, w, to);
		break;
	case CENSUS_WAIT_CORO:
		break;
	default:
		put_address(to, ",\"sema\":\"", w->via);
		put_way(to, ",\"mode\":\"", w->way);
	}
	textbuf__text(to, w->select ? ",\"select\":true}" : "}");
}

static void put_waits(struct dump_json *j, const struct dump_row *r, struct textbuf *to)
{
	const struct census *c = j->d->in.censuses[r->rt];
	const struct census_g *g = dump__g(j->d, r);

	textbuf__text(to, ",\"waits_for\":[");
	for (uint32_t i = 0; i < g->nr_waits; i++) {
		textbuf__text(to, i ? "," : "");
		put_wait(j, &c->waits[g->waits_at + i], c->taken_ns, to);
	}
	textbuf__text(to, g->waits_cut ? "],\"waits_cut\":true" : "]");
}

/* What is said only where there is something to say. */
static void put_extras(struct dump_json *j, const struct dump_row *r, struct textbuf *to)
{
	const struct census_g *g = dump__g(j->d, r);

	if (g->m >= 0 || g->tid) {
		textbuf__text(to, ",\"m\":{\"id\":");
		textbuf__i64(to, g->m);
		put_number(to, ",\"tid\":", g->tid, g->tid);
		textbuf__text(to, "}");
	}
	if (g->p >= 0)
		put_number(to, ",\"p\":", (uint64_t)g->p, true);
	if (g->locked)
		textbuf__text(to, ",\"locked_to_thread\":true");
	if (r->system)
		textbuf__text(to, ",\"system\":true");
	if (j->d->in.nr > 1)
		put_number(to, ",\"runtime\":", r->rt, true);
}

void dump_json__goroutine(struct dump_json *j, const struct dump_row *r, struct textbuf *to)
{
	const struct census_g *g = dump__g(j->d, r);
	const uint64_t wait_ns = dump__wait_ns(j->d, r);
	const char *reason = dump__reason(j->d, r);
	const size_t stack = dump__stack(j->d, r);

	put_number(to, "{\"goid\":", g->goid, true);
	textbuf__text(to, ",\"status\":\"");
	textbuf__text(to, dump__status(j->d, r));
	textbuf__text(to, reason ? "\",\"reason\":\"" : "\",\"reason\":null");
	textbuf__text(to, reason ? reason : "");
	textbuf__text(to, reason ? "\"" : "");
	put_number(to, ",\"wait_ns\":", wait_ns, wait_ns != DUMP_UNKNOWN);
	put_number(to, ",\"parent_goid\":", g->parent_goid, g->parent_goid);
	put_labels(dump__labels(j->d, r), to);
	textbuf__text(to, ",\"start\":");
	put_site(j, r->start, to);
	textbuf__text(to, ",\"created_by\":");
	put_site(j, r->made, to);
	calls__json(j->d, r, to);
	put_waits(j, r, to);
	put_extras(j, r, to);
	if (stack == DUMP_NO_STACK)
		textbuf__text(to, ",\"stack\":[]}");
	else {
		blocks__put(&j->stacks, stack, to, make_stack, j);
		textbuf__text(to, "}");
	}
}

static void put_target(struct dump *d, const struct report_meta *m, struct textbuf *to)
{
	textbuf__text(to, "{\"target\":{\"pid\":");
	textbuf__i64(to, m->pid);
	textbuf__json_text(to, ",\"go\":", framer__text(d->framer, m->go_version));
	textbuf__json_text(to, ",\"exe\":", framer__text(d->framer, m->exe));
	put_number(to, "},\"taken_unix_ns\":", m->wall_start_ns, true);
}

int dump_show__json(struct dump *d, const struct dump_show *s, bool lines, FILE *out, struct cause *why)
{
	scoped(dump_json) j = NULL;
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	to.err = dump_json__new(d, s, &j);
	if (!lines) {
		put_target(d, s->meta, &to);
		textbuf__text(&to, ",\"goroutines\":[");
	}
	for (size_t i = 0; i < d->nr && !to.err; i++) {
		textbuf__text(&to, lines ? "" : i ? ",\n" : "\n");
		dump_json__goroutine(j, &d->rows[i], &to);
		textbuf__text(&to, lines ? "\n" : "");
	}
	if (!lines) {
		put_number(&to, "],\"unsettled\":", d->counts.unsettled, true);
		put_number(&to, ",\"refused\":", d->counts.refused, true);
		textbuf__text(&to, "}\n");
	}
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
