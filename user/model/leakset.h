/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leakset: what became of goroutines over several looks at them, by group: what verdicts are made
 * of.
 *
 * A group is a creation site, a place where goroutines are blocked and a reason: numbers that the
 * caller gives, without holes; names are not the model's affair. A goroutine that runs at only one
 * look is taken to be on the way back to its place; so is one that runs at each look but one, and is
 * in a system call then. Goroutines are told by runtime and goid, so it is known of each whether it
 * stayed, went on or ended; counts alone would not tell a queue that moves from one that stands. The
 * watch calls, in this order:
 *
 *	leakset__new(opts)
 *	leakset__look()  leakset__see() ...  leakset__miss() ...  leakset__seen()	 for each look
 *	leakset__life()						 births and exits that probes saw, at any time
 *	leakset__lives()					 they saw all of them
 *	leakset__prove() leakset__cycle() leakset__hold()	 after the last look, or between
 *	leakset__finish()					 groups and their members in order
 *
 * Pure: no clock, no descriptor. Bounded: LEAK_G_BYTES a goroutine that lives, LEAK_GROUP_BYTES a
 * group; what the bounds refuse is counted.
 */
#ifndef PARKWATCH_MODEL_LEAKSET_H
#define PARKWATCH_MODEL_LEAKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define LEAKSET_LOOKS_MAX          32
#define LEAKSET_GOROUTINES_DEFAULT 4194304
#define LEAKSET_GROUPS_DEFAULT     65536
#define LEAKSET_SITES_DEFAULT      65536
#define LEAKSET_OBJECTS_MAX        16777216 /* objects waited for at one look */
/* locks that somebody got; of more, all are taken for such */
#define LEAKSET_PASSED_MAX 65536
#define LEAK_NO_GROUP      UINT32_MAX
#define LEAK_NO_ITEM       UINT32_MAX
/* of the search that do not reach a goroutine prove that it leaks */
#define LEAK_PASSES 2
/* a deadline that is nearer is one of work that is under way: a request, a session */
#define LEAK_DUE_NS 60000000000ull

/* what kind of wait it is */
enum leak_class {
	LEAK_RUNS, /* none: running, runnable */
	LEAK_SYSCALL,
	LEAK_RECEIVE,
	LEAK_SEND,
	LEAK_SELECT,
	LEAK_FOREVER, /* nil channel, select without cases: nothing ends it */
	LEAK_LOCK,    /* mutex, RWMutex */
	LEAK_WAITGROUP,
	LEAK_COND,
	LEAK_SEMAPHORE, /* of something else */
	LEAK_IO,
	LEAK_SLEEP,
	LEAK_COROUTINE, /* of iter.Pull, between two values */
	LEAK_OTHER,
	LEAK_CLASSES
};

/* what its code is there for, where that is known */
enum leak_role {
	LEAK_ROLE_NONE,
	LEAK_ROLE_RUNTIME,   /* the runtime's own */
	LEAK_ROLE_LISTENER,  /* waits for whatever comes: accept, signals */
	LEAK_ROLE_KEEPALIVE, /* a connection between two requests of its client */
	LEAK_ROLE_CLIENT,    /* a connection of a client's pool */
};

struct leak_key {
	uint32_t made, place, reason; /* numbers from 0 on */
};

/* One goroutine at one look. */
struct leak_seen {
	uint64_t goid;
	/* as long as it is equal, it is the same wait; of those that do not wait anything */
	uint64_t wait;
	uint64_t since_ns; /* it waits since then or longer; 0: nobody knows */
	uint64_t stack_bytes;
	const uint64_t *objects; /* addresses it waits for; borrowed for the call */
	uint32_t nr_objects;
	struct leak_key key;
	uint32_t stack; /* number of its stack, the caller's affair */
	uint32_t item;  /* the caller's number for it at this look */
	uint16_t rt;
	uint8_t class; /* enum leak_class */
	uint8_t role;  /* enum leak_role */
	bool main;     /* the first goroutine of the program */
	bool leaked;   /* the runtime itself says so */
	bool unsure;   /* it may have run since the look before though wait is equal */
	bool on_cpu;   /* it runs, and does not only stand in line for it */
};

/* what one pass of the search says of a goroutine */
enum leak_reach {
	LEAK_REACH_NOT_ASKED,
	LEAK_UNREACHED, /* nothing that can still run refers to what it waits for */
	LEAK_REACHED_GLOBAL,
	LEAK_REACHED_STACK,
	LEAK_REACHED_OTHER,
};

