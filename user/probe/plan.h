/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan: which instructions of one Go runtime to probe, or why not.
 *
 * For each point of enum pw_point and each module, the cheapest instruction at which the wanted
 * values are still in hand (x86/site or arm64/site finds it). A point that cannot be placed has err and why;
 * record refuses if it needs that point. An address is never guessed. doctor prints the plan as it
 * is.
 */
#ifndef PARKWATCH_PROBE_PLAN_H
#define PARKWATCH_PROBE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <parkwatch/event.h>
#include <parkwatch/knobs.h>

#include "base/cause.h"
#include "host/kfeat.h"
#include "code/gslot.h"
#include "code/site.h"
#include "target/goproc.h"

struct plan_site {
	struct pw_site wire; /* goes into rodata */
	enum insn_class class;
	uint64_t func, addr; /* addresses in the process */
	char func_name[64];
	char insn[80]; /* disassembled */
	char why[160]; /* why this one: "first instruction after the stack check, emulated" */
	struct goplace place;
};

struct plan_point {
	int err;            /* 0: sites[first .. first + nr) */
	struct cause cause; /* set if err; -ENOENT with nr 0 for points this Go has not (cobirth
			       before 1.23) */
	uint32_t first, nr;
};

struct plan {
	const struct goruntime *rt; /* borrowed */
	struct plan_point points[PW_POINT_MAX];
	struct plan_site sites[PW_SITES_MAX];
	uint32_t nr_sites;
	struct pw_module modules[PW_MODULES_MAX]; /* of the runtime, in its order */
	uint32_t nr_modules;
	int g_slot_err; /* 0: where a thread has its g is known */
	struct gslot g_slot;
};

const char *pw_point_name(enum pw_point p); /* "birth", "cobirth", ... */
/* Fills every point that this Go can have. Only damaged tables or lost memory are errors of the
 * call itself. */
int plan__make(struct goproc *gp, struct goruntime *rt, const struct kfeat *kf, struct plan **ret,
	       struct cause *why);
void plan__free(struct plan *p);
DEFINE_SCOPED(plan)

/*
 * Whether these points (1 << enum pw_point) can be probed: the error of one that cannot. Those that
 * this Go does not have and can do without (coroutines before 1.23, variants of mallocgc) are taken
 * out.
 */
int plan__check_points(const struct plan *p, uint32_t *points, struct cause *why);

#endif
