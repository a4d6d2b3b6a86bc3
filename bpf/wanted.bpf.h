/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wanted: what the filters of a recording keep, as far as it can be told where it happens: by where
 * the goroutine was made (its g says it), its stack, its labels, its P. kind is the record that
 * would be made of it; what no filter of that kind is for is wanted.
 */
#ifndef PARKWATCH_WANTED_BPF_H
#define PARKWATCH_WANTED_BPF_H

#include "goregs.bpf.h"

#define PW_KIND_ALLOC 31 /* a sum is no record: a number that no kind has */

enum pw_label_verdict { PW_LABEL_UNWANTED, PW_LABEL_WANTED, PW_LABEL_UNKNOWN };

/*
 * Whether one of these labels is wanted (enum pw_label_verdict). UNKNOWN: there are too many, or
 * they cannot be read. Not inlined, as pw_unwind().
 */
__u64 pw_label_verdict(__u64 labels);

static __always_inline bool pw_filters(__u32 kind, __u32 what)
{
	__u32 kinds = what == PW_FILTER_SITES ? pw_knobs.filter.sites : pw_knobs.filter.event;

	return pw_knobs.filter.on & what && kinds >> kind & 1;
}

/* strict: one that is not known is not wanted either. */
static __always_inline bool pw_site_unwanted(__u32 kind, __u64 gopc, bool strict)
{
	__u8 *kept;

	if (!pw_filters(kind, PW_FILTER_SITES))
		return 0;
	kept = bpf_map_lookup_elem(&pw_kept_sites, &gopc);
	return kept ? !*kept : strict;
}

static __always_inline bool pw_stack_unwanted(__u32 kind, __u64 id)
{
	__u8 *kept;

	if (!pw_filters(kind, PW_FILTER_STACKS))
		return 0;
	kept = bpf_map_lookup_elem(&pw_kept_stacks, &id);
	return kept && !*kept;
}

/* flags: of the record, where nobody knows. */
static __always_inline bool pw_labels_unwanted(__u32 kind, __u64 labels, __u32 *flags)
{
	__u64 verdict;

	if (!pw_filters(kind, PW_FILTER_LABELS))
		return 0;
	verdict = labels ? pw_label_verdict(labels) : PW_LABEL_UNWANTED;
	if (verdict == PW_LABEL_UNKNOWN)
		*flags |= PW_LABELS_OPEN;
	return verdict == PW_LABEL_UNWANTED;
}

/* g: of the thread that has the P: the one that runs on it, or its g0. */
static __always_inline bool pw_p_unwanted(__u32 kind, __u64 g)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 m, p, word;
	__u32 id;

	if (!pw_filters(kind, PW_FILTER_PS))
		return 0;
	if (!g || pw_read_u64(g, lay->g_m, &m) || !m || pw_read_u64(m, lay->m_p, &p) || !p ||
	    pw_read_u64(p, lay->p_id, &word))
		return 1;
	id = word; /* an int32 */
	return !bpf_map_lookup_elem(&pw_kept_ps, &id);
}

/* A goroutine by its g, read member by member; p_g: as of pw_p_unwanted(). */
static __always_inline bool pw_g_unwanted(__u32 kind, __u64 g, __u64 p_g, __u32 *flags)
{
	__u64 gopc = 0, labels = 0;

	if (pw_filters(kind, PW_FILTER_SITES))
		pw_read_u64(g, pw_knobs.lay.g_gopc, &gopc);
	if (pw_filters(kind, PW_FILTER_LABELS))
		pw_read_u64(g, pw_knobs.lay.g_labels, &labels);
	return pw_site_unwanted(kind, gopc, kind == PW_KIND_ALLOC) || pw_p_unwanted(kind, p_g) ||
	       pw_labels_unwanted(kind, labels, flags);
}

#endif
