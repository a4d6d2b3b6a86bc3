/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holder_request: what parkwatch asks of its probe holder, over a socket of packets
 * (SOCK_SEQPACKET).
 *
 * One request a packet, descriptors beside it (SCM_RIGHTS). Each but HOLDER_MASTER is answered with
 * one int: 0, a set's number, or negative errno. Both ends are the same program file, so no version
 * is needed.
 */
#ifndef PARKWATCH_PROBE_HOLDER_REQUEST_H
#define PARKWATCH_PROBE_HOLDER_REQUEST_H

#include <stdint.h>
#include <sys/types.h>

#include <parkwatch/knobs.h>

#include "host/ulink.h"

#define HOLDER_SOCKET  3  /* the one descriptor that the probe holder inherits, beside 0 to 2 */
#define HOLDER_SETS    64 /* probe sets at a time: some for each Go runtime in the target */
#define HOLDER_PARTS   7  /* of a set: links that are taken down together */
#define HOLDER_FDS_MAX 2  /* descriptors in a packet */

enum holder_op {
	HOLDER_MASTER, /* first, no answer; the heart's memory (base/heart), /proc/PID/stat */
	HOLDER_ADD,    /* a set; the map of its BPF programs' variables. Answer: its number */
	HOLDER_REMOVE, /* a set, and its links */
	HOLDER_OPEN,   /* links of one program in one file, into a part; the program, the file */
	HOLDER_CLOSE,  /* the links of a part; one that has none is fine */
};

struct holder_request {
	enum holder_op op;
	uint32_t set, part; /* where op has one */
	/* of HOLDER_OPEN: as ulink__open() */
	enum attach_method method;
	pid_t pid;
	uint32_t nr;
	unsigned long offsets[PW_SITES_MAX];
	__u64 cookies[PW_SITES_MAX];
};

#endif
