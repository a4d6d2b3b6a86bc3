/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc: memory is allocated. Sums by stack, type and size in pw_allocs: a busy program allocates
 * millions of times a second, too often for a record each. Unless it matters when each was: then it
 * is a record after all.
 */
#ifndef PARKWATCH_ALLOC_BPF_H
#define PARKWATCH_ALLOC_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "unwind.bpf.h"
#include "wanted.bpf.h"

/*
 * Whose allocation it is, as far as a filter or the knob alloc_root asks: 0, or 1 if it is not
 * wanted, -1 if the g cannot be read. On a system stack (newproc allocates there) g is the g0,
 * with goid 0: then it is the goroutine's that the thread runs. ret_root: for a record its goid.
 */
static __always_inline int pw_alloc_whose(struct pt_regs *ctx, const struct pw_site *site,
					  __u64 *ret_root)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 g, m, goid, running;
	__u32 flags = 0;

	*ret_root = 0;
	if (!pw_knobs.filter_goids && !pw_knobs.filter.on &&
	    pw_knobs.alloc_root == PW_ALLOC_ROOT_NONE)
		return 0;
	g = pw_value(ctx, &site->g);
	running = g;
	if (!g || pw_read_u64(g, lay->g_goid, &goid))
		return -1;
	if (!goid && (pw_read_u64(g, lay->g_m, &m) || pw_read_u64(m, lay->m_curg, &g) ||
		      (g && pw_read_u64(g, lay->g_goid, &goid))))
		return -1;
	if (pw_unwanted(goid) || pw_g_unwanted(PW_KIND_ALLOC, g, running, &flags))
		return 1;
	if (flags) /* a sum cannot ask later */
		return -1;
	if (pw_knobs.alloc_root == PW_ALLOC_ROOT_GOID ||
	    pw_knobs.alloc_root == PW_ALLOC_ROOT_RECORD)
		*ret_root = goid;
	else if (pw_knobs.alloc_root == PW_ALLOC_ROOT_GOPC && g)
		return pw_read_u64(g, lay->g_gopc, ret_root);
	return 0;
}

/* Adds to the sum of its key; counted as lost if there is no room for a new one. */
static __always_inline int pw_alloc_add(const struct pw_alloc *a)
{
	struct pw_alloc_sum *sum = bpf_map_lookup_elem(&pw_allocs, &a->key);

	if (!sum) {
		if (!bpf_map_update_elem(&pw_allocs, &a->key, &a->sum, BPF_NOEXIST))
			return 0;
		/* another thread may have made it */
		sum = bpf_map_lookup_elem(&pw_allocs, &a->key);
		if (!sum)
			return pw_count(PW_STAT_LOST_ALLOCS);
	}
	__sync_fetch_and_add(&sum->objects, a->sum.objects);
	__sync_fetch_and_add(&sum->bytes, a->sum.bytes);
	return 0;
}

/* Adds it under the stack of the probed function. */
static __always_inline int pw_alloc_count(struct pt_regs *ctx, const struct pw_site *site,
					  struct pw_alloc *a)
{
	const __u64 now = bpf_ktime_get_ns();
	__u64 goid;
	int err = pw_alloc_whose(ctx, site, &a->key.root);
	struct pw_walk w;

	if (err)
		return pw_count(err > 0 ? PW_STAT_FILTERED : PW_STAT_LOST_READ);
	pw_walk_here(ctx, site, &w);
	a->key.stack_id = pw_stack_id(ctx, &w, now);
	if (a->key.stack_id == PW_STACK_ID_NONE)
		return 0;
	if (pw_stack_unwanted(PW_KIND_ALLOC, a->key.stack_id))
		return pw_count(PW_STAT_FILTERED);
	if (pw_knobs.alloc_root != PW_ALLOC_ROOT_RECORD)
		return pw_alloc_add(a);
	goid = a->key.root;
	a->key.root = 0;
	pw_fill_hdr(&a->hdr, PW_ALLOC, sizeof(*a), goid, now);
	return pw_send_event(ctx, a, sizeof(*a));
}

/* True if the site is a variant and mallocgc called it. */
static __always_inline bool pw_alloc_nested(struct pt_regs *ctx, const struct pw_site *site)
{
	return site->outer_bytes && pw_return_address(ctx, site) - site->outer < site->outer_bytes;
}

