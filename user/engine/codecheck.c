// SPDX-License-Identifier: BSD-2-Clause
#include "engine/codecheck.h"

#include <errno.h>
#include <string.h>

#include "base/notes.h"
#include "probe/leftover.h"

void codecheck__begin(struct codecheck *c, const struct goproc *gp, const struct proc *p,
		      bool repairs)
{
	struct cause why = { "" };
	size_t found;
	int err = textdiff__find(gp, p, &c->before);

	c->known = !err;
	if (err) {
		note_debug("the code of '%s' (pid %d) cannot be compared with its file: %s",
			   proc__comm(p), (int)proc__pid(p), strerror(-err));
		return;
	}
	if (!repairs)
		return;
	found = c->before.nr;
	err = leftover__repair(gp, p, &c->before, &why);
	if (err)
		note_debug("%zu probes of others, or old ones, stay in '%s' (pid %d): %s", found,
			   proc__comm(p), (int)proc__pid(p), why.text);
	else if (c->before.nr < found)
		note_info("took out %zu probe%s that a killed program had left in '%s' (pid %d)",
			  found - c->before.nr, found - c->before.nr == 1 ? "" : "s", proc__comm(p),
			  (int)proc__pid(p));
}

static size_t codecheck__left(const struct codecheck *c, const struct textdiff *now)
{
	size_t nr = 0;

	for (size_t i = 0; i < now->nr; i++)
		nr += !textdiff__has(&c->before, now->addrs[i]);
	return nr;
}

int codecheck__end(const struct codecheck *c, const struct goproc *gp, const struct proc *p,
		   struct recorders *r, struct cause *why)
{
	const bool alone = recorders__alone(r); /* those who leave meanwhile may be seen here */
	struct cause ignored = { "" };
	struct textdiff now;
	size_t left;

	if (!c->known || !proc__alive(p) || proc__executed(p) || textdiff__find(gp, p, &now))
		return 0;
	if (codecheck__left(c, &now) && (!r || recorders__sharers(r) == 1))
		(void)leftover__repair(gp, p, &now, &ignored);
	left = codecheck__left(c, &now);
	if (left && proc__alive(p) && alone && recorders__alone(r))
		return cause__set(why, -EUCLEAN,
				  "%zu place%s in the code of '%s' (pid %d) still differ%s from "
				  "the file: a probe was left there, or "
				  "another program has one; see 'parkwatch doctor -p %d'",
				  left, left == 1 ? "" : "s", proc__comm(p), (int)proc__pid(p),
				  left == 1 ? "s" : "", (int)proc__pid(p));
	note_debug("text restored: the code of '%s' (pid %d) is as in its file%s", proc__comm(p),
		   (int)proc__pid(p),
		   left || c->before.nr ? ", but for probes of other programs" : "");
	return 0;
}
