/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proof: census_proof(). Each rule holds for every goroutine of every Go program but for moments (a
 * thread that the kernel took off its processor in the middle of a change), so each is tallied over
 * a sample, and the verdict waits for the moment to pass.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "census/allgs.h"
#include "census/census.h"
#include "census/readv_batch.h"
#include "census/gview.h"
#include "golang/gostate.h"

#define SAMPLE_FIRST 256 /* the first goroutines: main and the runtime's own are there */
#define SAMPLE_REST  256 /* spread over the others */
#define G_TRIES      4   /* to see a g that holds still */
#define ROUNDS       8
#define ROUND_NAP_NS (15 * NS_PER_MS)
#define GOID_MAX     (1ULL << 52)
#define USER_END     (1ULL << 48) /* of arm64; of amd64 it is half of that */
#define STACK_MAX    (1ULL << 40)
#define PROCID_MAX   (1U << 22) /* PID_MAX_LIMIT of Linux */
#define P_ID_MAX     (1U << 20)
#define P_STATUS_MAX 4 /* _Pdead */
#define NR_OWN       3
#define OWN_GOID_MAX 65536 /* goids are handed out in batches of 16 a processor */

enum rule {
	RULE_STATUS,
	RULE_GOID,
	RULE_STACK,
	RULE_START,
	RULE_GOPC,
	RULE_PARENT,
	RULE_REASON,
	RULE_WAITSINCE,
	RULE_POINTERS,
	RULE_PARKED_SP,
	RULE_PARKED_PC,
	RULE_CALLER,
	RULE_SYSCALL,
	RULE_OWN_REASON,
	RULE_SUDOG,
	RULE_M,
	RULE_P,
	RULE_MAX
};

static const char *const rule_what[RULE_MAX] = {
	[RULE_STATUS] = "status",
	[RULE_GOID] = "goid",
	[RULE_STACK] = "stack bounds",
	[RULE_START] = "startpc",
	[RULE_GOPC] = "gopc",
	[RULE_PARENT] = "parent goid",
	[RULE_REASON] = "wait reason",
	[RULE_WAITSINCE] = "waitsince",
	[RULE_POINTERS] = "m, lockedm, waiting or labels",
	[RULE_PARKED_SP] = "saved sp",
	[RULE_PARKED_PC] = "saved pc",
	[RULE_CALLER] = "saved bp",
	[RULE_SYSCALL] = "syscallpc or syscallsp",
	[RULE_OWN_REASON] = "wait reason of the runtime's own",
	[RULE_SUDOG] = "sudog",
	[RULE_M] = "m",
	[RULE_P] = "p of the m",
};

/* What the memory that a g points at says. */
struct evidence {
	bool caller, sudog, m, p;
};

struct proof {
	const struct proc *proc;
	const struct goruntime *rt;
	const struct pw_layout *lay; /* of rt */
	size_t g_bytes;
	uint64_t main_entry;
	uint64_t own_entry[NR_OWN]; /* goroutines that the runtime starts and never ends */
	/* of one round: */
	unsigned int good[RULE_MAX], bad[RULE_MAX], live;
	struct {
		uint64_t goid, value;
	} first_bad[RULE_MAX];
	bool main_seen, own_seen;
	uint64_t main_startpc;
	uint64_t own_parent; /* of the last one seen */
};

static bool proof__word(const struct proof *pf, uint64_t base, int32_t offset, uint64_t *ret)
{
	return offset != PW_NO_FIELD &&
	       !addrspace__read(proc__mem(pf->proc), base + (uint64_t)offset, ret, sizeof(*ret));
}

static bool proof__in_code(const struct proof *pf, uint64_t pc)
{
	struct gofunc f;

	return !gosym__func_at(pf->rt->sym, pc, &f);
}

static bool proof__is_entry(const struct proof *pf, uint64_t pc)
{
	struct gofunc f;

	return !gosym__func_at(pf->rt->sym, pc, &f) && f.entry == pc;
}

static bool is_pointer_or_0(uint64_t ptr)
{
	return ptr == 0 || (ptr >= 4096 && ptr < USER_END && ptr % 8 == 0);
}

