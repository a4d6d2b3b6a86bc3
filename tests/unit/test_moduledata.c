/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "fake_module.h"

static const struct fake_func funcs[] = {
	{ "main.main", 0x40, 0, 100, 0x18, false, NULL, 0 },
	{ "main.f", 0x20, 0, 7, 0, false, NULL, 0 },
};

Test(moduledata, is_read_in_every_version)
{
	static struct fake_module m;
	uint64_t e[2];

	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
		struct moduledata md;

		fake_module__init(&m, minor, funcs, 2, e);
		cr_assert_eq(fake_module__read(&m, &md), 0, "Go 1.%d", minor);
		cr_expect_eq(md.tab.nfunc, 2);
		cr_expect_eq(md.tab.header, FAKE_BASE + FAKE_HEADER);
		cr_expect_eq(md.tab.minpc, FAKE_TEXT);
		cr_expect_eq(md.tab.maxpc, FAKE_TEXT + 0x60);
		cr_expect_eq(md.next, 0);
		cr_expect_str_eq(md.name, "");
	}
}

Test(moduledata, must_agree_with_its_tables)
{
	static struct fake_module m;
	const struct gotables *l = &golayout_row(22, EM_X86_64)->tables;
	const struct {
		const char *why;
		uint64_t at, v;
	} t[] = {
		{ "another magic", FAKE_HEADER, 0xfffffffa },
		{ "no functions", FAKE_HEADER + 8, 0 },
		{ "more functions than the functab", FAKE_HEADER + 8, 3 },
		{ "too many functions", FAKE_HEADER + 8, 1ull << 40 },
		{ "textStart is not text", FAKE_HEADER + (uint64_t)l->hdr_textstart, 1 },
		{ "text behind its end", FAKE_MD + (uint64_t)l->md_text, ~0ull },
		{ "minpc is not the first function", FAKE_MD + (uint64_t)l->md_minpc,
		  FAKE_TEXT + 1 },
		{ "maxpc is not the end of the last", FAKE_MD + (uint64_t)l->md_maxpc,
		  FAKE_TEXT + 1 },
		{ "functab elsewhere", FAKE_MD + (uint64_t)l->md_ftab, FAKE_BASE },
		{ "a table without end", FAKE_MD + (uint64_t)l->md_pctab + 8, 1ull << 40 },
		{ "length above capacity", FAKE_MD + (uint64_t)l->md_cutab + 16, 1 },
		{ "no names", FAKE_MD + (uint64_t)l->md_funcnametab, 0 },
	};
	uint64_t e[2];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct moduledata md;

		fake_module__init(&m, 22, funcs, 2, e);
		cr_assert_eq(fake_module__read(&m, &md), 0);
		fake_put(&m, t[i].at, t[i].v, 8);
		cr_expect_eq(fake_module__read(&m, &md), -EBADMSG, "%s", t[i].why);
	}
}

Test(moduledata, counts_entries_of_functab_by_their_end)
{
	static struct fake_module m;
	struct moduledata md;
	scoped(pagecache) mem = NULL;
	struct pcfunc fn;
	uint64_t e[2], pc, off;

	fake_module__init(&m, 17, funcs, 2, e);
	cr_assert_eq(fake_module__read(&m, &md), 0);
	cr_assert_eq(pagecache__new(&m.space.as, 0, &mem), 0);
	cr_expect_eq(pclntab_entry(&md.tab, mem, 2, &pc, &off), 0, "the end of the last function");
	cr_expect_eq(pc, FAKE_TEXT + 0x60);
	cr_expect_eq(pclntab_entry(&md.tab, mem, 3, &pc, &off), -EBADMSG);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, FAKE_TEXT + 0x5f, &fn), 0);
	cr_expect_eq(fn.entry, FAKE_TEXT + 0x40);
	cr_expect_eq(fn.end, FAKE_TEXT + 0x60);
}

Test(pclntab, values_follow_their_pcs)
{
	static struct fake_module m;
	struct moduledata md;
	scoped(pagecache) mem = NULL;
	struct pcfunc fn;
	uint64_t e[2];
	int32_t values[3] = { 5, -1, 70000 }, v;
	uint32_t off;
	static const struct {
		const char *why;
		uint64_t pc;
		int32_t want;
	} t[] = {
		{ "first byte", 0, 5 },
		{ "last of the first", 299, 5 },
		{ "first of the second", 300, -1 },
		{ "third", 600, 70000 },
		{ "last of the third", 899, 70000 },
		{ "behind the end", 900, -1 },
	};

	fake_module__init(&m, 27, funcs, 2, e);
	off = fake_values(&m, values, 300, 3);
	cr_assert_eq(fake_module__read(&m, &md), 0);
	cr_assert_eq(pagecache__new(&m.space.as, 0, &mem), 0);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, FAKE_TEXT, &fn), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_assert_eq(pclntab_value(&md.tab, mem, &fn, off, fn.entry + t[i].pc, &v), 0, "%s",
			     t[i].why);
		cr_expect_eq(v, t[i].want, "%s", t[i].why);
	}
	cr_expect_eq(pclntab_value(&md.tab, mem, &fn, 0, fn.entry, &v), 0, "offset 0: no table");
	cr_expect_eq(v, -1);
	cr_expect_eq(pclntab_value(&md.tab, mem, &fn, 0x7fffffff, fn.entry, &v), -EBADMSG,
		     "outside of pctab");
}

Test(pclntab, a_table_without_end_ends)
{
	static struct fake_module m;
	struct moduledata md;
	scoped(pagecache) mem = NULL;
	struct pcfunc fn;
	uint64_t e[2];
	int32_t v;

	fake_module__init(&m, 27, funcs, 2, e);
	cr_assert_eq(fake_module__read(&m, &md), 0);
	cr_assert_eq(pagecache__new(&m.space.as, 0, &mem), 0);
	cr_assert_eq(pclntab_func_at(&md.tab, mem, FAKE_TEXT, &fn), 0);
	/* Value deltas and never a pc delta. */
	for (uint32_t i = 0; i < FAKE_FTAB - FAKE_PCTAB - 0x200; i++)
		m.buf[FAKE_PCTAB + 0x200 + i] = i % 2 ? 0 : 2;
	cr_expect_eq(pclntab_value(&md.tab, mem, &fn, 0x200, fn.entry + 1, &v), -EBADMSG);
	memset(m.buf + FAKE_PCTAB, 0xff, FAKE_FTAB - FAKE_PCTAB);
	pagecache__free(steal(mem));
	cr_assert_eq(pagecache__new(&m.space.as, 0, &mem), 0);
	cr_expect_eq(pclntab_value(&md.tab, mem, &fn, 0x200, fn.entry + 1, &v), -EBADMSG,
		     "a number without end");
}
