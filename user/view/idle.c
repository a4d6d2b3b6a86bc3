// SPDX-License-Identifier: BSD-2-Clause
#include "view/idle.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gowait.h"
#include "model/wall.h"
#include "view/leak_names.h"
#include "view/rowframes.h"

static bool is_of_library(const char *func)
{
	static const char *const packages[] = { "runtime.", "sync.", "internal/" };

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
		if (!strncmp(func, packages[i], strlen(packages[i])))
			return true;
	return false;
}

/* It stands in the function that it was started with, whatever of Go's own led it to wait there. */
static bool stands_at_its_start(const struct frames *fr)
{
	size_t nr = 0;

	for (size_t i = 0; i < fr->nr; i++)
		nr += fr->v[i].kind == FRAME_CODE && !fr->v[i].inlined &&
		      !is_of_library(fr->v[i].name);
	return nr == 1;
}

static bool waits_for_work(const struct report *r, const struct snap_row *row)
{
	const int minor = row->rt < r->nr_namers ? r->namers[row->rt].go_minor : 0;

	switch (gowait_class(gowait_of(minor, row->reason))) {
	case GOWAIT_CLASS_RECEIVE:
	case GOWAIT_CLASS_SELECT:
	case GOWAIT_CLASS_COND: return true;
	default: return false;
	}
}

static bool is_idle(const struct report *r, const struct snap_row *row, const struct frames *fr)
{
	if (row->reason >= WALL_STATUS)
		return false;
	return leak_role_of(fr->v, fr->nr) != LEAK_ROLE_NONE ||
	       (waits_for_work(r, row) && stands_at_its_start(fr));
}

int idle_leave_out(const struct report *r, struct snap **ret, struct idle_left *ret_left)
{
	const struct snap *all = r->snap;
	scoped_mem struct snap_row *rows = calloc(all->nr + 1, sizeof(*rows));
	scoped(rowframer) f = NULL;
	struct idle_left left = { 0 };
	double error = 0;
	size_t nr = 0;
	int err = rows ? rowframer__new(r->namers, r->nr_namers, false, &f) : -ENOMEM;

	for (size_t i = 0; i < all->nr && !err; i++) {
		struct frames fr;

		err = rowframer__row(f, all, &all->rows[i], &fr);
		if (err)
			return err;
		if (is_idle(r, &all->rows[i], &fr)) {
			left.ns += all->rows[i].value;
			left.error = hypot(left.error, (double)all->rows[i].error);
			continue;
		}
		rows[nr++] = all->rows[i];
		error = hypot(error, (double)all->rows[i].error);
	}
	if (!err)
		err = snap__from_rows(all->event, all->root, &rows, nr, ret);
	if (err)
		return err;
	(*ret)->start_ns = all->start_ns;
	(*ret)->end_ns = all->end_ns;
	(*ret)->windows = all->windows;
	(*ret)->part = all->part;
	(*ret)->calls_known = all->calls_known;
	(*ret)->calls = all->calls;
	(*ret)->error = (uint64_t)error;
	(*ret)->made = all->made;
	(*ret)->nr_made = all->nr_made;
	*ret_left = left;
	return 0;
}
