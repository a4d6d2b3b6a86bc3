/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event: the records that BPF programs send through the ring or perf buffer.
 *
 * Every record begins with struct pw_hdr. All times are bpf_ktime_get_ns(), CLOCK_MONOTONIC.
 * pcs are addresses in the target's address space: element 0 is the probed function itself, then
 * return addresses
 * (subtract one before looking a line up). A change of meaning is a new kind, never a new use of an
 * old one.
 */
#ifndef PARKWATCH_EVENT_H
#define PARKWATCH_EVENT_H

#ifndef __bpf__ /* the BPF side has these types from vmlinux.h */
#include <linux/types.h>
#endif

#include <parkwatch/points.h>

/* NONE is never sent */
enum pw_kind {
	PW_NONE,
	PW_STACK,
	PW_BIRTH,
	PW_EXIT,
	PW_WAIT,
	PW_SCHED,
	PW_WAKE,
	PW_CPU,
	PW_BLOCK,
	PW_MUTEX,
	PW_ROUND,
	PW_CALL,
	PW_ALLOC,
	PW_KIND_MAX
};

#define PW_STACK_MAX 127 /* pcs in a stack at most; knob `depth` is at most this */

/*
 * Stack ids are a hash of the pcs, never below PW_STACK_ID_MIN. Ids below it have a meaning of
 * their own.
 */
#define PW_STACK_ID_NONE 0ULL /* no stack could be read */
#define PW_STACK_ID_MIN  16ULL

enum pw_hdr_flag {
	PW_LABELS_OPEN =
		1, /* whether a filter wants its labels could not be told where it happened */
};

struct pw_hdr {
	__u64 ts_ns;
	__u64 goid;  /* the goroutine that the record is about; 0 in PW_STACK */
	__u16 kind;  /* enum pw_kind */
	__u16 size;  /* whole record in bytes, this header included */
	__u16 rt;    /* which Go runtime of the process, see knob `rt` */
	__u16 flags; /* enum pw_hdr_flag */
};
_Static_assert(sizeof(struct pw_hdr) == 24, "wire format changed");

/*
 * Sent before the first event that carries its id, and again if it was lost. size is the part in
 * use.
 */
struct pw_stack {
	struct pw_hdr hdr;
	__u64 stack_id;
	__u32 nr;        /* pcs that follow, 1 .. PW_STACK_MAX */
	__u32 truncated; /* 1: there were more frames than the knob `depth` allows */
	__u64 pcs[PW_STACK_MAX];
};
_Static_assert(sizeof(struct pw_stack) == 40 + 8 * PW_STACK_MAX, "wire format changed");

struct pw_birth {
	struct pw_hdr hdr; /* goid: the new goroutine */
	__u64 stack_id;    /* of the creator, from newproc.func1 outward */
	__u64 parent_goid; /* 0: unknown, or made by the runtime on a system stack */
	__u64 gopc;        /* return address of the `go` statement */
	__u64 startpc;     /* may be a wrapper: gosym resolves it */
	__u64 labels;      /* g.labels, 0 if none or not asked for */
};
_Static_assert(sizeof(struct pw_birth) == 64, "wire format changed");

struct pw_exit {
	struct pw_hdr hdr;
	__u64 gopc;
	__u64 startpc;
	__u64 parent_goid; /* 0: unknown (before Go 1.21) */
	__u64 labels;
};
_Static_assert(sizeof(struct pw_exit) == 56, "wire format changed");

/* One wait that ended: from gopark to execute. hdr.ts_ns is its end. */
struct pw_wait {
	struct pw_hdr hdr;
	__u64 start_ns; /* of the park; the start of recording, if it was before */
	__u64 stack_id; /* of the park */
	__u64 gopc;
	__u64 startpc;
	__u64 labels;
	__u32 reason; /* g.waitreason as this Go version numbers it */
	__u32 pad;
};
_Static_assert(sizeof(struct pw_wait) == 72, "wire format changed");

/*
 * From ready to run. hdr.ts_ns is the run; stack_id is where the goroutine had parked. Same shape
 * as a wait.
 */
#define pw_sched pw_wait

/*
 * From park to ready, of the reasons of knob `blocks`. hdr.ts_ns is the ready. Same shape as a
 * wait.
 */
#define pw_block pw_wait

/*
 * A lock was given up for which others wait. hdr.goid, gopc, startpc and labels are of the goroutine that did, stack_id
 * is where. From start_ns to hdr.ts_ns it is as long as Go's mutex profile says (Go runtime/sema.go
 * semrelease1): of several that wait, for all of them, so start_ns may lie before anything. Same shape as
 * a wait; no reason.
 */
#define pw_mutex pw_wait

/* From the begin of a system call, or of C, to its end. No reason. Same shape as a wait. */
#define pw_call pw_wait

#define PW_WAKERS_MAX 4 /* who ended the wait, who ended the wait of that one, and so on */

