/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "heap/glive.h"
#include "fake_maps.h"
#include "golang/gostate.h"

#define STACK 0x7000000ull
#define BYTES 0x400u
#define SP    (STACK + BYTES - 0x100)
#define HEAP  0xc000000000ull

/* Two words are locals, then the frame pointer, the return address, one argument. */
enum { F_CALLS, F_GOEXIT, F_PREEMPT, F_NR };
static const struct fake_func funcs[F_NR] = {
	[F_CALLS] = { "main.calls", 0x40, 0, 1, 0x18, false, NULL, 0 },
	[F_GOEXIT] = { "runtime.goexit", 0x20, 0, 1, 0, false, NULL, 0 },
	[F_PREEMPT] = { "runtime.asyncPreempt", 0x40, 0, 1, 0x10, false, NULL, 0 },
};

static struct fixture {
	struct addrspace as; /* first */
	struct fake_module m;
	struct goruntime rt;
	uint64_t e[F_NR];
	struct gview v;
	struct glive_words out;
	uint8_t stack[BYTES], g[GVIEW_BYTES_MAX];
} fix;

static int read_stack(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct fixture *f = (const struct fixture *)as;

	if (addr < STACK || addr - STACK > BYTES || len > BYTES - (addr - STACK))
		return -EFAULT;
	memcpy(buf, f->stack + (addr - STACK), len);
	return 0;
}

static void put(uint64_t addr, uint64_t v)
{
	memcpy(fix.stack + (addr - STACK), &v, sizeof(v));
}

static void put_g(int32_t off, uint64_t v)
{
	memcpy(fix.g + off, &v, sizeof(v));
}

/* Local 0 is a pointer, local 1 is a variable of 8 bytes whose address was taken; so is the
 * argument a pointer. */
static void fixture__init(int minor)
{
	scoped(pagecache) mem = NULL;
	struct moduledata md;
	struct pcfunc fn;

	memset(&fix, 0, sizeof(fix));
	fix.as.read = read_stack;
	fix.out.max = 1000;
	fake_module__init(&fix.m, minor, funcs, F_NR, fix.e);
	cr_assert_eq(fake_module__read(&fix.m, &md), 0);
	cr_assert_eq(pagecache__new(&fix.m.space.as, 1 << 20, &mem), 0);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, fix.e[F_CALLS], &fn), 0);
	fake_maps_args(&fix.m, &fn, 8);
	fake_maps_funcdata(&fix.m, &fn, 1, FAKE_LOCALS);
	fake_maps_funcdata(&fix.m, &fn, 0, FAKE_ARGS);
	fake_maps_funcdata(&fix.m, &fn, minor < 16 ? 3 : 2, FAKE_OBJECTS);
	fake_maps_put(&fix.m, FAKE_LOCALS, 1, 2, 0x1, 0);
	fake_maps_put(&fix.m, FAKE_ARGS, 1, 1, 0x1, 0);
	fake_maps_object(&fix.m, 0, -8, 8, 8);
	fix.rt.minor = minor;
	fix.rt.layout = golayout_row(minor, EM_X86_64)->layout;
	fix.rt.arch = goarch_of(EM_X86_64);
	fix.rt.objects = golayout_row(minor, EM_X86_64)->objects;
	cr_assert_eq(gosym__new(&fix.m.space.as, &md.tab, 1, &fix.rt.sym), 0);
	fix.v = (struct gview){ .status = GOSTATUS_WAITING,
				.stack_lo = STACK,
				.stack_hi = STACK + BYTES,
				.sp = SP,
				.pc = fix.e[F_CALLS] + 0x20 };
	put(SP + 0x18, fix.e[F_GOEXIT] + 1);
}

static void look(void)
{
	scoped(glive) l = NULL;

	cr_assert_eq(glive__new(&fix.as, &fix.rt, HEAP, HEAP + 0x100000, &l), 0);
	cr_assert_eq(glive__add(l, &fix.v, fix.g, NULL, 0, &fix.out), 0);
}

