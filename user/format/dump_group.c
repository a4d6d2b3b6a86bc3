// SPDX-License-Identifier: BSD-2-Clause
#include "view/calls.h"
#include "format/dump_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/radix.h"

#define STATES_MAX 6 /* shown of a group */

struct groups {
	struct dump *d;
	const struct dump_show *show;
	enum dump_group by;
	bool by_bytes;
	struct radix_item *members; /* key, row: groups are runs of equal keys; owned */
	size_t nr_members;
	struct radix_item *largest; /* item: where the group begins in members; owned */
	size_t nr;
	struct radix_item *tally; /* room for all members, or all that they wait for; owned */
	size_t tally_cap;
};

/* How often what comes most often comes, and how many there are. */
struct most {
	uint64_t key;
	size_t nr, distinct;
};

struct group { /* what its goroutines share */
	const struct radix_item *v;
	size_t nr;
	const struct dump_row *first;
	uint64_t oldest_ns; /* DUMP_UNKNOWN */
	uint64_t stack_bytes;
	struct most states[STATES_MAX];
	size_t nr_states;
	struct most look;  /* of their stacks; nr 0: none has one */
	size_t stack;      /* one that looks so */
	size_t nr_waiting; /* that wait for an object */
	size_t nr_objects; /* different ones */
	int kind;          /* of all of them, or -1 */
};

static const struct dump_row *row_of(const struct groups *gs, const struct radix_item *m)
{
	return &gs->d->rows[m->item];
}

/* --- which groups there are --- */

static uint64_t key_of(const struct groups *gs, const struct dump_row *r)
{
	switch (gs->by) {
	case DUMP_GROUP_SITE: return r->made;
	case DUMP_GROUP_STACK: return dump__look(gs->d, r);
	case DUMP_GROUP_WAIT: return r->state;
	case DUMP_GROUP_LABEL: return (uintptr_t)dump__labels(gs->d, r)->same;
	case DUMP_GROUP_NONE:
	case DUMP_GROUP_OBJECT: break;
	}
	return 0;
}

static const struct census_wait *waits_of(const struct dump *d, const struct dump_row *r,
					  uint32_t *ret_nr)
{
	const struct census_g *g = dump__g(d, r);

	*ret_nr = g->nr_waits;
	return g->nr_waits ? &d->in.censuses[r->rt]->waits[g->waits_at] : NULL;
}

static void add_members(struct groups *gs)
{
	for (size_t i = 0; i < gs->d->nr; i++) {
		const struct dump_row *r = &gs->d->rows[i];
		const struct census_wait *w;
		uint32_t nr;

		w = waits_of(gs->d, r, &nr);
		if (gs->by != DUMP_GROUP_OBJECT || !nr)
			gs->members[gs->nr_members++] =
				(struct radix_item){ .key = key_of(gs, r), .item = i };
		for (uint32_t k = 0; gs->by == DUMP_GROUP_OBJECT && k < nr; k++)
			gs->members[gs->nr_members++] =
				(struct radix_item){ .key = w[k].addr, .item = i };
	}
}

/* A select may have several cases of one channel. */
static void drop_twins(struct groups *gs)
{
	size_t nr = 0;

	for (size_t i = 0; i < gs->nr_members; i++)
		if (!nr || gs->members[nr - 1].key != gs->members[i].key ||
		    gs->members[nr - 1].item != gs->members[i].item)
			gs->members[nr++] = gs->members[i];
	gs->nr_members = nr;
}

static size_t run_of(const struct radix_item *v, size_t nr, size_t at)
{
	size_t end = at + 1;

	while (end < nr && v[end].key == v[at].key)
		end++;
	return end - at;
}

static uint64_t stack_bytes_of(const struct groups *gs, const struct radix_item *m)
{
	const struct census_g *g = dump__g(gs->d, row_of(gs, m));

	return g->stack_hi > g->stack_lo ? g->stack_hi - g->stack_lo : 0;
}

