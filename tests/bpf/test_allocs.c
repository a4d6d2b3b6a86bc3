/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF programs of allocations, run as host C on a made-up goroutine and a made-up allocator. */
#include "world.h"

#include "base/cleanup.h"

int pw_malloc(struct pt_regs *ctx);
int pw_sized(struct pt_regs *ctx);
int pw_refill(struct pt_regs *ctx);
int pw_large(struct pt_regs *ctx);
int pw_sample(struct pt_regs *ctx);
int pw_release(struct pt_regs *ctx);

TestSuite(allocs, .init = make_world, .fini = shim_done);

/* The sum under the stack that the registers say; NULL: none. */
static const struct pw_alloc_sum *allocated(uint64_t type, uint64_t size, uint64_t root)
{
	const struct pw_stack *s = shim.records[0];
	struct pw_alloc_key key = { s->stack_id, root, type, size, PW_POINT_MALLOC };

	return bpf_map_lookup_elem(&pw_allocs, &key);
}

static void malloc_of(uint64_t size, uint64_t type)
{
	regs.ax = size;
	regs.bx = type;
	pw_malloc(&regs);
}

Test(allocs, allocations_are_summed_by_stack_type_and_bucket)
{
	const struct pw_alloc_sum *sum;

	malloc_of(97, 0xabc);
	malloc_of(104, 0xabc);
	malloc_of(104, 0);
	cr_assert_eq(shim.nr_records, 1, "the stack, once");
	sum = allocated(0xabc, 104, 0);
	cr_assert(sum);
	cr_expect_eq(sum->objects, 2);
	cr_expect_eq(sum->bytes, 201);
	sum = allocated(0, 104, 0);
	cr_assert(sum);
	cr_expect_eq(sum->objects, 1);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_MALLOC), 3);
}

Test(allocs, an_allocation_counts_only_while_single_ones_are_counted)
{
	pw_exact = 0;
	malloc_of(64, 0);
	cr_expect_eq(stat_of(PW_STAT_OFF), 1);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_MALLOC), 0);
	cr_expect_eq(shim.nr_records, 0);
}

Test(allocs, no_bytes_are_no_allocation)
{
	malloc_of(0, 0xabc);
	cr_expect_eq(stat_of(PW_STAT_NO_ALLOC), 1);
	cr_expect_eq(shim.nr_records, 0);
}

Test(allocs, a_variant_that_mallocgc_called_was_counted_there)
{
	static const struct {
		const char *why;
		uint64_t outer;
		__u32 bytes;
		__u16 flags;
		bool counts;
	} rows[] = {
		{ "called by mallocgc", CALLER - 16, 17, 0, false },
		{ "called from just behind mallocgc", CALLER - 16, 16, 0, true },
		{ "called from before mallocgc", CALLER + 1, 100, 0, true },
		{ "by mallocgc, return address above rbp", RET1 - 1, 8, PW_SITE_FRAMED, false },
		{ "by another, return address above rbp", CALLER - 1, 8, PW_SITE_FRAMED, true },
	};

	regs.ax = 64;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = stat_of(PW_STAT_NO_ALLOC);

		pw_knobs.sites[PW_POINT_SIZED].outer = rows[i].outer;
		pw_knobs.sites[PW_POINT_SIZED].outer_bytes = rows[i].bytes;
		pw_knobs.sites[PW_POINT_SIZED].flags = rows[i].flags;
		pw_sized(&regs);
		cr_expect_eq(stat_of(PW_STAT_NO_ALLOC) - before, !rows[i].counts, "%s",
			     rows[i].why);
	}
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_SIZED), ARRAY_SIZE(rows));
}

Test(allocs, an_allocation_on_a_system_stack_is_of_the_goroutine_that_the_thread_runs)
{
	made.g[G_GOID] = 0; /* a g0 */
	made.creator[G_GOPC] = 0x7777;
	pw_knobs.alloc_root = PW_ALLOC_ROOT_GOID;
	malloc_of(64, 0);
	cr_expect(allocated(0, 64, CREATOR));
	pw_knobs.alloc_root = PW_ALLOC_ROOT_GOPC;
	malloc_of(64, 0);
	cr_expect(allocated(0, 64, 0x7777));
	made.g[G_GOID] = GOID;
	malloc_of(64, 0);
	cr_expect(allocated(0, 64, GOPC));
}

Test(allocs, allocations_of_goroutines_that_are_not_wanted_are_left_out)
{
	__u64 wanted = GOID + 1;
	__u8 one = 1;

	pw_knobs.filter_goids = 1;
	bpf_map_update_elem(&pw_goids, &wanted, &one, BPF_ANY);
	malloc_of(64, 0);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	made.g[G_GOID] = wanted;
	malloc_of(64, 0);
	cr_expect(allocated(0, 64, 0));
}

Test(allocs, an_allocation_without_room_for_its_sum_is_lost)
{
	for (uint64_t type = 1; type <= 6; type++) /* room for four */
		malloc_of(64, type);
	malloc_of(64, 1);
	cr_expect_eq(stat_of(PW_STAT_LOST_ALLOCS), 2);
	cr_expect_eq(allocated(1, 64, 0)->objects, 2);
}