struct leak_g { /* a goroutine that was there at the last look */
	uint64_t goid, wait;
	/* as leak_seen.since_ns, or when it was first seen in this wait: the earlier; or exact */
	uint64_t since_ns;
	uint64_t noted_ns; /* leak_seen.since_ns of the last look */
	uint64_t object;   /* the first one; 0: none */
	uint64_t due_ns;   /* set by leakset__due(): a timer ends its wait then; 0: none does */
	uint32_t group, stack, item, stack_bytes;
	uint32_t objects_at, nr_objects; /* of the last look, for leakset.c */
	uint16_t rt;
	/* of its life, in this group, in this wait */
	uint8_t first_look, group_look, wait_look, last_look;
	/* passes that did not reach it, one after the other up to the last */
	uint8_t unreached;
	uint8_t reach; /* enum leak_reach, of the last pass that asked */
	bool main, leaked, unsure;
	bool moved; /* it ran in this group and came back to the same place */
	bool exact; /* since_ns is when it parked */
	/*
	 * at the last look it did something else, and at the look before it was in this group:
	 * leakset.c
	 */
	bool passing;
	/* in a cycle of goroutines that wait for each other; waits for one of it */
	bool cycle : 1, behind : 1;
	bool keeps : 1; /* is one of leak_group.keepers */
	bool moves : 1; /* its due_ns was put off */
};
#define LEAK_G_BYTES 88

/* of a creation site, by windows: [i] is the one that ends with look i; [0] is nothing */
struct leak_lives {
	uint32_t births[LEAKSET_LOOKS_MAX], exits[LEAKSET_LOOKS_MAX];
};

struct leak_group {
	struct leak_key key;
	uint8_t class, role;
	/* set by leakset__timer(): something wakes it when its time has come; again and again */
	bool timer, ticks;
	/*
	 * set by leakset__unread(): how many wait for what somebody ought to do, and nobody does
	 */
	uint32_t unread;
	/*
	 * set by leakset__served(): connections of clients that are there, or what belongs to them
	 */
	bool served;
	/*
	 * set by leakset__code(): their code has no way to end; it comes by again where they wait
	 */
	bool endless, loops;
	/* set by leakset__set_up(): the first goroutine makes them one by one, and has them */
	bool set_up;
	/*
	 * set by leakset__unended(): how many loop on a timer, while nobody can end them any more;
	 * in one pass
	 */
	uint32_t unended;
	/* by look */
	uint32_t count[LEAKSET_LOOKS_MAX];
	uint32_t settled[LEAKSET_LOOKS_MAX]; /* were in it at the look before too */
	uint32_t still[LEAKSET_LOOKS_MAX];   /* ... and did not run since */
	uint32_t fresh[LEAKSET_LOOKS_MAX];   /* ... and were born in the watch */
	/* by the number of looks that they had stayed in it, of those who left it */
	uint32_t ended[LEAKSET_LOOKS_MAX], went[LEAKSET_LOOKS_MAX];
	/* waits that are over, by the looks that they had lasted */
	uint32_t over[LEAKSET_LOOKS_MAX];
	uint32_t on_cpu; /* goroutines seen on a processor, at all looks together */
	/* from here on: valid after leakset__finish() */
	uint32_t first, nr; /* members: leakset__member(first .. first + nr - 1), by goid */
	/* members that had been in it for a third of the looks or longer, gone since or not */
	uint32_t old;
	uint32_t old_ended, old_went, old_moved; /* of these */
	/* waits of a third of the looks or longer; those that are over */
	uint32_t old_waits, old_over;
	uint32_t mains; /* members that are the first goroutine */
	uint32_t aged;  /* members whose wait is min_age old or older */
	/* members of which nobody knows whether they ran between two looks */
	uint32_t unsure;
	uint32_t leaked; /* members that the runtime itself calls leaked */
	/* by the search: once at least; never reached, in LEAK_PASSES or more */
	uint32_t asked, unreached;
	/* of those asked: a timer ends their wait within LEAK_DUE_NS */
	uint32_t due;
	uint32_t reached[LEAK_REACHED_OTHER + 1]; /* by enum leak_reach of the last pass */
	uint32_t cycles, behinds;
	/*
	 * Aged members at a lock that nobody got while we watched. held_up: its holder may go on by
	 * itself, as far as is known.
	 */
	uint32_t stands, held_up;
	/*
	 * members that hold a lock for which such a one stands, and wait for something else since
	 * before the watch
	 */
	uint32_t keepers;
	uint64_t objects; /* different ones, or sets of them where one waits for several */
	uint32_t sharing; /* members at the object that most of them share */
	uint64_t age_min_ns, age_max_ns; /* of the waits, at the last look */
	bool age_exact;                  /* else: at least */
	uint64_t stack_bytes;
};
/* Most of those that were asked for are soon ended by a timer. */
static inline bool leak_group_is_due(const struct leak_group *g)
{
	return 2 * (uint64_t)g->due > g->asked;
}
#define LEAK_GROUP_BYTES 1096