static bool in_stack(const struct gview *v, uint64_t sp)
{
	return sp > v->stack_lo && sp < v->stack_hi && sp % 8 == 0;
}

static void proof__tally(struct proof *pf, enum rule rule, const struct gview *v, bool good,
			 uint64_t value)
{
	if (good) {
		pf->good[rule]++;
		return;
	}
	if (!pf->bad[rule]++) {
		pf->first_bad[rule].goid = v->who.goid;
		pf->first_bad[rule].value = value;
	}
}

/* Words that a g points at, to be read together; what is not readable is 0. */
enum word { WORD_CALLER, WORD_SUDOG, WORD_CURG, WORD_G0, WORD_PROCID, WORD_P, WORD_MAX };

static void word_want(struct memread *reads, uint64_t *words, enum word w, uint64_t base,
		      int32_t offset)
{
	words[w] = 0;
	reads[w] = (struct memread){ base && offset != PW_NO_FIELD ? base + (uint64_t)offset : 0,
				     &words[w], sizeof(*words), 0 };
}

static bool proof__p_is_true(const struct proof *pf, uint64_t p)
{
	uint64_t id, status;

	return p && is_pointer_or_0(p) && proof__word(pf, p, pf->lay->p_id, &id) &&
	       (uint32_t)id < P_ID_MAX && proof__word(pf, p, pf->lay->p_status, &status) &&
	       (uint32_t)status <= P_STATUS_MAX;
}

/* What v points at, and after it the g once more, in one system call. */
static int proof__read_batch(const struct proof *pf, const struct gview *v, struct evidence *ret,
			     uint8_t *again)
{
	bool parked = gview__is_parked(v),
	     has_m = v->status == GOSTATUS_RUNNING || v->status == GOSTATUS_SYSCALL;
	/* with a link register it points to right below the frame */
	const uint64_t lowest = v->sp - (goruntime_has_link(pf->rt) ? 8 : 0);
	bool has_bp = parked && v->bp >= lowest && v->bp % 8 == 0 && v->bp < v->stack_hi &&
		      v->stack_hi - v->bp >= 16;
	struct memread reads[WORD_MAX + 1], wanted[WORD_MAX + 1];
	uint64_t words[WORD_MAX], m = has_m ? v->m : 0;
	size_t nr = 0;

	word_want(reads, words, WORD_CALLER, has_bp ? v->bp : 0, 8);
	word_want(reads, words, WORD_SUDOG, parked ? v->waiting : 0, pf->lay->sudog_g);
	word_want(reads, words, WORD_CURG, m, pf->lay->m_curg);
	word_want(reads, words, WORD_G0, m, pf->lay->m_g0);
	word_want(reads, words, WORD_PROCID, m, pf->lay->m_procid);
	word_want(reads, words, WORD_P, m, pf->lay->m_p);
	for (size_t i = 0; i < WORD_MAX; i++)
		if (reads[i].addr)
			wanted[nr++] = reads[i];
	wanted[nr++] = (struct memread){ v->addr, again, pf->g_bytes, 0 };
	addrspace__read_batch(proc__mem(pf->proc), wanted, nr);
	for (size_t i = 0; i < nr; i++)
		if (wanted[i].err == -ESRCH)
			return -ESRCH;
	*ret = (struct evidence){
		.caller = words[WORD_CALLER] && proof__in_code(pf, words[WORD_CALLER] - 1),
		.sudog = words[WORD_SUDOG] && words[WORD_SUDOG] == v->addr,
		.m = words[WORD_CURG] && words[WORD_CURG] == v->addr && words[WORD_G0] &&
		     is_pointer_or_0(words[WORD_G0]) && words[WORD_PROCID] &&
		     words[WORD_PROCID] <= PROCID_MAX,
		.p = v->status == GOSTATUS_RUNNING && proof__p_is_true(pf, words[WORD_P]),
	};
	return wanted[nr - 1].err;
}

