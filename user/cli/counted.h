/* SPDX-License-Identifier: BSD-2-Clause */
/* counted: what a recording has by stack, with names, ready to be written or compared. */
#ifndef PARKWATCH_CLI_COUNTED_H
#define PARKWATCH_CLI_COUNTED_H

#include "base/cause.h"
#include "base/cleanup.h"
#include "view/callsites.h"
#include "view/dump.h"
#include "view/replay.h"

struct counted { /* read only for others */
	struct report report;
	struct report_meta meta; /* of what was chosen, as the next one */
	char only[160];
	struct snap *snap;
	struct callsites *calls;
	struct dump *d; /* goroutines were counted: from here */
	struct namer namers[BOOK_RUNTIMES_MAX];
	struct replay_look look;
};

/* r is borrowed until free. path: for the cause. -ENOENT: it has no such thing; -ENOMEM. */
int counted__of_sums(const struct replay *r, const char *path, struct counted **ret,
		     struct cause *why);
/* As many of its single events and cuts as filter says; r was read with it (replay__open_events()). */
int counted__of_events(const struct replay *r, const char *path, const struct event_filter *filter,
		       struct counted **ret, struct cause *why);
/* Its sums, or if it has none its goroutines at the first look. */
int counted__of_any(const struct replay *r, const char *path, struct counted **ret,
		    struct cause *why);
void counted__free(struct counted *c);
DEFINE_SCOPED(counted)

/* A warning, where the file was cut off. */
void counted_say_read(const struct replay *r, const char *path);

#endif
