/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/leakrequests.h"

#include <errno.h>

#include "base/clock.h"
#include "view/leak_outgoing.h"
#include "view/leak_requests.h"

static bool is_cut(const struct snapshot_requests *of)
{
	for (size_t i = 0; i < of->nr; i++)
		if (of->of[i]->cut)
			return true;
	return false;
}

static int note(struct leaks *l, const struct grequests *const *of)
{
	const int err = leak_requests__note(l, of);

	return err ? err : leak_outgoing__note(l, of);
}

int leakrequests_note(struct leaks *l, struct snapshot *t, struct deadline *until,
		      enum grequest_detail detail, struct cause *why)
{
	const uint64_t left = deadline__left_ns(until), most = 2 * LEAKREQUESTS_NS;
	struct deadline own = deadline_in(left < most ? left : most, until->stop);
	struct snapshot_requests of = { .detail = detail };
	struct cause c = { "" };
	int err = snapshot__requests(t, &own, &of, &c);

	if (err == -ENOMEM)
		(void)cause__set(why, err, "out of memory");
	else if (proc__cut(t->target.proc) || (!err && is_cut(&of)))
		(void)cause__set(why, -ETIMEDOUT, "reading was cut short");
	else if (err)
		(void)cause__set(why, err, "%s", c.text);
	else
		err = note(l, (const struct grequests *const *)of.of);
	snapshot_requests__done(&of);
	return err == -ENOMEM ? err : 0;
}
