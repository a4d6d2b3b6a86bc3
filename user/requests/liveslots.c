/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/liveslots.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "census/climb.h"
#include "census/field.h"
#include "census/pcfacts.h"
#include "golang/gostate.h"
#include "heap/glive.h"
#include "heap/gostackmap.h"

#define DEFER_SP    8  /* Go runtime/runtime2.go _defer.sp, of the frame that deferred */
#define DEFER_FN    24 /* its fn, 1.15 to 1.27 */
#define SUDOGS_MAX  1024u
#define SUDOG_MAX   256u /* bytes of a sudog that are looked at */
#define MASK_WORDS  4096u
#define PRINT_START 0xcbf29ce484222325ULL

struct object { /* a variable whose address was taken */
	uint64_t start, end, ptrs_end, mask;
	uint32_t frame;
	bool live;
};

struct range {
	uint64_t start, end;
};

struct liveslots_code {
	struct pcfacts *facts;
	struct gostackmaps *maps;
};

struct liveslots_reader {
	const struct addrspace *as;
	const struct goruntime *rt;
	struct liveslots_code *code;
	struct pagecache *masks; /* they do not change */
	size_t g_bytes;
	struct liveslots slots;
	size_t slots_room, pcs_room, chans_room;
	uint64_t *sps; /* by frame */
	size_t sps_room;
	uint64_t sp, end; /* of the copy */
	uint8_t *stack;
	size_t stack_room;
	uint64_t *live; /* a bit for each word */
	size_t live_room;
	struct object *objects;
	size_t nr_objects, objects_room;
	struct range *written; /* by what it waits for */
	size_t nr_written, written_room;
};

int liveslots_code__new(const struct goruntime *rt, struct liveslots_code **ret)
{
	scoped(liveslots_code) code = calloc(1, sizeof(*code));
	int err;

	if (!code)
		return -ENOMEM;
	err = pcfacts__new(rt->sym, rt->minor, &code->facts);
	if (!err)
		err = gostackmaps__new(rt->sym, &code->maps);
	if (err)
		return err;
	*ret = steal(code);
	return 0;
}

void liveslots_code__free(struct liveslots_code *code)
{
	if (!code)
		return;
	pcfacts__free(code->facts);
	gostackmaps__free(code->maps);
	free(code);
}

int liveslots_reader__new(const struct addrspace *as, const struct goruntime *rt,
			  struct liveslots_code *code, struct liveslots_reader **ret)
{
	scoped(liveslots_reader) r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->as = as;
	r->rt = rt;
	r->code = code;
	r->g_bytes = glive_g_bytes(rt);
	if (!r->g_bytes || rt->objects.g_defer < 0 ||
	    (size_t)rt->objects.g_defer + 8 > r->g_bytes || rt->objects.defer_link < 0 ||
	    rt->objects.hchan_elemsize < 0)
		return -EOPNOTSUPP;
	err = pagecache__new(as, 1u << 20, &r->masks);
	if (err)
		return err;
	*ret = steal(r);
	return 0;
}

void liveslots_reader__free(struct liveslots_reader *r)
{
	if (!r)
		return;
	pagecache__free(r->masks);
	free(r->slots.v);
	free(r->slots.pcs);
	free(r->sps);
	free(r->slots.chans);
	free(r->stack);
	free(r->live);
	free(r->objects);
	free(r->written);
	free(r);
}

/* --- the copy --- */

static uint64_t print_add(uint64_t print, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t v;

	for (; len >= 8; b += 8, len -= 8) {
		memcpy(&v, b, sizeof(v));
		print = (print ^ v) * 0x9e3779b97f4a7c15ULL;
		print ^= print >> 29;
	}
	for (; len; b++, len--)
		print = (print ^ *b) * 0x100000001b3ULL;
	return print;
}

/* What says whether it has moved; since when it waits is the collector's to set. */
static uint64_t print_of(const struct liveslots_reader *r)
{
	const struct gview *v = &r->slots.view;
	const uint64_t words[] = { v->addr,     v->who.goid,  v->status,    v->sp,
				   v->pc,       v->syscallsp, v->syscallpc, v->stack_lo,
				   v->stack_hi, v->reason,    v->waiting,   v->who.parent_goid,
				   v->stops };

	return print_add(print_add(PRINT_START, words, sizeof(words)), r->stack,
			 (size_t)(r->end - r->sp));
}

