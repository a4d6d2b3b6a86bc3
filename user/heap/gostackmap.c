/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/gostackmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrspace.h"
#include "golang/gofacts.h"
#include "golang/pclntab.h"

/* Go cmd/internal/objabi/funcdata.go, from 1.20 internal/abi/symtab.go */
#define PCDATA_STACK_MAP     1
#define FUNCDATA_ARGS_MAPS   0
#define FUNCDATA_LOCALS_MAPS 1

/* a power of two; of two pcs that share a place the later stays */
#define SLOTS      4096
#define MAPS_MAX   (1 << 20) /* bitmaps of one function */
#define RECORD_MAX 24
/* runtime._type {size, ptrdata uintptr; ... kind u8 at 23; ... gcdata at 32} */
#define TYPE_PTRBYTES 8
#define TYPE_KIND     23
#define TYPE_GCDATA   32
#define KIND_GCPROG   64 /* gcdata is a program, no mask */

/* What is remembered of a pc, in one piece of memory with its bits and objects. */
struct slot {
	uint64_t key;
	size_t bytes;
	struct gostackmap map;
};

struct gostackmaps {
	struct gosym *sym;
	size_t bytes;
	struct slot *slots[SLOTS];
	/* of the answer that is being made */
	struct gostackmap map;
	uint64_t bits[GOSTACKMAP_WORDS_MAX / 64];
	struct gostackobj objects[GOSTACKMAP_OBJECTS_MAX];
	uint8_t raw[GOSTACKMAP_WORDS_MAX / 8];
};

/* The function that a frame is of. */
struct place {
	const struct pclntab *tab;
	struct pagecache *mem;
	struct pcfunc fn;
	int32_t index;     /* of the bitmaps to use */
	uint32_t args;     /* _func.args */
	uint32_t nr_frame; /* words up to and including the return address */
	uint32_t varp;     /* bytes from sp to where locals end */
};

int gostackmaps__new(struct gosym *sym, struct gostackmaps **ret)
{
	struct gostackmaps *ms =
		malloc(sizeof(*ms)); /* most of what an answer may take is never used */

	if (!ms)
		return -ENOMEM;
	ms->sym = sym;
	ms->bytes = 0;
	memset(ms->slots, 0, sizeof(ms->slots));
	*ret = ms;
	return 0;
}

static void gostackmaps__forget(struct gostackmaps *ms)
{
	for (size_t i = 0; i < SLOTS; i++) {
		free(ms->slots[i]);
		ms->slots[i] = NULL;
	}
	ms->bytes = 0;
}

void gostackmaps__free(struct gostackmaps *ms)
{
	if (!ms)
		return;
	gostackmaps__forget(ms);
	free(ms);
}

static void set_bits(uint64_t *bits, size_t from, size_t nr)
{
	for (size_t i = from; i < from + nr; i++)
		bits[i / 64] |= 1ULL << i % 64;
}

/* --- where it is --- */

/* -ENOENT, or a damaged table: nothing is known of the pc. */
static int gostackmaps__place(struct gostackmaps *ms, uint64_t pc, bool stopped, struct place *p)
{
	int32_t delta;
	int err;

	p->tab = gosym__tables(ms->sym, pc, &p->mem);
	if (!p->tab)
		return -ENOENT;
	err = pclntab_func_at(p->tab, p->mem, pc, &p->fn);
	if (!err)
		err = pclntab_value(p->tab, p->mem, &p->fn, p->fn.pcsp, pc, &delta);
	/* args follows nameOff in every version of runtime._func */
	if (!err)
		err = pagecache__u32(p->mem, p->fn.addr + (uint64_t)p->tab->lay.fn_nameoff + 4,
				     &p->args);
	if (err)
		return err;
	if (delta < 0 || delta % 8)
		return -EBADMSG;
	ms->map.spdelta = delta;
	p->nr_frame = (uint32_t)delta / 8 + 1;
	p->varp = delta ? (uint32_t)delta - 8 : 0; /* below the saved frame pointer */
	/* A table of no value means the prologue: the first map, that of the entry. */
	p->index = -1;
	if (pc != p->fn.entry && !stopped)
		err = pclntab_pcdata(p->tab, p->mem, &p->fn, PCDATA_STACK_MAP, pc - 1, &p->index);
	if (p->index == -1)
		p->index = 0;
	return err;
}

/* --- bitmaps --- */

/*
 * Reads bitmap p->index of the maps at `which` into raw; *ret_nbit: its bits. -ENOENT: the function
 * has no such maps; -EBADMSG: they make no sense.
 */
