/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_pattern: what a developer would call a leak of this shape, and what ends it.
 *
 * A table of facts: what kind of wait it is, which functions of Go's own packages stand on the
 * stack, what is known of the channels. It says nothing of whether it is a leak (model/verdict).
 */
#ifndef PARKWATCH_VIEW_LEAK_PATTERN_H
#define PARKWATCH_VIEW_LEAK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/leakset.h"
#include "names/framer.h"

/* bits */
enum leak_fact {
	LEAK_FACT_TIMER = 1, /* a timer feeds a channel that it receives from */
	/* a channel that it receives from only ever says "end": chan struct{} without buffer */
	LEAK_FACT_DONE = 2,
	LEAK_FACT_SHARED = 4,  /* all of them wait for the same thing */
	LEAK_FACT_RING = 8,    /* goroutines wait for each other's locks */
	LEAK_FACT_ITSELF = 16, /* one waits for a lock that it holds itself */
	LEAK_FACT_WRITE = 32,  /* a descriptor: to write */
	LEAK_FACT_BODIES = 64, /* HTTP connections wait for their response to be read to the end */
	/*
	 * a channel that it receives from is a timer's that was stopped, or has fired, and nothing
	 * else
	 */
	LEAK_FACT_STOPPED = 128,
	/* HTTP connections: on most of them somebody waits for a response */
	LEAK_FACT_IN_FLIGHT = 256,
	LEAK_FACT_PIPE_HELD = 512, /* somebody waits for the output of a command that has ended */
	LEAK_FACT_SERVED = 1024,   /* connections of clients that are there */
	LEAK_FACT_SET_UP = 2048,   /* the first goroutine makes them one by one */
	LEAK_FACT_STREAMS_IN_FLIGHT = 8192, /* the same of requests in HTTP/2 */
	LEAK_FACT_KEEPALIVE = 16384,        /* a server's connections between two requests */
	/* a channel that it sends to has elements without a value, and is full: a limit */
	LEAK_FACT_LIMIT = 32768,
	LEAK_FACT_SIGNALS = 65536, /* a channel that it receives from is one of os.Signal */
	LEAK_FACT_SPINS = 4096,    /* they run all the time, and more and more do */
};

struct leak_pattern {
	const char *words; /* "blocked send after early return or timeout" */
	const char *cure;  /* one line; NULL: none is known */
	/*
	 * the cure where it is blocked in code that is not the program's own; "": there is none;
	 * NULL: the same
	 */
	const char *elsewhere;
};

/* frames: innermost first, with the runtime's. NULL: it has no name. */
const struct leak_pattern *leak_pattern_of(enum leak_class class, unsigned int facts,
					   const struct frame *frames, size_t nr);

/* it waits for somebody's answer to what it asked; NULL: no */
bool leak_pattern_is_answer(const struct leak_pattern *p);

/* the C function that is called, or NULL */
const char *leak_pattern_c_function(const struct frame *frames, size_t nr);

#endif
