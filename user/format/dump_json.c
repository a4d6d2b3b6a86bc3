// SPDX-License-Identifier: BSD-2-Clause
/*
 * dump_json: goroutines as JSON: what they share is made once, the rest is a few numbers.
 *
 * Every text went through base/textpool: valid UTF-8. Addresses are strings: JSON's numbers are
 * not that long everywhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gostate.h"
#include "format/blocks.h"
#include "view/calls.h"
#include "format/dump_show.h"
#include "format/request_put.h"

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

static void put_place(const char *func, const char *file, uint32_t line, struct json_writer *w)
{
	jsonw_string_field(w, "func", func);
	jsonw_string_field(w, "file", file);
	jsonw_uint_field(w, "line", line);
}

void dump_json__stack(struct dump *d, size_t stack, bool full, struct json_writer *w)
{
	const struct frame *v;
	size_t nr = 0;

	jsonw_fail(w, dump__frames(d, stack, full ? DUMP_ALL : DUMP_FRAMES, &v, &nr));
	jsonw_start_array(w);
	for (size_t i = 0; i < nr; i++) {
		jsonw_start_object(w);
		put_place(v[i].name, v[i].file, v[i].line, w);
		if (v[i].inlined)
			jsonw_bool_field(w, "inlined", true);
		if (v[i].wrapper)
			jsonw_bool_field(w, "wrapper", true);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

void dump_json__site(const struct site *s, struct json_writer *w)
{
	if (!s || !s->known) {
		jsonw_null(w);
		return;
	}
	jsonw_start_object(w);
	put_place(s->func, s->file, s->line, w);
	jsonw_end_object(w);
}

static void make_stack(void *ctx, size_t i, struct textbuf *to)
{
	struct dump_json *j = ctx;
	struct json_writer w;

	jsonw_init(&w, to);
	dump_json__stack(j->d, i, j->show->full, &w);
}

static void make_site(void *ctx, size_t i, struct textbuf *to)
{
	struct json_writer w;

	jsonw_init(&w, to);
	dump_json__site(&((struct dump_json *)ctx)->d->sites->v[i], &w);
}

static void put_site(struct dump_json *j, const char *name, uint32_t site, struct json_writer *w)
{
	jsonw_name(w, name);
	if (site == SITES_NONE)
		jsonw_null(w);
	else
		blocks__put(&j->sites, site, jsonw_raw(w), make_site, j);
}

static void put_stack(struct dump_json *j, size_t stack, struct json_writer *w)
{
	uint16_t rt;

	if (stack == DUMP_NO_STACK) {
		jsonw_array_field(w, "stack");
		jsonw_end_array(w);
		return;
	}
	jsonw_name(w, "stack");
	blocks__put(&j->stacks, stack, jsonw_raw(w), make_stack, j);
	if (dump__stack_at(j->d, stack, &rt)->truncated)
		jsonw_bool_field(w, "truncated", true);
}

static void put_labels(const struct label_set *set, struct json_writer *w)
{
	jsonw_object_field(w, "labels");
	for (size_t i = 0; i < set->nr; i++)
		jsonw_string_field(w, set->v[i].key, set->v[i].value);
	jsonw_end_object(w);
}

static void put_way(const char *name, uint8_t direction, struct json_writer *w)
{
	static const char *const names[] = {
		[CENSUS_DIR_RECEIVE] = "receive",
		[CENSUS_DIR_SEND] = "send",
		[CENSUS_DIR_READ] = "read",
		[CENSUS_DIR_WRITE] = "write",
	};

	if (direction != CENSUS_DIR_NONE && direction < ARRAY_SIZE(names))
		jsonw_string_field(w, name, names[direction]);
}

static void put_fd(struct dump_json *j, const struct census_wait *wait, struct json_writer *w)
{
	const char *peer =
		j->show->peer ? j->show->peer(j->show->peer_ctx, (int32_t)wait->via) : "";

	jsonw_int_field(w, "fd", (int32_t)wait->via);
	put_way("mode", wait->direction, w);
	if (peer[0])
		jsonw_string_field(w, "peer", framer__text(j->d->framer, peer));
}

static void put_wait(struct dump_json *j, const struct census_wait *wait, uint64_t now_ns,
		     struct json_writer *w)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "kind", dump_wait_kind(wait->kind));
	jsonw_hex_field(w, "addr", wait->addr);
	switch (wait->kind) {
	case CENSUS_WAIT_CHAN: put_way("dir", wait->direction, w); break;
	case CENSUS_WAIT_TIMER:
		jsonw_int_field(w, "when_ns", (int64_t)wait->via - (int64_t)now_ns);
		break;
	case CENSUS_WAIT_FD: put_fd(j, wait, w); break;
	case CENSUS_WAIT_CORO: break;
	default: jsonw_hex_field(w, "sema", wait->via); put_way("mode", wait->direction, w);
	}
	if (wait->select)
		jsonw_bool_field(w, "select", true);
	jsonw_end_object(w);
}

static void put_waits(struct dump_json *j, const struct dump_row *r, struct json_writer *w)
{
	const struct census *c = j->d->in.censuses[r->rt];
	const struct census_g *g = dump__g(j->d, r);

	jsonw_array_field(w, "waits_for");
	for (uint32_t i = 0; i < g->nr_waits; i++)
		put_wait(j, &c->waits[g->waits_at + i], c->taken_ns, w);
	jsonw_end_array(w);
	if (g->waits_cut)
		jsonw_bool_field(w, "waits_cut", true);
}

/* What is said only where there is something to say. */
static void put_extras(struct dump_json *j, const struct dump_row *r, struct json_writer *w)
{
	const struct census_g *g = dump__g(j->d, r);

	if (g->m >= 0 || g->tid) {
		jsonw_object_field(w, "m");
		jsonw_int_field(w, "id", g->m);
		jsonw_uint_or_null_field(w, "tid", g->tid, g->tid);
		jsonw_end_object(w);
	}
	if (g->p >= 0)
		jsonw_int_field(w, "p", g->p);
	if (g->locked)
		jsonw_bool_field(w, "locked_to_thread", true);
	if (r->system)
		jsonw_bool_field(w, "system", true);
	if (j->d->in.nr > 1)
		jsonw_uint_field(w, "runtime", r->rt);
}

