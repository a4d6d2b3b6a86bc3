/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * golayout: where fields lie in the structs of one Go version: the runtime's own (struct pw_layout,
 * for the census and BPF) and those of its symbol tables (struct gotables, for gosym).
 *
 * From DWARF of the binary, or from tables, one an architecture, that tools/gen-golayout made from
 * DWARF of programs compiled by each toolchain. Within one minor release none of these fields ever
 * moved.
 */
#ifndef PARKWATCH_GOLANG_GOLAYOUT_H
#define PARKWATCH_GOLANG_GOLAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/layout.h>

#include "base/cause.h"
#include "elf/elf_file.h"
#include "golang/gofacts.h"

enum golayout_source { GOLAYOUT_TABLE, GOLAYOUT_DWARF };

/*
 * .debug_info up to this size (uncompressed) is read for a version that the tables know: it costs
 * 10 ms and 1 MB a MB.
 */
#define GOLAYOUT_DWARF_SMALL (2u << 20)
/* and up to this size for a newer Go, where there is nothing else. */
#define GOLAYOUT_DWARF_MAX (256u << 20)

/*
 * Byte offsets; PW_NO_FIELD: not in this version. Slices are {ptr, len, cap}. Source: Go
 * runtime/symtab.go.
 */
struct gotables {
	/* runtime.moduledata */
	__s32 md_size;
	__s32 md_pcheader; /* Go 1.16 and later; before it pclntable begins with the header */
	__s32 md_funcnametab, md_cutab, md_pctab; /* Go 1.16 and later */
	__s32 md_filetab, md_pclntable, md_ftab;
	__s32 md_minpc, md_maxpc, md_text, md_etext;
	__s32 md_gofunc; /* Go 1.18 and later */
	__s32 md_pluginpath, md_modulename, md_next;
	__s32 md_data, md_edata, md_bss, md_ebss; /* variables with pointers in them */
	/* bitvector {n i32; bytedata *u8}: which words are pointers */
	__s32 md_gcdatamask, md_gcbssmask;
	__s32 md_noptrdata, md_enoptrdata, md_noptrbss, md_enoptrbss;
	/* runtime.pcHeader */
	__s32 hdr_textstart; /* Go 1.18 to 1.25 */
	/* runtime._func */
	__s32 fn_size;
	__s32 fn_entry;    /* u64 address; up to Go 1.17 */
	__s32 fn_entryoff; /* u32 from moduledata.text; from 1.18 */
	__s32 fn_nameoff, fn_pcsp, fn_pcfile, fn_pcln, fn_npcdata;
	__s32 fn_cuoffset;  /* Go 1.16 and later */
	__s32 fn_startline; /* Go 1.20 and later */
	__s32 fn_funcid, fn_nfuncdata;
	/* runtime.inlinedCall */
	__s32 inl_size, inl_funcid, inl_nameoff, inl_parentpc;
	__s32 inl_startline; /* Go 1.20 and later */
};

/*
 * What goroutines wait for, who runs them, the heap, and what the allocator has handed out; read by
 * the census and goheap, some by BPF. Byte offsets, PW_NO_FIELD: not in this version. Source: Go
 * runtime/runtime2.go (g, m, p, sudog, _defer), chan.go (hchan), time.go (timer), netpoll.go
 * (pollDesc), sema.go (notifyList, semaRoot), mheap.go (mheap, mspan, special), mwbbuf.go (wbBuf), mcache.go,
 * mstats.go.
 */
