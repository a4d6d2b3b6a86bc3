/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * codecheck: a program's code is as it was before we came: what an earlier parkwatch left in it is
 * taken out first, and in the end the code is compared with its file.
 *
 * Plain value of who attaches; not thread-safe. It logs.
 */
#ifndef PARKWATCH_ENGINE_CODECHECK_H
#define PARKWATCH_ENGINE_CODECHECK_H

#include <stdbool.h>

#include "host/recorders.h"
#include "target/goproc.h"
#include "target/textdiff.h"

struct codecheck {
	struct textdiff before; /* probes of others, which stay */
	bool known;             /* false: the code cannot be compared */
};

/*
 * Before the first probe. repairs: takes out what a killed program left; not where others have probes
 * there, which look the same: that sleeps in the kernel, too long for another job of this process
 * whose probes are in.
 */
void codecheck__begin(struct codecheck *c, const struct goproc *gp, const struct proc *p,
		      bool repairs);
/*
 * After the last probe is out. r: who else has probes there, which look the same; NULL: nobody
 * knows. Where others have, nothing is taken out, for the same reason. 0: the code is as it was, or
 * the process has ended, or it is not known that we are alone all the time. -EUCLEAN with a cause:
 * places are left that a second try did not take out.
 */
int codecheck__end(const struct codecheck *c, const struct goproc *gp, const struct proc *p,
		   struct recorders *r, struct cause *why);

#endif