/* Of the nr members from there on. */
static uint64_t stack_bytes(const struct groups *gs, const struct radix_item *v, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += stack_bytes_of(gs, &v[i]);
	return sum;
}

/*
 * By count or bytes; equal ones by their first goroutine, so that the order is the same each time.
 */
static int order_groups(struct groups *gs)
{
	int err;

	for (size_t at = 0; at < gs->nr_members; at += run_of(gs->members, gs->nr_members, at))
		gs->largest[gs->nr++] =
			(struct radix_item){ .key = gs->members[at].item, .item = at };
	err = radix_sort_items(gs->largest, gs->nr);
	for (size_t i = 0; i < gs->nr; i++) {
		const struct radix_item *first = &gs->members[gs->largest[i].item];
		const size_t nr = run_of(gs->members, gs->nr_members, gs->largest[i].item);

		gs->largest[i].key = UINT64_MAX - (gs->by_bytes ? stack_bytes(gs, first, nr) : nr);
	}
	return err ? err : radix_sort_items(gs->largest, gs->nr);
}

static int groups__init(struct groups *gs)
{
	size_t nr = gs->d->nr, nr_waits = 0;
	int err;

	for (size_t i = 0; i < nr; i++)
		nr_waits += dump__g(gs->d, &gs->d->rows[i])->nr_waits;
	gs->tally_cap = nr + nr_waits;
	gs->members = reallocarray(NULL, gs->tally_cap + 1, sizeof(*gs->members));
	gs->largest = reallocarray(NULL, gs->tally_cap + 1, sizeof(*gs->largest));
	gs->tally = reallocarray(NULL, gs->tally_cap + 1, sizeof(*gs->tally));
	if (!gs->members || !gs->largest || !gs->tally)
		return -ENOMEM;
	err = dump__looks(gs->d);
	if (err)
		return err;
	add_members(gs);
	err = radix_sort_items(gs->members, gs->nr_members);
	if (err)
		return err;
	drop_twins(gs);
	return order_groups(gs);
}

static void groups__done(struct groups *gs)
{
	free(gs->members);
	free(gs->largest);
	free(gs->tally);
}

/* --- what those of a group share --- */

/* The max most common keys of the first nr of the tally, most common first. */
static int tally_most(struct groups *gs, size_t nr, struct most *ret, size_t max, size_t *ret_nr)
{
	size_t used = 0, distinct = 0;
	int err = radix_sort_items(gs->tally, nr);

	for (size_t at = 0, run; !err && at < nr; at += run) {
		size_t place = used;

		run = run_of(gs->tally, nr, at);
		distinct++;
		while (place > 0 && ret[place - 1].nr < run)
			place--;
		if (place == max)
			continue;
		used += used < max;
		memmove(&ret[place + 1], &ret[place], (used - place - 1) * sizeof(*ret));
		ret[place] = (struct most){ .key = gs->tally[at].key, .nr = run };
	}
	for (size_t i = 0; i < used; i++)
		ret[i].distinct = distinct;
	*ret_nr = used;
	return err;
}

static int group__states(struct groups *gs, struct group *g)
{
	for (size_t i = 0; i < g->nr; i++)
		gs->tally[i] = (struct radix_item){ .key = row_of(gs, &g->v[i])->state };
	return tally_most(gs, g->nr, g->states, STATES_MAX, &g->nr_states);
}

static int group__stack(struct groups *gs, struct group *g)
{
	size_t nr = 0, got = 0;
	int err;

	for (size_t i = 0; i < g->nr; i++) {
		uint32_t look = dump__look(gs->d, row_of(gs, &g->v[i]));

		if (look)
			gs->tally[nr++] = (struct radix_item){ .key = look };
	}
	err = tally_most(gs, nr, &g->look, 1, &got);
	for (size_t i = 0; !err && got && i < g->nr; i++)
		if (dump__look(gs->d, row_of(gs, &g->v[i])) == g->look.key) {
			g->stack = dump__stack(gs->d, row_of(gs, &g->v[i]));
			break;
		}
	return err;
}