static int gostackmaps__bitmap(struct gostackmaps *ms, const struct place *p, uint32_t which,
			       uint32_t *ret_nbit)
{
	uint64_t addr, size;
	uint32_t n, nbit;
	int err = pclntab_funcdata(p->tab, p->mem, &p->fn, which, &addr);

	if (err || !addr)
		return err ? err : -ENOENT;
	err = pagecache__u32(p->mem, addr, &n);
	if (!err)
		err = pagecache__u32(p->mem, addr + 4, &nbit);
	if (err)
		return err;
	if (!n || n > MAPS_MAX || nbit > GOSTACKMAP_WORDS_MAX)
		return -EBADMSG;
	*ret_nbit = nbit;
	if (!nbit)
		return 0;
	if (p->index < 0 || (uint32_t)p->index >= n)
		return -EBADMSG;
	size = (nbit + 7) / 8;
	return pagecache__read(p->mem, addr + 8 + (uint64_t)p->index * size, ms->raw, size);
}

static void gostackmaps__take_bits(struct gostackmaps *ms, uint32_t first_word, uint32_t nbit)
{
	for (uint32_t i = 0; i < nbit; i++)
		if (ms->raw[i / 8] >> i % 8 & 1)
			set_bits(ms->bits, first_word + i, 1);
}

static int gostackmaps__locals(struct gostackmaps *ms, const struct place *p)
{
	uint32_t room = p->varp / 8, nbit;
	int err;

	if (!room)
		return 0;
	err = gostackmaps__bitmap(ms, p, FUNCDATA_LOCALS_MAPS, &nbit);
	if (!err && nbit > room)
		err = -EBADMSG;
	if (!err)
		gostackmaps__take_bits(ms, room - nbit, nbit);
	return err;
}

/* Maps of assembly are twice as long as the arguments; their second half is empty. */
static bool gostackmaps__is_empty(const struct gostackmaps *ms, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (ms->raw[i / 8] >> i % 8 & 1)
			return false;
	return true;
}

static int gostackmaps__args(struct gostackmaps *ms, const struct place *p)
{
	uint32_t room = ms->map.nr_words - p->nr_frame, nbit;
	int err;

	if (!room)
		return 0;
	err = gostackmaps__bitmap(ms, p, FUNCDATA_ARGS_MAPS, &nbit);
	ms->map.args_guessed = err || !gostackmaps__is_empty(ms, room, nbit);
	if (ms->map.args_guessed)
		set_bits(ms->bits, p->nr_frame, room);
	else
		gostackmaps__take_bits(ms, p->nr_frame, nbit < room ? nbit : room);
	return 0;
}

/* --- stack objects --- */

struct record {
	int64_t off;
	uint64_t size, ptrs, mask;
};

/* Up to Go 1.16 its type tells the rest. */
static int read_record_type(const struct place *p, uint64_t typ, struct record *ret)
{
	uint8_t kind;
	int err = pagecache__u64(p->mem, typ, &ret->size);

	if (!err)
		err = pagecache__u64(p->mem, typ + TYPE_PTRBYTES, &ret->ptrs);
	if (!err)
		err = pagecache__u8(p->mem, typ + TYPE_KIND, &kind);
	if (!err && !(kind & KIND_GCPROG))
		err = pagecache__u64(p->mem, typ + TYPE_GCDATA, &ret->mask);
	return err;
}

/* raw: gcdata of a record. 0 where it cannot be made out. */
static uint64_t mask_of(const struct place *p, const uint8_t *raw)
{
	const uint16_t at = gofacts_of(p->tab->minor)->md_rodata;
	uint64_t rodata, gcdata;
	uint32_t off;

	if (!at) {
		memcpy(&gcdata, raw, sizeof(gcdata));
		return gcdata;
	}
	memcpy(&off, raw, sizeof(off));
	return pagecache__u64(p->mem, p->tab->moduledata + at, &rodata) ? 0 : rodata + off;
}

/*
 * runtime.stackObjectRecord: Go 1.15 and 1.16 {off int; typ *_type}; 1.17 {off, size, ptrdata
 * int32; gcdata *byte}, with 4 bytes before gcdata; from 1.18 on the last is an offset of 4 bytes
 * from moduledata.rodata. ptrdata is negative where there is a program instead of a mask (1.17 to
 * 1.23).
 */