struct leakset_opts { /* 0: the defaults above */
	size_t max_goroutines, max_groups, max_sites;
};

struct leakset;
int leakset__new(const struct leakset_opts *o, struct leakset **ret);
void leakset__free(struct leakset *ls);
DEFINE_SCOPED(leakset)

/* A look begins. -ENOSPC: there were LEAKSET_LOOKS_MAX. */
int leakset__look(struct leakset *ls, uint64_t taken_ns);
/* 0; -ENOSPC, -ENOMEM: counted as refused */
int leakset__see(struct leakset *ls, const struct leak_seen *s);
/* just seen, and not at a look before; refused ones are too */
bool leakset__is_new(const struct leakset *ls, uint16_t rt, uint64_t goid);
/*
 * It is there, but moved too fast to be seen: it counts where it was. At the last look it is no
 * member.
 */
void leakset__miss(struct leakset *ls, uint16_t rt, uint64_t goid);
/* the look ends: a goroutine that was not seen has ended. 0 or -ENOMEM */
int leakset__seen(struct leakset *ls);

/*
 * From probes: a birth or an exit at a creation site at a time. What comes before the first look is
 * not of the watch.
 */
void leakset__life(struct leakset *ls, uint32_t made, uint64_t ts_ns, bool birth);
/* The probes saw all of them: they count, and not what the looks tell of births and exits. */
void leakset__lives(struct leakset *ls);
/* When it parked last: so this is when its wait began, or it ran although it looked the same. */
void leakset__parked(struct leakset *ls, uint16_t rt, uint64_t goid, uint64_t since_ns);
/*
 * All parks from before the first look to after the last were told: a goroutine without one did
 * not run.
 */
void leakset__parks(struct leakset *ls);
/* One pass of the search: goroutines that are not told keep what is known of them. */
void leakset__prove(struct leakset *ls, uint16_t rt, uint64_t goid, enum leak_reach reach);
/*
 * ... and a timer calls at due_ns what can end the wait. One that is put off again and again, as a
 * watchdog is, ends nothing.
 */
void leakset__due(struct leakset *ls, uint16_t rt, uint64_t goid, uint64_t due_ns);
void leakset__cycle(struct leakset *ls, uint16_t rt, uint64_t goid, bool behind);
/* 0 or -ENOMEM */
int leakset__hold(struct leakset *ls, uint16_t rt, uint64_t lock, uint64_t holder);

/* After the last look, before leakset__finish(). */
/* NULL; borrowed until the next look. Cheapest in the order in which they were seen. */
const struct leak_g *leakset__get(struct leakset *ls, uint16_t rt, uint64_t goid);
/* somebody got it while we watched */
bool leakset__is_passed(const struct leakset *ls, uint64_t lock);
void leakset__timer(struct leakset *ls, uint32_t group, bool ticks);
void leakset__code(struct leakset *ls, uint32_t group, bool endless, bool loops);
void leakset__set_up(struct leakset *ls, uint32_t group);
void leakset__unended(struct leakset *ls, uint32_t group); /* one more */
void leakset__served(struct leakset *ls, uint32_t group);
void leakset__unread(struct leakset *ls, uint32_t group, uint32_t nr);

/* Members by group, and what is said above. 0 or -ENOMEM; -EINVAL: there was no look. */
int leakset__finish(struct leakset *ls, uint64_t min_age_ns);

size_t leakset__nr_looks(const struct leakset *ls);
uint64_t leakset__look_ns(const struct leakset *ls, size_t look);
size_t leakset__nr_groups(const struct leakset *ls);
const struct leak_group *leakset__group(const struct leakset *ls, size_t i);
const struct leak_g *leakset__member(const struct leakset *ls, uint32_t i);
/* never NULL */
const struct leak_lives *leakset__lives_at(const struct leakset *ls, uint32_t made);
/* births and exits were seen, not estimated */
bool leakset__lives_known(const struct leakset *ls);
size_t leakset__alive(const struct leakset *ls, size_t look); /* goroutines that were there */
uint64_t leakset__on_cpu(const struct leakset *ls);           /* sum of leak_group.on_cpu */
uint64_t leakset__refused(const struct leakset *ls);

/* What is left of a watch after leakset__finish(), as a recording tells it. */
struct leakset_told {
	uint64_t look_ns[LEAKSET_LOOKS_MAX];
	size_t nr_looks;           /* 1 at least */
	struct leak_group *groups; /* first, nr: set here */
	size_t nr_groups;
	struct leak_g *members; /* in any order */
	size_t nr;
	bool lives_known;
	uint64_t on_cpu;
};
/* Takes groups and members if it returns 0. -ENOMEM; -EINVAL: a member is of no group. */
int leakset__of_told(struct leakset_told *t, struct leakset **ret);

#endif