static bool told(uint64_t value)
{
	for (size_t i = 0; i < fix.out.nr; i++)
		if (fix.out.values[i] == value)
			return true;
	return false;
}

static void fixture__done(void)
{
	glive_words__done(&fix.out);
	gosym__free(fix.rt.sym);
}

#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

Test(glive, tells_live_words_only)
{
	for_each_minor(minor)
	{
		fixture__init(minor);
		put(SP - 8, HEAP + 0x10);    /* below the stack pointer */
		put(SP, HEAP + 0x20);        /* local 0 */
		put(SP + 8, HEAP + 0x30);    /* a variable that nobody points at */
		put(SP + 0x20, HEAP + 0x40); /* the argument */
		put(SP + 0x28, HEAP + 0x50); /* above the outermost frame */
		look();
		cr_expect_eq(fix.out.nr, 2, "Go 1.%d: %zu", minor, fix.out.nr);
		cr_expect(told(HEAP + 0x20) && told(HEAP + 0x40), "Go 1.%d", minor);
		cr_expect_eq(fix.out.frames[0], 0);
		fixture__done();
	}
}

Test(glive, numbers_of_a_g_are_no_addresses)
{
	for_each_minor(minor)
	{
		int32_t seq;

		fixture__init(minor);
		seq = fix.rt.objects.g_trackingseq;
		put_g(fix.rt.layout.g_waitsince, HEAP + 0x60);
		if (seq != PW_NO_FIELD) {
			put_g((seq & ~7) + 8, HEAP + 0x70);
			put_g((seq & ~7) + 16, HEAP + 0x80);
			put_g(seq & ~7, HEAP + 1);
		}
		look();
		cr_expect_eq(fix.out.nr, 0, "Go 1.%d: %zu", minor, fix.out.nr);
		fixture__done();
	}
}

Test(glive, tells_variables_that_a_live_word_points_at)
{
	for_each_minor(minor)
	{
		fixture__init(minor);
		put(SP, SP + 8 + 4); /* into the variable */
		put(SP + 8, HEAP + 0x30);
		look();
		cr_expect_eq(fix.out.nr, 1, "Go 1.%d", minor);
		cr_expect(told(HEAP + 0x30));
		fixture__done();
	}
}

Test(glive, tells_what_deferred_calls_on_the_stack_have)
{
	for_each_minor(minor)
	{
		uint64_t d = SP + 0x40, link;

		fixture__init(minor);
		link = (uint64_t)fix.rt.objects.defer_link;
		put_g(fix.rt.objects.g_defer, d);
		put(d + link, d + 0x60); /* another */
		put(d + (link ? 0 : 8), minor < 18 ? 8 : HEAP + 0x60);
		put(d + (uint64_t)fix.rt.objects.defer_size,
		    HEAP + 0x70); /* arguments, up to Go 1.17 */
		put(d + 0x60 + (link == 16 ? 24 : 16), HEAP + 0x80);
		look();
		cr_expect(told(HEAP + 0x80), "Go 1.%d: the second", minor);
		cr_expect_eq(told(HEAP + 0x70), minor < 18, "Go 1.%d", minor);
		if (minor >= 18)
			cr_expect(told(HEAP + 0x60), "Go 1.%d", minor);
		fixture__done();
	}
}

Test(glive, tells_what_a_g_has_but_not_the_end_of_its_stack)
{
	fixture__init(22);
	fix.v.stack_hi = STACK + BYTES;
	put_g(fix.rt.layout.g_labels, HEAP + 0x20);
	put_g(fix.rt.layout.g_stack_hi, STACK + BYTES);
	look();
	cr_expect_eq(fix.out.nr, 1);
	cr_expect_eq(fix.out.frames[0], GLIVE_FRAME_G);
	fixture__done();
}

