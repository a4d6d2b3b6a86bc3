/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/pclntab.h"

#include <errno.h>
#include <string.h>

#define VARINT_MAX  5  /* bytes of a u32 */
#define PIECE_BYTES 64 /* of a pc-value table read at once */
#define FUNC_MAX    64 /* bytes of the largest struct _func */
#define INLINE_MAX  32 /* bytes of the largest struct inlinedCall */

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

int pclntab_header(const struct addrspace *as, uint64_t addr, uint32_t magic, uint64_t *ret_nfunc,
		   uint8_t *ret_quantum)
{
	uint8_t h[16];
	int err = addrspace__read(as, addr, h, sizeof(h));
	uint64_t nfunc;

	if (err)
		return err;
	nfunc = get_u64(h + 8);
	/* Two zero bytes, quantum of an instruction (1 on x86, 4 on arm64), size of a pointer. */
	if (get_u32(h) != magic || h[4] || h[5] || (h[6] != 1 && h[6] != 4) || h[7] != 8 ||
	    !nfunc || nfunc > PCLNTAB_FUNCS_MAX)
		return -ENOENT;
	*ret_nfunc = nfunc;
	*ret_quantum = h[6];
	return 0;
}

int pclntab_entry(const struct pclntab *t, struct pagecache *mem, uint64_t i, uint64_t *ret_pc,
		  uint64_t *ret_off)
{
	size_t size = pclntab_entry_bytes(t);
	uint8_t raw[16];
	int err;

	if (i > t->nfunc)
		return -EBADMSG;
	/* The last entry is only a pc. */
	memset(raw, 0, sizeof(raw));
	err = pagecache__read(mem, t->functab + i * size, raw, i == t->nfunc ? size / 2 : size);
	if (err)
		return err;
	if (size == 16) {
		*ret_pc = get_u64(raw);
		*ret_off = get_u64(raw + 8);
	} else {
		*ret_pc = t->text + get_u32(raw);
		*ret_off = get_u32(raw + 4);
	}
	return 0;
}

void pclntab_decode_func(const struct pclntab *t, const uint8_t *raw, uint64_t addr,
			 struct pcfunc *ret)
{
	const struct gotables *l = &t->lay;

	*ret = (struct pcfunc){
		.addr = addr,
		.entry = l->fn_entryoff == PW_NO_FIELD ? get_u64(raw + l->fn_entry)
						       : t->text + get_u32(raw + l->fn_entryoff),
		.nameoff = get_u32(raw + l->fn_nameoff),
		.pcsp = get_u32(raw + l->fn_pcsp),
		.pcfile = get_u32(raw + l->fn_pcfile),
		.pcln = get_u32(raw + l->fn_pcln),
		.npcdata = get_u32(raw + l->fn_npcdata),
		.cuoffset = l->fn_cuoffset == PW_NO_FIELD ? 0 : get_u32(raw + l->fn_cuoffset),
		.startline = l->fn_startline == PW_NO_FIELD ? 0 : get_u32(raw + l->fn_startline),
		.funcid = raw[l->fn_funcid],
		.nfuncdata = raw[l->fn_nfuncdata],
	};
}

int pclntab_func_at(const struct pclntab *t, struct pagecache *mem, uint64_t pc, struct pcfunc *ret)
{
	uint64_t lo = 0, hi = t->nfunc, at, next, off, unused;
	uint8_t raw[FUNC_MAX];
	struct pcfunc fn;
	int err;

	if (pc < t->minpc || pc >= t->maxpc)
		return -ENOENT;
	while (hi - lo > 1) { /* entry[lo] <= pc < entry[hi], if the table is sorted */
		uint64_t mid = lo + (hi - lo) / 2;

		err = pclntab_entry(t, mem, mid, &at, &off);
		if (err)
			return err;
		if (at <= pc)
			lo = mid;
		else
			hi = mid;
	}
	err = pclntab_entry(t, mem, lo, &at, &off);
	if (!err)
		err = pclntab_entry(t, mem, lo + 1, &next, &unused);
	if (err)
		return err;
	if (pc < at || pc >= next || off > t->funcs.len ||
	    pclntab_func_bytes(t) > t->funcs.len - off)
		return -EBADMSG;
	err = pagecache__read(mem, t->funcs.addr + off, raw, pclntab_func_bytes(t));
	if (err)
		return err;
	pclntab_decode_func(t, raw, t->funcs.addr + off, &fn);
	if (fn.entry != at || fn.npcdata > PCLNTAB_DATA_MAX)
		return -EBADMSG;
	fn.end = next;
	*ret = fn;
	return 0;
}

/* A pc-value table is read in pieces: it has no length of its own, only an end mark. */
struct piece {
	struct pagecache *mem;
	uint64_t at, end; /* next byte to load, end of pctab */
	size_t pos, len;
	uint8_t buf[PIECE_BYTES];
};

