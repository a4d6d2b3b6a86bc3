/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/moduledata.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "golang/gofacts.h"

/* bytes of the largest struct moduledata; Go 1.27's has 568 */
#define MD_MAX         4096
#define CANDIDATES_MAX 16           /* places that look like a pclntab and are none */
#define SCAN_MAX       (4ull << 30) /* bytes of one image that are searched */

#define MD_VARIABLES_MAX (64ull << 30) /* bytes of a module's variables of one kind */

struct raw { /* one moduledata as it lies in memory */
	uint8_t b[MD_MAX];
};

static uint64_t word(const struct raw *r, int32_t off)
{
	uint64_t v;

	memcpy(&v, r->b + off, sizeof(v));
	return v;
}

/* A slice {ptr, len, cap} of elements of `size` bytes. */
static int slice(const struct raw *r, int32_t off, uint64_t size, struct tabspan *ret)
{
	uint64_t ptr = word(r, off), len = word(r, off + 8), cap = word(r, off + 16);

	if (!ptr || !len || len > cap || len > PCLNTAB_TABLE_MAX / size ||
	    ptr > UINT64_MAX - PCLNTAB_TABLE_MAX)
		return -EBADMSG;
	*ret = (struct tabspan){ .addr = ptr, .len = len * size };
	return 0;
}

static void read_text(const struct addrspace *as, const struct raw *r, int32_t off, char *buf,
		      size_t size)
{
	uint64_t ptr = word(r, off), len = word(r, off + 8);

	buf[0] = '\0';
	if (len > size - 1)
		len = size - 1;
	if (!ptr || !len || addrspace__read(as, ptr, buf, len))
		len = 0;
	buf[len] = '\0';
	clean_text(buf);
}

static int read_slices(const struct raw *r, struct pclntab *t, struct tabspan *ret_ftab)
{
	const struct gotables *l = &t->lay;
	int err = slice(r, l->md_pclntable, 1, &t->funcs);

	if (!err)
		err = slice(r, l->md_ftab, pclntab_entry_bytes(t), ret_ftab);
	if (err)
		return err;
	if (l->md_pcheader ==
	    PW_NO_FIELD) { /* Go 1.15: one table holds all, offsets count from its start */
		t->names = t->files = t->pctab = t->funcs;
		return slice(r, l->md_filetab, 4, &t->cutab);
	}
	err = slice(r, l->md_funcnametab, 1, &t->names);
	if (!err)
		err = slice(r, l->md_filetab, 1, &t->files);
	if (!err)
		err = slice(r, l->md_pctab, 1, &t->pctab);
	if (!err)
		err = slice(r, l->md_cutab, 4, &t->cutab);
	return err;
}

/* The functab's ends must be what minpc and maxpc say. */
static int check_ends(const struct addrspace *as, const struct pclntab *t)
{
	size_t size = pclntab_entry_bytes(t);
	uint64_t first = 0, last = 0; /* little endian: a short read fills the low bytes */
	int err = addrspace__read(as, t->functab, &first, size / 2);

	if (!err)
		err = addrspace__read(as, t->functab + t->nfunc * size, &last, size / 2);
	if (err)
		return err;
	if (size == 8) {
		first += t->text;
		last += t->text;
	}
	return first == t->minpc && last == t->maxpc ? 0 : -EBADMSG;
}

static int check_header(const struct addrspace *as, const struct pclntab *t,
			const struct tabspan *ftab)
{
	uint64_t text;
	int err;

	if (t->lay.md_pcheader == PW_NO_FIELD) {
		if (t->funcs.addr != t->header || ftab->addr != t->header + 16)
			return -EBADMSG;
	} else if (t->funcs.addr != ftab->addr) {
		return -EBADMSG;
	}
	if (ftab->len / pclntab_entry_bytes(t) != t->nfunc + 1)
		return -EBADMSG;
	if (t->text >= t->etext || t->minpc >= t->maxpc || t->minpc < t->text ||
	    t->etext - t->text > UINT32_MAX)
		return -EBADMSG;
	if (t->lay.hdr_textstart == PW_NO_FIELD)
		return 0;
	err = addrspace__read(as, t->header + (uint64_t)t->lay.hdr_textstart, &text, sizeof(text));
	if (err)
		return err;
	return text == t->text ? 0 : -EBADMSG;
}

