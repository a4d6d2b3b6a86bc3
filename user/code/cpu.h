/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu: registers and memory of a goroutine as they will be when its code goes on, as far as they
 * can be known.
 *
 * Every value is known or not; what depends on something unknown is unknown, never a guess. A known
 * value that other goroutines may change before it is used (anything in the heap) is soft: good for
 * an address, of no use to decide a branch. Memory is the target's own, read through code/livemem;
 * what the code writes stays in here. Plain value of fixed size: a path of execution that forks
 * copies it.
 */
#ifndef PARKWATCH_CODE_CPU_H
#define PARKWATCH_CODE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code/livemem.h"
#include "code/uop.h"

/* words of memory that the code may have written; more, and cpu.lost says so */
#define CPU_WORDS_MAX 160

enum cpu_how { CPU_UNKNOWN, CPU_SOFT, CPU_HARD };

struct cpu_value {
	uint64_t v;     /* 0 in the bytes that are not known */
	uint32_t known; /* bytes that are, from the lowest on: 0 to 8 */
	uint32_t how;   /* enum cpu_how */
};

static inline struct cpu_value cpu_unknown(void)
{
	return (struct cpu_value){ 0, 0, CPU_UNKNOWN };
}

/* The low bits of size bytes, 1 to 8. */
static inline uint64_t cpu_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;
}

/* size bytes of v, the rest 0. */
static inline struct cpu_value cpu_value_of(uint64_t v, unsigned int size, enum cpu_how how)
{
	return how == CPU_UNKNOWN ? cpu_unknown()
				  : (struct cpu_value){ v & cpu_mask(size), 8, how };
}

static inline bool cpu_is_known(struct cpu_value v, unsigned int size)
{
	return v.how != CPU_UNKNOWN && v.known >= size;
}

/* How well something is known that comes of both. */
static inline enum cpu_how cpu_weaker(struct cpu_value a, struct cpu_value b)
{
	return a.how < b.how ? a.how : b.how;
}

struct cpu_word {
	uint64_t addr; /* a multiple of 8 */
	uint64_t data;
	uint32_t how;    /* enum cpu_how of the known bytes */
	uint8_t written; /* bytes that count, a bit each; the others are as in the target */
	uint8_t known;   /* those of them that are known */
	uint8_t pad[2];
};

/*
 * No padding anywhere: it is compared and hashed as bytes. Words are in the order of their
 * addresses.
 */
struct cpu {
	struct cpu_value reg[UOP_REGS];
	struct cpu_value vec[UOP_VECS][2];
	uint64_t nr_words;
	/* the stack from its pointer up to here is unknown unless written: calls use it */
	uint64_t stale;
	uint8_t flags_known, cf, zf, sf, of;
	uint8_t lost; /* more was written than there is room for */
	uint8_t pad[2];
	struct cpu_word word[CPU_WORDS_MAX]; /* last: see cpu_bytes() */
};

/* Bytes of it that count. */
static inline size_t cpu_bytes(const struct cpu *c)
{
	return offsetof(struct cpu, word) + c->nr_words * sizeof(c->word[0]);
}

/*
 * What a frame's code finds after a call: the stack pointer known, the rest not. zero: vector
 * register 15 is 0, as Go 1.17 and later have it on amd64.
 */
void cpu__after_call(struct cpu *c, uint64_t sp, bool zero);

struct cpu_value cpu__load(const struct cpu *c, struct livemem *m, uint64_t addr,
			   unsigned int size);
void cpu__store(struct cpu *c, uint64_t addr, unsigned int size, struct cpu_value v);
/* Forgets what lies at [start, end). */
void cpu__forget(struct cpu *c, uint64_t start, uint64_t end);
/* Somebody else may have written [start, end). */
void cpu__soften(struct cpu *c, uint64_t start, uint64_t end);
/* Drops what was written below addr: frames that are gone. */
void cpu__drop_below(struct cpu *c, uint64_t addr);

/* Address of a memory operand; unknown unless all its registers are known. */
struct cpu_value cpu__address(const struct cpu *c, const struct uop_operand *o);
struct cpu_value cpu__read(const struct cpu *c, struct livemem *m, const struct uop_operand *o);
void cpu__write(struct cpu *c, const struct uop_operand *o, struct cpu_value v);
void cpu__set_reg(struct cpu *c, unsigned int reg, struct cpu_value v);
void cpu__lose_flags(struct cpu *c);
void cpu__lose_regs(struct cpu *c, uint32_t regs); /* a bit each */

/* Executes what is no branch, call or return. */
void cpu__exec(struct cpu *c, struct livemem *m, const struct uop *u);
/* 1: the condition (enum uop_condition) holds, 0: it does not, -1: unknown. */
int cpu__condition(const struct cpu *c, unsigned int cc);
/* The same of that of a UOP_JCC. */
int cpu__branches(const struct cpu *c, struct livemem *m, const struct uop *u);

/* c becomes what holds of both. */
void cpu__join(struct cpu *c, const struct cpu *other, struct livemem *m);

#endif