static int piece_byte(struct piece *p, uint8_t *ret)
{
	if (p->pos == p->len) {
		size_t len = p->end - p->at < PIECE_BYTES ? p->end - p->at : PIECE_BYTES;
		int err = len ? pagecache__read(p->mem, p->at, p->buf, len) : -EBADMSG;

		if (err)
			return err;
		p->at += len;
		p->len = len;
		p->pos = 0;
	}
	*ret = p->buf[p->pos++];
	return 0;
}

static int piece_varint(struct piece *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < VARINT_MAX; i++) {
		uint8_t b = 0;
		int err = piece_byte(p, &b);

		if (err)
			return err;
		v |= (uint32_t)(b & 0x7f) << (7 * i);
		if (!(b & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

/*
 * Pairs of value delta (zigzag) and pc delta, from value -1; a value delta 0 after the first ends
 * it.
 */
int pclntab_value(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		  uint32_t off, uint64_t pc, int32_t *ret)
{
	struct piece p = { .mem = mem,
			   .at = t->pctab.addr + off,
			   .end = t->pctab.addr + t->pctab.len };
	uint64_t at = fn->entry;
	uint32_t val = UINT32_MAX;

	if (!off) {
		*ret = -1;
		return 0;
	}
	if (off >= t->pctab.len)
		return -EBADMSG;
	for (unsigned int i = 0; i < PCLNTAB_STEPS_MAX; i++) {
		uint32_t dv = 0, dpc = 0;
		int err = piece_varint(&p, &dv);

		if (err)
			return err;
		if (!dv && at != fn->entry) {
			*ret = -1;
			return 0;
		}
		err = piece_varint(&p, &dpc);
		if (err)
			return err;
		val += -(dv & 1) ^ (dv >> 1);
		at += (uint64_t)dpc * t->quantum;
		if (pc < at) {
			*ret = (int32_t)val;
			return 0;
		}
	}
	return -EBADMSG;
}

int pclntab_pcdata(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		   uint32_t i, uint64_t pc, int32_t *ret)
{
	uint32_t off;
	int err;

	if (i >= fn->npcdata) {
		*ret = -1;
		return 0;
	}
	err = pagecache__u32(mem, fn->addr + pclntab_func_bytes(t) + 4ull * i, &off);
	return err ? err : pclntab_value(t, mem, fn, off, pc, ret);
}

int pclntab_funcdata(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		     uint32_t i, uint64_t *ret)
{
	uint64_t at = fn->addr + pclntab_func_bytes(t) + 4ull * fn->npcdata;
	uint32_t off;
	int err;

	if (i >= fn->nfuncdata) {
		*ret = 0;
		return 0;
	}
	if (t->lay.md_gofunc == PW_NO_FIELD) /* pointers, aligned */
		return pagecache__u64(mem, ((at + 7) & ~7ull) + 8ull * i, ret);
	err = pagecache__u32(mem, at + 4ull * i, &off);
	if (!err)
		*ret = off == UINT32_MAX ? 0 : t->gofunc + off;
	return err;
}

int pclntab_inline(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		   uint64_t tree, int32_t ix, struct pcinline *ret)
{
	const struct gotables *l = &t->lay;
	uint8_t raw[INLINE_MAX];
	uint32_t parent;
	int err;

	if (ix < 0 || (uint64_t)ix >= fn->end - fn->entry) /* never more calls than bytes of code */
		return -EBADMSG;
	err = pagecache__read(mem, tree + (uint64_t)ix * (uint64_t)l->inl_size, raw,
			      (size_t)l->inl_size);
	if (err)
		return err;
	parent = get_u32(raw + l->inl_parentpc);
	if (parent >= fn->end - fn->entry)
		return -EBADMSG;
	*ret = (struct pcinline){
		.nameoff = get_u32(raw + l->inl_nameoff),
		.startline = l->inl_startline == PW_NO_FIELD ? 0 : get_u32(raw + l->inl_startline),
		.parent_pc = fn->entry + parent,
		.funcid = raw[l->inl_funcid],
	};
	return 0;
}

int pclntab_line(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		 uint64_t pc, uint64_t *ret_file, uint32_t *ret_line)
{
	int32_t file, line;
	uint64_t i;
	uint32_t off;
	int err = pclntab_value(t, mem, fn, fn->pcfile, pc, &file);

	if (!err)
		err = pclntab_value(t, mem, fn, fn->pcln, pc, &line);
	if (err)
		return err;
	i = (uint64_t)fn->cuoffset + (uint32_t)file;
	if (file < 0 || line < 0 || i >= t->cutab.len / 4) {
		*ret_file = 0;
		*ret_line = 0;
		return 0;
	}
	err = pagecache__u32(mem, t->cutab.addr + 4 * i, &off);
	if (err)
		return err;
	*ret_file = off < t->files.len ? t->files.addr + off : 0; /* ~0: not in use */
	*ret_line = (uint32_t)line;
	return 0;
}
