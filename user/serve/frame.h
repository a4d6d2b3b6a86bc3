/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame: how a process that looks at a target tells the supervisor something through a pipe: figures,
 * a whole recording (.pw), and beside it what the supervisor needs of it, so that it need not read it.
 *
 * Both ends are the same binary, so the layout is C's. What comes is hostile input all the same: who
 * writes it reads hostile programs. Nobody waits for a writer, and however much one writes, a call takes
 * FRAME_TURN_BYTES at most.
 */
#ifndef PARKWATCH_SERVE_FRAME_H
#define PARKWATCH_SERVE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define FRAME_MAGIC      0x6c6b7770u /* "pwkl" */
#define FRAME_BYTES_MAX  (64u << 20) /* a look at 20 million goroutines */
#define FRAME_TURN_BYTES (1u << 20)
#define FRAME_UNKNOWN    UINT64_MAX
#define FRAME_LATENCIES  41

struct frame_figures {
	uint64_t own_cpu_ns;    /* that its writer has used so far */
	uint64_t target_cpu_ns; /* that the target has used so far; 0: not known */
	/* goroutines since the target started; FRAME_UNKNOWN */
	uint64_t created, ended;
	/*
	 * How long goroutines waited for a thread, since the target started: [i] less than 2^(8+i)
	 * ns, and more than those before; the last: longer
	 */
	uint64_t latencies[FRAME_LATENCIES];
	double latencies_ns;      /* their sum, estimated */
	uint64_t latencies_known; /* 1: they are */
	double probes_ns;         /* what probes have cost the target, in this watch for leaks */
	uint64_t lost;            /* events of those probes */
	/* g structs of goroutines that have ended, and the bytes of their stacks; FRAME_UNKNOWN */
	uint64_t dead, dead_stack_bytes;
	uint64_t rest_ns; /* of a worker: from now to its next look */
};

#define FRAME_REST_MOST_NS (60 * NS_PER_SEC)

#define FRAME_COST_MOST_NS (600 * NS_PER_SEC) /* of one watch or recording */

/* Who writes them may be mistaken. */
static inline uint64_t frame_own_cpu_ns(const struct frame_figures *f)
{
	return f->own_cpu_ns < FRAME_COST_MOST_NS ? f->own_cpu_ns : FRAME_COST_MOST_NS;
}

static inline double frame_probes_ns(const struct frame_figures *f)
{
	return f->probes_ns > 0 && f->probes_ns < FRAME_COST_MOST_NS ? f->probes_ns : 0;
}

static inline uint64_t frame_rest_ns(const struct frame_figures *f)
{
	return f->rest_ns < FRAME_REST_MOST_NS ? f->rest_ns : FRAME_REST_MOST_NS;
}

enum frame_part {
	FRAME_RECORDING, /* or what else is told; never empty */
	FRAME_DIGEST, /* what it says, in short: serve/digest, leak_figures, enum profile_event */
	FRAME_LINES,  /* what is said of the target: serve/lines */
	FRAME_SUMS,   /* of a look: a recording of its goroutines counted by stack; now and then */
	FRAME_PARTS
};

struct frame_bytes {
	const char *v; /* borrowed */
	size_t len;
};

struct frame_head {
	uint32_t magic, pad;
	uint32_t bytes[FRAME_PARTS]; /* of each part; they follow one after the other */
	struct frame_figures figures;
};

/* 0, -E2BIG: more than FRAME_BYTES_MAX, or negative errno of write(2). */
int frame_write(int fd, const struct frame_figures *figures,
		const struct frame_bytes parts[FRAME_PARTS]);

struct frame_reader {
	int fd;        /* owned, does not block; -1: nobody writes */
	uint32_t most; /* bytes of all parts */
	struct frame_head head;
	size_t head_nr, body_nr, body_bytes; /* that came, that came, that are to come */
	char *body;                          /* owned: all parts */
};

/* fd is taken over. What was there before is dropped. */
void frame_reader__open(struct frame_reader *r, int fd, uint32_t most);
void frame_reader__close(struct frame_reader *r);
/*
 * What the pipe has now. 1: a frame is whole; then take what is wanted of it, or it is dropped by the next
 * call. 0: there is no more now, or enough for one turn: poll the pipe. -EPIPE: its writer has ended;
 * -EBADMSG: it is no frame, or too long; -ENOMEM: then the pipe is closed.
 */
int frame_reader__read(struct frame_reader *r);
/* Of a whole frame; borrowed until the next call of any other. */
struct frame_bytes frame_reader__part(const struct frame_reader *r, enum frame_part p);
/* Its recording, the caller's to free; the other parts are gone. */
char *frame_reader__take(struct frame_reader *r, size_t *ret_len);

#endif
