/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "heap/cmemory.h"

/* A program with C in it, as the kernel tells of one. */
static const char text[] =
	"00400000-00500000 r-xp 00000000 fe:00 11                         /srv/api\n"
	"00600000-00604000 rw-p 00200000 fe:00 11                         /srv/api\n"
	"00604000-00608000 rw-p 00000000 00:00 0 \n"
	"01000000-01021000 rw-p 00000000 00:00 0                          [heap]\n"
	"c000000000-c000200000 rw-p 00000000 00:00 0 \n"
	"c000200000-c000400000 rw-p 00000000 00:00 0 \n" /* without huge pages, and no object in it */
	"c000400000-c004000000 ---p 00000000 00:00 0 \n"
	"7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n" /* of a thread's allocator */
	"7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n"
	"7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n"
	"7f0010001000-7f0010801000 rw-p 00000000 00:00 0 \n" /* a stack */
	"7f0020000000-7f0020100000 rw-s 00000000 fe:00 77                 /srv/data\n"
	"7f0030000000-7f0030100000 r-xp 00000000 fe:00 12                 /lib/libc.so.6\n"
	"7f0030100000-7f0030102000 rw-p 00100000 fe:00 12                 /lib/libc.so.6\n"
	"7f0040000000-7f0040010000 rw-p 00000000 00:00 0                  [anon: Go: immortal "
	"metadata]\n"
	"7f0050001000-7f0050002000 rw-p 00000000 00:00 0 \n"
	"7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                  [stack]\n";

static int nothing_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	(void)as, (void)addr, (void)buf, (void)len;
	return -EFAULT;
}

static size_t ranges(bool race, struct crange *out, size_t max)
{
	static struct goruntime rt;
	struct gospan span = { .start = 0xc000000000, .npages = 4, .elem_bytes = 8, .nelems = 1 };
	struct goheap heap = { .spans = &span, .nr = 1 };
	struct addrspace as = { .read = nothing_read };
	scoped_mem struct crange *r = NULL;
	scoped(maps) m = NULL;
	size_t nr = 0;

	rt.race = race;
	rt.nr_modules = 1;
	rt.modules[0].data = (struct tabspan){ 0x600100, 0xf00 };
	rt.modules[0].noptrdata = (struct tabspan){ 0x601000, 0x800 };
	rt.modules[0].bss = (struct tabspan){ 0x603000, 0x2000 };
	cr_assert_eq(maps__parse(text, strlen(text), &m), 0);
	cr_assert_eq(cmemory_ranges(&as, m, &rt, &heap, &r, &nr), 0);
	for (size_t i = 0; i < nr && i < max; i++)
		out[i] = r[i];
	return nr;
}

Test(cmemory, is_what_c_writes_but_for_stacks_and_go)
{
	static const struct crange want[] = {
		{ 0x600000, 0x600100 },
		{ 0x601800, 0x603000 },
		{ 0x605000, 0x608000 },
		{ 0x1000000, 0x1021000 },
		{ 0x7f0000000000, 0x7f0000021000 },
		{ 0x7f0030100000, 0x7f0030102000 },
		{ 0x7f0050001000, 0x7f0050002000 },
	};
	struct crange r[16];
	size_t nr = ranges(false, r, 16);

	cr_assert_eq(nr, ARRAY_SIZE(want), "%zu", nr);
	for (size_t i = 0; i < nr; i++) {
		cr_expect_eq(r[i].from, want[i].from, "%zu: %#lx", i, r[i].from);
		cr_expect_eq(r[i].to, want[i].to, "%zu: %#lx", i, r[i].to);
	}
}

Test(cmemory, leaves_out_the_race_detector)
{
	struct crange r[16];
	size_t nr = ranges(true, r, 16);

	cr_assert_eq(nr, 6, "%zu", nr); /* the program's, the heap, a thread's, libc's */
	cr_expect_eq(r[nr - 2].from, 0x7f0000000000, "what a thread allocates is there");
	cr_expect_eq(r[nr - 1].from, 0x7f0030100000);
}
