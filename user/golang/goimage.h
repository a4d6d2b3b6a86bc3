/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goimage: one ELF file as it is mapped into a process: what golang/ needs to find Go's tables in
 * it.
 *
 * Plain description, filled by target/goproc from /proc/PID/maps; golang/ never opens /proc itself.
 */
#ifndef PARKWATCH_GOLANG_GOIMAGE_H
#define PARKWATCH_GOLANG_GOIMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { GOSEG_R = 1, GOSEG_W = 2, GOSEG_X = 4 };

/* one line of maps; anonymous neighbours (.bss) are included with anon = 1 */
struct goseg {
	uint64_t start, end; /* addresses in the process */
	uint64_t file_off;   /* of start in the file */
	uint8_t prot;        /* GOSEG_* */
	uint8_t anon;
};

#define GOIMAGE_SEGS_MAX 64

struct goimage {
	const char *path; /* borrowed: for messages, as the target names it */
	/* borrowed: the file itself, opened through /proc (deleted or replaced files too) */
	int fd;
	uint64_t bias; /* address in the process minus p_vaddr */
	size_t nr_segs;
	struct goseg segs[GOIMAGE_SEGS_MAX]; /* by start */
};

#endif
