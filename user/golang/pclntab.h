/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pclntab: the symbol tables of one Go module, read where they lie in the process, a page at a
 * time.
 *
 * A plain value of addresses and lengths, filled by golang/moduledata, which checks it. Functions
 * read through a pagecache; every offset out of a table is checked against the length of the table
 * it points into.
 * Format: Go runtime/symtab.go, cmd/link/internal/ld/pcln.go; five shapes: 1.15, 1.16-1.17,
 * 1.18-1.19, 1.20-1.25, 1.26-.
 */
#ifndef PARKWATCH_GOLANG_PCLNTAB_H
#define PARKWATCH_GOLANG_PCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/golayout.h"

/* functions of one module; the largest programs known have 0.5 M */
#define PCLNTAB_FUNCS_MAX  (16u << 20)
#define PCLNTAB_TABLE_MAX  (1ull << 32) /* bytes of one table */
#define PCLNTAB_STEPS_MAX  (1u << 20)   /* steps of one pc-value table */
#define PCLNTAB_DATA_MAX   255          /* pcdata and funcdata entries of one function */
#define PCDATA_INL_TREE    2            /* PCDATA_InlTreeIndex */
#define FUNCDATA_WRAP_INFO 7            /* FUNCDATA_WrapInfo, Go 1.18 and later */

struct tabspan {
	uint64_t addr, len; /* bytes */
};

struct pclntab {
	uint64_t header, moduledata;
	int minor;
	uint8_t quantum; /* bytes that pcs are multiples of, from the entry: 1 on x86, 4 on arm64 */
	struct gotables lay;
	uint64_t nfunc; /* functab has one entry more: the end of the last function */
	uint64_t functab;
	struct tabspan funcs; /* what functab's second words are offsets into */
	struct tabspan names, files, pctab;
	/* u32 offsets into files; by (cuoffset of the function +) file number */
	struct tabspan cutab;
	uint64_t text, etext, minpc, maxpc;
	uint64_t gofunc; /* Go 1.18 and later: base of funcdata offsets */
};

/* runtime._func, the parts we use */
struct pcfunc {
	uint64_t addr;       /* of the _func itself */
	uint64_t entry, end; /* end: entry of the next function */
	uint32_t nameoff, pcsp, pcfile, pcln, npcdata, cuoffset, startline;
	uint8_t funcid, nfuncdata;
};

struct pcinline { /* runtime.inlinedCall */
	uint32_t nameoff, startline;
	uint64_t parent_pc;
	uint8_t funcid;
};

static inline size_t pclntab_entry_bytes(const struct pclntab *t)
{
	return t->lay.fn_entryoff == PW_NO_FIELD ? 16 : 8;
}

/* Size of struct _func up to where its pcdata offsets begin. */
static inline size_t pclntab_func_bytes(const struct pclntab *t)
{
	return (size_t)t->lay.fn_nfuncdata + 1;
}

/*
 * Number of functions of the table whose header is at addr, and its quantum (struct pclntab). -ENOENT: no
 * header of this magic there.
 */
int pclntab_header(const struct addrspace *as, uint64_t addr, uint32_t magic, uint64_t *ret_nfunc,
		   uint8_t *ret_quantum);

/*
 * Entry i of functab, 0 .. nfunc: address of the function and offset of its _func. -EFAULT,
 * -EBADMSG.
 */
int pclntab_entry(const struct pclntab *t, struct pagecache *mem, uint64_t i, uint64_t *ret_pc,
		  uint64_t *ret_off);

/* The function that holds pc. -ENOENT: outside of the module. */
int pclntab_func_at(const struct pclntab *t, struct pagecache *mem, uint64_t pc,
		    struct pcfunc *ret);

/* Decodes a _func of pclntab_func_bytes() bytes; entry is left as the table has it, end is 0. */
void pclntab_decode_func(const struct pclntab *t, const uint8_t *raw, uint64_t addr,
			 struct pcfunc *ret);

/*
 * Value at pc of the pc-value table at offset `off` of pctab; -1 if there is none, as
 * runtime.pcvalue.
 */
int pclntab_value(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		  uint32_t off, uint64_t pc, int32_t *ret);
int pclntab_pcdata(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		   uint32_t i, uint64_t pc, int32_t *ret);

/* Address of funcdata i, 0 if the function has none. */
int pclntab_funcdata(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		     uint32_t i, uint64_t *ret);

/* Entry ix of the inline tree at `tree`. parent_pc is inside of the function. */
int pclntab_inline(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		   uint64_t tree, int32_t ix, struct pcinline *ret);

/* File and line of a pc: address of the file's name (0: unknown) and line (0: unknown). */
int pclntab_line(const struct pclntab *t, struct pagecache *mem, const struct pcfunc *fn,
		 uint64_t pc, uint64_t *ret_file, uint32_t *ret_line);

#endif
