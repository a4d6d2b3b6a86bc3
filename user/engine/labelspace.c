/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/labelspace.h"

#include <stddef.h>

#include "base/clock.h"
#include "heap/gosecret.h"

#define REST 4 /* times as long as a look took, there is none */

void labelspace__init(struct labelspace *l, const struct proc *p, struct goproc *gp)
{
	*l = (struct labelspace){ .proc = p, .gp = gp };
}

void labelspace__done(struct labelspace *l)
{
	gosecret__free(l->secret);
	l->secret = NULL;
}

/* Negative: who knows. */
static int labelspace__look(struct labelspace *l)
{
	const uint64_t began = clock_now_ns();
	int err = 0;

	gosecret__free(l->secret);
	l->secret = NULL;
	for (size_t i = 0; i < goproc__nr_runtimes(l->gp) && !err; i++)
		err = gosecret__new(proc__mem(l->proc), goproc__runtime(l->gp, i), &l->secret);
	l->seen_ns = err ? 0 : began;
	l->next_ns = clock_now_ns() + REST * (clock_now_ns() - began);
	return err;
}

const struct addrspace *labelspace__at(struct labelspace *l, uint64_t found_ns)
{
	const bool none = l->seen_ns && !l->secret; /* its runtimes cannot have any */

	if (!none && l->seen_ns < found_ns && (clock_now_ns() < l->next_ns || labelspace__look(l)))
		return NULL;
	return gosecret__space(l->secret, proc__mem(l->proc));
}
