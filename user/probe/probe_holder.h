/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_holder: a child process that makes the links of one attach, and takes them down.
 *
 * A task that is being killed (SIGKILL) while it makes or takes down a probe leaves it in the
 * target for good (Linux kernel/events/uprobes.c, uprobe_unregister: "leaking uprobe"). So links
 * are the probe holder's alone: if parkwatch is killed, whenever that is, it takes them down and
 * ends. Only who kills both at once, as the end of a cgroup does, can still leave some behind.
 *
 * If parkwatch is stopped (Ctrl-Z, SIGSTOP), or gives no sign of life for 100 ms (probe/master),
 * the probe holder takes all probes out, and switches recording off. If the probe holder is stopped
 * or killed, parkwatch finds that at its next probe_holder__alive() and wakes it, so that it takes
 * the probes out and ends.
 *
 * It blocks all signals that can be blocked, and shows as "pw-holder" in ps. Loop thread only.
 */
#ifndef PARKWATCH_PROBE_PROBE_HOLDER_H
#define PARKWATCH_PROBE_PROBE_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "host/ulink.h"

#define PROBE_HOLDER_SETS 4 /* of links, that are taken down together */

struct probe_holder_switch { /* of the BPF programs, in memory that parent and child share */
	volatile uint32_t *on;
	volatile uint64_t *cut_ns;  /* CLOCK_MONOTONIC when recording ended by itself */
	volatile uint64_t *beat_ns; /* the probe holder's own sign of life */
};

struct probe_holder;
/* It can attach the programs whose descriptors are open now. s: borrowed. 0 or negative errno. */
int probe_holder__new(const struct probe_holder_switch *s, struct probe_holder **ret);
/* Takes down what there is; waits until that is done. */
void probe_holder__free(struct probe_holder *k);
DEFINE_SCOPED(probe_holder)

/* As ulink__open(), into a set. -EOWNERDEAD: the probe holder was killed or stopped, or did not answer
 * for 10 s; its links go with it. */
int probe_holder__open(struct probe_holder *k, unsigned int set, enum attach_way way, int prog_fd,
		       pid_t pid, const struct uplace *where);
/* Takes a set down, all at the same time: 20 to 200 ms; one that is empty is fine. As above. */
int probe_holder__close(struct probe_holder *k, unsigned int set);
bool probe_holder__alive(struct probe_holder *k); /* false: as above; it costs one system call */
/*
 * CLOCK_MONOTONIC at which parkwatch was last found stopped or, with probes in, without a sign of
 * life, and they were taken out; 0: it never was.
 */
uint64_t probe_holder__absent_ns(const struct probe_holder *k, bool *ret_stopped);
/* CPU time that the target had used then; 0: not known. */
uint64_t probe_holder__absent_cpu_ns(const struct probe_holder *k);
uint64_t probe_holder__cpu_ns(const struct probe_holder *k); /* that it has used; 0: it has ended */

#endif
