/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "fake_maps.h"
#include "heap/gostackmap.h"
#include "golang/gosym.h"

enum { F_CALLS, F_LEAF, F_ASM, F_NR };

/* Of F_CALLS: words 0 to 3 are locals, 4 the saved frame pointer, 5 the return address, 6 and 7
 * arguments. */
static const struct fake_func funcs[F_NR] = {
	[F_CALLS] = { "main.calls", 0x40, 0, 1, 0x28, false, NULL, 0 },
	[F_LEAF] = { "main.leaf", 0x40, 0, 1, 0, false, NULL, 0 },
	[F_ASM] = { "main.asm", 0x40, 0, 1, 0x10, false, NULL, 0 },
};

struct fixture {
	struct fake_module m;
	uint64_t e[F_NR];
	struct gosym *sym;
	struct gostackmaps *maps;
};

/* The pages are remembered, so all is written before they are read. */
static void fixture__init(struct fixture *f, int minor)
{
	scoped(pagecache) mem = NULL;
	struct moduledata md;
	struct pcfunc fn;

	memset(f, 0, sizeof(*f));
	fake_module__init(&f->m, minor, funcs, F_NR, f->e);
	cr_assert_eq(fake_module__read(&f->m, &md), 0, "Go 1.%d", minor);
	cr_assert_eq(pagecache__new(&f->m.space.as, 1 << 20, &mem), 0);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, f->e[F_CALLS], &fn), 0);
	fake_maps_args(&f->m, &fn, 16);
	fake_maps_funcdata(&f->m, &fn, 1, FAKE_LOCALS);
	fake_maps_funcdata(&f->m, &fn, 0, FAKE_ARGS);
	fake_maps_funcdata(&f->m, &fn, minor < 16 ? 3 : 2, FAKE_OBJECTS);
	fake_maps_put(&f->m, FAKE_LOCALS, 2, 3, 0x1, 0x6); /* words 1 to 3 */
	fake_maps_put(&f->m, FAKE_ARGS, 2, 2, 0x3, 0x2);
	fake_maps_object(&f->m, 0, -32, 16, 8);
	fake_maps_object(&f->m, 1, 0, 8, 8);
	fake_maps_index(&f->m, &fn, -1, 1);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, f->e[F_ASM], &fn), 0);
	fake_maps_args(&f->m, &fn, 0x80000000);
	cr_assert_eq(gosym__new(&f->m.space.as, &md.tab, 1, &f->sym), 0);
	cr_assert_eq(gostackmaps__new(f->sym, &f->maps), 0);
}

static void fixture__done(struct fixture *f)
{
	gostackmaps__free(f->maps);
	gosym__free(f->sym);
}

static unsigned int live_words(const struct gostackmap *m)
{
	unsigned int live = 0;

	for (uint32_t i = 0; i < m->nr_words; i++)
		live |= (unsigned int)gostackmap_live(m, i) << i;
	return live;
}

static struct fixture fix;

#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

Test(gostackmap, tells_the_live_words_of_a_call_in_every_version)
{
	for_each_minor(minor)
	{
		const struct gostackmap *m;

		fixture__init(&fix, minor);
		m = gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false);
		cr_expect_eq(m->spdelta, 0x28);
		cr_expect_not(m->whole, "Go 1.%d", minor);
		cr_expect_eq(m->nr_words, 8);
		cr_expect_eq(live_words(m), 0x8c, "Go 1.%d: %#x, map 1", minor, live_words(m));
		m = gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x20, false);
		cr_expect_eq(live_words(m), 0xc2,
			     "Go 1.%d: %#x, what is before the call counts: map 0", minor,
			     live_words(m));
		cr_expect_eq(gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false)->nr_words, 8,
			     "remembered");
		fixture__done(&fix);
	}
}

Test(gostackmap, has_the_variables_whose_address_was_taken)
{
	for_each_minor(minor)
	{
		const struct gostackmap *m;

		fixture__init(&fix, minor);
		m = gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false);
		cr_assert_eq(m->nr_objects, 2, "Go 1.%d", minor);
		cr_expect_eq(m->objects[0].off, 0, "32 bytes below the end of the locals");
		cr_expect_eq(m->objects[0].size, 16);
		cr_expect_eq(m->objects[0].ptr_bytes, 8);
		cr_expect_eq(m->objects[1].off, 48, "the first argument");
		fixture__done(&fix);
	}
}

