/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BPF programs, run as host C on a made-up goroutine; those of allocations are in
 * test_allocs.c.
 */
#include "world.h"

#include "base/cleanup.h"

#include "bpf/maps.bpf.c"
#include "bpf/clock.bpf.c"
#include "bpf/mutex.bpf.c"
#include "bpf/probes.bpf.c"
#include "bpf/unwind.bpf.c"
#include "bpf/wanted.bpf.c"

struct shim_kernel shim;
struct target made;
struct pt_regs regs;

static void make_target(void)
{
	memset(&made, 0, sizeof(made));
	made.g[G_M] = addr(made.m);
	made.m[1] = addr(made.creator); /* curg */
	made.m[2] = addr(&made.m[3]);   /* p, and its id */
	made.m[3] = OTHER_32 | P_ID;
	made.creator[G_GOID] = CREATOR;
	made.g[G_GOID] = GOID;
	made.g[G_PARENT] = PARENT;
	made.g[G_GOPC] = GOPC;
	made.g[G_STARTPC] = STARTPC;
	made.g[G_LABELS] = LABELS;
	made.g[G_REASON] = REASON;
	made.g[G_SCHED_PC] = SCHED_PC;
	made.g[G_SCHED_BP] = addr(made.inner);
	made.inner[0] = addr(made.outer);
	made.inner[1] = RET1;
	made.outer[0] = addr(made.low);
	made.outer[1] = RET2;
	made.low[1] = RET3;
	made.sp[1] = CALLER;
	shim_map_memory(&made, sizeof(made));
}

static void make_knobs(void)
{
	struct pw_knobs k;
	struct pw_site site = { .g = { .kind = PW_LOC_REG, .reg = 14 },
				.cur = { .kind = PW_LOC_REG, .reg = 14 },
				.reason = { .kind = PW_LOC_REG, .reg = 1 },
				.arg = { .kind = PW_LOC_REG, .reg = 0 },
				.type = { .kind = PW_LOC_REG, .reg = 3 },
				.ret_off = 8 };

	memset(&k, 0, sizeof(k));
	memset(&k.lay, 0xff, sizeof(k.lay));
	k.lay.g_m = 8 * G_M;
	k.lay.g_sched_pc = 8 * G_SCHED_PC;
	k.lay.g_sched_bp = 8 * G_SCHED_BP;
	k.lay.g_goid = 8 * G_GOID;
	k.lay.g_parent_goid = 8 * G_PARENT;
	k.lay.g_gopc = 8 * G_GOPC;
	k.lay.g_startpc = 8 * G_STARTPC;
	k.lay.g_labels = 8 * G_LABELS;
	k.lay.g_waitreason = 8 * G_REASON;
	k.lay.m_curg = 8;
	k.lay.m_p = 16;
	k.lay.p_id = 0;
	k.depth = PW_STACK_MAX;
	k.rt = 3;
	k.heap = (struct pw_heap_layout){
		.mcache_alloc = 8, .mspan_nelems = 0, .mspan_alloccount = 2, .mspan_spanclass = 4
	};
	k.span_classes = CLASSES;
	k.nr_modules = 1;
	k.modules[0] =
		(struct pw_module){ .text = { TEXT, TEXT_BYTES },
				    .ends = { { MCALL, END_BYTES }, { MSTART, END_BYTES } } };
	for (int p = 0; p < PW_POINT_MAX; p++) {
		k.first_site[p] = (__u16)p;
		k.sites[p] = site;
		k.sites[p].point = (__u16)p;
	}
	k.nr_sites = PW_POINT_MAX;
	memcpy((void *)(uintptr_t)&pw_knobs, &k, sizeof(k));
}