static int group__objects(struct groups *gs, struct group *g)
{
	struct most most = { 0 };
	size_t nr = 0, got = 0;
	int err;

	g->kind = -2; /* none seen yet */
	for (size_t i = 0; i < g->nr; i++) {
		uint32_t nr_w;
		const struct census_wait *w = waits_of(gs->d, row_of(gs, &g->v[i]), &nr_w);

		g->nr_waiting += nr_w > 0;
		for (uint32_t k = 0; k < nr_w; k++) {
			gs->tally[nr++] = (struct radix_item){ .key = w[k].addr };
			g->kind = g->kind == -2 || g->kind == w[k].kind ? w[k].kind : -1;
		}
	}
	err = tally_most(gs, nr, &most, 1, &got);
	g->nr_objects = most.distinct;
	return err;
}

static int group__fill(struct groups *gs, size_t at, struct group *g)
{
	int err;

	*g = (struct group){
		.v = gs->members + at,
		.nr = run_of(gs->members, gs->nr_members, at),
		.oldest_ns = DUMP_UNKNOWN,
		.first = row_of(gs, &gs->members[at]),
	};
	g->stack_bytes = stack_bytes(gs, g->v, g->nr);
	for (size_t i = 0; i < g->nr; i++) {
		uint64_t ns = dump__wait_ns(gs->d, row_of(gs, &g->v[i]));

		if (ns != DUMP_UNKNOWN && (g->oldest_ns == DUMP_UNKNOWN || ns > g->oldest_ns))
			g->oldest_ns = ns;
	}
	err = group__states(gs, g);
	if (!err)
		err = group__stack(gs, g);
	return err ? err : group__objects(gs, g);
}

/* The wait that a group by object is about; NULL: those that wait for none. */
static const struct census_wait *object_of(const struct groups *gs, const struct group *g)
{
	uint32_t nr;
	const struct census_wait *w = waits_of(gs->d, g->first, &nr);

	for (uint32_t i = 0; i < nr; i++)
		if (w[i].addr == g->v[0].key)
			return &w[i];
	return NULL;
}

static const char *peer_of(const struct groups *gs, const struct census_wait *w)
{
	const char *peer =
		gs->show->peer ? gs->show->peer(gs->show->peer_ctx, (int32_t)w->via) : "";

	return framer__text(gs->d->framer, peer);
}

/* --- text --- */

static void text_object(const struct groups *gs, const struct group *g, struct textbuf *to)
{
	const struct census_wait *w = object_of(gs, g);

	if (!w) {
		textbuf__text(to, "that wait for no object");
		return;
	}
	textbuf__text(to, g->nr == 1 ? "waits for " : "wait for ");
	textbuf__text(to, dump_wait_kind(w->kind));
	textbuf__text(to, " ");
	if (w->kind != CENSUS_WAIT_FD) {
		textbuf__hex(to, w->addr);
		return;
	}
	textbuf__i64(to, (int32_t)w->via);
	textbuf__text(to, peer_of(gs, w)[0] ? ", " : "");
	textbuf__text(to, peer_of(gs, w));
}

static void text_key(const struct groups *gs, const struct group *g, struct textbuf *to)
{
	const struct site *s = dump__site(gs->d, g->first->made);
	const char *labels;

	switch (gs->by) {
	case DUMP_GROUP_SITE:
		textbuf__text(to, "created by ");
		textbuf__text(to, s ? s->func : "no go statement that is known");
		if (s && s->known) {
			textbuf__text(to, " at ");
			textbuf__text(to, s->file);
			textbuf__text(to, ":");
			textbuf__u64(to, s->line);
		}
		break;
	case DUMP_GROUP_WAIT:
		textbuf__text(to, "[");
		textbuf__text(to, dump__word(gs->d, g->first));
		textbuf__text(to, "]");
		break;
	case DUMP_GROUP_OBJECT: text_object(gs, g, to); break;
	case DUMP_GROUP_LABEL:
		labels = dump__labels(gs->d, g->first)->text;
		textbuf__text(to, labels[0] ? labels : "without labels");
		break;
	case DUMP_GROUP_STACK:
	case DUMP_GROUP_NONE: textbuf__text(to, "in one stack");
	}
}