Test(allocs, sizes_of_one_bucket_have_one_size_class)
{
	static const struct {
		const char *why;
		uint64_t size, bucket;
	} rows[] = {
		{ "tiny ones differ", 15, 15 },
		{ "the first that is not tiny", 16, 16 },
		{ "by eight", 17, 24 },
		{ "the end of the fine steps", 1024, 1024 },
		{ "a coarse step", 1025, 1144 },
		{ "the last with room for a header", 1144, 1144 },
		{ "with a header it is of the next step", 1145, 1152 },
		{ "the end of the step", 1152, 1152 },
		{ "the last small one of Go 1.22", 32760, 32760 },
		{ "the last small one before", 32768, 32768 },
		{ "pages", 32769, 40960 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(pw_alloc_bucket(rows[i].size), rows[i].bucket, "%s", rows[i].why);
}

struct span {
	uint16_t nelems, used;
	uint8_t class, pad[3];
};

static struct heap {
	uint64_t before, alloc[CLASSES]; /* an mcache */
	struct span spans[4];
} heap;

static void make_heap(void)
{
	heap = (struct heap){ .spans = { { 0, 0, 0, { 0 } },
					 { 128, 28, 3, { 0 } },
					 { 16, 16, 5, { 0 } },
					 { 16, 6, 7, { 0 } } } };
	for (int i = 0; i < CLASSES; i++)
		heap.alloc[i] = addr(&heap.spans[0]);
	for (int i = 1; i < 4; i++)
		heap.alloc[heap.spans[i].class] = addr(&heap.spans[i]);
	shim_map_memory(&heap, sizeof(heap));
}

Test(allocs, a_refill_counts_what_is_free_in_the_new_span)
{
	const struct pw_alloc_sum *sum;
	struct pw_alloc_key key = { .size = 3, .source = PW_POINT_REFILL };

	make_heap();
	regs.ax = addr(&heap.spans[1]);
	pw_refill(&regs);
	pw_refill(&regs);
	key.stack_id = ((const struct pw_stack *)record(0, PW_STACK))->stack_id;
	sum = bpf_map_lookup_elem(&pw_allocs, &key);
	cr_assert(sum);
	cr_expect_eq(sum->objects, 200);
	cr_expect_eq(sum->bytes, 2, "spans");
	regs.ax = 0;
	pw_refill(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_READ), 1);
}

Test(allocs, a_release_counts_what_each_span_has_left)
{
	make_heap();
	regs.ax = addr(&heap);
	pw_release(&regs);
	for (__u32 i = 0; i < CLASSES; i++) {
		const __u64 *n = bpf_map_lookup_elem(&pw_given_back, &i);

		cr_expect_eq(*n,
			     i == 3   ? 100
			     : i == 7 ? 10
				      : 0,
			     "span class %u: %llu", i, (unsigned long long)*n);
	}
	heap.alloc[2] = 8; /* no span */
	pw_release(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_SPANS), 1);
}

Test(allocs, a_large_object_takes_whole_pages_and_a_sample_is_as_it_is)
{
	struct pw_alloc_key large = { .size = 40960, .source = PW_POINT_LARGE };
	struct pw_alloc_key sampled = { .size = 40000, .source = PW_POINT_SAMPLE };
	const struct pw_alloc_sum *sum;

	regs.ax = 40000;
	pw_large(&regs);
	pw_sample(&regs);
	large.stack_id = sampled.stack_id =
		((const struct pw_stack *)record(0, PW_STACK))->stack_id;
	sum = bpf_map_lookup_elem(&pw_allocs, &large);
	cr_assert(sum);
	cr_expect_eq(sum->bytes, 40960);
	cr_expect(bpf_map_lookup_elem(&pw_allocs, &sampled));
}

Test(allocs, one_by_one_each_allocation_says_whose_it_is_and_when)
{
	const struct pw_alloc *r;

	pw_knobs.alloc_root = PW_ALLOC_ROOT_RECORD;
	malloc_of(97, 0xabc);
	malloc_of(97, 0xabc);
	cr_assert_eq(shim.nr_records, 3, "the stack, and both");
	r = record(2, PW_ALLOC);
	cr_expect_eq(r->hdr.goid, GOID);
	cr_expect(r->hdr.ts_ns);
	cr_expect_eq(r->key.stack_id, ((const struct pw_stack *)record(0, PW_STACK))->stack_id);
	cr_expect(r->key.root == 0 && r->key.type == 0xabc && r->key.size == 104);
	cr_expect(r->sum.objects == 1 && r->sum.bytes == 97);
	cr_expect_not(allocated(0xabc, 104, 0), "it is no sum as well");
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 2);
	made.g[G_GOID] = 0; /* a g0: newproc allocates there */
	malloc_of(97, 0xabc);
	r = record(3, PW_ALLOC);
	cr_expect_eq(r->hdr.goid, CREATOR);
}
