// SPDX-License-Identifier: BSD-2-Clause
/* dump_snap: goroutines counted by stack and what they do, for the renderers of record. */
#include <errno.h>
#include <stdlib.h>

#include "model/reqlabel.h"
#include "model/rowset.h"
#include "view/dump.h"

/* What it works for, or the trace that it is in: one of the framer's texts. NULL: nothing is said of it. */
static const char *request_text(const struct dump *d, const struct dump_row *r)
{
	const struct grequest_of *of = dump__request(d, r);
	const struct grequest *q =
		of && of->request ? &d->in.requests[r->rt]->v[of->request - 1] : NULL;
	char text[REQLABEL_TEXT_MAX + 1];
	struct reqlabel_texts texts;
	struct reqlabel l;

	if (reqlabel_is_worked_for(of, q))
		reqlabel__of(of, q, &texts, &l);
	else if (of && !of->request && !of->in_hand && gtrace_is_known(&of->trace))
		reqlabel__of(of, NULL, &texts, &l);
	else
		return NULL;
	reqlabel__put(&l, text, sizeof(text));
	return framer__text(d->framer, text);
}

/* What --root tells apart; texts of the framer: equal ones are one. */
static uint64_t root_key(const struct dump *d, enum profile_root root, const struct dump_row *r)
{
	switch (root) {
	case PROFILE_ROOT_GOID: return dump__g(d, r)->who.goid;
	case PROFILE_ROOT_CREATED_BY: return r->made == SITES_NONE ? 0 : dump__g(d, r)->who.gopc;
	case PROFILE_ROOT_LABEL: return (uintptr_t)dump__labels(d, r)->text;
	case PROFILE_ROOT_REQUEST: return (uintptr_t)request_text(d, r);
	case PROFILE_ROOT_NONE:
	case PROFILE_ROOT_ROUTE:
	case PROFILE_ROOT_TRACE:
	case PROFILE_ROOT_SPAN:
	case PROFILE_ROOT_STATE: break;
	}
	return 0;
}

static int count(const struct dump *d, enum profile_root root, struct rowset *rs)
{
	int err = 0;

	for (size_t i = 0; i < d->nr && !err; i++) {
		const struct dump_row *r = &d->rows[i];
		const size_t stack = dump__stack(d, r);

		err = rowset__add(rs,
				  &(struct row_key){
					  .stack_id = stack == DUMP_NO_STACK ? 0 : stack + 1,
					  .root = root_key(d, root, r),
					  .reason = r->state,
					  .rt = r->rt,
				  },
				  1);
	}
	return err;
}

static void fill_row(const struct dump *d, enum profile_root root, const struct rowset_row *from,
		     struct snap_row *to)
{
	const struct row_key *k = &from->key;

	*to = (struct snap_row){
		.rt = (uint16_t)k->rt,
		.own = { .state = SNAP_STACK_NONE },
		.word = gostate_word((enum gostate)d->states[k->reason]),
		.gopc = root == PROFILE_ROOT_CREATED_BY ? k->root : 0,
		.goid = root == PROFILE_ROOT_GOID ? k->root : 0,
		.label = root == PROFILE_ROOT_LABEL || root == PROFILE_ROOT_REQUEST
				 ? (const char *)(uintptr_t)k->root
				 : NULL,
		.count = from->count,
		.value = from->count,
	};
	if (k->stack_id) {
		uint16_t rt;
		const struct census_stack *s = dump__stack_at(d, k->stack_id - 1, &rt);

		to->own.state = SNAP_STACK_SEEN;
		to->own.stack = (struct stack){
			.nr = s->nr_pcs,
			.truncated = s->truncated,
			.pcs = d->in.censuses[rt]->pcs + s->pcs_at,
		};
	}
}

int dump__snap(struct dump *d, enum profile_root root, struct snap **ret)
{
	const struct rowset_row *from = NULL;
	scoped_mem struct snap_row *rows = NULL;
	scoped(rowset) rs = NULL;
	size_t nr = 0;
	int err;

	err = rowset__new(d->nr + 1, &rs);
	if (!err)
		err = count(d, root, rs);
	if (err)
		return err;
	rows = calloc(rowset__nr(rs) + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	while ((from = rowset__next(rs, from)))
		fill_row(d, root, from, &rows[nr++]);
	return snap__from_rows(PROFILE_GOROUTINES, root, &rows, nr, ret);
}
