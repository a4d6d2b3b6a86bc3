/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/site.h"

#include <stdio.h>

bool site_choice__is_beaten(const struct site_choice *best, int best_cost, int cost)
{
	return cost < best_cost || (cost == best_cost && (best->wire.flags & PW_SITE_CHECK));
}

void site_choice__say_why(struct site_choice *p, const char *how, bool has_check, bool is_after)
{
	if (p->wire.flags & PW_SITE_CHECK)
		snprintf(p->why, sizeof(p->why),
			 "branch of the stack check, %s; taken to morestack it does not count",
			 how);
	else
		snprintf(p->why, sizeof(p->why), "%s, %s",
			 is_after    ? "first instruction after the stack check"
			 : has_check ? "cheapest past the stack check"
				     : "cheapest with the values in hand",
			 how);
}
