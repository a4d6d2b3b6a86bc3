/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/golayout.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "elf/dwarf_types.h"

#define ANY        INT16_MAX
#define LAYOUT(f)  #f, offsetof(struct pw_layout, f)
#define TABLES(f)  #f, offsetof(struct gotables, f)
#define OBJECTS(f) #f, offsetof(struct goobjects, f)

/*
 * Names as DWARF has them. sudog.elem and sudog.c are hidden from Go 1.26's leak detector: their
 * uintptr half is always valid.
 */
const struct golayout_field golayout_fields[] = {
	{ LAYOUT(g_size), "runtime.g", NULL, 0, ANY },
	{ LAYOUT(g_stack_lo), "runtime.g", "stack.lo", 0, ANY },
	{ LAYOUT(g_stack_hi), "runtime.g", "stack.hi", 0, ANY },
	{ LAYOUT(g_m), "runtime.g", "m", 0, ANY },
	{ LAYOUT(g_sched_sp), "runtime.g", "sched.sp", 0, ANY },
	{ LAYOUT(g_sched_pc), "runtime.g", "sched.pc", 0, ANY },
	{ LAYOUT(g_sched_bp), "runtime.g", "sched.bp", 0, ANY },
	{ LAYOUT(g_syscallsp), "runtime.g", "syscallsp", 0, ANY },
	{ LAYOUT(g_syscallpc), "runtime.g", "syscallpc", 0, ANY },
	{ LAYOUT(g_syscallbp), "runtime.g", "syscallbp", 23, ANY },
	{ LAYOUT(g_atomicstatus), "runtime.g", "atomicstatus", 0, ANY },
	{ LAYOUT(g_goid), "runtime.g", "goid", 0, ANY },
	{ LAYOUT(g_waitsince), "runtime.g", "waitsince", 0, ANY },
	{ LAYOUT(g_waitreason), "runtime.g", "waitreason", 0, ANY },
	{ LAYOUT(g_lockedm), "runtime.g", "lockedm", 0, ANY },
	{ LAYOUT(g_parent_goid), "runtime.g", "parentGoid", 21, ANY },
	{ LAYOUT(g_gopc), "runtime.g", "gopc", 0, ANY },
	{ LAYOUT(g_startpc), "runtime.g", "startpc", 0, ANY },
	{ LAYOUT(g_waiting), "runtime.g", "waiting", 0, ANY },
	{ LAYOUT(g_labels), "runtime.g", "labels", 0, ANY },
	{ LAYOUT(m_g0), "runtime.m", "g0", 0, ANY },
	{ LAYOUT(m_procid), "runtime.m", "procid", 0, ANY },
	{ LAYOUT(m_curg), "runtime.m", "curg", 0, ANY },
	{ LAYOUT(m_p), "runtime.m", "p", 0, ANY },
	{ LAYOUT(p_id), "runtime.p", "id", 0, ANY },
	{ LAYOUT(p_status), "runtime.p", "status", 0, ANY },
	{ LAYOUT(sudog_g), "runtime.sudog", "g", 0, ANY },
	{ LAYOUT(sudog_elem), "runtime.sudog", "elem", 0, 25 },
	{ LAYOUT(sudog_elem), "runtime.sudog", "elem.vu", 26, ANY },
	{ LAYOUT(sudog_waitlink), "runtime.sudog", "waitlink", 0, ANY },
	{ LAYOUT(sudog_c), "runtime.sudog", "c", 0, 25 },
	{ LAYOUT(sudog_c), "runtime.sudog", "c.maybeTraceablePtr.vu", 26, ANY },
	{ LAYOUT(hchan_lock), "runtime.hchan", "lock", 0, ANY },
	{ 0 },
};

