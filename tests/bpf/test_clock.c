/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock's BPF program, run as host C on a made-up thread: whose sample it is, and its stack. */
#include "world.h"

#include "base/cleanup.h"

int pw_clock(void *ctx);

enum { TID = 77, PID = 70, NS = 4026, FS = 0x40, SLOT = -8, HZ_NS = 10101010 };
enum { OUT = 0x5000, VDSO = 0x7000, VDSO_BYTES = 0x100 }; /* no code of Go */

/* What the thread has: its kernel's struct is one word, its fs base; its own g lies before that. */
static uint64_t task[1];
static struct {
	uint64_t g0[WORDS], m[8];
	uint64_t tls[1]; /* the fs base is behind it */
} own __attribute__((aligned(PAGE)));
static struct pt_regs user;

enum { M_G0, M_CURG = 1, M_PROCID = 2 };
enum { G_STACK_HI = 10, G_SCHED_SP = 11, G_STATUS = 12 };

#define RUNNING 2 /* g.atomicstatus; the word has another number of the g in its upper half */

static void make_thread(void)
{
	struct pw_knobs *k = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	static const struct pw_cpu_room none;
	__u32 zero = 0;

	make_world();
	memset(&own, 0, sizeof(own));
	bpf_map_update_elem(&pw_cpu_rooms, &zero, &none, BPF_ANY);
	shim_map_memory(&own, sizeof(own));
	task[0] = addr(&own.tls[1]);
	shim.task = task;
	shim.user_regs = &user;
	shim.ns_ino = NS;
	shim.tgid_tid = (uint64_t)PID << 32 | TID;
	k->lay.m_g0 = 8 * M_G0;
	k->lay.m_procid = 8 * M_PROCID;
	k->lay.g_stack_hi = 8 * G_STACK_HI;
	k->lay.g_sched_sp = 8 * G_SCHED_SP;
	k->lay.g_atomicstatus = 8 * G_STATUS;
	k->cpu = (struct pw_cpu_knobs){ .ns_ino = NS,
					.tgid = PID,
					.is_on = 1,
					.is_first = 1,
					.regs_helper = 1,
					.g_tls = SLOT,
					.vdso = { VDSO, VDSO_BYTES } };
	own.m[M_G0] = addr(own.g0);
	own.m[M_CURG] = addr(made.g);
	own.m[M_PROCID] = TID;
	own.g0[G_M] = made.g[G_M] = addr(own.m);
	own.tls[0] = addr(made.g);
	made.g[G_STACK_HI] = addr(&made + 1);
	made.g[G_STATUS] = 99ULL << 32 | RUNNING;
	user = regs;
	pw_cpu_ns = HZ_NS;
}

TestSuite(clock, .init = make_thread, .fini = shim_done);

static const struct pw_cpu *tick(void)
{
	pw_clock(NULL);
	return record(shim.nr_records - 1, PW_CPU);
}

static void expect_pcs(const struct pw_cpu *r, const uint64_t *pcs, size_t nr)
{
	const struct pw_stack *st = (const struct pw_stack *)(r + 1);

	cr_expect_eq(r->hdr.size, sizeof(*r) + offsetof(struct pw_stack, pcs) + 8 * nr);
	cr_assert_eq(st->nr, nr, "%u pcs", st->nr);
	for (size_t i = 0; i < nr; i++)
		cr_expect_eq(st->pcs[i], pcs[i], "pc %zu is %llx", i,
			     (unsigned long long)st->pcs[i]);
}

Test(clock, a_thread_of_the_process_is_a_sample)
{
	const struct pw_cpu *r = tick();

	cr_expect_eq(r->hdr.goid, GOID);
	cr_expect_eq(r->gopc, GOPC);
	cr_expect_eq(r->startpc, STARTPC);
	cr_expect_eq(r->status, RUNNING);
	cr_expect_eq(r->ns, HZ_NS);
	cr_expect_eq(r->sp, user.sp);
	cr_expect_eq(r->bp, user.bp);
	cr_expect_eq(r->nr_words, PW_CPU_WORDS);
	cr_expect_eq(r->words[1], CALLER, "its caller, if it has no frame");
	cr_expect_eq(r->foreign, 0);
	cr_expect_eq(r->is_cut, 0);
	cr_expect_eq(r->is_guess, 0);
	expect_pcs(r, (uint64_t[]){ IP, RET1, RET2, RET3 }, 4);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
}