static void text_age(uint64_t ns, struct textbuf *to)
{
	textbuf__text(to, ", oldest ");
	if (ns >= 120 * NS_PER_SEC) {
		textbuf__u64(to, ns / (60 * NS_PER_SEC));
		textbuf__text(to, " minutes");
	} else {
		textbuf__u64(to, ns / NS_PER_SEC);
		textbuf__text(to, " s");
	}
}

/* "\t200 wait for 200 chans", "\t200 wait for 1 chan" */
static void text_objects(const struct group *g, struct textbuf *to)
{
	if (!g->nr_objects)
		return;
	textbuf__text(to, "\t");
	textbuf__u64(to, g->nr_waiting);
	textbuf__text(to, g->nr_waiting == 1 ? " waits for " : " wait for ");
	textbuf__u64(to, g->nr_objects);
	textbuf__text(to, " ");
	textbuf__text(to, g->kind >= 0 ? dump_wait_kind((enum census_wait_kind)g->kind) : "object");
	textbuf__text(to, g->nr_objects == 1                                               ? "\n"
			  : g->kind == CENSUS_WAIT_MUTEX || g->kind == CENSUS_WAIT_RWMUTEX ? "es\n"
											   : "s\n");
}

static void text_group(struct groups *gs, const struct group *g, struct textbuf *to)
{
	textbuf__u64(to, g->nr);
	textbuf__text(to, g->nr == 1 ? " goroutine " : " goroutines ");
	text_key(gs, g, to);
	if (g->oldest_ns != DUMP_UNKNOWN)
		text_age(g->oldest_ns, to);
	textbuf__text(to, "\n");
	if (gs->by == DUMP_GROUP_SITE)
		calls__text(gs->d, g->first, "\tcalled from ", to);
	for (size_t i = 0; gs->by != DUMP_GROUP_WAIT && i < g->nr_states; i++) {
		textbuf__text(to, i ? ", " : "\t");
		textbuf__text(to, gostate_word((enum gostate)gs->d->states[g->states[i].key]));
		textbuf__text(to, " ");
		textbuf__u64(to, g->states[i].nr);
		textbuf__text(to, i + 1 < g->nr_states            ? ""
				  : i + 1 < g->states[i].distinct ? ", ...\n"
								  : "\n");
	}
	if (gs->by != DUMP_GROUP_OBJECT)
		text_objects(g, to);
	textbuf__text(to, "\t");
	textbuf__size(to, g->stack_bytes);
	textbuf__text(to, g->nr == 1 ? " of stack\n" : " of stacks\n");
	textbuf__text(to, g->nr == 1 ? "\tgoid" : "\tgoids");
	for (size_t i = 0; i < g->nr && i < DUMP_GROUP_GOIDS; i++) {
		textbuf__text(to, " ");
		textbuf__u64(to, dump__g(gs->d, row_of(gs, &g->v[i]))->who.goid);
	}
	textbuf__text(to, g->nr > DUMP_GROUP_GOIDS ? " ...\n" : "\n");
	if (!g->look.nr)
		return;
	if (g->look.nr < g->nr) {
		textbuf__text(to, "\t");
		textbuf__u64(to, g->look.nr);
		textbuf__text(to, g->look.nr == 1 ? " of them stands here:\n"
						  : " of them stand here:\n");
	}
	dump_text__stack(gs->d, g->stack, gs->show->full, to);
}

/* --- JSON --- */

static void json_object(const struct groups *gs, const struct census_wait *wait,
			struct json_writer *w)
{
	if (!wait) {
		jsonw_null_field(w, "object");
		return;
	}
	jsonw_object_field(w, "object");
	jsonw_string_field(w, "kind", dump_wait_kind(wait->kind));
	jsonw_hex_field(w, "addr", wait->addr);
	if (wait->kind == CENSUS_WAIT_FD) {
		jsonw_int_field(w, "fd", (int32_t)wait->via);
		jsonw_string_field(w, "peer", peer_of(gs, wait));
	}
	jsonw_end_object(w);
}