void make_world(void)
{
	__u64 zero = 0;

	memset(&shim, 0, sizeof(shim));
	shim_map_hash(pw_stats, PW_STAT_MAX);
	shim_map_hash(pw_gs, 4);
	shim_map_hash(pw_parks, 4);
	shim_map_hash(pw_goids, 4);
	shim_map_hash(pw_kept_sites, 4);
	shim_map_hash(pw_kept_stacks, 4);
	shim_map_hash(pw_kept_labels, 4);
	shim_map_hash(pw_kept_ps, 4);
	shim_map_hash(pw_seen, SHIM_ENTRIES);
	shim_map_hash(pw_scratch, 2);
	shim_map_hash(pw_waits, SHIM_ENTRIES);
	shim_map_hash(pw_wakes, SHIM_ENTRIES);
	shim_map_hash(pw_wakers, SHIM_ENTRIES);
	shim_map_hash(pw_semas, 4);
	shim_map_hash(pw_rounds, SHIM_ENTRIES);
	shim_map_hash(pw_threads, 4);
	shim_map_hash(pw_allocs, 4);
	shim_map_hash(pw_cpu_rooms, 1);
	shim_map_hash(pw_given_back, SHIM_ENTRIES);
	for (__u32 i = 0; i < PW_STAT_MAX; i++)
		bpf_map_update_elem(&pw_stats, &i, &zero, BPF_ANY);
	for (__u32 i = 0; i < CLASSES; i++)
		bpf_map_update_elem(&pw_given_back, &i, &zero, BPF_ANY);
	shim.ring_room = 1 << 20;
	shim.now = 1000;
	make_target();
	make_knobs();
	memset(&regs, 0, sizeof(regs));
	regs.ip = IP;
	regs.sp = addr(made.sp);
	regs.bp = addr(made.inner);
	regs.r14 = addr(made.g);
	regs.cx = 0xffffff00 | REASON; /* the reason is the low byte */
	pw_on = 1;
	pw_muted = 0;
	pw_turn = 0;
	pw_exact = 1;
	pw_want = PW_WANT_BIRTH | PW_WANT_EXIT | PW_WANT_WAIT | PW_WANT_SCHED;
	pw_sums = 0;
	pw_min_wait_ns = 0;
	pw_begin_ns = 0;
	pw_window = 0;
	pw_limited = 0;
	pw_goes_on = 0;
	pw_spent_ns = 0;
	pw_cut_ns = 0;
	pw_beat_ns = 0;
}

TestSuite(probes, .init = make_world, .fini = shim_done);

static void expect_stack(size_t i, const uint64_t *pcs, size_t nr, uint64_t id)
{
	const struct pw_stack *s = record(i, PW_STACK);

	cr_expect_eq(s->stack_id, id);
	cr_expect_geq(s->stack_id, PW_STACK_ID_MIN);
	cr_expect_eq(s->hdr.size, offsetof(struct pw_stack, pcs) + 8 * nr);
	cr_assert_eq(s->nr, nr, "%u pcs", s->nr);
	for (size_t k = 0; k < nr; k++)
		cr_expect_eq(s->pcs[k], pcs[k], "pc %zu is %llx", k, (unsigned long long)s->pcs[k]);
}

Test(probes, park_and_run_make_one_wait)
{
	static const uint64_t pcs[] = { IP, CALLER, RET1, RET2, RET3 };
	const struct pw_wait *w;

	pw_park(&regs);
	cr_expect_eq(shim.nr_records, 1, "the stack, nothing else");
	shim.now = 5000;
	pw_run(&regs);
	cr_assert_eq(shim.nr_records, 2);
	w = record(1, PW_WAIT);
	expect_stack(0, pcs, ARRAY_SIZE(pcs), w->stack_id);
	cr_expect_eq(w->hdr.size, sizeof(*w));
	cr_expect_eq(w->hdr.goid, GOID);
	cr_expect_eq(w->hdr.rt, 3);
	cr_expect_eq(w->hdr.ts_ns, 5000);
	cr_expect_eq(w->start_ns, 1000);
	cr_expect_eq(w->reason, REASON);
	cr_expect_eq(w->gopc, GOPC);
	cr_expect_eq(w->startpc, STARTPC);
	cr_expect_eq(w->labels, 0, "not asked for");
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_PARK), 1);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_RUN), 1);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
	cr_expect_eq(stat_of(PW_STAT_STACKS), 1);
}

Test(probes, a_stack_is_sent_once)
{
	for (int i = 0; i < 3; i++) {
		pw_park(&regs);
		pw_run(&regs);
	}
	cr_expect_eq(shim.nr_records, 1 + 3);
	cr_expect_eq(stat_of(PW_STAT_STACKS), 1);
}