static int room_for_stack(struct liveslots_reader *r, size_t len)
{
	int err = vec__reserve(&r->stack, &r->stack_room, len, 1);

	if (!err)
		err = vec__reserve(&r->live, &r->live_room, len / 512 + 1, sizeof(*r->live));
	if (!err)
		memset(r->live, 0, (len / 512 + 1) * sizeof(*r->live));
	return err;
}

/* The g and the part of its stack that is in use. *ret_at: where it stands; ret_g: g_bytes. */
static int liveslots__copy(struct liveslots_reader *r, uint64_t addr, uint8_t *ret_g,
			   struct climb *ret_at)
{
	struct gview *v = &r->slots.view;
	int err;

	r->sp = r->end = 0;
	r->slots.nr = r->slots.nr_frames = 0;
	r->slots.whole = false;
	err = addrspace__read(r->as, addr, ret_g, r->g_bytes);
	if (err)
		return err;
	gview__take(v, r->rt, addr, ret_g);
	if (!gview__is_live(v) || !v->who.goid)
		return -ENOENT;
	if (!climb__begin(ret_at, v, goruntime_has_link(r->rt)) ||
	    gowait_is_running(gostatus_waits(v->status) ? gowait_of(r->rt->minor, v->reason)
							: GOWAIT_NONE))
		return -EAGAIN;
	r->sp = ret_at->sp;
	r->end = v->stack_hi & ~7ull;
	if (r->end - r->sp > LIVESLOTS_STACK_MAX)
		return -E2BIG;
	err = room_for_stack(r, (size_t)(r->end - r->sp));
	if (!err)
		err = addrspace__read(r->as, r->sp, r->stack, (size_t)(r->end - r->sp));
	return err;
}

bool liveslots__word(const struct liveslots_reader *r, uint64_t addr, uint64_t *ret)
{
	if (addr % 8 || addr < r->sp || addr >= r->end || r->end - addr < 8)
		return false;
	memcpy(ret, r->stack + (addr - r->sp), sizeof(*ret));
	return true;
}

bool liveslots__is_live(const struct liveslots_reader *r, uint64_t addr)
{
	const uint64_t word = (addr - r->sp) / 8;

	return addr >= r->sp && addr < r->end && (r->live[word / 64] >> word % 64 & 1);
}

/* --- what it receives --- */

/* What will be written at elem, if that is on its stack. */
static int liveslots__written(struct liveslots_reader *r, uint64_t chan, uint64_t elem)
{
	uint16_t size;
	int err;

	if (elem < r->sp || elem >= r->end)
		return 0;
	err = addrspace__read(r->as, chan + (uint64_t)r->rt->objects.hchan_elemsize, &size,
			      sizeof(size));
	if (!err)
		err = vec__reserve(&r->written, &r->written_room, r->nr_written + 1,
				   sizeof(*r->written));
	if (!err)
		r->written[r->nr_written++] = (struct range){ elem, elem + size };
	return err;
}

size_t liveslots_sudog_bytes(const struct goruntime *rt)
{
	const struct pw_layout *lay = &rt->layout;
	const int32_t members[] = { lay->sudog_c, lay->sudog_elem, lay->sudog_waitlink };

	return field_span(members, ARRAY_SIZE(members), SUDOG_MAX);
}

/* The channels of the sudogs that hang on its g. */
static int liveslots__chans(struct liveslots_reader *r)
{
	const struct pw_layout *lay = &r->rt->layout;
	const size_t bytes = liveslots_sudog_bytes(r->rt);
	const struct gview *v = &r->slots.view;
	const enum gowait_class class =
		gowait_class(gostatus_waits(v->status) ? gowait_of(r->rt->minor, v->reason)
						       : GOWAIT_NONE);
	uint64_t at = v->waiting;
	int err = bytes ? 0 : -EOPNOTSUPP;

	r->nr_written = r->slots.nr_chans = 0;
	if (class != GOWAIT_CLASS_RECEIVE && class != GOWAIT_CLASS_SELECT)
		return 0;
	for (uint32_t i = 0; at && !err; i++) {
		uint8_t sudog[SUDOG_MAX];
		uint64_t chan;

		err = i < SUDOGS_MAX ? addrspace__read(r->as, at, sudog, bytes) : -EBADMSG;
		if (!err)
			err = vec__reserve(&r->slots.chans, &r->chans_room, r->slots.nr_chans + 1,
					   sizeof(*r->slots.chans));
		if (err)
			break;
		chan = field_u64(sudog, lay->sudog_c);
		r->slots.chans[r->slots.nr_chans++] = chan;
		err = liveslots__written(r, chan, field_u64(sudog, lay->sudog_elem));
		at = field_u64(sudog, lay->sudog_waitlink);
	}
	return err;
}