/* What they can wait for: Go runtime/proc.go forcegchelper(), mgcsweep.go bgsweep(). */
static void proof__judge_own(struct proof *pf, const struct gview *v, enum gowait wait)
{
	static const enum gowait waits[2][4] = {
		{ GOWAIT_FORCE_GC_IDLE, GOWAIT_SEMACQUIRE, GOWAIT_STOPPING_THE_WORLD,
		  GOWAIT_GARBAGE_COLLECTION },
		{ GOWAIT_GC_SWEEP_WAIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		bool good = false;

		if (!v->who.startpc || v->who.startpc != pf->own_entry[i] ||
		    v->status != GOSTATUS_WAITING)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(waits[i]); k++)
			good |= wait != GOWAIT_NONE && wait == waits[i][k];
		proof__tally(pf, RULE_OWN_REASON, v, good, v->reason);
	}
}

static void proof__judge_parked(struct proof *pf, const struct gview *v, const struct evidence *e)
{
	const enum gowait wait = gowait_of(pf->rt->minor, v->reason);

	if (v->status == GOSTATUS_WAITING) /* reason 0 is there for moments only */
		proof__tally(pf, RULE_REASON, v, wait != GOWAIT_NONE && wait != GOWAIT_UNKNOWN,
			     v->reason);
	proof__judge_own(pf, v, wait);
	/* It collects garbage or stops the world, and runs: what is saved may be old. */
	if (gowait_is_running(wait))
		return;
	proof__tally(pf, RULE_PARKED_SP, v, in_stack(v, v->sp), v->sp);
	proof__tally(pf, RULE_PARKED_PC, v, proof__in_code(pf, v->pc), v->pc);
	if (v->pc != v->who.startpc) /* it has run */
		proof__tally(pf, RULE_CALLER, v, e->caller, v->bp);
	if (v->waiting || wait == GOWAIT_CHAN_RECEIVE || wait == GOWAIT_CHAN_SEND)
		proof__tally(pf, RULE_SUDOG, v, e->sudog, v->waiting);
}

static void proof__judge(struct proof *pf, const struct gview *v, const struct evidence *e)
{
	proof__tally(pf, RULE_GOID, v, v->who.goid && v->who.goid < GOID_MAX, v->who.goid);
	proof__tally(pf, RULE_STACK, v,
		     v->stack_lo && v->stack_lo % 8 == 0 && v->stack_hi % 8 == 0 &&
			     v->stack_lo < v->stack_hi && v->stack_hi < USER_END &&
			     v->stack_hi - v->stack_lo <= STACK_MAX,
		     v->stack_lo);
	if (v->who.startpc) /* 0: it stands for a thread of C */
		proof__tally(pf, RULE_START, v, proof__is_entry(pf, v->who.startpc),
			     v->who.startpc);
	if (v->who.startpc || v->who.gopc)
		proof__tally(pf, RULE_GOPC, v, v->who.gopc && proof__in_code(pf, v->who.gopc - 1),
			     v->who.gopc);
	if (pf->lay->g_parent_goid != PW_NO_FIELD)
		proof__tally(pf, RULE_PARENT, v,
			     v->who.parent_goid < GOID_MAX && v->who.parent_goid != v->who.goid,
			     v->who.parent_goid);
	proof__tally(pf, RULE_WAITSINCE, v, v->waitsince <= clock_now_ns(), v->waitsince);
	proof__tally(pf, RULE_POINTERS, v,
		     is_pointer_or_0(v->m) && is_pointer_or_0(v->lockedm) &&
			     is_pointer_or_0(v->waiting) && is_pointer_or_0(v->labels),
		     v->labels);
	if (gview__is_parked(v))
		proof__judge_parked(pf, v, e);
	if (v->status == GOSTATUS_RUNNING || v->status == GOSTATUS_SYSCALL)
		proof__tally(pf, RULE_M, v, e->m, v->m);
	if (v->status == GOSTATUS_RUNNING)
		proof__tally(pf, RULE_P, v, e->p, v->m);
	if (v->status == GOSTATUS_SYSCALL && v->who.startpc)
		proof__tally(pf, RULE_SYSCALL, v,
			     in_stack(v, v->syscallsp) && proof__in_code(pf, v->syscallpc),
			     v->syscallpc);
}