/* Record 0 is the variable 32 bytes below the end of the locals. */
Test(gostackmap, tells_where_the_masks_of_variables_are)
{
	for (int minor = 17; minor <= GO_MINOR_MAX; minor++) {
		const uint16_t rodata = gofacts_of(minor)->md_rodata;
		const uint64_t record = FAKE_OBJECTS + 8;

		fixture__init(&fix, minor);
		if (rodata) {
			fake_put(&fix.m, FAKE_MD + rodata, FAKE_BASE + 0x20, 8);
			fake_put(&fix.m, record + 12, 0x10, 4);
		} else {
			fake_put(&fix.m, record + 16, FAKE_BASE + 0x30, 8);
		}
		cr_expect_eq(
			gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false)->objects[0].mask,
			FAKE_BASE + 0x30, "Go 1.%d", minor);
		fixture__done(&fix);
	}
}

Test(gostackmap, counts_every_word_where_there_is_no_map)
{
	const struct gostackmap *m;

	fixture__init(&fix, 22);
	m = gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, true);
	cr_expect(m->whole, "a signal stopped it: registers are not in the map");
	cr_expect_eq(m->nr_words, 8);
	m = gostackmaps__get(fix.maps, fix.e[F_ASM] + 0x10, false);
	cr_expect(m->whole, "locals, and no map of them");
	cr_expect(m->args_open, "nothing tells how long the arguments are");
	cr_expect_eq(m->nr_words, 3);
	m = gostackmaps__get(fix.maps, fix.e[F_LEAF] + 0x10, false);
	cr_expect_not(m->whole, "no locals, so no map is needed");
	cr_expect_eq(live_words(m), 0);
	m = gostackmaps__get(fix.maps, 0x1234, false);
	cr_expect_eq(m->spdelta, -1, "not in any module");
	fixture__done(&fix);
}

Test(gostackmap, uses_the_first_map_at_the_entry)
{
	const struct gostackmap *m;

	fixture__init(&fix, 22);
	m = gostackmaps__get(fix.maps, fix.e[F_CALLS], false);
	cr_expect_eq(live_words(m), 0xc2, "%#x", live_words(m));
	fixture__done(&fix);
}

Test(gostackmap, takes_damaged_tables_for_none)
{
	static const struct {
		const char *why;
		uint64_t at, value;
		size_t size;
	} t[] = {
		{ "more bits than the frame has words", FAKE_LOCALS + 4, 5, 4 },
		{ "no bitmap at all", FAKE_LOCALS, 0, 4 },
		{ "fewer bitmaps than the index says", FAKE_LOCALS, 1, 4 },
		{ "more bitmaps than a function can have", FAKE_LOCALS, 1u << 30, 4 },
		{ "an object below the frame", FAKE_OBJECTS + 8, (uint32_t)-64, 4 },
		{ "an object behind the arguments", FAKE_OBJECTS + 8, 16, 4 },
		{ "an object that is not aligned", FAKE_OBJECTS + 8, (uint32_t)-31, 4 },
		{ "an object larger than the frame", FAKE_OBJECTS + 12, 0x10000, 4 },
		{ "more pointers than it has bytes", FAKE_OBJECTS + 16, 24, 4 },
		{ "more objects than anybody has", FAKE_OBJECTS, UINT64_MAX, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct gostackmap *m;

		fixture__init(&fix, 22);
		fake_put(&fix.m, t[i].at, t[i].value, t[i].size);
		m = gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false);
		cr_expect(m->whole, "%s", t[i].why);
		cr_expect_eq(m->nr_objects, 0, "%s", t[i].why);
		cr_expect_eq(m->nr_words, 8, "%s", t[i].why);
		fixture__done(&fix);
	}
	fixture__init(&fix, 22);
	fake_maps_put(&fix.m, FAKE_ARGS, 2, 4, 0x3, 0x2); /* longer than the arguments */
	cr_expect_eq(live_words(gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false)), 0x8c);
	fixture__done(&fix);
	fixture__init(&fix, 22);
	fake_maps_put(&fix.m, FAKE_ARGS, 2, 4, 0x3, 0xa); /* and not empty there */
	cr_expect_eq(live_words(gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false)), 0xcc);
	fixture__done(&fix);
	fixture__init(&fix, 22);
	fake_put(&fix.m, FAKE_ARGS, 0, 4);
	cr_expect_eq(live_words(gostackmaps__get(fix.maps, fix.e[F_CALLS] + 0x30, false)), 0xcc,
		     "of the arguments alone: they all count");
	fixture__done(&fix);
}