static bool is_written(const struct liveslots_reader *r, uint64_t addr)
{
	for (size_t i = 0; i < r->nr_written; i++)
		if (addr >= r->written[i].start && addr < r->written[i].end)
			return true;
	return false;
}

/* --- slots --- */

/* A live word, once. */
static int liveslots__add(struct liveslots_reader *r, uint64_t addr, uint32_t frame)
{
	const uint64_t word = (addr - r->sp) / 8;
	uint64_t value;
	int err;

	if (!liveslots__word(r, addr, &value) || is_written(r, addr) || liveslots__is_live(r, addr))
		return 0;
	err = vec__reserve(&r->slots.v, &r->slots_room, r->slots.nr + 1, sizeof(*r->slots.v));
	if (err)
		return err;
	r->live[word / 64] |= 1ULL << word % 64;
	r->slots.v[r->slots.nr++] = (struct liveslot){ addr, value, frame };
	return 0;
}

static int liveslots__objects(struct liveslots_reader *r, const struct gostackmap *m, uint64_t sp,
			      uint32_t frame)
{
	for (uint32_t i = 0; i < m->nr_objects; i++) {
		const struct gostackobj *o = &m->objects[i];
		const uint64_t start = sp + o->off;
		int err;

		if (start >= r->end || o->size > r->end - start)
			continue; /* no such stack: the walk ends soon */
		if (r->nr_objects == LIVESLOTS_OBJECTS_MAX)
			return -E2BIG;
		err = vec__reserve(&r->objects, &r->objects_room, r->nr_objects + 1,
				   sizeof(*r->objects));
		if (err)
			return err;
		r->objects[r->nr_objects++] = (struct object){ .start = start,
							       .end = start + o->size,
							       .ptrs_end = start + o->ptr_bytes,
							       .mask = o->mask,
							       .frame = frame };
	}
	return 0;
}

static int liveslots__frame(struct liveslots_reader *r, const struct gostackmap *m, uint64_t sp,
			    uint32_t frame)
{
	const uint64_t own = (uint64_t)m->spdelta / 8 + 1;
	uint64_t words = m->args_guessed ? own : m->nr_words;
	int err = 0;

	if (m->whole) /* nothing tells which */
		return 0;
	if (words > (r->end - sp) / 8)
		words = (r->end - sp) / 8;
	for (uint64_t i = 0; i < words && !err; i++) {
		if (!m->bits[i / 64])
			i |= 63;
		else if (gostackmap_live(m, i))
			err = liveslots__add(r, sp + 8 * i, frame);
	}
	return err ? err : liveslots__objects(r, m, sp, frame);
}

static int liveslots__stack_word(void *reader, uint64_t addr, uint64_t *ret)
{
	return liveslots__word(reader, addr, ret) ? 0 : -EFAULT;
}

/* From the frame where it stands to the outermost. */
static int liveslots__walk(struct liveslots_reader *r, struct climb at)
{
	bool stopped = false, inner = true;

	r->slots.path = PRINT_START;
	r->slots.nr_inner = 0;
	for (uint32_t frame = 0; frame < LIVESLOTS_FRAMES_MAX; frame++) {
		const struct gostackmap *m = gostackmaps__get(r->code->maps, at.pc, stopped);
		const struct pcfact *fact;
		int err;

		if (m->spdelta < 0 || at.sp > r->end || r->end - at.sp < 8 ||
		    (uint64_t)m->spdelta > r->end - at.sp - 8)
			return 0;
		err = vec__reserve(&r->slots.pcs, &r->pcs_room, frame + 1, sizeof(uint64_t));
		if (!err)
			err = vec__reserve(&r->sps, &r->sps_room, frame + 1, sizeof(uint64_t));
		if (err)
			return err;
		r->slots.pcs[frame] = at.pc;
		r->sps[frame] = at.sp;
		r->slots.nr_frames = frame + 1;
		err = liveslots__frame(r, m, at.sp, frame);
		if (err)
			return err;
		fact = pcfacts__get(r->code->facts, at.pc);
		r->slots.path = print_add(r->slots.path, &at.pc, sizeof(at.pc));
		inner &= fact->of_runtime;
		r->slots.nr_inner += inner;
		r->slots.whole = fact->role == PC_GOEXIT;
		if (r->slots.whole)
			return 0;
		stopped = glive_is_injected(r->rt->sym, fact, m);
		if (fact->spdelta < 0 ||
		    climb__up(&at, r->code->facts, fact, liveslots__stack_word, r))
			return 0;
	}
	return 0;
}