static struct tabspan variables(const struct raw *r, int32_t start, int32_t end)
{
	struct tabspan s = { .addr = word(r, start) };

	if (word(r, end) > s.addr && word(r, end) - s.addr <= MD_VARIABLES_MAX)
		s.len = word(r, end) - s.addr;
	return s;
}

/*
 * Made when the program starts (Go runtime/symtab.go modulesinit, runtime/mbitmap.go
 * progToPointerMask): memory for all words; it says how many bits were written, the others are 0.
 */
static uint64_t pointer_mask(const struct raw *r, int32_t off, const struct tabspan *s)
{
	uint32_t bits = (uint32_t)word(r, off);

	return bits && bits <= s->len / 8 + 8 ? word(r, off + 8) : 0;
}

int moduledata_read(const struct addrspace *as, uint64_t addr, int minor,
		    const struct gotables *lay, struct moduledata *ret)
{
	struct moduledata md = { .tab = { .moduledata = addr, .minor = minor, .lay = *lay } };
	struct pclntab *t = &md.tab;
	struct tabspan ftab;
	struct raw r;
	int err;

	if (lay->md_size <= 0 || lay->md_size > MD_MAX)
		return -EBADMSG;
	err = addrspace__read(as, addr, r.b, (size_t)lay->md_size);
	if (err)
		return err;
	t->header =
		word(&r, lay->md_pcheader == PW_NO_FIELD ? lay->md_pclntable : lay->md_pcheader);
	t->text = word(&r, lay->md_text);
	t->etext = word(&r, lay->md_etext);
	t->minpc = word(&r, lay->md_minpc);
	t->maxpc = word(&r, lay->md_maxpc);
	t->gofunc = lay->md_gofunc == PW_NO_FIELD ? 0 : word(&r, lay->md_gofunc);
	md.data = variables(&r, lay->md_data, lay->md_edata);
	md.bss = variables(&r, lay->md_bss, lay->md_ebss);
	md.data_mask = pointer_mask(&r, lay->md_gcdatamask, &md.data);
	md.bss_mask = pointer_mask(&r, lay->md_gcbssmask, &md.bss);
	md.noptrdata = variables(&r, lay->md_noptrdata, lay->md_enoptrdata);
	md.noptrbss = variables(&r, lay->md_noptrbss, lay->md_enoptrbss);
	err = pclntab_header(as, t->header, gofacts_of(minor)->pclntab_magic, &t->nfunc,
			     &t->quantum);
	if (err)
		return err == -ENOENT ? -EBADMSG : err;
	err = read_slices(&r, t, &ftab);
	if (err)
		return err;
	t->functab = ftab.addr;
	err = check_header(as, t, &ftab);
	if (!err)
		err = check_ends(as, t);
	if (err)
		return err;
	md.next = word(&r, lay->md_next);
	read_text(as, &r, lay->md_modulename, md.name, sizeof(md.name));
	read_text(as, &r, lay->md_pluginpath, md.plugin, sizeof(md.plugin));
	*ret = md;
	return 0;
}

/* --- the search --- */

struct search {
	const struct addrspace *as;
	const struct goimage *img;
	const struct elf_file *elf;
	int minor;
	const struct gotables *lay;
	struct moduledata *ret;
	uint64_t scanned;
};

/* Where in the record is the word that points at the pclntab. */
static uint64_t pointer_offset(const struct gotables *lay)
{
	return (uint64_t)(lay->md_pcheader == PW_NO_FIELD ? lay->md_pclntable : lay->md_pcheader);
}

