/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top_looks: what `top` knows: of all Go processes, or of one. A child of ours looks (serve/looker);
 * here its frames become tables (view/top_rows). Nothing here waits.
 */
#ifndef PARKWATCH_CLI_TOP_LOOKS_H
#define PARKWATCH_CLI_TOP_LOOKS_H

#include <sys/types.h>

#include "base/cause.h"
#include "serve/ask.h"
#include "serve/digest.h"
#include "serve/looker.h"
#include "view/top_rows.h"

struct top_data {
	struct ask_whom daemon; /* what it points to is borrowed; asked about processes */
	uint64_t pace_ns;
	pid_t pid; /* 0: all processes */
	struct looker looker;
	uint64_t heard_ns; /* of the looker, or when it was started */
	bool fresh;        /* it was started, and told nothing yet */
	bool ended;        /* the process has */
	uint64_t looks;    /* of pid, or of all processes */
	/* all processes */
	struct processes processes;
	struct top_counts *counts; /* owned */
	/* one process */
	struct history *history; /* owned */
	struct top_looks times;
	char *look; /* owned: the last one, a recording */
	size_t look_len;
	struct digest digest;                     /* of that look; its texts are gone */
	uint32_t *rows;                           /* owned: of the history, by row of the digest */
	uint64_t oldest_ns[HISTORY_ROWS_MAX + 1]; /* as top_sites__new() has it */
	struct frame_figures first, last;         /* of the first look and the last */
	char exe[PROCESS_EXE_MAX], go[PROCESS_VERSION_MAX];
};

void top_data__init(struct top_data *d, const struct ask_whom *daemon, uint64_t pace_ns);
void top_data__done(struct top_data *d);

/* From here on of this one, 0: of all. 0 or negative errno. */
int top_data__open(struct top_data *d, pid_t pid);
/* Looks now, and goes on at this pace. */
int top_data__again(struct top_data *d, uint64_t pace_ns);
/*
 * What came. 1: a look; 0: none; why may say what is amiss, and that there will be others. Negative: why
 * says what, no look will come. A process that has ended: d->ended.
 */
int top_data__read(struct top_data *d, struct cause *why);

/* 0 or -ENOMEM; top_table__done() */
int top_data__table(const struct top_data *d, struct top_table *ret);
/* The stack of a goroutine of a row of top_sites__new(). */
int top_data__stack(const struct top_data *d, uint32_t row, struct top_table *ret);
void top_data__titles(const struct top_data *d, struct top_page *ret);

#endif