static void proof__note(struct proof *pf, const struct gview *v)
{
	if (v->who.goid == 1) { /* also a dead one: its startpc stays */
		pf->main_seen = true;
		pf->main_startpc = v->who.startpc;
	}
	for (size_t i = 0; i < NR_OWN && gview__is_live(v); i++)
		if (v->who.startpc && v->who.startpc == pf->own_entry[i] && v->who.goid &&
		    v->who.goid < OWN_GOID_MAX) {
			pf->own_seen = true;
			pf->own_parent = v->who.parent_goid;
		}
}

static void proof__bear_witness(struct proof *pf, const struct gview *v, const struct evidence *e)
{
	/* Idle ones are not in allgs yet: Go runtime/proc.go newproc1. */
	proof__tally(pf, RULE_STATUS, v,
		     v->status != GOSTATUS_IDLE && gostatus_name(pf->rt->minor, v->status),
		     v->status);
	proof__note(pf, v);
	if (gview__is_live(v)) {
		pf->live++;
		proof__judge(pf, v, e);
	}
}

/*
 * Reads one g until it is the same twice, what it points at in between. A g that never holds still
 * bears no witness. bytes: as it was seen first, GVIEW_BYTES_MAX of them are overwritten.
 */
static int proof__hear(struct proof *pf, uint64_t addr, uint8_t *bytes)
{
	struct evidence e;
	struct gview v, again;

	for (int i = 0; i < G_TRIES; i++) {
		int err;

		gview__take(&v, pf->rt, addr, bytes);
		err = proof__read_batch(pf, &v, &e, bytes);
		if (err)
			return err;
		gview__take(&again, pf->rt, addr, bytes);
		if (!gview__is_same(&v, &again) || v.m != again.m || v.waiting != again.waiting)
			continue;
		proof__bear_witness(pf, &v, &e);
		return 0;
	}
	return 0;
}

static int proof__hear_all(struct proof *pf, struct readv_batch *first, const uint64_t *addrs,
			   size_t nr)
{
	uint8_t bytes[GVIEW_BYTES_MAX];
	int err = 0;

	for (size_t i = 0; i < nr && err >= 0; i++)
		err = readv_batch__want(first, addrs[i], pf->g_bytes);
	if (err >= 0)
		err = readv_batch__read(first);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *piece = readv_batch__piece(first, i);

		if (!piece)
			return -EFAULT;
		memcpy(bytes, piece, pf->g_bytes);
		err = proof__hear(pf, addrs[i], bytes);
	}
	return err;
}

static int proof__fail(const struct proof *pf, struct cause *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int proof__fail(const struct proof *pf, struct cause *why, const char *fmt, ...)
{
	struct cause detail = { "" };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail.text, sizeof(detail.text), fmt, ap);
	va_end(ap);
	return cause__set(
		why, -EBADMSG,
		"runtime layout of %s does not fit '%s' (pid %d): %s; is it a modified Go? A build "
		"with DWARF (no -ldflags=-w) tells its own",
		pf->rt->version, proc__comm(pf->proc), (int)proc__pid(pf->proc), detail.text);
}

static int proof__verdict(const struct proof *pf, size_t nr, struct cause *why)
{
	if (!pf->live)
		return proof__fail(pf, why, "none of %zu goroutines is alive", nr);
	if (pf->main_seen && pf->main_startpc != pf->main_entry)
		return proof__fail(pf, why, "goid 1 has startpc 0x%" PRIx64 ", want runtime.main",
				   pf->main_startpc);
	if (pf->own_seen && pf->lay->g_parent_goid != PW_NO_FIELD && pf->own_parent != 1)
		return proof__fail(pf, why,
				   "the runtime's own goroutines are children of goid %" PRIu64
				   ", want 1",
				   pf->own_parent);
	for (enum rule r = 0; r < RULE_MAX; r++) {
		unsigned int all = pf->good[r] + pf->bad[r];

		if (pf->bad[r] * 4 > all)
			return proof__fail(pf, why,
					   "%s is wrong in %u of %u goroutines (goid %" PRIu64
					   ": 0x%" PRIx64 ")",
					   rule_what[r], pf->bad[r], all, pf->first_bad[r].goid,
					   pf->first_bad[r].value);
	}
	if (!pf->main_seen && !pf->own_seen)
		return proof__fail(pf, why,
				   "neither goid 1 nor the runtime's own goroutines are there");
	return 0;
}

