/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parkwatch.bpf.h: what every BPF file includes: kernel types, helpers, the border headers, the
 * maps, counting and sending.
 *
 * The same source compiles as host C for the unit tests: tests/bpf/shim.h defines PW_HOST_SHIM and
 * stands in for the kernel.
 */
#ifndef PARKWATCH_BPF_H
#define PARKWATCH_BPF_H

#ifndef PW_HOST_SHIM
#define PW_RODATA const volatile
#include <stddef.h>

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#endif

#include <parkwatch/event.h>
#include <parkwatch/knobs.h>
#include <parkwatch/stats.h>

#define PW_WINDOW_WORDS 128 /* of the target's stack, read at once: a power of two */

/* A span under construction, and what it is summed by. */
struct pw_span {
	struct pw_wait wait;
	struct pw_wait_key key;
};

/* One thread's working memory, too large for the BPF stack. */
struct pw_scratch {
	struct pw_stack stack;
	__u64 hash;      /* of it: there is no room on the stack of these programs */
	__u64 window_at; /* address of window[0]; here and not in a register, so that the verifier
			    forgets it */
	__u64 window_bytes; /* that are valid */
	__u64 window[PW_WINDOW_WORDS + 1];
	__u64 foreign; /* the return address before which the stack ends, as it is no code of Go; 0: none */
	__u64 is_cut; /* 1: a frame was not readable */
	/* of a walk on arm64, see pw_enter_stack() */
	__u64 g, m, word;
	__u64 frames_at, frames_bytes;
	struct pw_span span;
};

/* One processor's working memory for its samples: what is sent is `rec` and `scratch.stack` as one. */
struct pw_cpu_room {
	struct pt_regs regs;
	struct pw_cpu rec;
	struct pw_scratch scratch;
};

/* Maps: defined in maps.bpf.c, which says who writes and who reads them. Sizes here are replaced
 * before load. */
struct pw_map_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PW_RING_DEFAULT);
};
struct pw_map_perf {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};
struct pw_map_stats {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PW_STAT_MAX);
	__type(key, __u32);
	__type(value, __u64);
};
struct pw_map_gs {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GS_DEFAULT);
	__type(key, __u64);
	__type(value, struct pw_gstate);
};
struct pw_map_parks {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GS_DEFAULT);
	__type(key, __u64);
	__type(value, struct pw_parked);
};
struct pw_map_goids {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GOIDS_MAX);
	__type(key, __u64);
	__type(value, __u8);
};
struct pw_map_kept_sites {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_KEPT_MAX);
	__type(key, __u64);
	__type(value, __u8);
};
struct pw_map_kept_stacks {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PW_KEPT_MAX);
	__type(key, __u64);
	__type(value, __u8);
};
struct pw_map_kept_labels {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GOIDS_MAX);
	__type(key, struct pw_label);
	__type(value, __u8);
};
struct pw_map_kept_ps {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_PS_MAX);
	__type(key, __u32);
	__type(value, __u8);
};
struct pw_map_seen {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PW_SEEN_MAX);
	__type(key, __u64);
	__type(value, __u8);
};
struct pw_map_scratch {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PW_SCRATCH_DEFAULT);
	__type(key, __u32);
	__type(value, struct pw_scratch);
};
struct pw_map_cpu_rooms {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pw_cpu_room);
};
struct pw_map_waits {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_WAITS_MAX);
	__type(key, struct pw_wait_key);
	__type(value, struct pw_wait_sum);
};
struct pw_map_wakes {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_WAITS_MAX);
	__type(key, struct pw_wake_key);
	__type(value, struct pw_wait_sum);
};
struct pw_map_wakers {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GS_DEFAULT);
	__type(key, __u64);
	__type(value, struct pw_wake);
};
struct pw_map_semas {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_SEMAS_MAX);
	__type(key, __u64);
	__type(value, struct pw_sema);
};
struct pw_map_rounds {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_GS_DEFAULT);
	__type(key, __u64);
	__type(value, struct pw_round);
};
struct pw_map_threads {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PW_THREADS_MAX);
	__type(key, __u32);
	__type(value, __u64);
};
struct pw_map_allocs {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PW_ALLOCS_MAX);
	__type(key, struct pw_alloc_key);
	__type(value, struct pw_alloc_sum);
};
struct pw_map_given_back {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PW_SPAN_CLASSES);
	__type(key, __u32);
	__type(value, __u64);
};
struct pw_map_never {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

extern struct pw_map_ring pw_ring SEC(".maps");
extern struct pw_map_perf pw_perf SEC(".maps");
extern struct pw_map_stats pw_stats SEC(".maps");
extern struct pw_map_gs pw_gs SEC(".maps");
extern struct pw_map_parks pw_parks SEC(".maps");
extern struct pw_map_goids pw_goids SEC(".maps");
extern struct pw_map_kept_sites pw_kept_sites SEC(".maps");
extern struct pw_map_kept_stacks pw_kept_stacks SEC(".maps");
extern struct pw_map_kept_labels pw_kept_labels SEC(".maps");
extern struct pw_map_kept_ps pw_kept_ps SEC(".maps");
extern struct pw_map_seen pw_seen SEC(".maps");
extern struct pw_map_scratch pw_scratch SEC(".maps");
extern struct pw_map_cpu_rooms pw_cpu_rooms SEC(".maps");
extern struct pw_map_waits pw_waits SEC(".maps");
extern struct pw_map_wakes pw_wakes SEC(".maps");
extern struct pw_map_wakers pw_wakers SEC(".maps");
extern struct pw_map_semas pw_semas SEC(".maps");
extern struct pw_map_rounds pw_rounds SEC(".maps");
extern struct pw_map_threads pw_threads SEC(".maps");
extern struct pw_map_allocs pw_allocs SEC(".maps");
extern struct pw_map_given_back pw_given_back SEC(".maps");
extern struct pw_map_never pw_never SEC(".maps");

extern PW_RODATA struct pw_knobs pw_knobs;
extern PW_RODATA struct pw_round pw_zeros;
/* what entries of maps begin as: on the BPF stack there is no room for them */
#define PW_ZEROS ((const void *)&pw_zeros)
extern volatile __u32 pw_on;
extern volatile __u32 pw_exact;
extern volatile __u32 pw_want;
extern volatile __u32 pw_sums;
extern volatile __u64 pw_min_wait_ns;
extern volatile __u32 pw_muted;
extern volatile __u64 pw_turn;
extern volatile __u64 pw_begin_ns;
extern volatile __u32 pw_window;
extern volatile __u32 pw_limited;
extern volatile __u32 pw_goes_on;
extern volatile __s64 pw_left;
extern volatile __u64 pw_spent_ns;
extern volatile __u64 pw_cut_ns;
extern volatile __u64 pw_beat_ns;
extern volatile __u64 pw_cpu_ns;

/*
 * The probe holder is stopped or frozen, as well as who would notice that: nobody is in charge.
 */
static __always_inline bool pw_is_alone(__u64 now)
{
	__u64 beat = pw_beat_ns;

	return beat && now > beat && now - beat > PW_BEAT_MAX_NS;
}

/* Counts one of enum pw_stat; 0, so that a program can return it. Atomic: newer kernels preempt
 * uprobe programs. */
static __always_inline int pw_add(__u32 stat, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&pw_stats, &stat);

