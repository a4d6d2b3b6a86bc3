/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knobs: what user space sets before the BPF object is loaded (rodata), and sizes of maps.
 *
 * One loaded object serves one Go runtime of one process. `struct pw_knobs` is the object's
 * rodata variable `pw_knobs`; the verifier prunes what it turns off. What changes while it runs is in
 * .bss (bpf/maps.bpf.c): `pw_on` is 0 until user space says start, 0 again at stop, so that all
 * probes begin and end at one moment; `pw_want` says what is recorded, for jobs that share the
 * object come and go.
 */
#ifndef PARKWATCH_KNOBS_H
#define PARKWATCH_KNOBS_H

#include <parkwatch/layout.h>
#include <parkwatch/points.h>

#define PW_SITES_MAX 160 /* probed places of one runtime, all modules together */
/* entries of pw_gs and pw_parks; user space raises it to twice allglen */
#define PW_GS_DEFAULT 65536
#define PW_GS_MAX     4194304
#define PW_SEEN_MAX   65536 /* stack ids that BPF remembers as sent (LRU) */
/* per-thread buffers; user space raises it, see probe/attach */
#define PW_SCRATCH_DEFAULT 1024
/* Go modules of one runtime: the program and its plugins */
#define PW_MODULES_MAX 64
#define PW_ENDS        4    /* functions of a module at which stacks end */
#define PW_GOIDS_MAX   4096 /* goids in the filter */
#define PW_PS_MAX      4096 /* Ps in the filter */
/* sites and stacks that are known to be wanted or not; of more of them user space decides */
#define PW_KEPT_MAX    65536
#define PW_WAITS_MAX   65536  /* entries of pw_waits: some 6 MB */
#define PW_SEMAS_MAX   16384  /* semaphores that are waited for at a time */
#define PW_ALLOCS_MAX  131072 /* entries of pw_allocs: some 15 MB */
#define PW_THREADS_MAX 32768  /* of which it is known what they ran last, for rounds */
/* without a sign of the probe holder: recording ends by itself */
#define PW_BEAT_MAX_NS  2000000000ULL
#define PW_RING_DEFAULT (8u << 20) /* bytes, power of two */

/* Where a value is when a site is hit. */
enum pw_loc_kind {
	PW_LOC_NONE,
	PW_LOC_REG,   /* register `reg` */
	PW_LOC_STACK, /* 8 bytes (or the low byte of them) at sp + off */
};

struct pw_loc {
	__u8 kind; /* enum pw_loc_kind */
	/* x86: 0 rax 1 rcx 2 rdx 3 rbx 4 rsp 5 rbp 6 rsi 7 rdi 8 r8 .. 15 r15; arm64: 0 x0 .. 7 x7, 28 x28 */
	__u8 reg;
	__u16 pad;
	__s32 off;
};

enum pw_site_flag {
	/* on the branch of the stack check: drop the hit if it is taken */
	PW_SITE_CHECK = 1,
	/* the frame pointer is the probed function's own; else it is the direct caller's */
	PW_SITE_FRAMED = 2,
	/* not FRAMED: the return address to the direct caller is in the link register (arm64) */
	PW_SITE_LINK = 4,
};

struct pw_site {
	/* the goroutine that the event is about: newg, or gp, or the current g */
	struct pw_loc g;
	/* birth: a g of this thread (g0, or the creator), for the parent before Go 1.21 */
	struct pw_loc cur;
	struct pw_loc reason; /* park: the wait reason; queue: whether it is before the others */
	/*
	 * malloc, sized, large, sample: bytes; refill: the span; release: the mcache; queue, dequeue: the semaphore;
	 * call: where it was called
	 */
	struct pw_loc arg;
	struct pw_loc
		type; /* malloc, sized: the type, or 0; queue, dequeue: the root of the semaphore's queue;
			 call: the stack pointer there, if that function may have no frame */
	__u64 outer; /* sized: where mallocgc is, whose calls of it are counted there */
	__u32 outer_bytes;
	/* neither FRAMED nor LINK: return address to the direct caller is at sp + ret_off */
	__s32 ret_off;
	__u16 point; /* enum pw_point */
	__u16 flags; /* enum pw_site_flag */
	__u32 pad;
};

/* bits of pw_want: what is recorded */
enum pw_want {
	PW_WANT_BIRTH = 1,
	PW_WANT_EXIT = 2,
	PW_WANT_WAIT = 4,
	PW_WANT_SCHED = 8,
	PW_WANT_LABELS = 16, /* fill `labels` */
	PW_WANT_PARK = 32,   /* who parked last, and when: pw_parks, no record */
	PW_WANT_WAKE = 64,   /* waits with who ended them: pw_wakers */
	PW_WANT_BLOCK = 128, /* waits up to their ready, of some reasons */
	PW_WANT_MUTEX = 256, /* unlocks that others wait for */
	PW_WANT_CALL = 1024, /* system calls, and C */
	/* one of these at a time */
	PW_WANT_WAITS = PW_WANT_WAIT | PW_WANT_SCHED | PW_WANT_WAKE | PW_WANT_BLOCK |
			PW_WANT_MUTEX | PW_WANT_CALL,
	PW_WANT_ROUND = 512, /* with PW_WANT_WAKE: rounds in their place: pw_rounds */
};