Test(probes, the_direct_caller_is_in_no_frame_of_a_framed_site)
{
	static const uint64_t pcs[] = { IP, RET1, RET2, RET3 };

	pw_knobs.sites[PW_POINT_PARK].flags = PW_SITE_FRAMED;
	pw_park(&regs);
	expect_stack(0, pcs, ARRAY_SIZE(pcs),
		     ((const struct pw_stack *)record(0, PW_STACK))->stack_id);
}

Test(probes, a_deeper_stack_than_the_knob_allows_is_cut_and_says_so)
{
	const struct pw_stack *s;

	pw_knobs.depth = 3;
	pw_park(&regs);
	s = record(0, PW_STACK);
	cr_expect_eq(s->nr, 3);
	cr_expect_eq(s->truncated, 1);
	pw_knobs.depth = 5; /* just enough */
	pw_park(&regs);
	s = record(1, PW_STACK);
	cr_expect_eq(s->nr, 5);
	cr_expect_eq(s->truncated, 0);
}

Test(probes, a_chain_of_frames_that_never_ends_is_left_at_the_bound)
{
	const struct pw_stack *s;

	made.low[0] = addr(made.inner);
	pw_park(&regs);
	s = record(0, PW_STACK);
	cr_expect_eq(s->nr, PW_STACK_MAX);
	cr_expect_eq(s->truncated, 1);
}

Test(probes, a_frame_pointer_that_leads_nowhere_ends_the_stack)
{
	static const uint64_t bad[] = { 0, 8, 0xdead0000, 0x7ffffffffff8, 3 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		made.outer[0] = bad[i];
		made.outer[1] = RET2 + i; /* so that it is a new stack */
		pw_park(&regs);
		cr_expect_eq(((const struct pw_stack *)record(i, PW_STACK))->nr, 4, "after %#lx",
			     (long)bad[i]);
	}
}

/* The pcs of the stack of one birth whose second frame returns to ret. */
static const struct pw_stack *birth_through(uint64_t ret)
{
	size_t first = shim.nr_records;

	made.outer[1] = ret;
	pw_birth(&regs);
	return record(first, PW_STACK);
}

Test(probes, a_stack_ends_where_the_thread_left_the_goroutine)
{
	static const struct {
		uint64_t ret;
		unsigned int nr;
		const char *why;
	} rows[] = {
		{ MCALL + 1, 4, "behind the first byte of mcall" },
		{ MCALL + 8, 4, "in mcall" },
		{ MCALL + END_BYTES, 4, "a call that is the last instruction of mcall" },
		{ MSTART + 8, 4, "in mstart" },
		{ MCALL, 5, "the end of the function before mcall" },
		{ MCALL + END_BYTES + 1, 5, "the function after mcall" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct pw_stack *s = birth_through(rows[i].ret);

		cr_expect_eq(s->nr, rows[i].nr, "%s: %u pcs", rows[i].why, s->nr);
		cr_expect_eq(s->pcs[3], rows[i].ret, "%s", rows[i].why);
		cr_expect_eq(s->truncated, 0, "%s", rows[i].why);
	}
	cr_expect_eq(stat_of(PW_STAT_LOST_CODE), 0, "nothing is missing");
}

Test(probes, what_no_frame_holds_can_end_a_stack_too)
{
	made.sp[1] = MCALL + 8; /* the direct caller */
	pw_birth(&regs);
	cr_expect_eq(((const struct pw_stack *)record(0, PW_STACK))->nr, 2);
}

Test(probes, a_pc_that_is_no_code_is_counted_and_no_frame)
{
	static const uint64_t bad[] = { 1, TEXT, TEXT + TEXT_BYTES + 1, 0xc000160288, ~0ULL };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		made.inner[1] = RET1 + i; /* so that it is a new stack */
		cr_expect_eq(birth_through(bad[i])->nr, 3, "%#lx", (long)bad[i]);
	}
	cr_expect_eq(stat_of(PW_STAT_LOST_CODE), ARRAY_SIZE(bad));
	cr_expect_eq(stat_of(PW_STAT_EVENTS), ARRAY_SIZE(bad), "the births are told");
	made.inner[1] = RET1 + ARRAY_SIZE(bad);
	cr_expect_eq(birth_through(0)->nr, 3, "the end of a stack");
	cr_expect_eq(stat_of(PW_STAT_LOST_CODE), ARRAY_SIZE(bad), "is no loss");
}