const struct golayout_field gotables_fields[] = {
	{ TABLES(md_size), "runtime.moduledata", NULL, 0, ANY },
	{ TABLES(md_pcheader), "runtime.moduledata", "pcHeader", 16, ANY },
	{ TABLES(md_funcnametab), "runtime.moduledata", "funcnametab", 16, ANY },
	{ TABLES(md_cutab), "runtime.moduledata", "cutab", 16, ANY },
	{ TABLES(md_pctab), "runtime.moduledata", "pctab", 16, ANY },
	{ TABLES(md_filetab), "runtime.moduledata", "filetab", 0, ANY },
	{ TABLES(md_pclntable), "runtime.moduledata", "pclntable", 0, ANY },
	{ TABLES(md_ftab), "runtime.moduledata", "ftab", 0, ANY },
	{ TABLES(md_minpc), "runtime.moduledata", "minpc", 0, ANY },
	{ TABLES(md_maxpc), "runtime.moduledata", "maxpc", 0, ANY },
	{ TABLES(md_text), "runtime.moduledata", "text", 0, ANY },
	{ TABLES(md_etext), "runtime.moduledata", "etext", 0, ANY },
	{ TABLES(md_gofunc), "runtime.moduledata", "gofunc", 18, ANY },
	{ TABLES(md_pluginpath), "runtime.moduledata", "pluginpath", 0, ANY },
	{ TABLES(md_modulename), "runtime.moduledata", "modulename", 0, ANY },
	{ TABLES(md_next), "runtime.moduledata", "next", 0, ANY },
	{ TABLES(md_data), "runtime.moduledata", "data", 0, ANY },
	{ TABLES(md_edata), "runtime.moduledata", "edata", 0, ANY },
	{ TABLES(md_bss), "runtime.moduledata", "bss", 0, ANY },
	{ TABLES(md_ebss), "runtime.moduledata", "ebss", 0, ANY },
	{ TABLES(md_gcdatamask), "runtime.moduledata", "gcdatamask", 0, ANY },
	{ TABLES(md_gcbssmask), "runtime.moduledata", "gcbssmask", 0, ANY },
	{ TABLES(md_noptrdata), "runtime.moduledata", "noptrdata", 0, ANY },
	{ TABLES(md_enoptrdata), "runtime.moduledata", "enoptrdata", 0, ANY },
	{ TABLES(md_noptrbss), "runtime.moduledata", "noptrbss", 0, ANY },
	{ TABLES(md_enoptrbss), "runtime.moduledata", "enoptrbss", 0, ANY },
	{ TABLES(hdr_textstart), "runtime.pcHeader", "textStart", 18, 25 },
	{ TABLES(fn_size), "runtime._func", NULL, 0, ANY },
	{ TABLES(fn_entry), "runtime._func", "entry", 0, 17 },
	{ TABLES(fn_entryoff), "runtime._func", "entryoff", 18, 19 },
	{ TABLES(fn_entryoff), "runtime._func", "entryOff", 20, ANY },
	{ TABLES(fn_nameoff), "runtime._func", "nameoff", 0, 19 },
	{ TABLES(fn_nameoff), "runtime._func", "nameOff", 20, ANY },
	{ TABLES(fn_pcsp), "runtime._func", "pcsp", 0, ANY },
	{ TABLES(fn_pcfile), "runtime._func", "pcfile", 0, ANY },
	{ TABLES(fn_pcln), "runtime._func", "pcln", 0, ANY },
	{ TABLES(fn_npcdata), "runtime._func", "npcdata", 0, ANY },
	{ TABLES(fn_cuoffset), "runtime._func", "cuOffset", 16, ANY },
	{ TABLES(fn_startline), "runtime._func", "startLine", 20, ANY },
	{ TABLES(fn_funcid), "runtime._func", "funcID", 0, ANY },
	{ TABLES(fn_nfuncdata), "runtime._func", "nfuncdata", 0, ANY },
	{ TABLES(inl_size), "runtime.inlinedCall", NULL, 0, ANY },
	{ TABLES(inl_funcid), "runtime.inlinedCall", "funcID", 0, ANY },
	{ TABLES(inl_nameoff), "runtime.inlinedCall", "func_", 0, 19 },
	{ TABLES(inl_nameoff), "runtime.inlinedCall", "nameOff", 20, ANY },
	{ TABLES(inl_parentpc), "runtime.inlinedCall", "parentPc", 0, ANY },
	{ TABLES(inl_startline), "runtime.inlinedCall", "startLine", 20, ANY },
	{ 0 },
};

