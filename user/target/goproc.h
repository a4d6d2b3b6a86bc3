/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goproc: a process together with the Go runtimes in it.
 *
 * Looks at the executable first, then at every other ELF file that is mapped as code (c-shared
 * libraries). Plugins are modules of their host's runtime, not runtimes; a plugin that is loaded
 * after goproc__open() is not known. Not thread-safe.
 */
#ifndef PARKWATCH_TARGET_GOPROC_H
#define PARKWATCH_TARGET_GOPROC_H

#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "golang/goruntime.h"
#include "target/proc.h"

#define GOPROC_RUNTIMES_MAX 8
#define GOPROC_IMAGES_MAX   64   /* files with Go in them, plugins included */
#define GOPROC_FILES_MAX    4096 /* mapped files that are looked at */

struct goproc;

/*
 * Takes over nothing; p is borrowed as long as the goproc lives. -ENOENT: not a Go program;
 * -EOPNOTSUPP: 32-bit; -ESRCH,
 * -EACCES: of the process; others as goruntime__open(). Each with a cause.
 */
int goproc__open(struct proc *p, struct goproc **ret, struct cause *why);
void goproc__free(struct goproc *gp);
DEFINE_SCOPED(goproc)

size_t goproc__nr_runtimes(const struct goproc *gp);
struct goruntime *goproc__runtime(struct goproc *gp, size_t i); /* borrowed */

/* Where to place a uprobe for an address of the process: the file and the offset in it. */
struct goplace {
	/* /proc/self/fd/N: the very file, whatever its name is now; borrowed from the goproc */
	const char *path;
	const char *name; /* for messages: as the target names it; borrowed from the goproc */
	uint64_t offset;  /* in the file */
	uint32_t image;   /* same number: same file */
};
/* -ENOENT: not in a file with Go */
int goproc__place(const struct goproc *gp, uint64_t addr, struct goplace *ret);

/* The files with Go in them: how many, at most max. Borrowed from the goproc. */
size_t goproc__images(const struct goproc *gp, const struct goimage **ret, size_t max);

#endif