/* Looks in one segment for a moduledata of the table at `header`. */
static int search_segment(struct search *s, const struct goseg *seg, uint64_t header)
{
	uint64_t at = (seg->start + 7) & ~7ull;
	struct window w;
	int err = window__init(&w, s->as, at, seg->end & ~7ull);

	while (!err) {
		const uint8_t *p;
		size_t len;

		err = window__piece(&w, at, &p, &len);
		if (err || len < 8)
			break;
		for (size_t i = 0; i + 8 <= len; i += 8) {
			uint64_t v;

			memcpy(&v, p + i, sizeof(v));
			if (v == header && !moduledata_read(s->as, at + i - pointer_offset(s->lay),
							    s->minor, s->lay, s->ret)) {
				window__done(&w);
				return 0;
			}
		}
		at += len;
		s->scanned += len;
		if (s->scanned > SCAN_MAX)
			break;
	}
	window__done(&w);
	return err == -ESRCH || err == -ENOMEM ? err : -ENOENT;
}

/* Writable memory first: only linkers that put it behind RELRO have it elsewhere. */
static int search_moduledata(struct search *s, uint64_t header)
{
	for (int writable = 1; writable >= 0; writable--) {
		for (size_t i = 0; i < s->img->nr_segs; i++) {
			const struct goseg *seg = &s->img->segs[i];
			int err;

			if (!(seg->prot & GOSEG_R) || seg->anon ||
			    !!(seg->prot & GOSEG_W) != writable)
				continue;
			err = search_segment(s, seg, header);
			if (err != -ENOENT)
				return err;
		}
	}
	return -ENOENT;
}

static int try_section(struct search *s, const char *name)
{
	const struct elf_section *sec = elf_file__section(s->elf, name);
	uint64_t nfunc;
	uint8_t quantum;
	int err;

	if (!sec || !sec->addr)
		return -ENOENT;
	err = pclntab_header(s->as, sec->addr + s->img->bias, gofacts_of(s->minor)->pclntab_magic,
			     &nfunc, &quantum);
	return err ? err : search_moduledata(s, sec->addr + s->img->bias);
}

/*
 * A pclntab without a section of its own: look for its header in what may be read but not
 * written.
 */
static int scan_segment(struct search *s, const struct goseg *seg, unsigned int *candidates)
{
	uint32_t magic = gofacts_of(s->minor)->pclntab_magic;
	uint64_t at = (seg->start + 7) & ~7ull, nfunc;
	uint8_t quantum;
	struct window w;
	int err = window__init(&w, s->as, at, seg->end & ~7ull);

	while (!err) {
		const uint8_t *p;
		size_t len;

		err = window__piece(&w, at, &p, &len);
		if (err || len < 8)
			break;
		for (size_t i = 0; i + 8 <= len; i += 8) {
			uint32_t v;

			memcpy(&v, p + i, sizeof(v));
			if (v != magic || pclntab_header(s->as, at + i, magic, &nfunc, &quantum) ||
			    (*candidates)++ >= CANDIDATES_MAX)
				continue;
			if (!search_moduledata(s, at + i)) {
				window__done(&w);
				return 0;
			}
		}
		at += len;
		s->scanned += len;
		if (s->scanned > SCAN_MAX)
			break;
	}
	window__done(&w);
	return err == -ESRCH || err == -ENOMEM ? err : -ENOENT;
}

int moduledata_find(const struct addrspace *as, const struct goimage *img,
		    const struct elf_file *elf, int minor, const struct gotables *lay,
		    struct moduledata *ret)
{
	struct search s = {
		.as = as, .img = img, .elf = elf, .minor = minor, .lay = lay, .ret = ret
	};
	const struct elf_section *sec =
		elf_file__section(elf, ".go.module"); /* Go 1.26 and later: it is the record */
	unsigned int candidates = 0;
	int err;

	if (sec && sec->addr && !moduledata_read(as, sec->addr + img->bias, minor, lay, ret))
		return 0;
	err = try_section(&s, ".gopclntab");
	if (err)
		err = try_section(&s, ".data.rel.ro.gopclntab");
	for (int writable = 0; err && err != -ESRCH && writable < 2; writable++) {
		for (size_t i = 0; err && i < img->nr_segs; i++)
			if (img->segs[i].prot & GOSEG_R && !img->segs[i].anon &&
			    !!(img->segs[i].prot & GOSEG_W) == writable)
				err = scan_segment(&s, &img->segs[i], &candidates);
	}
	return err;
}