const struct golayout_field goobjects_fields[] = {
	{ OBJECTS(g_trackingseq), "runtime.g", "trackingSeq", 17, ANY },
	{ OBJECTS(g_timer), "runtime.g", "timer", 0, ANY },
	{ OBJECTS(m_id), "runtime.m", "id", 0, ANY },
	{ OBJECTS(m_gsignal), "runtime.m", "gsignal", 0, ANY },
	{ OBJECTS(sudog_next), "runtime.sudog", "next", 0, ANY },
	{ OBJECTS(sudog_isselect), "runtime.sudog", "isSelect", 0, ANY },
	{ OBJECTS(sudog_ticket), "runtime.sudog", "ticket", 0, ANY },
	{ OBJECTS(hchan_size), "runtime.hchan", NULL, 0, ANY },
	{ OBJECTS(hchan_qcount), "runtime.hchan", "qcount", 0, ANY },
	{ OBJECTS(hchan_dataqsiz), "runtime.hchan", "dataqsiz", 0, ANY },
	{ OBJECTS(hchan_buf), "runtime.hchan", "buf", 0, ANY },
	{ OBJECTS(hchan_elemsize), "runtime.hchan", "elemsize", 0, ANY },
	{ OBJECTS(hchan_closed), "runtime.hchan", "closed", 0, ANY },
	{ OBJECTS(hchan_timer), "runtime.hchan", "timer", 23, ANY },
	{ OBJECTS(hchan_elemtype), "runtime.hchan", "elemtype", 0, ANY },
	{ OBJECTS(hchan_sendx), "runtime.hchan", "sendx", 0, ANY },
	{ OBJECTS(hchan_recvx), "runtime.hchan", "recvx", 0, ANY },
	{ OBJECTS(hchan_recvq_first), "runtime.hchan", "recvq.first", 0, ANY },
	{ OBJECTS(hchan_sendq_first), "runtime.hchan", "sendq.first", 0, ANY },
	{ OBJECTS(timer_when), "runtime.timer", "when", 0, ANY },
	{ OBJECTS(pd_fd), "runtime.pollDesc", "fd", 0, ANY },
	{ OBJECTS(pd_rg), "runtime.pollDesc", "rg", 0, ANY },
	{ OBJECTS(pd_wg), "runtime.pollDesc", "wg", 0, ANY },
	{ OBJECTS(nl_wait), "runtime.notifyList", "wait", 0, ANY },
	{ OBJECTS(nl_notify), "runtime.notifyList", "notify", 0, ANY },
	{ OBJECTS(nl_head), "runtime.notifyList", "head", 0, ANY },
	{ OBJECTS(sudog_size), "runtime.sudog", NULL, 0, ANY },
	{ OBJECTS(mheap_allspans), "runtime.mheap", "allspans", 0, ANY },
	{ OBJECTS(mspan_start), "runtime.mspan", "startAddr", 0, ANY },
	{ OBJECTS(mspan_npages), "runtime.mspan", "npages", 0, ANY },
	{ OBJECTS(mspan_elemsize), "runtime.mspan", "elemsize", 0, ANY },
	{ OBJECTS(mspan_nelems), "runtime.mspan", "nelems", 0, ANY },
	{ OBJECTS(mspan_spanclass), "runtime.mspan", "spanclass", 0, ANY },
	{ OBJECTS(mspan_state), "runtime.mspan", "state", 0, ANY },
	{ OBJECTS(mspan_specials), "runtime.mspan", "specials", 0, ANY },
	{ OBJECTS(special_size), "runtime.special", NULL, 0, ANY },
	{ OBJECTS(special_next), "runtime.special", "next", 0, ANY },
	{ OBJECTS(special_offset), "runtime.special", "offset", 0, ANY },
	{ OBJECTS(special_kind), "runtime.special", "kind", 0, ANY },
	{ OBJECTS(p_timers), "runtime.p", "timers", 0, ANY },
	{ OBJECTS(p_wbbuf), "runtime.p", "wbBuf", 0, ANY },
	{ OBJECTS(wbbuf_end), "runtime.wbBuf", "end", 0, ANY },
	{ OBJECTS(wbbuf_buf), "runtime.wbBuf", "buf", 0, ANY },
	{ OBJECTS(g_defer), "runtime.g", "_defer", 0, ANY },
	{ OBJECTS(defer_size), "runtime._defer", NULL, 0, ANY },
	{ OBJECTS(defer_link), "runtime._defer", "link", 0, ANY },
	{ OBJECTS(defer_siz), "runtime._defer", "siz", 0, 17 },
	{ OBJECTS(p_mcache), "runtime.p", "mcache", 0, ANY },
	{ OBJECTS(mcache_alloc), "runtime.mcache", "alloc", 0, ANY },
	{ OBJECTS(mspan_allocbits), "runtime.mspan", "allocBits", 0, ANY },
	{ OBJECTS(mspan_markbits), "runtime.mspan", "gcmarkBits", 0, ANY },
	{ OBJECTS(mspan_sweepgen), "runtime.mspan", "sweepgen", 0, ANY },
	{ OBJECTS(mspan_alloccount), "runtime.mspan", "allocCount", 0, ANY },
	{ OBJECTS(mspan_before), "runtime.mspan", "allocCountBeforeCache", 19, ANY },
	{ OBJECTS(mcentral_size), "runtime.mcentral", NULL, 15, 15 },
	{ OBJECTS(mcentral_nmalloc), "runtime.mcentral", "nmalloc", 15, 15 },
	{ OBJECTS(mheap_central), "runtime.mheap", "central", 15, 15 },
	{ OBJECTS(mheap_largealloc), "runtime.mheap", "largealloc", 15, 15 },
	{ OBJECTS(heapstats_size), "runtime.heapStatsDelta", NULL, 16, ANY },
	{ OBJECTS(heapstats_large), "runtime.heapStatsDelta", "largeAlloc", 16, ANY },
	{ OBJECTS(heapstats_small), "runtime.heapStatsDelta", "smallAllocCount", 16, ANY },
	{ OBJECTS(g_coroarg), "runtime.g", "coroarg", 22, ANY },
	{ OBJECTS(sched_goidgen), "runtime.schedt", "goidgen", 0, ANY },
	{ OBJECTS(sched_timetorun), "runtime.schedt", "timeToRun", 20, ANY },
	{ OBJECTS(sudog_prev), "runtime.sudog", "prev", 0, ANY },
	{ OBJECTS(sudog_waiters), "runtime.sudog", "waiters", 22, ANY },
	{ OBJECTS(semaroot_treap), "runtime.semaRoot", "treap", 0, ANY },
	{ OBJECTS(g_schedlr), "runtime.g", "sched.lr", 0, ANY },
	{ 0 },
};

