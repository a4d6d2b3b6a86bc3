// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * wanted: labels, as golang/golabels reads them: a list (Go 1.24 and later, runtime/pprof/label.go),
 * before that a map[string]string (runtime/map.go: hmap, bmap), of which one bucket is looked at:
 * it holds eight labels.
 */
#include "wanted.bpf.h"

#include "kcompat.bpf.h"

#define PW_HMAP_B        9
#define PW_HMAP_BUCKETS  16
#define PW_BUCKET_SLOTS  8
#define PW_BUCKET_KEYS   8
#define PW_BUCKET_VALUES 136
#define PW_BUCKET_USED   5 /* tophash, from here on */
#define PW_STRING_BYTES  16

struct pw_string {
	__u64 at, bytes;
};

/*
 * In the thread's scratch, for the program's own variables leave little of the stack: the label that
 * is looked at, and where all of them lie.
 */
struct pw_label_work {
	struct pw_label label; /* first: the key of a map */
	struct pw_string s;
	__u64 keys, values, step; /* of the next label; from one to the next */
	__u64 nr;
	__u64 used; /* a byte for each slot of a map, of the next one first; of a list all are */
};

static __always_inline bool pw_label_find_list(struct pw_label_work *w, __u64 labels)
{
	if (bpf_probe_read_user(&w->s, sizeof(w->s), (const void *)labels))
		return 0;
	w->keys = w->s.at;
	w->values = w->s.at + PW_STRING_BYTES;
	w->step = 2 * PW_STRING_BYTES;
	w->nr = w->s.bytes;
	w->used = ~0ULL;
	return w->nr <= PW_LABELS_MAX;
}

static __always_inline bool pw_label_find_map(struct pw_label_work *w, __u64 labels)
{
	w->nr = 0;
	if (bpf_probe_read_user(&w->keys, sizeof(w->keys), (const void *)labels))
		return 0;
	if (!w->keys)
		return 1;
	w->used = 0;
	if (bpf_probe_read_user(&w->used, 1, (const void *)(w->keys + PW_HMAP_B)) || w->used ||
	    bpf_probe_read_user(&w->values, sizeof(w->values),
				(const void *)(w->keys + PW_HMAP_BUCKETS)))
		return 0;
	if (!w->values)
		return 1;
	if (bpf_probe_read_user(&w->used, sizeof(w->used), (const void *)w->values))
		return 0;
	w->keys = w->values + PW_BUCKET_KEYS;
	w->values += PW_BUCKET_VALUES;
	w->step = PW_STRING_BYTES;
	w->nr = PW_BUCKET_SLOTS;
	return 1;
}

/* A string into a place that is zero, if it fits: 0; 1: it does not; -1: it cannot be read. */
static __always_inline int pw_label_text(struct pw_label_work *w, __u64 header, char *to)
{
	__u64 n;

	if (bpf_probe_read_user(&w->s, sizeof(w->s), (const void *)header))
		return -1;
	n = w->s.bytes;
	if (n > PW_LABEL_BYTES)
		return 1;
	return n && bpf_probe_read_user(to, n, (const void *)w->s.at) ? -1 : 0;
}

/* The next label: 1: it is wanted; 0: it is not; -1: it cannot be read. */
static __always_inline int pw_label_wanted(struct pw_label_work *w)
{
	int err;

	__builtin_memset(&w->label, 0, sizeof(w->label));
	err = pw_label_text(w, w->keys, w->label.key);
	if (err)
		return err < 0 ? -1 : 0;
	w->label.key_bytes = w->s.bytes;
	w->label.value_bytes = PW_LABEL_ANY;
	if (bpf_map_lookup_elem(&pw_kept_labels, &w->label))
		return 1;
	err = pw_label_text(w, w->values, w->label.value);
	if (err)
		return err < 0 ? -1 : 0;
	w->label.value_bytes = w->s.bytes;
	return bpf_map_lookup_elem(&pw_kept_labels, &w->label) ? 1 : 0;
}

__u64 pw_label_verdict(__u64 labels)
{
	struct pw_scratch *s = pw_scratch_get();
	struct pw_label_work *w;

	if (!s)
		return PW_LABEL_UNKNOWN;
	s->window_bytes = 0; /* the walk's; this is in its place */
	w = (struct pw_label_work *)s->window;
	if (pw_knobs.filter.shape == PW_LABEL_LIST ? !pw_label_find_list(w, labels)
						   : !pw_label_find_map(w, labels))
		return PW_LABEL_UNKNOWN;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PW_LABELS_MAX && i < w->nr; i++) {
		int wanted = 0;

		asm volatile("" : "+r"(w)); /* else each address in it takes a word of the stack */
		if ((w->used & 0xff) >= PW_BUCKET_USED)
			wanted = pw_label_wanted(w);
		if (wanted)
			return wanted < 0 ? PW_LABEL_UNKNOWN : PW_LABEL_WANTED;
		w->keys += w->step;
		w->values += w->step;
		w->used = pw_knobs.filter.shape == PW_LABEL_MAP ? w->used >> 8 : ~0ULL;
	}
	return PW_LABEL_UNWANTED;
}