Test(probes, code_and_ends_of_a_plugin_count_as_the_programs)
{
	pw_knobs.nr_modules = 2;
	pw_knobs.modules[1].text.at = 0x10000;
	pw_knobs.modules[1].text.bytes = 0x1000;
	pw_knobs.modules[1].ends[3].at = 0x10800;
	pw_knobs.modules[1].ends[3].bytes = END_BYTES;
	cr_expect_eq(birth_through(0x10100)->nr, 5);
	cr_expect_eq(birth_through(0x10808)->nr, 4);
	cr_expect_eq(stat_of(PW_STAT_LOST_CODE), 0);
}

Test(probes, a_park_an_allocation_and_a_ready_end_as_a_birth_does)
{
	made.inner[1] = MCALL + 8;
	pw_park(&regs);
	cr_expect_eq(((const struct pw_stack *)record(0, PW_STACK))->nr, 3);
	pw_ready(&regs);
	cr_expect_eq(((const struct pw_stack *)record(1, PW_STACK))->nr, 2);
	regs.ax = 16;
	regs.ip = IP + 1;
	pw_malloc(&regs);
	cr_expect_eq(((const struct pw_stack *)record(2, PW_STACK))->nr, 3);
}

Test(probes, a_goroutine_that_goes_on_at_no_code_is_a_lost_event)
{
	made.g[G_SCHED_PC] = 0xc000160288;
	pw_ready(&regs);
	cr_expect_eq(shim.nr_records, 0);
	cr_expect_eq(stat_of(PW_STAT_LOST_READ), 1);
}

Test(probes, run_of_a_goroutine_that_did_not_park_tells_nothing)
{
	pw_run(&regs);
	pw_park(&regs);
	pw_run(&regs);
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 2);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
}

Test(probes, ready_and_run_make_a_latency_with_the_stack_of_the_park)
{
	static const uint64_t pcs[] = { SCHED_PC, RET1, RET2, RET3 };
	const struct pw_wait *e;

	regs.bp = 0; /* the waker's registers have no part in it */
	pw_ready(&regs);
	shim.now = 3000;
	pw_run(&regs);
	e = record(1, PW_SCHED);
	expect_stack(0, pcs, ARRAY_SIZE(pcs), e->stack_id);
	cr_expect_eq(e->start_ns, 1000);
	cr_expect_eq(e->hdr.ts_ns, 3000);
	cr_expect_eq(e->reason, REASON);
}

Test(probes, one_run_ends_a_wait_and_a_latency)
{
	const struct pw_wait *e;

	pw_park(&regs);
	shim.now = 2000;
	pw_ready(&regs);
	shim.now = 2500;
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 2);
	e = record(2, PW_WAIT);
	cr_expect_eq(e->start_ns, 1000);
	e = record(3, PW_SCHED);
	cr_expect_eq(e->start_ns, 2000);
}

Test(probes, ready_is_dropped_where_latencies_are_not_wanted)
{
	pw_want = PW_WANT_WAIT;
	pw_ready(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	cr_expect_eq(shim.nr_records, 0);
}

Test(probes, recording_ends_by_itself_when_the_hits_are_used_up)
{
	pw_limited = ~0u;
	pw_left = 200;
	for (int i = 0; i < 1000; i++) {
		shim.now = 1000 + (uint64_t)i;
		pw_exit(&regs);
	}
	cr_expect_eq(pw_on, 0);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_EXIT), 256, "in handfuls of 64");
	cr_expect_eq(pw_spent_ns, 1255);
	cr_expect_eq(stat_of(PW_STAT_OFF), 744);
}

