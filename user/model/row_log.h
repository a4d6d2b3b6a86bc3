/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * row_log: rows of a snap become facts (facts.proto, SumRows and Stacks), their stacks, names and
 * code before them, once a segment.
 *
 * Rows of sums may go on in the next segment; those of events are all in one, for the events that
 * follow them. Memory: some rows, and each different stack. Not thread-safe.
 */
#ifndef PARKWATCH_MODEL_ROW_LOG_H
#define PARKWATCH_MODEL_ROW_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/snap.h"
#include "names/factlog.h"

struct row_log_of {
	struct factlog *f;    /* borrowed until free */
	bool events;          /* event_rows and event_stacks */
	bool all_return;      /* stacks are return addresses all */
	uint32_t first_stack; /* the number of the first stack */
	/* Tells what rows of a segment are of: its first fact about them. */
	void (*open)(void *ctx);
	void *ctx;
};

struct row_log;
int row_log__new(const struct row_log_of *of, struct row_log **ret); /* 0 or -ENOMEM */
void row_log__free(struct row_log *l);
DEFINE_SCOPED(row_log)

/* Before rows, and before each batch of events. Returns the number of the segment. */
uint32_t row_log__begin(struct row_log *l);
/* id: of rows of events. Stacks must stay where they are until free. */
void row_log__add(struct row_log *l, const struct snap_row *row, uint32_t id);
void row_log__made(struct row_log *l); /* the rows that follow are SumRows.made */
void row_log__flush(struct row_log *l);

#endif