	if (n)
		__sync_fetch_and_add(n, by);
	return 0;
}

static __always_inline int pw_count(__u32 stat)
{
	return pw_add(stat, 1);
}

/* 8 bytes of the target at addr + off, where off is a member of struct pw_layout. */
static __always_inline int pw_read_u64(__u64 addr, __s32 off, __u64 *ret)
{
	if (off == PW_NO_FIELD)
		return -1;
	return bpf_probe_read_user(ret, sizeof(*ret), (const void *)(addr + off)) ? -1 : 0;
}

/*
 * Part of a g, read at once, since each read of the target's memory costs some 0.1 us. From goid on
 * it holds all that records need (Go 1.15 to 1.27), and ends within the g: the smallest has 376
 * bytes, with goid at 152. The end of a g that was just made may lie on a page that nobody touched
 * yet, which a probe cannot read: then each member is read by itself.
 */
struct pw_gpart {
	__u64 words[27];
	__u64 g;
	__s64 off;  /* in the g, of words[0]; a word of its own, so that the verifier knows it */
	__u64 read; /* words are valid */
};

static __always_inline void pw_gpart_read(struct pw_gpart *p, __u64 g, __s32 off)
{
	p->g = g;
	p->off = off;
	p->read = !bpf_probe_read_user(p->words, sizeof(p->words), (const void *)(g + off));
}

/* 8 bytes of the g; read by itself if the part has it not. */
static __always_inline int pw_gpart_u64(const struct pw_gpart *p, __s32 off, __u64 *ret)
{
	__u32 at = (__u32)(off - (__s32)p->off);

	if (p->read && off != PW_NO_FIELD && at <= sizeof(p->words) - sizeof(*ret)) {
		*ret = *(const __u64 *)((const char *)p->words + at);
		return 0;
	}
	return pw_read_u64(p->g, off, ret);
}

/* True if the goid filter is on and does not hold this goroutine. */
static __always_inline bool pw_unwanted(__u64 goid)
{
	return pw_knobs.filter_goids && !bpf_map_lookup_elem(&pw_goids, &goid);
}

static __always_inline void pw_fill_hdr(struct pw_hdr *h, __u16 kind, __u16 size, __u64 goid,
					__u64 now)
{
	h->ts_ns = now;
	h->goid = goid;
	h->kind = kind;
	h->size = size;
	h->rt = pw_knobs.rt;
	h->flags = 0;
}

/*
 * Hands a record to the transport: 0, or negative if there was no room. The ring's reader is woken
 * only when the data waiting passes a multiple of wakeup_bytes: a wake-up costs more than a record,
 * and the reader polls as well. Or if it is to say whether a stack is wanted.
 */
static __always_inline long pw_send(void *ctx, void *rec, __u64 size)
{
	__u64 waiting, step = pw_knobs.wakeup_bytes, flags = BPF_RB_NO_WAKEUP;

	if (pw_knobs.transport == PW_TRANSPORT_PERF)
		return bpf_perf_event_output(ctx, &pw_perf, BPF_F_CURRENT_CPU, rec, size);
	waiting = bpf_ringbuf_query(&pw_ring, BPF_RB_AVAIL_DATA);
	if ((step && waiting / step != (waiting + size) / step) ||
	    (pw_knobs.filter.on & PW_FILTER_STACKS && ((struct pw_hdr *)rec)->kind == PW_STACK))
		flags = BPF_RB_FORCE_WAKEUP;
	return bpf_ringbuf_output(&pw_ring, rec, size, flags);
}

/* Sends an event and counts what became of it. */
static __always_inline int pw_send_event(void *ctx, void *rec, __u64 size)
{
	return pw_count(pw_send(ctx, rec, size) ? PW_STAT_LOST_RING : PW_STAT_EVENTS);
}

#endif
