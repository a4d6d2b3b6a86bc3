/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack_rows: stacks on their way into a fact (facts.proto, Stacks), of a look or of sums. Plain
 * value; what is full is told by itself.
 */
#ifndef PARKWATCH_NAMES_STACK_ROWS_H
#define PARKWATCH_NAMES_STACK_ROWS_H

#include "names/factlog.h"

#define STACK_ROWS_MAX 256 /* of one fact */
#define STACK_ROWS_PCS (STACK_ROWS_MAX * 32)

struct stack_row {
	uint32_t id;
	uint16_t rt;
	bool truncated, all_return; /* all_return: as factlog__pcs() has it */
	uint32_t goroutines;        /* that stand in it; 0: nobody counts them */
	const uint64_t *pcs;        /* borrowed for the call */
	uint32_t nr;                /* at most STACK_ROWS_PCS */
};

struct stack_rows {
	uint32_t id[STACK_ROWS_MAX], rt[STACK_ROWS_MAX], truncated[STACK_ROWS_MAX],
		goroutines[STACK_ROWS_MAX], nr_pcs[STACK_ROWS_MAX];
	int64_t pc[STACK_ROWS_PCS];
	size_t nr, pcs;
};

/* as: FACT_STACKS or FACT_EVENT_STACKS */
void stack_rows__add(struct stack_rows *r, struct factlog *f, Pw__Fact__FactCase as,
		     const struct stack_row *row);
/* What is there, and first the names of their code. */
void stack_rows__tell(struct stack_rows *r, struct factlog *f, Pw__Fact__FactCase as);

#endif
