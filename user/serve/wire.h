/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire: what the processes of `parkwatch serve` say to each other.
 *
 *	worker -> supervisor	a pipe: frames (serve/frame). A look at a target is a whole recording (.pw),
 *				so that whoever has one needs neither the target nor the worker
 *	launcher -> supervisor	a SOCK_SEQPACKET: notices. One that begins with a new worker brings the
 *				pipe's end (SCM_RIGHTS)
 *	leak worker -> supervisor	as a worker: one frame, a report of leaks
 *	recording worker -> supervisor	as a worker: one frame for each event that it recorded
 *	supervisor -> launcher	the same socket: requests, as an array
 *
 * Both ends are the same binary, so layouts are C's. The supervisor still believes no length: a
 * worker reads hostile programs.
 */
#ifndef PARKWATCH_SERVE_WIRE_H
#define PARKWATCH_SERVE_WIRE_H

#include <stdint.h>

#include "view/processes.h"

/*
 * argv[1]; then the PID, the number of a log_format, how many seconds it takes (of a worker: how many ms
 * are from one look to the next; 0: as in `serve`), and what is recorded: bits, 1 << enum profile_event, or RECORDING_CHANS (of a
 * worker, and of a leak worker: WORKER_REQUEST_DETAIL, or 0);
 * standard output is the pipe
 */
#define WORKER_COMMAND           "worker"
#define LEAK_WORKER_COMMAND      "leak-worker"
#define RECORDING_WORKER_COMMAND "recording-worker"
#define WORKER_ARGS              6
#define WORKER_REQUEST_DETAIL    1 /* of requests what clients say and ask for is told, too */

enum notice_kind {
	NOTICE_FOUND,     /* a Go process: is it to be watched? */
	NOTICE_WATCHED,   /* a Go process, and its worker's pipe; again for each new worker */
	NOTICE_UNWATCHED, /* a Go process that cannot be watched: row.why */
	NOTICE_ENDED,
	NOTICE_LEAK_WATCH, /* of a watched one: the pipe of a leak worker; none came: it cannot start */
	NOTICE_RECORDING, /* the same of a recording worker */
	NOTICE_READY,     /* all processes that were there at the start are told */
	NOTICE_CONFIG,    /* the configuration's file, open; without one row.why says why not */
	NOTICE_SECRET,    /* the same of another file: secret */
	NOTICE_PODS, /* the pipe of who asks the kubelet (serve/kubelet); none came: it cannot start */
};

struct notice {
	uint32_t kind;     /* enum notice_kind */
	uint32_t restarts; /* workers that this process had before */
	uint32_t secret;   /* enum secret */
	uint32_t pad;
	uint64_t start_ticks; /* with the PID it names a process for ever */
	uint64_t ended_ns;    /* of NOTICE_ENDED: not later than that, CLOCK_BOOTTIME */
	struct process_row row;
};

enum request_kind {
	REQUEST_REPLACE,    /* another worker */
	REQUEST_LEAK_WATCH, /* a leak worker, if none runs */
	REQUEST_RECORDING,  /* a recording worker, if none runs */
	REQUEST_WATCH,      /* a worker, from now on */
	REQUEST_LEAVE,      /* none */
	REQUEST_CONFIG,     /* open the configuration's file */
	REQUEST_SECRET,     /* open that file */
	REQUEST_PODS,       /* ask the kubelet */
};

struct request {
	uint32_t kind; /* enum request_kind */
	int32_t pid;
	uint32_t seconds; /* of a watch for leaks, or a recording */
	uint32_t secret;  /* enum secret, of REQUEST_SECRET */
	uint32_t events;  /* argv[5] of what is started, see above */
	uint32_t pad;
	uint64_t start_ticks;
};

#endif