Test(probes, what_others_record_goes_on_when_the_hits_of_one_are_used_up)
{
	pw_want = PW_WANT_EXIT | PW_WANT_PARK | PW_WANT_WAIT;
	pw_limited = 1u << PW_POINT_PARK | 1u << PW_POINT_RUN;
	pw_goes_on = 1u << PW_POINT_EXIT | 1u << PW_POINT_PARK;
	pw_left = 200;
	for (int i = 0; i < 1000; i++) {
		shim.now = 1000 + (uint64_t)i;
		pw_exit(&regs);
	}
	cr_expect_eq(pw_left, 200, "these are not limited");
	for (int i = 0; i < 1000; i++) {
		shim.now++;
		pw_park(&regs);
		pw_run(&regs);
	}
	cr_expect_eq(pw_on, 1);
	cr_expect_eq(pw_left, 200 - 960 - 128, "in handfuls of 64");
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_PARK), 1000);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_RUN), 128, "two handfuls, and two of parks");
	cr_expect_eq(pw_want, PW_WANT_EXIT | PW_WANT_PARK);
	cr_expect_eq(pw_spent_ns, 1999 + 128);
	cr_expect_eq(pw_cut_ns, 0);
	pw_exit(&regs);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_EXIT), 1001);
}

Test(probes, recording_ends_by_itself_when_nobody_is_there)
{
	pw_beat_ns = 5000;
	shim.now = 5000 + PW_BEAT_MAX_NS;
	for (int i = 0; i < 64; i++)
		pw_exit(&regs);
	cr_expect_eq(pw_on, 1);
	cr_expect_eq(pw_cut_ns, 0);
	shim.now++;
	for (int i = 0; i < 100; i++)
		pw_exit(&regs);
	cr_expect_eq(pw_on, 0);
	cr_expect_eq(pw_cut_ns, 5001 + PW_BEAT_MAX_NS);
	cr_expect_eq(pw_spent_ns, 0);
	cr_expect_eq(stat_of(PW_STAT_OFF), 36);
}

Test(probes, a_sign_of_life_from_the_future_is_one)
{
	pw_beat_ns = 5000;
	shim.now = 4000;
	for (int i = 0; i < 64; i++)
		pw_exit(&regs);
	cr_expect_eq(pw_on, 1);
}

Test(probes, birth_names_parent_stack_and_start)
{
	const struct pw_birth *b;

	pw_want |= PW_WANT_LABELS;
	pw_birth(&regs);
	b = record(1, PW_BIRTH);
	cr_expect_eq(b->hdr.size, sizeof(*b));
	cr_expect_eq(b->hdr.goid, GOID);
	cr_expect_eq(b->parent_goid, PARENT);
	cr_expect_eq(b->gopc, GOPC);
	cr_expect_eq(b->startpc, STARTPC);
	cr_expect_eq(b->labels, LABELS);
	cr_expect_eq(b->stack_id, ((const struct pw_stack *)record(0, PW_STACK))->stack_id);
}

Test(probes, before_parentGoid_the_parent_is_what_the_thread_was_running)
{
	pw_knobs.lay.g_parent_goid = PW_NO_FIELD;
	pw_cobirth(&regs);
	cr_expect_eq(((const struct pw_birth *)record(1, PW_BIRTH))->parent_goid, CREATOR);
	made.m[1] = 0; /* on a thread that runs no goroutine */
	pw_birth(&regs);
	cr_expect_eq(((const struct pw_birth *)record(2, PW_BIRTH))->parent_goid, 0);
}

Test(probes, a_field_far_off_in_the_g_is_read_by_itself)
{
	pw_knobs.lay.g_startpc = 8 * (WORDS - 1);
	made.g[WORDS - 1] = 0x7777;
	pw_exit(&regs);
	cr_expect_eq(((const struct pw_exit *)record(0, PW_EXIT))->startpc, 0x7777);
}

Test(probes, exit_tells_who_it_was)
{
	const struct pw_exit *e;

	pw_exit(&regs);
	e = record(0, PW_EXIT);
	cr_expect_eq(e->hdr.size, sizeof(*e));
	cr_expect_eq(e->hdr.goid, GOID);
	cr_expect_eq(e->gopc, GOPC);
	cr_expect_eq(e->startpc, STARTPC);
	cr_expect_eq(e->parent_goid, PARENT);
}