/* mallocgc(size, typ, needzero) and its variants: one object. 0, or -1: counted as nothing. */
static __always_inline int pw_malloc_fill(struct pt_regs *ctx, const struct pw_site *site,
					  struct pw_alloc *a)
{
	__u64 size = pw_value(ctx, &site->arg);

	if (!size || pw_alloc_nested(ctx, site)) {
		pw_count(PW_STAT_NO_ALLOC);
		return -1;
	}
	a->key.type = pw_value(ctx, &site->type);
	a->key.size = pw_alloc_bucket(size);
	a->key.source = PW_POINT_MALLOC;
	a->sum.objects = 1;
	a->sum.bytes = size;
	return 0;
}

/* Slots of a span that are not handed out yet. */
static __always_inline int pw_span_free(__u64 span, __u64 *ret)
{
	const volatile struct pw_heap_layout *heap = &pw_knobs.heap;
	__u16 nelems, used;

	if (bpf_probe_read_user(&nelems, sizeof(nelems),
				(const void *)(span + heap->mspan_nelems)) ||
	    bpf_probe_read_user(&used, sizeof(used), (const void *)(span + heap->mspan_alloccount)))
		return -1;
	*ret = nelems > used ? nelems - used : 0;
	return 0;
}

/*
 * (*mcache).refill has its new span: all that is free in it will be handed out, or given back at a
 * release.
 */
static __always_inline int pw_refill_fill(struct pt_regs *ctx, const struct pw_site *site,
					  struct pw_alloc *a)
{
	__u64 span = pw_value(ctx, &site->arg);
	__u8 class;

	if (!span || pw_span_free(span, &a->sum.objects) ||
	    bpf_probe_read_user(&class, sizeof(class),
				(const void *)(span + pw_knobs.heap.mspan_spanclass))) {
		pw_count(PW_STAT_LOST_READ);
		return -1;
	}
	a->key.size = class;
	a->key.source = PW_POINT_REFILL;
	a->sum.bytes = 1;
	return 0;
}

/* allocLarge(size): whole pages for one object; profilealloc(mp, x, size): the runtime's sample. */
static __always_inline int pw_sized_fill(struct pt_regs *ctx, const struct pw_site *site,
					 __u32 point, struct pw_alloc *a)
{
	__u64 size = pw_value(ctx, &site->arg);

	if (point == PW_POINT_LARGE)
		size = (size + PW_ALLOC_PAGE - 1) & ~(PW_ALLOC_PAGE - 1ULL);
	a->key.size = size;
	a->key.source = point;
	a->sum.objects = 1;
	a->sum.bytes = size;
	return 0;
}

/*
 * (*mcache).releaseAll, at a garbage collection or when GOMAXPROCS changes: what is free in the
 * spans of the P is not handed out after all. The spans that stand for none are full.
 */
static __always_inline int pw_do_release(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 alloc = pw_value(ctx, &site->arg) + pw_knobs.heap.mcache_alloc;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PW_SPAN_CLASSES; i++) {
		__u64 span, nr, *sum;
		__u32 key = i;

		if (i >= pw_knobs.span_classes)
			break;
		if (pw_read_u64(alloc, 8 * (__s32)i, &span) || pw_span_free(span, &nr)) {
			pw_count(PW_STAT_LOST_SPANS);
			continue;
		}
		sum = nr ? bpf_map_lookup_elem(&pw_given_back, &key) : NULL;
		if (sum)
			__sync_fetch_and_add(sum, nr);
	}
	return 0;
}

static __always_inline int pw_do_alloc(struct pt_regs *ctx, const struct pw_site *site, __u32 point)
{
	struct pw_alloc a = {};
	int err;

	switch (point) {
	case PW_POINT_RELEASE: return pw_do_release(ctx, site);
	case PW_POINT_REFILL: err = pw_refill_fill(ctx, site, &a); break;
	case PW_POINT_LARGE:
	case PW_POINT_SAMPLE: err = pw_sized_fill(ctx, site, point, &a); break;
	default: err = pw_malloc_fill(ctx, site, &a);
	}
	return err ? 0 : pw_alloc_count(ctx, site, &a);
}

#endif
