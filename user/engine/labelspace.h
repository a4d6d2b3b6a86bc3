/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labelspace: the memory that labels are read from: what the program keeps secret (heap/gosecret)
 * is refused.
 *
 * In a program that can have secrets it is looked for them when labels were found since the last
 * time; that takes a fifth of the time at most. What is found in between cannot be read: nobody
 * knows whether it is secret. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_LABELSPACE_H
#define PARKWATCH_ENGINE_LABELSPACE_H

#include <stdint.h>

#include "base/addrspace.h"
#include "target/goproc.h"
#include "target/proc.h"

struct labelspace {
	const struct proc *proc; /* borrowed, as the next */
	struct goproc *gp;
	struct gosecret *secret; /* NULL: none can be, or nobody has looked */
	uint64_t seen_ns;        /* when it was looked for them; 0: never */
	uint64_t next_ns;        /* not again before that */
};

void labelspace__init(struct labelspace *l, const struct proc *p, struct goproc *gp);
void labelspace__done(struct labelspace *l);
/*
 * To read what was found by then (CLOCK_MONOTONIC); borrowed until the next call. NULL: it must not
 * be read.
 */
const struct addrspace *labelspace__at(struct labelspace *l, uint64_t found_ns);

#endif
