// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_cycle.h"

#include <stddef.h>

#include "base/cleanup.h"

/* The first of which the cycle has all. */
static const struct {
	unsigned int cycle_waits;
	struct leak_pattern pattern;
} rules[] = {
	{ LEAK_CYCLE_COND | LEAK_CYCLE_LOCK,
	  { "deadlock: waits for a Cond with a lock held that who should signal waits for",
	    "unlock it before Wait: Wait unlocks only the Cond's own lock", NULL } },
	{ LEAK_CYCLE_SEND | LEAK_CYCLE_LOCK,
	  { "deadlock: sends with a lock held that the receiver waits for", "unlock before sending",
	    NULL } },
	{ LEAK_CYCLE_RECEIVE | LEAK_CYCLE_LOCK,
	  { "deadlock: receives with a lock held that who should send or close waits for",
	    "unlock before receiving", NULL } },
	{ LEAK_CYCLE_SELECT | LEAK_CYCLE_LOCK,
	  { "deadlock: waits in a select with a lock held that who could end it waits for",
	    "unlock before the select", NULL } },
	{ LEAK_CYCLE_GROUP | LEAK_CYCLE_LOCK,
	  { "deadlock: waits for a WaitGroup with a lock held that who should call Done waits for",
	    "unlock before Wait", NULL } },
	{ LEAK_CYCLE_DONE | LEAK_CYCLE_LOCK,
	  { "waits for a WaitGroup, and those who should call Done for the waiter",
	    "unlock before Wait", NULL } },
	{ LEAK_CYCLE_DONE | LEAK_CYCLE_SEND,
	  { "deadlock: waits for a WaitGroup, and those who should call Done first send to the "
	    "waiter",
	    "receive before Wait, or call Wait in a goroutine of its own", NULL } },
	{ LEAK_CYCLE_DONE | LEAK_CYCLE_RECEIVE,
	  { "deadlock: waits for a WaitGroup, and those who should call Done first receive from "
	    "the waiter",
	    "send, or close the channel, before Wait", NULL } },
	{ LEAK_CYCLE_DONE,
	  { "waits for a WaitGroup, and those who should call Done for the waiter",
	    "end what they wait for before Wait", NULL } },
};

enum leak_cycle leak_cycle_of_wait(const struct census_wait *w)
{
	if (w->kind == CENSUS_WAIT_COND)
		return LEAK_CYCLE_COND;
	if (w->kind == CENSUS_WAIT_WAITGROUP)
		return LEAK_CYCLE_GROUP;
	return w->select                         ? LEAK_CYCLE_SELECT
	       : w->direction == CENSUS_DIR_SEND ? LEAK_CYCLE_SEND
						 : LEAK_CYCLE_RECEIVE;
}

const struct leak_pattern *leak_cycle_pattern(unsigned int cycle_waits)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules) && cycle_waits & ~(unsigned int)LEAK_CYCLE_LOCK;
	     i++)
		if ((cycle_waits & rules[i].cycle_waits) == rules[i].cycle_waits)
			return &rules[i].pattern;
	return NULL;
}