Test(probes, values_come_from_registers_and_stack_slots)
{
	unsigned long *const by_number[] = { &regs.ax,  &regs.cx,  &regs.dx,  &regs.bx,
					     NULL,      NULL,      &regs.si,  &regs.di,
					     &regs.r8,  &regs.r9,  &regs.r10, &regs.r11,
					     &regs.r12, &regs.r13, &regs.r14, &regs.r15 };
	size_t n = 0;

	regs.r14 = 0;
	for (__u8 r = 0; r < ARRAY_SIZE(by_number); r++) {
		if (!by_number[r])
			continue;
		*by_number[r] = addr(made.g);
		pw_knobs.sites[PW_POINT_EXIT].g.reg = r;
		pw_exit(&regs);
		cr_expect_eq(shim.nr_records, ++n, "register %u", r);
		*by_number[r] = 0;
	}
	made.sp[2] = addr(made.g);
	pw_knobs.sites[PW_POINT_EXIT].g.kind = PW_LOC_STACK;
	pw_knobs.sites[PW_POINT_EXIT].g.off = 16;
	pw_exit(&regs);
	cr_expect_eq(shim.nr_records, ++n, "stack slot");
}

Test(probes, a_stack_check_that_goes_to_morestack_is_no_event)
{
	static const struct {
		unsigned long flags;
		int taken;
	} rows[] = {
		{ 0x01, 1 }, { 0x40, 1 }, { 0x41, 1 }, { 0x246, 1 }, { 0x202, 0 }, { 0x286, 0 }
	};
	unsigned int events = 0, dropped = 0;

	pw_knobs.sites[PW_POINT_EXIT].flags = PW_SITE_CHECK;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		regs.flags = rows[i].flags;
		pw_exit(&regs);
		dropped += rows[i].taken;
		events += !rows[i].taken;
		cr_expect_eq(stat_of(PW_STAT_MORESTACK), dropped, "flags %#lx", rows[i].flags);
		cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_EXIT), events, "flags %#lx",
			     rows[i].flags);
	}
	pw_knobs.sites[PW_POINT_EXIT].flags = 0;
	regs.flags = 0x41;
	pw_exit(&regs);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), events + 1, "flags mean nothing elsewhere");
}

Test(probes, while_off_hits_are_only_counted)
{
#define PW_POINT(NAME, name, ...) pw_##name,
	int (*const programs[])(struct pt_regs *) = { PW_POINTS(PW_POINT) pw_multi, pw_multi_call,
						      pw_multi_alloc };
#undef PW_POINT

	pw_on = 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		programs[i](&regs);
	cr_expect_eq(stat_of(PW_STAT_OFF), ARRAY_SIZE(programs));
	cr_expect_eq(shim.nr_records, 0);
	for (unsigned int i = 0; i < PW_STAT_MAX; i++)
		cr_expect(i == PW_STAT_OFF || !stat_of(i), "stat %u", i);
}

Test(probes, a_point_that_nobody_records_is_off_and_the_others_go_on)
{
	pw_muted = 1u << PW_POINT_PARK;
	pw_park(&regs);
	pw_exit(&regs);
	cr_expect_eq(stat_of(PW_STAT_OFF), 1);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_PARK), 0);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "the exit");
	cr_expect_eq((int)shim_map_of(&pw_gs)->nr, 0, "nothing is noted of the park");
	pw_muted = 0;
	pw_park(&regs);
	cr_expect_eq((int)shim_map_of(&pw_gs)->nr, 1);
}

Test(probes, who_listens_later_is_sent_the_stacks_again)
{
	pw_birth(&regs);
	pw_birth(&regs);
	cr_expect_eq(stat_of(PW_STAT_STACKS), 1);
	pw_turn++;
	pw_birth(&regs);
	pw_birth(&regs);
	cr_expect_eq(stat_of(PW_STAT_STACKS), 2);
}

Test(probes, the_goid_filter_lets_only_its_goroutines_pass)
{
	uint64_t goid = GOID;
	__u8 one = 1;

	pw_knobs.filter_goids = 1;
	pw_park(&regs);
	pw_birth(&regs);
	pw_exit(&regs);
	pw_ready(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 4);
	cr_expect_eq(shim.nr_records, 0, "no stack was walked for them");
	bpf_map_update_elem(&pw_goids, &goid, &one, BPF_ANY);
	pw_exit(&regs);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
}

