/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wanted: what the filters of a recording (names/filter) keep of its events.
 *
 * Most of it is told where an event happens, by the BPF programs: by the go statement that made the
 * goroutine (those of the program are found in its code before it begins), by the id of the stack
 * (as soon as its names are known here: wanted__learn()), by labels and P. What BPF does not know
 * it lets through, and this says what becomes of it; what is looked at without probes is judged
 * here alone. Only what the recording counts is filtered: births that merely tell who made whom are
 * filtered by go statement at most, and with async not at all. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_WANTED_H
#define PARKWATCH_ENGINE_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/probes.h"
#include "golang/golabels.h"
#include "model/profile.h"
#include "names/filter.h"
#include "names/namer.h"
#include "probe/attach_filter.h"
#include "target/goproc.h"

struct wanted_opts { /* all borrowed as long as it lives */
	const struct filter *filter;
	const struct proc *proc;
	struct goproc *gp;
	const struct namer *namers;
	const struct profile *profile; /* whose events they are, and which has their stacks */
};

struct wanted;
/* -ENOMEM; -EOPNOTSUPP, with a cause: in this program nobody can tell. */
int wanted__new(const struct wanted_opts *o, struct wanted **ret, struct cause *why);
void wanted__free(struct wanted *w);
DEFINE_SCOPED(wanted)

/* The state in which goroutines are whose events these are: false: no such filter takes it. */
bool wanted_state(const struct filter *f, enum profile_event event, const char **ret_state);

const struct attach_filter *wanted__filters(const struct wanted *w); /* by runtime; borrowed */
/* Who is told what is learnt; borrowed until it is another. NULL: nobody. */
void wanted__tell(struct wanted *w, const struct probes *p);

bool wanted__asks(const struct wanted *w, enum filter_kind kind);
/* BPF looks at labels in all runtimes, so sums hold only what is wanted. */
bool wanted__labels_are_told(const struct wanted *w);
/* Records of this kind (enum pw_kind) are what is filtered. */
bool wanted__is_of(const struct wanted *w, uint16_t kind);

void wanted__learn(struct wanted *w, uint16_t rt, uint64_t stack_id, const uint64_t *pcs,
		   size_t nr);
bool wanted__made(struct wanted *w, uint16_t rt, uint64_t gopc);
/* PW_STACK_ID_NONE: there is none; then the function with the go statement stands for it. */
bool wanted__stack(struct wanted *w, uint16_t rt, uint64_t stack_id, uint64_t gopc);
/* enum gostatus, of an event whose goroutines are in any */
bool wanted__status(const struct wanted *w, uint8_t status);
bool wanted__labels(const struct wanted *w, const struct golabel *v, size_t nr);

#endif
