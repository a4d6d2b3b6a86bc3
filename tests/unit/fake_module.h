/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_module: the symbol tables of a small Go module, written into a buffer as the linker of a
 * given Go version writes them.
 *
 * For unit tests of moduledata, pclntab and gosym. Header only; each test file has its own copy of
 * the functions.
 */
#ifndef PARKWATCH_TESTS_FAKE_MODULE_H
#define PARKWATCH_TESTS_FAKE_MODULE_H

#include <elf.h>
#include <string.h>

#include "base/addrspace.h"
#include "golang/golayout.h"
#include "golang/moduledata.h"

#define FAKE_BASE  0x400000ull  /* of the buffer */
#define FAKE_TEXT  0x1000000ull /* of the code, which nobody reads */
#define FAKE_BYTES 0x8000
#define FAKE_FUNCS 8

/* where things are in the buffer */
enum {
	FAKE_MD = 0x100,
	FAKE_HEADER = 0x1000,
	FAKE_NAMES = 0x1100,
	FAKE_FILES = 0x3100,
	FAKE_CUTAB = 0x3800,
	FAKE_PCTAB = 0x4000,
	FAKE_FTAB = 0x5000,
	FAKE_GOFUNC = 0x6800,
};

struct fake_func {
	const char *name;
	uint32_t size;       /* of its code */
	uint32_t file, line; /* file: number, see fake_module__init() */
	uint32_t spdelta;
	bool wrapper;
	const char *
		inlined; /* name of a function that is inlined into its second half, on line + 10 */
	uint32_t wraps;  /* number + 1 of the function that it starts, Go 1.18 and later */
};

struct fake_module {
	int minor;
	struct gotables lay;
	struct bufspace space;
	uint32_t names, pctab, funcs, gofunc, filenr; /* bytes used */
	uint64_t nfunc;
	uint8_t buf[FAKE_BYTES];
};

static inline void fake_put(struct fake_module *m, uint64_t at, uint64_t v, size_t size)
{
	memcpy(m->buf + at, &v, size);
}

static inline bool fake_old(const struct fake_module *m) /* absolute pcs and pointers */
{
	return m->minor < 18;
}

/* Where offsets into names, pctab and functions count from. */
static inline uint32_t fake_origin(const struct fake_module *m, uint32_t at)
{
	return m->minor < 16 ? FAKE_HEADER : at;
}

static inline uint32_t fake_name(struct fake_module *m, const char *name)
{
	uint32_t at = FAKE_NAMES + m->names;

	memcpy(m->buf + at, name, strlen(name) + 1);
	m->names += strlen(name) + 1;
	return at - fake_origin(m, FAKE_NAMES);
}

