/* SPDX-License-Identifier: BSD-2-Clause */
/* dump_tally: the goroutines of a dump, counted by place and state (model/tally). Their names are hostile input. */
#ifndef PARKWATCH_VIEW_DUMP_TALLY_H
#define PARKWATCH_VIEW_DUMP_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/tally.h"

struct dump;

/* d: all goroutines of the look, in the order of goids. As tally__begin() and tally__end(). */
int dump_tally(struct dump *d, uint64_t now_ns, struct tally *t, struct tally_look *ret);
/* A goroutine of that row, of that look. false: there is none. */
bool dump_tally__first(const struct dump *d, const struct tally_row *row, uint32_t *ret);

#endif
