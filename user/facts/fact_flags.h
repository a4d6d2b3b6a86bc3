/* SPDX-License-Identifier: BSD-2-Clause */
/* fact_flags: the bits of the columns of facts.proto. */
#ifndef PARKWATCH_FACTS_FACT_FLAGS_H
#define PARKWATCH_FACTS_FACT_FLAGS_H

enum code_flag { CODE_INLINED = 1, CODE_WRAPPER = 2, CODE_OWN = 4 };
enum goroutine_flag { GOROUTINE_LOCKED = 1, GOROUTINE_WAITS_CUT = 2, GOROUTINE_MOVED = 4 };
enum wait_flag { WAIT_OF_SELECT = 8 }; /* beside enum census_direction */
enum channel_flag { CHANNEL_KNOWN = 1, CHANNEL_CLOSED = 2, CHANNEL_SECRET = 4 };
enum channel_life_flag {
	CHANNEL_LIFE_CLOSED = 1,
	CHANNEL_LIFE_TIMER = 2,
	CHANNEL_LIFE_ENDED = 4,
	CHANNEL_LIFE_QUEUES_CUT = 8,
	CHANNEL_LIFE_CONTENDED = 16,
};
enum channel_run_flag { CHANNEL_RUN_OPEN_BEGIN = 1, CHANNEL_RUN_OPEN_END = 2 };
enum lock_flag {
	LOCK_KNOWN = 1,
	LOCK_LOCKED = 2,
	LOCK_WOKEN = 4,
	LOCK_STARVING = 8,
	LOCK_WRITER = 16
};
enum wait_how { WAIT_HOLDS, WAIT_KEEPS_OUT, WAIT_ALONE_HAS };
enum wait_deadlock { DEADLOCK_NONE, DEADLOCK_GOES_ON, DEADLOCK_BEGINS };
enum request_flag { REQUEST_OVER = 1, REQUEST_HAS_DEADLINE = 2, REQUEST_LEFT = 4 };
enum request_of_flag {
	REQUEST_OF_MADE_BY_IT = 1,
	REQUEST_OF_CANCELLED = 2,
	REQUEST_OF_HAS_DEADLINE = 4,
};
enum ref_path_flag { WAY_UNDECIDED = 1, WAY_FED = 2, WAY_CUT = 4 };
enum leak_group_flag {
	LEAK_GROUP_BLOCKED = 1,
	LEAK_GROUP_KNOWN = 2,
	LEAK_GROUP_LABELS = 4,
	LEAK_GROUP_TIMER = 8,
	LEAK_GROUP_ENDLESS = 16,
	LEAK_GROUP_LOOPS = 32,
	LEAK_GROUP_AGE_EXACT = 64,
};
enum leak_cause_flag { LEAK_CAUSE_ROOT = 1, LEAK_CAUSE_RING = 2 };
enum leak_side { LEAK_END_NONE, LEAK_END_ACCEPTED, LEAK_END_DIALLED };

#endif