const struct golayout_row *golayout_row(int minor, uint16_t machine)
{
	const bool known = machine == EM_X86_64 || machine == EM_AARCH64;

	return known && !gofacts_too_old(minor)
		       ? &golayout_amd64[gofacts_of(minor)->minor - GO_MINOR_MIN]
		       : NULL;
}

#define TYPES_MAX 32 /* different structs that the lists of fields name: there are 21 */

static bool field_exists(const struct golayout_field *l, int minor)
{
	return minor >= l->since && minor <= l->until;
}

/* Adds the structs whose fields exist in this version: Go 1.15 has no pcHeader. */
static size_t collect_types(const struct golayout_field *fields, int minor, const char **types,
			    size_t nr)
{
	for (const struct golayout_field *l = fields; l->name; l++) {
		size_t i = 0;

		while (i < nr && strcmp(types[i], l->type) != 0)
			i++;
		if (i == nr && nr < TYPES_MAX && field_exists(l, minor))
			types[nr++] = l->type;
	}
	return nr;
}

static int read_fields(struct dwarf_types *t, const struct golayout_field *fields, int minor,
		       void *ret, struct cause *why)
{
	for (const struct golayout_field *l = fields; l->name; l++) {
		__s32 *out = (__s32 *)((char *)ret + l->offset);
		int err;

		if (!field_exists(l, minor))
			continue;
		err = l->path ? dwarf_types__member(t, l->type, l->path, out)
			      : dwarf_types__size(t, l->type, out);
		if (err)
			return cause__set(why, -EBADMSG, "%s.%s is not in the debug information",
					  l->type, l->path ? l->path : "size");
	}
	return 0;
}

int golayout_from_dwarf(const struct elf_file *f, int minor, uint64_t max_info,
			struct pw_layout *ret, struct gotables *ret_tables,
			struct goobjects *ret_objects, struct cause *why)
{
	scoped(dwarf_types) t = NULL;
	const char *types[TYPES_MAX];
	struct pw_layout lay;
	struct gotables tab;
	struct goobjects obj;
	size_t nr = collect_types(golayout_fields, minor, types, 0);
	int err;

	if (ret_tables)
		nr = collect_types(gotables_fields, minor, types, nr);
	if (ret_objects)
		nr = collect_types(goobjects_fields, minor, types, nr);
	err = dwarf_types__open(f, types, nr, max_info, &t, why);
	if (err)
		return err == -EFBIG ? -ENOENT : err;
	memset(&lay, 0xff, sizeof(lay)); /* PW_NO_FIELD everywhere */
	memset(&tab, 0xff, sizeof(tab));
	memset(&obj, 0xff, sizeof(obj));
	err = read_fields(t, golayout_fields, minor, &lay, why);
	if (err)
		return err;
	if (ret_tables && !read_fields(t, gotables_fields, minor, &tab, NULL))
		*ret_tables = tab;
	if (ret_objects && !read_fields(t, goobjects_fields, minor, &obj, NULL))
		*ret_objects = obj;
	*ret = lay;
	return 0;
}