/* bits of pw_filter.on: what is filtered where it happens, beside goids */
enum pw_filter_on {
	PW_FILTER_SITES = 1,  /* where the goroutine was made: pw_kept_sites */
	PW_FILTER_STACKS = 2, /* its stack: pw_kept_stacks */
	PW_FILTER_LABELS = 4, /* pw_kept_labels */
	PW_FILTER_PS = 8,     /* pw_kept_ps */
};

/* of what g.labels points to: golang/golabels */
enum pw_label_shape { PW_LABEL_LIST, PW_LABEL_MAP };

struct pw_filter {
	__u32 on;    /* enum pw_filter_on */
	__u32 sites; /* kinds (1 << enum pw_kind) that the site filters */
	__u32 event; /* kinds that stack, labels and P filter: what is recorded, not what helps */
	__u32 shape; /* enum pw_label_shape */
};

enum pw_alloc_root {
	PW_ALLOC_ROOT_NONE,
	PW_ALLOC_ROOT_GOID,
	PW_ALLOC_ROOT_GOPC,
	PW_ALLOC_ROOT_RECORD, /* by nothing: each is a record (PW_ALLOC), and no sum */
};

enum pw_transport { PW_TRANSPORT_RING, PW_TRANSPORT_PERF };

struct pw_heap_layout { /* of the allocator; see golang/golayout, struct goobjects */
	__s32 mcache_alloc;
	__s32 mspan_nelems, mspan_alloccount, mspan_spanclass;
};

struct pw_sema_layout { /* of semaphores; as above */
	__s32 root_treap;
	__s32 sudog_next, sudog_prev;
	__s32 sudog_waiters; /* u16, Go 1.22 and later */
};

struct pw_range { /* of addresses in the process; bytes 0: nothing is in it */
	__u64 at, bytes;
};

/*
 * Code of one Go module. ends: what switches stacks and does not come back to the frame that it
 * left (mcall, morestack), and where a system stack or a signal's begins (mstart, sigtramp). The
 * frame pointer behind them is that of a goroutine that the thread has left, which may run
 * elsewhere by now.
 */
struct pw_module {
	struct pw_range text;
	struct pw_range ends[PW_ENDS];
	/* a goroutine that waits, or was woken, goes on there; a plugin has its own */
	struct pw_range gopark;
};

/*
 * Samples of what runs (bpf/cpu). Offsets are of the kernel's own structs, where it keeps a thread's
 * registers of user space.
 */
struct pw_cpu_knobs {
	__u64 ns_dev, ns_ino; /* PID namespace that the process is in, and its number there */
	__u32 tgid;
	__u32 is_on;                   /* 1: samples are taken, and nothing else is */
	__u32 is_first;                /* 1: threads that have no g of any runtime count here */
	__u32 regs_helper;             /* 1: bpf_task_pt_regs() is there: Linux 5.15 and later */
	__s32 task_thread, task_stack; /* task_thread: the thread's pointer to its own memory */
	__s32 g_tls;                   /* from that, where Go keeps g; arm64: it is in a register */
	__s32 pad;
	struct pw_range vdso;
};

struct pw_knobs {
	struct pw_layout lay;
	__u32 transport;    /* enum pw_transport */
	__u32 depth;        /* frames of a stack, 1 .. PW_STACK_MAX */
	__u32 filter_goids; /* 1: only goids in the map pw_goids */
	__u32 rt;           /* copied into each header */
	__u32 nr_sites;
	/* 1: the attach cookie is the index of the site (kernel 5.15 and later) */
	__u32 cookies;
	/* enum pw_alloc_root: what allocations are told apart by besides their stack */
	__u32 alloc_root;
	struct pw_heap_layout heap;
	struct pw_sema_layout sema;
	struct pw_cpu_knobs cpu;
	__u32 span_classes; /* at most PW_SPAN_CLASSES */
	__u32 wakers;       /* of a wait that are told: 1 .. PW_WAKERS_MAX */
	__u32 nr_modules;
	__u32 frames_stay; /* 1: a stack that is moved has frame pointers of where it was (goarch.h) */
	__u64 blocks;      /* wait reasons (1 << number) of PW_WANT_BLOCK */
	struct pw_filter filter;
	__u16 first_site[PW_POINTS_ROOM]; /* by enum pw_point: the site of a probe without cookie */
	__u64 wakeup_bytes; /* ring: wake the reader when this much is waiting; it also polls */
	struct pw_module modules[PW_MODULES_MAX];
	struct pw_site sites[PW_SITES_MAX];
};

#endif
