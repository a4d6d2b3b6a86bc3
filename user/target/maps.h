/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps: what a process has mapped, from the text of /proc/PID/maps.
 *
 * The text is hostile: file names are the target's choice. The lines are in address order; one that
 * overlaps its predecessor is refused and counted. A newline in a file name is written \012 by the
 * kernel (fs/proc/task_mmu.c), and such a name is left as it stands: it opens by
 * /proc/PID/map_files only.
 */
#ifndef PARKWATCH_TARGET_MAPS_H
#define PARKWATCH_TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"

#define MAPS_TEXT_MAX (64u << 20) /* bytes of text read */
#define THREADS_MAX   16384       /* threads that are asked */
/* lines kept: four times the kernel's usual limit (vm.max_map_count) */
#define MAPS_NR_MAX 262144

struct mapping {
	uint64_t start, end;
	uint64_t file_off; /* of start in the file */
	uint64_t dev;      /* as makedev() */
	uint64_t inode;    /* 0: no file */
	/* as the target names it, "" none, "[heap]" and the like; borrowed from the maps */
	const char *path;
	uint8_t prot; /* PROT_READ | PROT_WRITE | PROT_EXEC */
};

struct maps {
	struct mapping *m; /* by address; owned */
	size_t nr;
	size_t refused; /* lines over MAPS_NR_MAX, or out of order */
	char *text;     /* owned; the paths point into it */
	/* how far down stacks of its threads are in use, sorted; see below; owned */
	uint64_t *sps;
	size_t nr_sps;
};

/* -EBADMSG: a line that is no maps line. The text is copied. */
int maps__parse(const char *text, size_t len, struct maps **ret);
/*
 * dirfd: of /proc/PID. -ESRCH the process has ended; -EACCES; -E2BIG more text than MAPS_TEXT_MAX.
 */
int maps__read(int dirfd, struct maps **ret);
/*
 * The same with sps: of each thread that waits, from /proc/PID/task/TID/syscall. Of one that runs
 * just now, or where that may not be read, it is not known; THREADS_MAX threads at most.
 */
int maps__read_with_stacks(int dirfd, struct maps **ret);
void maps__free(struct maps *maps);
DEFINE_SCOPED(maps)

/* NULL: nothing is mapped there */
const struct mapping *maps__at(const struct maps *maps, uint64_t addr);
bool mapping_is_file(const struct mapping *m);

#endif