Test(glive, tells_all_words_of_the_frame_that_a_signal_stopped)
{
	fixture__init(22);
	fix.v.pc = fix.e[F_PREEMPT] + 0x20;
	put(SP, HEAP + 0x10); /* a register */
	put(SP + 0x10, fix.e[F_CALLS] + 0x21);
	put(SP + 0x18 + 8, HEAP + 0x30); /* of its caller, a variable that nobody points at */
	put(SP + 0x18 + 0x18, fix.e[F_GOEXIT] + 1);
	look();
	cr_expect(told(HEAP + 0x10));
	cr_expect(told(HEAP + 0x30));
	fixture__done();
}

/*
 * With a link register a frame has its return address at its bottom; what a signal put on one has 16
 * bytes more.
 */
Test(glive, goes_up_by_a_link_register)
{
	for_each_minor(minor)
	{
		fixture__init(minor);
		fix.rt.arch = goarch_of(EM_AARCH64);
		fake_maps_put(&fix.m, FAKE_LOCALS, 1, 1, 0x1, 0);
		put(SP, fix.e[F_CALLS] + 0x21);
		put(SP + 8, HEAP + 0x20);
		put(SP + 0x18, fix.e[F_GOEXIT] + 1);
		put(SP + 0x20, HEAP + 0x40); /* an argument, and its caller's local */
		put(SP + 0x18 + 0x20, HEAP + 0x50);
		put(SP + 0x18 + 0x28, HEAP + 0x60); /* above the outermost frame */
		look();
		cr_expect_eq(fix.out.nr, 4, "Go 1.%d: %zu", minor, fix.out.nr);
		cr_expect(told(HEAP + 0x20) && told(HEAP + 0x40) && told(HEAP + 0x50), "Go 1.%d",
			  minor);
		cr_expect_eq(fix.out.frames[3], 1, "Go 1.%d", minor);
		fixture__done();
	}
	fixture__init(22);
	fix.rt.arch = goarch_of(EM_AARCH64);
	fix.v.pc = fix.e[F_PREEMPT] + 0x20;
	put(SP, fix.e[F_CALLS] + 0x21);
	put(SP + 8, HEAP + 0x10);              /* a register */
	put(SP + 0x10, fix.e[F_CALLS] + 0x21); /* of no use: it has saved its own */
	put(SP + 0x20, fix.e[F_GOEXIT] + 1);
	put(SP + 0x20 + 8, HEAP + 0x30); /* a variable that nobody points at */
	put(SP + 0x20 + 0x28, HEAP + 0x60);
	look();
	cr_expect(told(HEAP + 0x10));
	cr_expect(told(HEAP + 0x30));
	cr_expect_not(told(HEAP + 0x60), "above the outermost frame");
	fixture__done();
}

Test(glive, tells_all_words_of_a_stack_where_nothing_is_known)
{
	fixture__init(22);
	put(SP + 0x18, 0x1234); /* no code */
	put(SP + 8, HEAP + 0x30);
	put(SP + 0x60, HEAP + 0x40);
	look();
	cr_expect(told(HEAP + 0x40), "behind the frame whose caller is none");
	cr_expect_not(told(HEAP + 0x30));
	fixture__done();
	fixture__init(22);
	fix.v.status = GOSTATUS_RUNNING;
	put(STACK + 8, HEAP + 0x30);
	look();
	cr_expect(told(HEAP + 0x30), "it runs");
	cr_expect_eq(fix.out.frames[0], GLIVE_FRAME_ANY);
	fixture__done();
}

Test(glive, counts_what_it_may_not_keep)
{
	fixture__init(22);
	fix.v.status = GOSTATUS_RUNNING;
	fix.out.max = 2;
	for (uint64_t i = 0; i < 5; i++)
		put(STACK + 8 * i, HEAP + 8 * i);
	look();
	cr_expect_eq(fix.out.nr, 2);
	cr_expect_eq(fix.out.lost, 3);
	fixture__done();
}