/* Key of the map `pw_wakes`: waits are summed there as in pw_waits, by who ended them too. */
struct pw_wake_key {
	__u64 stack_id; /* of the park */
	__u64 gopc, startpc;
	/*
	 * Stacks at ready, PW_STACK_ID_NONE where nobody is known. [0] is none: it went on without
	 * a ready, as after the network poller.
	 */
	__u64 wakers[PW_WAKERS_MAX];
	__u32 reason;
	__u32 pad;
};
_Static_assert(sizeof(struct pw_wake_key) == 64, "map key changed");

/*
 * One wait that ended, from gopark to execute, and who ended it. Value of the map `pw_wakers` too,
 * key: address of the g: what is known of its last wait, written in place.
 */
struct pw_wake {
	struct pw_hdr hdr;
	__u64 start_ns; /* as in pw_wait */
	__u64 labels;
	struct pw_wake_key key;
};
_Static_assert(sizeof(struct pw_wake) == 104, "wire format changed");

/*
 * One round of a goroutine: it ran, it waited or lost its thread, was made ready, and runs again, at
 * hdr.ts_ns. What is 0 was not, or was not seen. Value of the map `pw_rounds` too, key: address of
 * the g, written in place.
 */
struct pw_round {
	struct pw_hdr hdr;
	__u64 ran_ns;     /* since when it ran before; 0: nothing was seen of that */
	__u64 start_ns;   /* of its wait; as in pw_wait */
	__u64 left_ns;    /* when its thread ran another, though it did not wait */
	__u64 ready_ns;   /* its wait was ended; without a wait: it was made */
	__u64 waker_goid; /* who did that */
	__u64 waker;      /* the stack of who ended the wait, at ready; as pw_wake_key.wakers[0] */
	__u64 stack_id;   /* of the park */
	__u64 gopc, startpc;
	__u64 labels;
	__u32 reason;   /* of the wait */
	__u32 is_ended; /* 1: it ran, and at hdr.ts_ns it ended: there is nothing else */
};
_Static_assert(sizeof(struct pw_round) == 112, "wire format changed");

/* of the stack, from its pointer on; arm64: the link register, and the one there */
#define PW_CPU_WORDS 32

/*
 * A thread of the process ran when the clock of its processor ticked. hdr.goid: the goroutine that it
 * runs, also while it is on a system stack or in C for it; 0: none. Behind it, as a part of the same
 * record, its stack (struct pw_stack, whose own stack_id says nothing): pcs[0] is where it stands, the
 * others come from frame pointers alone. A function that has no frame yet, or none at all, has its
 * return address among the words.
 */
struct pw_cpu {
	struct pw_hdr hdr;
	__u64 gopc;
	__u64 startpc;
	__u64 labels;
	__u64 ns; /* that it stands for */
	__u64 sp, bp;
	__u64 foreign; /* the return address that is no code of a Go module, before which the stack ends; 0: none */
	__u32 is_cut; /* 1: a frame could not be read: the stack ends before its bottom */
	__u32 is_guess; /* 1: bp is not the register's, which was no address of a frame, but what may be one */
	__u32 nr_words; /* that could be read */
	__u32 status;   /* g.atomicstatus of the goroutine; 0: none */
	__u64 words[PW_CPU_WORDS];
};
_Static_assert(sizeof(struct pw_cpu) == 96 + 8 * PW_CPU_WORDS, "wire format changed");

/* pcs in stacks that stand for what is no code of Go; user space puts them there */
enum pw_pc_word {
	PW_PC_C = 16,       /* code of a file that is not Go's */
	PW_PC_VDSO = 32,    /* the kernel's, that the process calls as its own */
	PW_PC_UNKNOWN = 48, /* none of these, or nobody knows how the stack goes on */
};

/*
 * Value of the map `pw_gs`, key: address of the g. One per g struct that parked or ran since
 * attach; a g is never freed by Go, so entries are overwritten in place and never deleted. start_ns
 * 0: not waiting. User space reads what is open at the end, and who is not there: who waited then,
 * and is not there, waited all the time.
 */
struct pw_gstate {
	__u64 start_ns; /* of the wait that is open; 0: none */
	__u64 ready_ns; /* of the ready that no run has answered; 0: none */
	__u64 ran_ns;   /* when it ran last; 0: nothing was seen of it */
	__u64 left_ns;  /* of rounds: as pw_round has it */
	__u64 stack_id;
	__u64 ready_stack_id;
	__u64 goid;
	__u32 reason;
	__u32 ready_reason;
	__u32 flags; /* enum pw_hdr_flag */
	__u32 tid;   /* of rounds: the thread that it ran on last; 0: none, or nobody asks */
};
_Static_assert(sizeof(struct pw_gstate) == 72, "map value changed");

/*
 * Value of the map `pw_parks`, key: address of the g: its last park. Never deleted from, as pw_gs.
 */