void dump_json__goroutine(struct dump_json *j, const struct dump_row *r, struct json_writer *w)
{
	const struct census_g *g = dump__g(j->d, r);
	const uint64_t wait_ns = dump__wait_ns(j->d, r);

	jsonw_start_object(w);
	jsonw_uint_field(w, "goid", g->who.goid);
	jsonw_string_field(w, "status", dump__status(j->d, r));
	jsonw_string_field(w, "reason", dump__reason(j->d, r));
	jsonw_uint_or_null_field(w, "wait_ns", wait_ns, wait_ns != DUMP_UNKNOWN);
	jsonw_uint_or_null_field(w, "parent_goid", g->who.parent_goid, g->who.parent_goid);
	put_labels(dump__labels(j->d, r), w);
	put_site(j, "start", r->start, w);
	put_site(j, "created_by", r->made, w);
	calls__json(j->d, r, w);
	put_waits(j, r, w);
	if (j->d->in.requests)
		request_put__json(j->d->framer, j->d->in.requests[r->rt], dump__request(j->d, r),
				  w);
	put_extras(j, r, w);
	put_stack(j, dump__stack(j->d, r), w);
	jsonw_end_object(w);
}

static void put_target(struct dump *d, const struct report_meta *m, struct json_writer *w)
{
	jsonw_object_field(w, "target");
	jsonw_int_field(w, "pid", m->pid);
	jsonw_string_field(w, "go", framer__text(d->framer, m->go_version));
	jsonw_string_field(w, "exe", framer__text(d->framer, m->exe));
	jsonw_end_object(w);
	jsonw_uint_field(w, "taken_unix_ns", m->wall_start_ns);
}

void dump_json__dead(const struct dump *d, struct json_writer *w)
{
	const struct census_dead *dead = &d->counts.dead;

	jsonw_object_field(w, "dead");
	jsonw_uint_or_null_field(w, "count", dead->nr, dead->known);
	jsonw_uint_or_null_field(w, "stack_bytes", dead->stack_bytes, dead->known);
	jsonw_end_object(w);
}

static void put_lines(struct dump_json *j, struct json_writer *w)
{
	for (size_t i = 0; i < j->d->nr && !w->to->err; i++) {
		dump_json__goroutine(j, &j->d->rows[i], w);
		jsonw_end(w);
	}
}

static void put_all(struct dump_json *j, struct json_writer *w)
{
	jsonw_start_object(w);
	put_target(j->d, j->show->meta, w);
	jsonw_array_field(w, "goroutines");
	for (size_t i = 0; i < j->d->nr && !w->to->err; i++) {
		jsonw_newline(w);
		dump_json__goroutine(j, &j->d->rows[i], w);
	}
	jsonw_end_array(w);
	jsonw_uint_field(w, "unsettled", j->d->counts.unsettled);
	jsonw_uint_field(w, "refused", j->d->counts.refused);
	jsonw_uint_field(w, "not_read", j->d->counts.not_read);
	dump_json__dead(j->d, w);
	jsonw_end_object(w);
	jsonw_end(w);
}

int dump_show__json(struct dump *d, const struct dump_show *s, bool lines, FILE *out,
		    struct cause *why)
{
	scoped(dump_json) j = NULL;
	struct json_writer w;
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	to.err = dump_json__new(d, s, &j);
	if (!to.err)
		(lines ? put_lines : put_all)(j, &w);
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
