/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * places: stacks by where goroutines stand in them.
 *
 * A goroutine that waits for a microsecond has moved on before its stack is read. Where it stood is
 * known: what it was started with, how deep its stack was, where it stopped, and why. It itself at
 * another time, or others that stood there longer, say what the stack was; if there were several,
 * each as often as it was seen. Pure. Memory: PLACES_MAX places of PLACES_ALIKE stacks; what goes
 * beyond is not learnt.
 */
#ifndef PARKWATCH_MODEL_PLACES_H
#define PARKWATCH_MODEL_PLACES_H

#include <stdint.h>

#include "base/cleanup.h"

#define PLACES_MAX   65536
#define PLACES_ALIKE 4

struct place {
	uint64_t startpc;
	uint64_t pc;    /* at which it stopped */
	uint64_t depth; /* bytes of its stack */
	uint64_t goid;  /* 0: of whoever */
	uint32_t reason, rt;
};

struct places;
int places__new(struct places **ret);
void places__free(struct places *p);
DEFINE_SCOPED(places)

void places__learn(struct places *p, const struct place *at, uint64_t stack_id);
/* chance: 0 to below 1, which of several. PW_STACK_ID_NONE: nobody was seen there. */
uint64_t places__find(const struct places *p, const struct place *at, double chance);

#endif