static void json_key(const struct groups *gs, const struct group *g, struct json_writer *w)
{
	switch (gs->by) {
	case DUMP_GROUP_SITE:
		jsonw_name(w, "created_by");
		dump_json__site(dump__site(gs->d, g->first->made), w);
		calls__json(gs->d, g->first, w);
		break;
	case DUMP_GROUP_OBJECT: json_object(gs, object_of(gs, g), w); break;
	case DUMP_GROUP_WAIT: jsonw_string_field(w, "wait", dump__word(gs->d, g->first)); break;
	case DUMP_GROUP_LABEL:
		jsonw_string_field(w, "labels", dump__labels(gs->d, g->first)->text);
		break;
	case DUMP_GROUP_STACK:
	case DUMP_GROUP_NONE: break;
	}
}

static void json_group(struct groups *gs, const struct group *g, struct json_writer *w)
{
	static const char *const names[] = {
		[DUMP_GROUP_NONE] = "",         [DUMP_GROUP_SITE] = "site",
		[DUMP_GROUP_STACK] = "stack",   [DUMP_GROUP_WAIT] = "wait",
		[DUMP_GROUP_OBJECT] = "object", [DUMP_GROUP_LABEL] = "label",
	};

	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_string_field(w, "by", names[gs->by]);
	jsonw_uint_field(w, "count", g->nr);
	json_key(gs, g, w);
	jsonw_uint_or_null_field(w, "oldest_wait_ns", g->oldest_ns, g->oldest_ns != DUMP_UNKNOWN);
	jsonw_uint_field(w, "stack_bytes", g->stack_bytes);
	jsonw_object_field(w, "states");
	for (size_t i = 0; i < g->nr_states; i++)
		jsonw_uint_field(w, gostate_word((enum gostate)gs->d->states[g->states[i].key]),
				 g->states[i].nr);
	jsonw_end_object(w);
	jsonw_uint_field(w, "waiting_for_objects", g->nr_waiting);
	jsonw_uint_field(w, "objects", g->nr_objects);
	jsonw_array_field(w, "goids");
	for (size_t i = 0; i < g->nr && i < DUMP_GROUP_GOIDS; i++)
		jsonw_uint(w, dump__g(gs->d, row_of(gs, &g->v[i]))->who.goid);
	jsonw_end_array(w);
	jsonw_uint_field(w, "stack_count", g->look.nr);
	jsonw_name(w, "stack");
	if (g->look.nr) {
		dump_json__stack(gs->d, g->stack, gs->show->full, w);
	} else {
		jsonw_start_array(w);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

static void put_groups(struct groups *gs, size_t top, struct json_writer *json, struct textbuf *to)
{
	struct group g;

	for (size_t i = 0; i < gs->nr && (!top || i < top) && !to->err; i++) {
		to->err = group__fill(gs, gs->largest[i].item, &g);
		if (to->err)
			return;
		if (json) {
			json_group(gs, &g, json);
			continue;
		}
		textbuf__text(to, i ? "\n" : "");
		text_group(gs, &g, to);
	}
}

int dump_show__groups(struct dump *d, const struct dump_show *s, const struct dump_groups_of *of,
		      bool json, FILE *out, struct cause *why)
{
	struct groups gs = { .d = d, .show = s, .by = of->by, .by_bytes = of->by_bytes };
	struct json_writer w;
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	to.err = groups__init(&gs);
	if (json) {
		jsonw_start_object(&w);
		jsonw_array_field(&w, "groups");
		put_groups(&gs, of->top, &w, &to);
		jsonw_end_array(&w);
		dump_json__dead(d, &w);
		jsonw_end_object(&w);
		jsonw_end(&w);
	} else {
		put_groups(&gs, of->top, NULL, &to);
	}
	err = dump_show__end(&to, why);
	groups__done(&gs);
	textbuf__done(&to);
	return err;
}