static int read_record(const struct place *p, uint64_t table, uint64_t i, struct record *ret)
{
	int minor = p->tab->minor;
	size_t size = gofacts_of(minor)->stackobject_bytes;
	uint8_t raw[RECORD_MAX];
	int32_t v[3]; /* off, size, ptrdata */
	uint64_t typ;
	int err = pagecache__read(p->mem, table + 8 + i * size, raw, size);

	*ret = (struct record){ 0 };
	if (err)
		return err;
	if (!gofacts_has(minor, GO_STACK_OBJECT_SIZES)) {
		memcpy(&ret->off, raw, sizeof(ret->off));
		memcpy(&typ, raw + 8, sizeof(typ));
		return read_record_type(p, typ, ret);
	}
	memcpy(v, raw, sizeof(v));
	ret->off = v[0];
	ret->size = (uint32_t)v[1];
	ret->ptrs = (uint64_t)llabs((long long)v[2]);
	if (v[2] > 0)
		ret->mask = mask_of(p, raw + (size == RECORD_MAX ? 16 : 12));
	return 0;
}

static int compare_objects(const void *a, const void *b)
{
	const struct gostackobj *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static int gostackmaps__objects(struct gostackmaps *ms, const struct place *p)
{
	uint64_t table, n, end = 8ull * ms->map.nr_words;
	int err = pclntab_funcdata(p->tab, p->mem, &p->fn,
				   gofacts_of(p->tab->minor)->funcdata_stackobjects, &table);

	if (err || !table)
		return err;
	err = pagecache__u64(p->mem, table, &n);
	if (!err && n > GOSTACKMAP_OBJECTS_MAX)
		err = -EBADMSG;
	for (uint64_t i = 0; !err && i < n; i++) {
		struct record r;

		err = read_record(p, table, i, &r);
		if (err)
			break;
		if (r.off < -(int64_t)end || r.off > (int64_t)end || r.size > end)
			return -EBADMSG;
		/* Locals count from where they end, arguments from where they begin. */
		r.off += r.off < 0 ? (int64_t)p->varp : 8 * (int64_t)p->nr_frame;
		if (r.off < 0 || r.off % 8 || (uint64_t)r.off + r.size > end || r.ptrs > r.size)
			return -EBADMSG;
		if (r.ptrs)
			ms->objects[ms->map.nr_objects++] =
				(struct gostackobj){ (uint32_t)r.off, (uint32_t)r.size,
						     (uint32_t)r.ptrs, r.mask };
	}
	qsort(ms->objects, ms->map.nr_objects, sizeof(*ms->objects), compare_objects);
	return err;
}

/* --- the answer --- */

static void gostackmaps__make(struct gostackmaps *ms, uint64_t pc, bool stopped)
{
	struct gostackmap *m = &ms->map;
	struct place p;

	*m = (struct gostackmap){ .spdelta = -1, .whole = true };
	if (gostackmaps__place(ms, pc, stopped, &p)) {
		m->spdelta = -1;
		return;
	}
	m->args_open =
		p.args > GOSTACKMAP_WORDS_MAX * 8; /* 0x80000000: assembly that does not say */
	m->nr_words = p.nr_frame + (m->args_open ? 0 : (p.args + 7) / 8);
	if (stopped || m->nr_words > GOSTACKMAP_WORDS_MAX)
		return;
	memset(ms->bits, 0, (m->nr_words + 63) / 64 * 8);
	if (gostackmaps__locals(ms, &p) || gostackmaps__args(ms, &p) ||
	    gostackmaps__objects(ms, &p))
		m->nr_objects = 0;
	else
		m->whole = false;
}

/* What was made, in a place of its own; NULL: no memory, it is good for this once. */
static struct slot *gostackmaps__keep(struct gostackmaps *ms, uint64_t key)
{
	struct gostackmap *m = &ms->map;
	size_t bits = m->whole ? 0 : (m->nr_words + 63) / 64 * 8;
	size_t objects = m->nr_objects * sizeof(*ms->objects),
	       size = sizeof(struct slot) + bits + objects;
	struct slot *s = malloc(size);

	m->bits = ms->bits;
	m->objects = ms->objects;
	if (!s)
		return NULL;
	*s = (struct slot){ .key = key, .bytes = size, .map = *m };
	s->map.bits = memcpy(s + 1, ms->bits, bits);
	s->map.objects = memcpy((uint8_t *)(s + 1) + bits, ms->objects, objects);
	ms->bytes += size;
	return s;
}

const struct gostackmap *gostackmaps__get(struct gostackmaps *ms, uint64_t pc, bool stopped)
{
	uint64_t key = pc << 1 | stopped; /* user addresses leave the top bit free */
	size_t at = (key ^ key >> 14) % SLOTS;
	struct slot *s = ms->slots[at];

	if (s && s->key == key)
		return &s->map;
	gostackmaps__make(ms, pc, stopped);
	if (ms->bytes > GOSTACKMAP_MEMORY_MAX)
		gostackmaps__forget(ms);
	s = ms->slots[at];
	if (s)
		ms->bytes -= s->bytes;
	free(s);
	s = ms->slots[at] = gostackmaps__keep(ms, key);
	return s ? &s->map : &ms->map;
}
