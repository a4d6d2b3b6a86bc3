/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * liveslots: the words of a parked goroutine's stack that are live pointers, and nothing else.
 *
 * As heap/glive, but for the other question. There a word too many does no harm, here one too few
 * does none: a left-over of an earlier call would be another request's. So a frame without a map
 * has no live words; of a variable whose address was taken only the words of its pointer mask
 * count, and only if a live pointer leads to it; where a parked receive will write its element
 * nothing is alive, whatever the map says: there lies what was received last. The closures of
 * deferred calls count, which no map has (Go runtime/mgcmark.go scanstack); they are of the frame
 * that deferred them.
 *
 * The reader keeps one goroutine's at a time. Bounded: a stack over LIVESLOTS_STACK_MAX is not
 * read. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_LIVESLOTS_H
#define PARKWATCH_REQUESTS_LIVESLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/gview.h"
#include "golang/goruntime.h"

#define LIVESLOTS_STACK_MAX   (4u << 20) /* bytes in use */
#define LIVESLOTS_FRAMES_MAX  4096u
#define LIVESLOTS_OBJECTS_MAX 4096u /* variables whose address was taken, of one stack */
#define LIVESLOTS_DEFERS_MAX  100u
#define LIVESLOT_DEFER        UINT32_MAX /* frame of a deferred call's closure, if it is not known */

struct liveslot {
	uint64_t addr; /* of the word */
	uint64_t value;
	uint32_t frame; /* from the innermost */
};

/* Read only for others; good until the next liveslots__read(). */
struct liveslots {
	struct gview view;
	uint64_t sp;        /* where its stack begins */
	uint64_t print;     /* of its g and its stack: another one if it moved */
	struct liveslot *v; /* the innermost frame first */
	size_t nr;
	uint64_t *pcs; /* by frame */
	size_t nr_frames;
	uint64_t path;     /* another one if the pcs are others */
	uint32_t nr_inner; /* frames of package runtime that its innermost own one has called */
	uint64_t *chans;   /* that it waits to receive from, of a select also those to send to */
	size_t nr_chans;
	bool whole; /* the stack was walked to its end */
};

/*
 * What is known of the program's code, by pc: frames, and which words of them are alive. Code does
 * not change: it may be kept for as long as the process lives.
 */
struct liveslots_code;
/* rt: borrowed until free. -ENOMEM. */
int liveslots_code__new(const struct goruntime *rt, struct liveslots_code **ret);
void liveslots_code__free(struct liveslots_code *code);
DEFINE_SCOPED(liveslots_code)

struct liveslots_reader;
/* as, rt, code: borrowed until free. -EOPNOTSUPP: this Go's layout is not known; -ENOMEM. */
int liveslots_reader__new(const struct addrspace *as, const struct goruntime *rt,
			  struct liveslots_code *code, struct liveslots_reader **ret);
void liveslots_reader__free(struct liveslots_reader *r);
DEFINE_SCOPED(liveslots_reader)

/*
 * Of the g at addr. *ret is borrowed of the reader. -ENOENT: it is no live goroutine; -EAGAIN: it
 * runs, its view is in ret all the same; -E2BIG; -EFAULT, -ESRCH; -ENOMEM.
 */
int liveslots__read(struct liveslots_reader *r, uint64_t addr, const struct liveslots **ret);
/* A word of the stack that was read last, live or not. false: it lies elsewhere. */
bool liveslots__word(const struct liveslots_reader *r, uint64_t addr, uint64_t *ret);
/* Whether that word is one of those that are alive. */
bool liveslots__is_live(const struct liveslots_reader *r, uint64_t addr);
/* Bytes of a sudog that are read; 0: this Go's layout is not known. */
size_t liveslots_sudog_bytes(const struct goruntime *rt);
/* The print only, as it is now. Errors as above. */
int liveslots__print(struct liveslots_reader *r, uint64_t addr, uint64_t *ret);

#endif