struct pw_parked {
	__u64 goid;
	__u64 ns;
};
_Static_assert(sizeof(struct pw_parked) == 16, "map value changed");

/*
 * Key of the map `pw_kept_labels`: a label that is wanted, padded with zeros. value_bytes
 * PW_LABEL_ANY: any value. Longer labels are none that anybody can ask for there.
 */
#define PW_LABEL_BYTES 64
#define PW_LABEL_ANY   0xffffffffU
/* labels of one goroutine that are looked at; a map has no more in its first bucket than 8 */
#define PW_LABELS_MAX 16
struct pw_label {
	__u32 key_bytes, value_bytes;
	char key[PW_LABEL_BYTES], value[PW_LABEL_BYTES];
};
_Static_assert(sizeof(struct pw_label) == 136, "map key changed");

/*
 * Key of the map `pw_waits`: waits and latencies that nobody wants one by one are summed there
 * (pw_sums), and read by user space when recording has ended. Those that began before recording,
 * or before the window, and those of a full map are records.
 */
struct pw_wait_key {
	__u64 stack_id;
	__u64 gopc, startpc;
	__u32 reason;
	__u32 kind; /* PW_WAIT, PW_SCHED, PW_BLOCK, PW_MUTEX or PW_CALL */
};
_Static_assert(sizeof(struct pw_wait_key) == 32, "map key changed");

struct pw_wait_sum {
	__u64 count;
	__u64 ns;
};
_Static_assert(sizeof(struct pw_wait_sum) == 16, "map value changed");

/*
 * Value of the map `pw_semas`, key: address of the semaphore. Since when the first and the last of those who wait for it do; an
 * unlock that was charged with it has set that to its own time.
 */
struct pw_sema {
	__u64 begin_ns; /* of the recording, or window, that it is of */
	__u64 head_ns, tail_ns;
};
_Static_assert(sizeof(struct pw_sema) == 24, "map value changed");

/*
 * Key of the map `pw_allocs`: allocations are summed there, and read by user space when recording
 * has ended. size, by source:
 *	MALLOC, SIZED	the bytes asked for, rounded up so that all sizes of one key are of one size class, whatever header
 *			Go adds (pw_alloc_bucket())
 *	REFILL		the span class: size class * 2 + noscan
 *	LARGE		bytes, whole pages
 *	SAMPLE		bytes, as the runtime accounts for the object
 */
struct pw_alloc_key {
	__u64 stack_id;
	__u64 root; /* by knob alloc_root */
	__u64 type; /* address of the type; 0: none, or not known at this source */
	__u64 size;
	__u64 source; /* enum pw_point; PW_POINT_SIZED counts as PW_POINT_MALLOC */
};
_Static_assert(sizeof(struct pw_alloc_key) == 40, "map key changed");

struct pw_alloc_sum {
	/*
	 * REFILL: free slots of the spans: what is handed out until the next refill, or given back
	 */
	__u64 objects;
	/* MALLOC: asked for; REFILL: the number of spans; else objects * size */
	__u64 bytes;
};
_Static_assert(sizeof(struct pw_alloc_sum) == 16, "map value changed");

/*
 * One hit of a point of allocations, where sums are not enough (knob alloc_root): hdr.goid is the goroutine that the thread runs,
 * 0: none. What a sum would gain by it.
 */
struct pw_alloc {
	struct pw_hdr hdr;
	struct pw_alloc_key key; /* root: 0 */
	struct pw_alloc_sum sum;
};
_Static_assert(sizeof(struct pw_alloc) == 80, "wire format changed");

#define PW_SPAN_CLASSES 136 /* Go 1.15 has 134: runtime/mheap.go numSpanClasses */

/* sizes up to this are buckets of their own: the tiny allocator ends here */
#define PW_ALLOC_EXACT 16
/* up to this a size class is found in steps of 8 bytes, from there on of 128 */
#define PW_ALLOC_FINE 1024
/* larger objects have a span of their own, of whole pages */
#define PW_ALLOC_SMALL 32768
#define PW_ALLOC_PAGE  8192

/*
 * The largest size that shares the bucket. Go's size_to_class8 and size_to_class128
 * (runtime/sizeclasses.go) have one class for each step; objects with a header (Go 1.22, 8 bytes)
 * are looked up with it, so a step of 128 is parted 8 bytes before its end.
 */
static inline __u64 pw_alloc_bucket(__u64 size)
{
	__u64 step;

	if (size <= PW_ALLOC_EXACT)
		return size;
	if (size <= PW_ALLOC_FINE)
		return (size + 7) & ~7ULL;
	if (size > PW_ALLOC_SMALL)
		return (size + PW_ALLOC_PAGE - 1) & ~(PW_ALLOC_PAGE - 1ULL);
	step = (size + 127) & ~127ULL;
	return size <= step - 8 ? step - 8 : step;
}

#endif
