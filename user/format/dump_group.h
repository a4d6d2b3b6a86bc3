/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_group: goroutines that have something in common, as one entry with a count and the bytes of
 * their stacks.
 *
 * By creation site, stack, what they do, the object that they wait for, or labels; the largest
 * first: by count or, if so asked, by bytes. A goroutine that waits for several objects (a select) is counted under each of them; those
 * that wait for none are a group of their own.
 */
#ifndef PARKWATCH_FORMAT_DUMP_GROUP_H
#define PARKWATCH_FORMAT_DUMP_GROUP_H

#include "format/dump_show.h"

#define DUMP_GROUP_GOIDS 10 /* shown of a group */

enum dump_group {
	DUMP_GROUP_NONE,
	DUMP_GROUP_SITE,
	DUMP_GROUP_STACK,
	DUMP_GROUP_WAIT,
	DUMP_GROUP_OBJECT,
	DUMP_GROUP_LABEL,
};

struct dump_groups_of {
	enum dump_group by;
	bool by_bytes; /* the most bytes of stacks first */
	size_t top;    /* how many groups, 0: all */
};

/*
 * json: {"groups":[{"by":"object","count":200,...}],"dead":{...}}, else text. 0 or negative errno
 * with a cause.
 */
int dump_show__groups(struct dump *d, const struct dump_show *s, const struct dump_groups_of *of,
		      bool json, FILE *out, struct cause *why);

#endif