/* sps are in order: frames lie one behind the other. */
static uint32_t liveslots__frame_of(const struct liveslots_reader *r, uint64_t sp)
{
	size_t lo = 0, hi = r->slots.nr_frames;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (r->sps[mid] < sp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->slots.nr_frames && r->sps[lo] == sp ? (uint32_t)lo : LIVESLOT_DEFER;
}

/* A word of a _defer, which is on the stack, or elsewhere. */
static int liveslots__defer_word(const struct liveslots_reader *r, uint64_t addr, uint64_t *ret)
{
	if (addr % 8)
		return -EBADMSG;
	return liveslots__word(r, addr, ret) ? 0 : addrspace__read(r->as, addr, ret, sizeof(*ret));
}

/* The closures of calls that are deferred. g: its bytes. */
static int liveslots__defers(struct liveslots_reader *r, const uint8_t *g)
{
	const uint64_t link = (uint64_t)r->rt->objects.defer_link;
	uint64_t at = field_u64(g, r->rt->objects.g_defer);

	for (uint32_t i = 0; at && i < LIVESLOTS_DEFERS_MAX; i++) {
		uint64_t fn, next, sp;
		int err = liveslots__defer_word(r, at + DEFER_FN, &fn);

		if (!err)
			err = liveslots__defer_word(r, at + link, &next);
		if (!err)
			err = liveslots__defer_word(r, at + DEFER_SP, &sp);
		if (!err)
			err = vec__reserve(&r->slots.v, &r->slots_room, r->slots.nr + 1,
					   sizeof(*r->slots.v));
		if (err)
			return err == -ESRCH || err == -ENOMEM ? err : 0;
		r->slots.v[r->slots.nr++] = (struct liveslot){
			.addr = at + DEFER_FN, .value = fn, .frame = liveslots__frame_of(r, sp)
		};
		at = next;
	}
	return 0;
}

/* --- variables that live words lead to --- */

static int liveslots__enliven(struct liveslots_reader *r, const struct object *o)
{
	int err = 0;

	for (uint64_t at = o->start, i = 0; at < o->ptrs_end && i < MASK_WORDS && !err;
	     at += 8, i++) {
		uint8_t bits = 0xff;

		if (o->mask && pagecache__u8(r->masks, o->mask + i / 8, &bits))
			bits = 0;
		if (bits >> i % 8 & 1)
			err = liveslots__add(r, at, o->frame);
	}
	return err;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The variable that holds addr; NULL: none does. */
static struct object *liveslots__object(struct liveslots_reader *r, uint64_t addr)
{
	size_t lo = 0, hi = r->nr_objects;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (r->objects[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < r->objects[lo - 1].end ? &r->objects[lo - 1] : NULL;
}

/* r->slots grows meanwhile: what is added leads on. */
static int liveslots__follow(struct liveslots_reader *r)
{
	int err = 0;

	if (r->nr_objects)
		qsort(r->objects, r->nr_objects, sizeof(*r->objects), compare_objects);
	for (size_t i = 0; i < r->slots.nr && r->nr_objects && !err; i++) {
		struct object *o = liveslots__object(r, r->slots.v[i].value);

		if (!o || o->live)
			continue;
		o->live = true;
		err = liveslots__enliven(r, o);
	}
	return err;
}

/* --- all of it --- */

static int compare_slots(const void *a, const void *b)
{
	const struct liveslot *x = a, *y = b;

	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int liveslots__read(struct liveslots_reader *r, uint64_t addr, const struct liveslots **ret)
{
	uint8_t g[GVIEW_BYTES_MAX];
	struct climb at;
	int err = liveslots__copy(r, addr, g, &at);

	*ret = &r->slots;
	if (err)
		return err;
	r->slots.print = print_of(r);
	r->slots.sp = r->sp;
	r->nr_objects = 0;
	err = liveslots__chans(r);
	if (!err)
		err = liveslots__walk(r, at);
	if (!err)
		err = liveslots__defers(r, g);
	if (!err)
		err = liveslots__follow(r);
	if (!err && r->slots.nr)
		qsort(r->slots.v, r->slots.nr, sizeof(*r->slots.v), compare_slots);
	return err;
}

int liveslots__print(struct liveslots_reader *r, uint64_t addr, uint64_t *ret)
{
	uint8_t g[GVIEW_BYTES_MAX];
	struct climb at;
	int err = liveslots__copy(r, addr, g, &at);

	if (!err)
		*ret = print_of(r);
	return err;
}