Test(clock, others_are_none)
{
	pw_on = 0;
	pw_clock(NULL);
	pw_on = 1;
	shim.tgid_tid = (uint64_t)(PID + 1) << 32 | TID;
	pw_clock(NULL);
	shim.tgid_tid = (uint64_t)PID << 32 | TID;
	shim.ns_ino = NS + 1; /* a process with the same number in another namespace */
	pw_clock(NULL);
	cr_expect_eq(shim.nr_records, 0);
}

Test(clock, on_the_system_stack_it_is_the_goroutines_that_the_thread_runs)
{
	own.tls[0] = addr(own.g0);
	cr_expect_eq(tick()->hdr.goid, GOID);
	own.m[M_CURG] = 0; /* the scheduler */
	cr_expect_eq(tick()->hdr.goid, 0);
}

Test(clock, a_g_of_another_thread_is_not_believed)
{
	own.m[M_PROCID] = TID + 1;
	cr_expect_eq(tick()->hdr.goid, 0);
}

Test(clock, a_thread_without_a_g_counts_once)
{
	struct pw_knobs *k = (struct pw_knobs *)(uintptr_t)&pw_knobs;

	own.tls[0] = 0;
	cr_expect_eq(tick()->hdr.goid, 0);
	k->cpu.is_first = 0;
	pw_clock(NULL);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
}

Test(clock, a_goroutine_that_is_not_wanted_is_filtered)
{
	struct pw_knobs *k = (struct pw_knobs *)(uintptr_t)&pw_knobs;

	k->filter_goids = 1;
	pw_clock(NULL);
	cr_expect_eq(shim.nr_records, 0);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	k->filter_goids = 0;
}

/* Its frame pointer is C's; the goroutine's stack goes on where it went to the system stack. */
Test(clock, in_c_the_stack_is_that_of_the_goroutine_that_called)
{
	own.tls[0] = addr(own.g0);
	user.ip = OUT;
	user.bp = 0x123;
	made.g[G_SCHED_SP] =
		addr(&made.sp[1]); /* asmcgocall has no frame: there is its return address */
	expect_pcs(tick(), (uint64_t[]){ OUT, CALLER, RET1, RET2, RET3 }, 5);
	made.g[G_SCHED_SP] = addr(made.inner); /* it has: that is it */
	expect_pcs(tick(), (uint64_t[]){ OUT, RET1, RET2, RET3 }, 4);
	own.m[M_CURG] = 0;
	expect_pcs(tick(), (uint64_t[]){ OUT }, 1);
}

/* A signal's stack: where the goroutine last went to the system stack says nothing of now. */
Test(clock, in_c_of_a_signal_there_is_no_stack)
{
	static uint64_t gsignal[WORDS];

	shim_map_memory(gsignal, sizeof(gsignal));
	gsignal[G_M] = addr(own.m);
	own.tls[0] = addr(gsignal);
	user.ip = OUT;
	expect_pcs(tick(), (uint64_t[]){ OUT }, 1);
}

Test(clock, in_the_vdso_the_frame_pointer_is_gos)
{
	own.tls[0] = addr(own.g0);
	user.ip = VDSO;
	expect_pcs(tick(), (uint64_t[]){ VDSO, RET1, RET2, RET3 }, 4);
}

Test(clock, what_ends_a_stack_is_told)
{
	made.outer[1] = OUT;
	cr_expect_eq(tick()->foreign, OUT);
	made.outer[1] = RET2;
	made.outer[0] = 8; /* not mapped */
	cr_expect_eq(tick()->is_cut, 1);
	made.outer[0] = 9; /* no address of a frame */
	cr_expect_eq(tick()->is_cut, 1);
}

/* Assembly has something else in rbp; its caller's lies in its own frame. */
Test(clock, a_frame_pointer_that_is_none_is_sought_on_the_stack)
{
	const struct pw_cpu *r;

	made.sp[2] = addr(&made.rest_of_page[16]);
	made.sp[3] = CALLER;
	user.bp = 5;
	r = tick();
	cr_expect_eq(r->is_guess, 1);
	cr_expect_eq(r->bp, addr(&made.sp[2]));
	cr_expect_eq(((const struct pw_stack *)(r + 1))->pcs[1], CALLER);
	own.tls[0] = addr(own.g0); /* not on the system stack, whose end nobody knows */
	cr_expect_eq(tick()->is_guess, 0);
}

Test(clock, it_ends_when_nobody_is_in_charge)
{
	shim.now = 3 * PW_BEAT_MAX_NS;
	pw_beat_ns = 1;
	pw_clock(NULL);
	cr_expect_eq(pw_on, 0);
	cr_expect_eq(pw_cut_ns, shim.now);
	cr_expect_eq(shim.nr_records, 0);
}