Test(probes, waits_shorter_than_the_minimum_are_counted_and_dropped)
{
	pw_min_wait_ns = 100;
	pw_park(&regs);
	shim.now += 99;
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	pw_park(&regs);
	shim.now += 100;
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
}

Test(probes, a_full_ring_loses_events_by_the_count_and_stacks_until_there_is_room)
{
	shim.ring_room = 0;
	pw_birth(&regs);
	pw_birth(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_RING), 2);
	cr_expect_eq(stat_of(PW_STAT_LOST_STACK), 2, "not remembered as sent");
	shim.ring_room = 1 << 20;
	pw_birth(&regs);
	record(0, PW_STACK);
	record(1, PW_BIRTH);
}

Test(probes, full_maps_lose_by_the_count)
{
	uint64_t g[5][WORDS];

	memset(g, 0, sizeof(g));
	shim_map_memory(g, sizeof(g));
	for (int i = 0; i < 5; i++) { /* room for four */
		regs.r14 = addr(g[i]);
		pw_park(&regs);
	}
	cr_expect_eq(stat_of(PW_STAT_LOST_GMAP), 1);
	for (uint64_t tid = 1; tid <= 3; tid++) { /* thread 0 has one of two buffers */
		shim.tgid_tid = tid;
		pw_birth(&regs);
	}
	cr_expect_eq(stat_of(PW_STAT_LOST_SCRATCH), 2);
}

Test(probes, a_g_that_cannot_be_read_is_a_lost_event)
{
	static uint64_t elsewhere[WORDS]; /* not in the target's memory */

	regs.r14 = addr(elsewhere);
	pw_park(&regs);
	pw_birth(&regs);
	pw_exit(&regs);
	pw_ready(&regs);
	regs.r14 = 0;
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_READ), 5);
	cr_expect_eq(shim.nr_records, 0);
}

Test(probes, the_cookie_chooses_the_site_and_with_it_the_point)
{
	shim.cookie = PW_POINT_EXIT;
	pw_multi(&regs);
	record(0, PW_EXIT);
	shim.cookie = PW_POINT_MAX; /* one more than there are */
	pw_multi(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_SITE), 1);
	pw_knobs.cookies = 1;
	shim.cookie = ~0ULL;
	pw_exit(&regs);
	cr_expect_eq(stat_of(PW_STAT_LOST_SITE), 2);
	cr_expect_eq(shim.nr_records, 1);
}

Test(probes, the_reader_is_woken_once_for_each_step_that_fills)
{
	pw_knobs.wakeup_bytes = 10 * sizeof(struct pw_exit);
	for (int i = 0; i < 25; i++)
		pw_exit(&regs);
	cr_expect_eq(shim.wakeups, 2);
}

Test(probes, perf_transport_sends_the_same_records)
{
	pw_knobs.transport = PW_TRANSPORT_PERF;
	pw_birth(&regs);
	record(0, PW_STACK);
	record(1, PW_BIRTH);
	cr_expect_eq(shim.wakeups, 0);
}

Test(probes, what_goes_in_comes_out_or_is_counted_as_lost)
{
	unsigned int seed = 1, parked = 0, waits = 0;

	pw_want = PW_WANT_WAIT | PW_WANT_BIRTH | PW_WANT_EXIT;
	shim.ring_room = 40000; /* of about 75000 that it takes */
	for (int i = 0; i < 2000; i++) {
		seed = seed * 1103515245 + 12345;
		made.inner[1] = RET1 + ((seed >> 8) & 15);
		switch ((seed >> 16) & 3) {
		case 0: pw_birth(&regs); break;
		case 1: pw_exit(&regs); break;
		case 2:
			pw_park(&regs);
			parked = 1;
			break;
		default:
			pw_run(&regs);
			waits += parked;
			parked = 0;
		}
	}
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_BIRTH) + stat_of(PW_STAT_HIT + PW_POINT_EXIT) +
			     waits,
		     stat_of(PW_STAT_EVENTS) + stat_of(PW_STAT_LOST_RING));
	cr_expect_gt(stat_of(PW_STAT_LOST_RING), 0);
	cr_expect_eq(shim.nr_records, stat_of(PW_STAT_EVENTS) + stat_of(PW_STAT_STACKS));
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_RUN), waits + stat_of(PW_STAT_NO_WAIT));
}