struct goobjects {
	/* u8, counts each time a goroutine stops running; Go 1.17 and later */
	__s32 g_trackingseq;
	__s32 g_timer;                                  /* *timer of time.Sleep */
	__s32 m_id;                                     /* i64 */
	__s32 m_gsignal;                                /* *g */
	__s32 sudog_next, sudog_isselect, sudog_ticket; /* isselect: bool; ticket: u32 */
	/* elemsize u16, closed u32 */
	__s32 hchan_size, hchan_qcount, hchan_dataqsiz, hchan_buf, hchan_elemsize, hchan_closed;
	__s32 hchan_timer; /* Go 1.23 and later */
	__s32 hchan_elemtype, hchan_sendx, hchan_recvx, hchan_recvq_first, hchan_sendq_first;
	__s32 timer_when;                  /* i64, CLOCK_MONOTONIC */
	__s32 pd_fd, pd_rg, pd_wg;         /* uintptr each */
	__s32 nl_wait, nl_notify, nl_head; /* u32, u32, *sudog */
	__s32 sudog_size;
	__s32 mheap_allspans;                            /* []*mspan */
	__s32 mspan_start, mspan_npages, mspan_elemsize; /* uintptr each */
	__s32 mspan_nelems;                              /* uintptr; u16 from Go 1.22 on */
	__s32 mspan_spanclass, mspan_state;              /* u8 each */
	__s32 mspan_specials;                            /* *special */
	/* offset u16, from Go 1.24 on uintptr; kind u8 */
	__s32 special_size, special_next, special_offset, special_kind;
	__s32 p_timers, p_wbbuf;    /* wbBuf, in p */
	__s32 wbbuf_end, wbbuf_buf; /* in wbBuf */
	__s32 g_defer;              /* *_defer */
	__s32 defer_size, defer_link;
	__s32 defer_siz;              /* i32: bytes of arguments behind it; up to Go 1.17 */
	__s32 p_mcache, mcache_alloc; /* alloc: an array of *mspan, by span class */
	/* *gcBits each: a bit for each object; at a sweep markbits becomes allocbits */
	__s32 mspan_allocbits, mspan_markbits;
	__s32 mspan_sweepgen; /* u32 */
	/* u16 each; before: allocCountBeforeCache, Go 1.19 and later */
	__s32 mspan_alloccount, mspan_before;
	/* Go 1.15: what heapStats is later; u64 counts */
	__s32 mcentral_size, mcentral_nmalloc, mheap_central, mheap_largealloc;
	/* heapStatsDelta: u64 bytes, u64 by size class; Go 1.16 and later */
	__s32 heapstats_size, heapstats_large, heapstats_small;
	/* *coro, of a coroutine that was never switched to; Go 1.22 and later */
	__s32 g_coroarg;
	/* u64; timeHistogram, whose shape is that of Go 1.20 and later */
	__s32 sched_goidgen, sched_timetorun;
	/* the queue of a semaphore; prev: *sudog; waiters: u16, Go 1.22 and later; treap: *sudog */
	__s32 sudog_prev, sudog_waiters, semaroot_treap;
	__s32 g_schedlr; /* of machines with a link register, which amd64 is not */
};

/*
 * One field: its name in our struct, where it is in Go, and from which minor release to which it
 * exists.
 */
struct golayout_field {
	const char *name;
	size_t offset;        /* in the struct of ours */
	const char *type;     /* "runtime.g" */
	const char *path;     /* "sched.sp"; NULL: the size of the struct */
	int16_t since, until; /* minor releases, both included */
};
/* of struct pw_layout; ends with a NULL name */
extern const struct golayout_field golayout_fields[];
extern const struct golayout_field gotables_fields[];  /* of struct gotables; as above */
extern const struct golayout_field goobjects_fields[]; /* of struct goobjects; as above */

/* One minor release. */
struct golayout_row {
	uint16_t minor;
	struct pw_layout layout;
	struct gotables tables;
	struct goobjects objects;
};
/*
 * Written by tools/gen-golayout, which gives the same for arm64; from GO_MINOR_MIN on, none left
 * out
 */
extern const struct golayout_row golayout_amd64[GO_MINORS];

/*
 * The row of a version and EM_* machine, or NULL. Versions newer than the tables' get the newest:
 * only good for the tables, and only with checks.
 */
const struct golayout_row *golayout_row(int minor, uint16_t machine);

/*
 * All in one pass. -ENOENT: no DWARF, or larger than max_info; -EBADMSG: damaged, or a field of the
 * runtime's structs is missing
 * (the cause names it). ret_tables and ret_objects may be NULL; that a field of them is missing is
 * no error, they are left as they were then.
 */
int golayout_from_dwarf(const struct elf_file *f, int minor, uint64_t max_info,
			struct pw_layout *ret, struct gotables *ret_tables,
			struct goobjects *ret_objects, struct cause *why);

#endif
