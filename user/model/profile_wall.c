// SPDX-License-Identifier: BSD-2-Clause
/* profile_wall: what only event wall has: samples of what ran, and system calls one by one. */
#include "golang/gostate.h"
#include "model/profile_parts.h"
#include "model/rowset.h"
#include "model/wall.h"

int profile__ran(struct profile *p, const struct pw_cpu *r, uint64_t stack_id, uint32_t label,
		 bool is_wanted)
{
	const struct row_key key = {
		.stack_id = stack_id,
		.root = profile__root(p, r->hdr.goid, r->gopc, label),
		.reason = WALL_STATUS + GOSTATUS_RUNNING,
		.rt = r->hdr.rt,
	};
	int err = 0;

	p->stats.in++;
	if (r->hdr.ts_ns < p->first_ns)
		p->stats.filtered++;
	else if (!is_wanted)
		p->ran_unwanted_ns += r->ns;
	else
		err = rowset__add(p->ran, &key, r->ns);
	if (err)
		p->stats.refused++;
	else if (r->hdr.ts_ns >= p->first_ns)
		p->stats.out++;
	return err;
}

int profile__add_calls(struct profile *p, uint16_t rt, uint64_t stack_id, uint64_t gopc,
		       const struct pw_wait_sum *s)
{
	const struct row_key key = {
		.stack_id = stack_id,
		.root = profile__root(p, 0, gopc, PROFILE_LABEL_NONE),
		.reason = WALL_STATUS + GOSTATUS_SYSCALL,
		.rt = rt,
	};
	const int err = rowset__add_many(p->called, &key, s->count, s->ns);

	p->stats.in += s->count;
	if (err)
		p->stats.refused += s->count;
	else
		p->stats.out += s->count;
	return err;
}

int profile__open_call(struct profile *p, uint16_t rt, const struct pw_gstate *s, uint64_t gopc)
{
	const struct pw_wait_sum one = { 1, p->end_ns - s->start_ns };

	return s->start_ns && s->start_ns < p->end_ns
		       ? profile__add_calls(p, rt, s->stack_id, gopc, &one)
		       : 0;
}

void profile__calls_known(struct profile *p)
{
	p->calls_known = true;
}

void profile__met(struct profile *p, uint64_t number)
{
	rowset__saw(p->rows, (double)number);
}

void profile__number(struct profile *p, double mean)
{
	rowset__average(p->rows, mean);
}

const struct rowset *profile__ran_rows(const struct profile *p, uint64_t *ret_unwanted_ns)
{
	*ret_unwanted_ns = p->ran_unwanted_ns;
	return p->ran;
}

const struct rowset *profile__called_rows(const struct profile *p)
{
	return p->calls_known ? p->called : NULL;
}
