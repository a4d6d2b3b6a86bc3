/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_set: links of one attach, made and taken down by the probe holder (probe/probe_holder).
 *
 * There is one probe holder for all sets of this process: the first set starts it, it ends with the
 * last. Each set has its own state, and goes without the others. If the probe holder is stopped or
 * killed, that is found at the next probe_set__alive(): it is woken, so that it takes the probes
 * out and ends; what is asked of any set is -EOWNERDEAD from then on. A request takes 10 s at most.
 * Not thread-safe.
 */
#ifndef PARKWATCH_PROBE_PROBE_SET_H
#define PARKWATCH_PROBE_PROBE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "host/ulink.h"

struct probe_set;
/* Starts the probe holder if there is none, and does not wait for it. */
int probe_set__new(struct probe_set **ret, struct cause *why);
void probe_set__free(struct probe_set *s); /* takes down what there is; waits until that is done */
DEFINE_SCOPED(probe_set)

/*
 * Before the first link. map_fd: of the variables of its BPF programs, where the probe holder gives
 * its sign of life and says when parkwatch was absent. beat_ns: the sign as we see it, borrowed.
 */
int probe_set__share(struct probe_set *s, int map_fd, const volatile uint64_t *beat_ns);
/* As ulink__open(), into a part of the set. part: below HOLDER_PARTS. */
int probe_set__open(struct probe_set *s, uint32_t part, enum attach_method method, int prog_fd,
		    pid_t pid, const struct uplace *where);
/* Takes a part down, all links at the same time: 20 to 200 ms; one that is empty is fine. */
int probe_set__close(struct probe_set *s, uint32_t part);
/* false: somebody killed or stopped the probe holder, and with it the links; one system call. */
bool probe_set__alive(struct probe_set *s);
/* CPU time that the probe holder has used, for all sets; 0: it has ended, or there is none. */
uint64_t probe_set_cpu_ns(void);

#endif