static void proof__forget(struct proof *pf)
{
	memset(pf->good, 0, sizeof(pf->good));
	memset(pf->bad, 0, sizeof(pf->bad));
	pf->live = 0;
	pf->main_seen = pf->own_seen = false;
}

static int proof__round(struct proof *pf, struct cause *why)
{
	uint64_t sample[SAMPLE_FIRST + SAMPLE_REST];
	struct allgs all = { NULL, 0, 0 };
	scoped(readv_batch) first = NULL;
	size_t step = 1, nr = 0;
	int err = allgs__read(proc__mem(pf->proc), pf->rt, &all);

	if (err)
		return err == -ESRCH
			       ? err
			       : proof__fail(pf, why,
					     "allgs at 0x%" PRIx64 " is no list of goroutines",
					     pf->rt->allgs);
	if (all.nr > SAMPLE_FIRST)
		step = 1 + (all.nr - SAMPLE_FIRST) / SAMPLE_REST;
	proof__forget(pf);
	for (size_t i = 0; i < all.nr && nr < ARRAY_SIZE(sample); i += i < SAMPLE_FIRST ? 1 : step)
		sample[nr++] = all.addrs[i];
	err = readv_batch__new(proc__mem(pf->proc), &first);
	if (!err)
		err = proof__hear_all(pf, first, sample, nr);
	if (!err)
		err = proof__verdict(pf, all.nr, why);
	else if (err != -ESRCH)
		err = proof__fail(pf, why, "a goroutine is not readable");
	allgs__done(&all);
	return err;
}

static int proof__init(struct proof *pf, const struct proc *p, const struct goruntime *rt,
		       struct cause *why)
{
	static const char *const names[1 + NR_OWN] = {
		/* Go runtime/proc.go main(), mgc.go gcenable() */
		"runtime.main",
		"runtime.forcegchelper",
		"runtime.bgsweep",
		"runtime.bgscavenge",
	};
	struct gofunc funcs[1 + NR_OWN] = { { 0 } };
	int err;

	*pf = (struct proof){ .proc = p, .rt = rt, .lay = &rt->layout };
	pf->g_bytes = gview_bytes(rt);
	if (!pf->g_bytes)
		return proof__fail(pf, why, "an offset into runtime.g is out of bounds");
	err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), funcs);
	if (err == -ESRCH)
		return err;
	if (err)
		return cause__set(why, err, "cannot read the function table of '%s' (pid %d)",
				  proc__comm(p), (int)proc__pid(p));
	pf->main_entry = funcs[0].entry;
	for (size_t i = 0; i < NR_OWN; i++)
		pf->own_entry[i] = funcs[1 + i].entry;
	if (!pf->main_entry)
		return proof__fail(pf, why, "its function table has no runtime.main");
	return 0;
}

int census_proof(const struct proc *p, const struct goruntime *rt, struct cause *why)
{
	const struct timespec nap = { .tv_nsec = ROUND_NAP_NS };
	struct cause last = { "" };
	struct proof pf;
	int err;

	err = proof__init(&pf, p, rt, why);
	if (err && err != -ESRCH)
		return err;
	for (int i = 0; i < ROUNDS && err != -ESRCH; i++) {
		if (i)
			nanosleep(&nap, NULL);
		last = (struct cause){ "" };
		err = proof__round(&pf, &last);
		if (!err)
			return 0;
	}
	if (err == -ESRCH)
		return cause__set(why, err, "process %d ('%s') has ended", (int)proc__pid(p),
				  proc__comm(p));
	return cause__set(why, err, "%s", last.text);
}