static inline void fake_varint(struct fake_module *m, uint32_t v)
{
	do {
		m->buf[FAKE_PCTAB + m->pctab++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
}

/* A table of nr values, each for `bytes` of code. */
static inline uint32_t fake_values(struct fake_module *m, const int32_t *values, uint32_t bytes,
				   int nr)
{
	uint32_t at = FAKE_PCTAB + m->pctab;
	int32_t last = -1;

	for (int i = 0; i < nr; i++) {
		int32_t d = values[i] - last;

		fake_varint(m, d < 0 ? ((uint32_t)(-(d + 1)) << 1) | 1 : (uint32_t)d << 1);
		fake_varint(m, bytes);
		last = values[i];
	}
	fake_varint(m, 0);
	return at - fake_origin(m, FAKE_PCTAB);
}

/* funcdata of the function: the inline tree and the wrapped function. */
static inline void fake_funcdata(struct fake_module *m, const struct fake_func *f, uint64_t at,
				 const uint64_t *entries)
{
	const struct gotables *l = &m->lay;
	uint32_t tree_at = FAKE_GOFUNC + m->gofunc, nr = fake_old(m) ? 5 : 8;
	uint32_t tree_nr = gofacts_of(m->minor)->funcdata_inltree;

	if (fake_old(m))
		at = (at + 7) & ~7ull;
	for (uint32_t i = 0; i < nr; i++)
		fake_put(m, at + i * (fake_old(m) ? 8 : 4), fake_old(m) ? 0 : UINT32_MAX,
			 fake_old(m) ? 8 : 4);
	if (f->inlined) {
		fake_put(m, tree_at + (uint32_t)l->inl_nameoff, fake_name(m, f->inlined), 4);
		fake_put(m, tree_at + (uint32_t)l->inl_parentpc, 1, 4);
		m->gofunc += (uint32_t)l->inl_size;
		fake_put(m, at + tree_nr * (fake_old(m) ? 8 : 4),
			 fake_old(m) ? FAKE_BASE + tree_at : tree_at - FAKE_GOFUNC,
			 fake_old(m) ? 8 : 4);
	}
	if (f->wraps && !fake_old(m)) {
		fake_put(m, FAKE_GOFUNC + m->gofunc, entries[f->wraps - 1] - FAKE_TEXT, 4);
		fake_put(m, at + 4 * FUNCDATA_WRAP_INFO, m->gofunc, 4);
		m->gofunc += 4;
	}
}

/* One _func; returns its offset as functab has it. */
static inline uint32_t fake_func(struct fake_module *m, const struct fake_func *f, uint64_t entry,
				 const uint64_t *entries)
{
	const struct gotables *l = &m->lay;
	uint64_t at = (m->funcs + 7) & ~7ull;
	int32_t lines[2] = { (int32_t)f->line, (int32_t)f->line + (f->inlined ? 10 : 0) };
	int32_t file = (int32_t)f->file, sp = (int32_t)f->spdelta,
		tree[2] = { -1, f->inlined ? 0 : -1 };
	uint64_t pcdata = at + (uint64_t)l->fn_nfuncdata + 1;

	if (fake_old(m))
		fake_put(m, at + (uint64_t)l->fn_entry, entry, 8);
	else
		fake_put(m, at + (uint64_t)l->fn_entryoff, entry - FAKE_TEXT, 4);
	fake_put(m, at + (uint64_t)l->fn_nameoff, fake_name(m, f->name), 4);
	fake_put(m, at + (uint64_t)l->fn_pcsp, fake_values(m, &sp, f->size, 1), 4);
	fake_put(m, at + (uint64_t)l->fn_pcfile, fake_values(m, &file, f->size, 1), 4);
	fake_put(m, at + (uint64_t)l->fn_pcln, fake_values(m, lines, f->size / 2, 2), 4);
	fake_put(m, at + (uint64_t)l->fn_npcdata, 3, 4);
	if (l->fn_startline != PW_NO_FIELD)
		fake_put(m, at + (uint64_t)l->fn_startline, f->line, 4);
	fake_put(m, at + (uint64_t)l->fn_funcid,
		 f->wrapper ? gofacts_of(m->minor)->funcid_wrapper : 0, 1);
	fake_put(m, at + (uint64_t)l->fn_nfuncdata, fake_old(m) ? 5 : 8, 1);
	fake_put(m, pcdata, 0, 8);
	fake_put(m, pcdata + 4 * PCDATA_INL_TREE, fake_values(m, tree, f->size / 2, 2), 4);
	fake_funcdata(m, f, pcdata + 12, entries);
	m->funcs = (uint32_t)at + 0x80;
	return (uint32_t)at - fake_origin(m, FAKE_FTAB);
}

static inline void fake_slice(struct fake_module *m, __s32 off, uint64_t at, uint64_t len)
{
	if (off == PW_NO_FIELD)
		return;
	fake_put(m, FAKE_MD + (uint64_t)off, FAKE_BASE + at, 8);
	fake_put(m, FAKE_MD + (uint64_t)off + 8, len, 8);
	fake_put(m, FAKE_MD + (uint64_t)off + 16, len, 8);
}

static inline void fake_moduledata(struct fake_module *m, uint64_t end)
{
	const struct gotables *l = &m->lay;
	uint64_t ftab = m->minor < 16 ? FAKE_HEADER + 16 : FAKE_FTAB;

	if (l->md_pcheader != PW_NO_FIELD)
		fake_put(m, FAKE_MD + (uint64_t)l->md_pcheader, FAKE_BASE + FAKE_HEADER, 8);
	fake_slice(m, l->md_funcnametab, FAKE_NAMES, FAKE_FILES - FAKE_NAMES);
	fake_slice(m, l->md_cutab, FAKE_CUTAB, 2);
	fake_slice(m, l->md_pctab, FAKE_PCTAB, FAKE_FTAB - FAKE_PCTAB);
	fake_slice(m, l->md_filetab, m->minor < 16 ? FAKE_CUTAB : FAKE_FILES,
		   m->minor < 16 ? 2 : FAKE_CUTAB - FAKE_FILES);
	fake_slice(m, l->md_pclntable, m->minor < 16 ? FAKE_HEADER : FAKE_FTAB,
		   FAKE_GOFUNC - (m->minor < 16 ? FAKE_HEADER : FAKE_FTAB));
	fake_slice(m, l->md_ftab, ftab, m->nfunc + 1);
	fake_put(m, FAKE_MD + (uint64_t)l->md_minpc, FAKE_TEXT, 8);
	fake_put(m, FAKE_MD + (uint64_t)l->md_maxpc, end, 8);
	fake_put(m, FAKE_MD + (uint64_t)l->md_text, FAKE_TEXT, 8);
	fake_put(m, FAKE_MD + (uint64_t)l->md_etext, end, 8);
	if (l->md_gofunc != PW_NO_FIELD)
		fake_put(m, FAKE_MD + (uint64_t)l->md_gofunc, FAKE_BASE + FAKE_GOFUNC, 8);
}

/*
 * Files are number 0 "/src/a.go" and number 1 "<autogenerated>". ret_entries: where the functions
 * were placed.
 */
static inline void fake_module__init(struct fake_module *m, int minor, const struct fake_func *f,
				     size_t nr, uint64_t *ret_entries)
{
	uint64_t pc = FAKE_TEXT, ftab;

	memset(m, 0, sizeof(*m));
	m->minor = minor;
	m->lay = golayout_row(minor, EM_X86_64)->tables;
	m->nfunc = nr;
	m->pctab = 1; /* offset 0 means no table */
	m->funcs = FAKE_FTAB + 0x400;
	bufspace__init(&m->space, m->buf, sizeof(m->buf), FAKE_BASE);
	fake_put(m, FAKE_HEADER,
		 (uint64_t)gofacts_of(minor)->pclntab_magic | 1ull << 48 | 8ull << 56, 8);
	fake_put(m, FAKE_HEADER + 8, nr, 8);
	if (m->lay.hdr_textstart != PW_NO_FIELD)
		fake_put(m, FAKE_HEADER + (uint64_t)m->lay.hdr_textstart, FAKE_TEXT, 8);
	memcpy(m->buf + FAKE_FILES, "/src/a.go\0<autogenerated>", 26);
	fake_put(m, FAKE_CUTAB, FAKE_FILES - fake_origin(m, FAKE_FILES), 4);
	fake_put(m, FAKE_CUTAB + 4, FAKE_FILES + 10 - fake_origin(m, FAKE_FILES), 4);
	fake_name(m, "go.buildid"); /* offset 0 means no name */
	for (size_t i = 0; i < nr; i++) {
		ret_entries[i] = pc;
		pc += f[i].size;
	}
	ftab = minor < 16 ? FAKE_HEADER + 16 : FAKE_FTAB;
	for (size_t i = 0; i <= nr; i++) {
		uint64_t at = i < nr ? ret_entries[i] : pc;
		uint32_t off = i < nr ? fake_func(m, &f[i], at, ret_entries) : 0;

		if (fake_old(m)) {
			fake_put(m, ftab + 16 * i, at, 8);
			fake_put(m, ftab + 16 * i + 8, off, 8);
		} else {
			fake_put(m, ftab + 8 * i, at - FAKE_TEXT, 4);
			fake_put(m, ftab + 8 * i + 4, off, 4);
		}
	}
	fake_moduledata(m, pc);
}

static inline int fake_module__read(struct fake_module *m, struct moduledata *ret)
{
	return moduledata_read(&m->space.as, FAKE_BASE + FAKE_MD, m->minor, &m->lay, ret);
}

#endif
