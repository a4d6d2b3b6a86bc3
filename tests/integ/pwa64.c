/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwa64: what arm64/ says that instructions of a program for arm64 do, against Unicorn, which
 * executes them: for arm64code.py.
 *
 *	pwa64 FILE [SEED]
 *
 * Pieces of the file's code, from random places and from all atomic instructions, are executed by
 * both, from the same random registers and memory. What code/cpu claims to know afterwards must be
 * so: registers, flags, memory, and where a branch leads. Prints how much was known, a sum a line, and
 * each difference on standard error; 1: there was one.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <unicorn/unicorn.h>

#include "base/cleanup.h"
#include "code/cpu.h"
#include "code/isa.h"

#define PIECES     20000
#define ATOMIC_MAX 4000 /* pieces that begin at one */
#define LENGTH_MAX 8    /* instructions of a piece */
#define WRITES_MAX 64
#define STEPS_MAX  64 /* instructions: loops of a piece included */
#define PAGE       0x10000ull
#define DATA       0x7000000000ull /* where most registers point to */
#define DATA_BYTES 0x40000ull
#define WORD       4
#define LINK       30
#define NOWHERE    0xdead0001 /* no instruction's address */

struct write {
	uint64_t addr;
	int size;
};

struct bench {
	struct addrspace as; /* first member: Unicorn's memory, as it is before a piece runs */
	uc_engine *uc;
	const uint8_t *file;
	struct code text;
	uint64_t random;
	struct cpu cpu;
	struct livemem mem;
	uint64_t reg[UOP_REGS]; /* at first, as nzcv */
	uint64_t nzcv;
	/* the piece */
	uint64_t start, end,
		next; /* end: of its straight part; next: what the branch there leads to */
	bool branches, next_known;
	struct write write[WRITES_MAX];
	size_t nr_writes;
	unsigned int steps;
	bool left; /* the branch at its end was executed */
	uint64_t stopped_at;
	/* sums */
	uint64_t pieces, instructions, changed, known, writes, seen_writes, decided, branched,
		wrong;
};

static uint64_t bench__random(struct bench *b)
{
	b->random = b->random * 6364136223846793005ull + 1442695040888963407ull;
	return b->random >> 24;
}

static int read_unicorn(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	return uc_mem_read(((const struct bench *)as)->uc, addr, buf, len) ? -EFAULT : 0;
}

static int unicorn_reg(unsigned int r)
{
	return r < 29      ? UC_ARM64_REG_X0 + (int)r
	       : r == 29   ? UC_ARM64_REG_X29
	       : r == LINK ? UC_ARM64_REG_X30
			   : UC_ARM64_REG_SP;
}

static uint32_t word_at(const struct bench *b, uint64_t addr)
{
	uint32_t w = 0;

	if (addr >= b->text.addr && addr - b->text.addr + WORD <= b->text.len)
		memcpy(&w, b->text.bytes + (addr - b->text.addr), WORD);
	return w;
}

/* --- the program --- */

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "pwa64: %s\n", what);
	exit(2);
}

static void bench__load(struct bench *b, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;

	must(fd >= 0 && !fstat(fd, &st), "cannot read the file");
	b->file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	must(b->file != MAP_FAILED, "cannot map the file");
	eh = (const Elf64_Ehdr *)b->file;
	must(eh->e_machine == EM_AARCH64, "it is not for arm64");
	ph = (const Elf64_Phdr *)(b->file + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++) {
		const uint64_t at = ph[i].p_vaddr & ~(PAGE - 1),
			       end = (ph[i].p_vaddr + ph[i].p_memsz + PAGE - 1) & ~(PAGE - 1);

		if (ph[i].p_type != PT_LOAD)
			continue;
		must(!uc_mem_map(b->uc, at, end - at, UC_PROT_ALL) &&
			     !uc_mem_write(b->uc, ph[i].p_vaddr, b->file + ph[i].p_offset,
					   ph[i].p_filesz),
		     "cannot load a segment");
		if (ph[i].p_flags & PF_X) {
			b->text.addr = at + 0x1000; /* behind the headers */
			b->text.bytes = b->file + ph[i].p_offset + (b->text.addr - ph[i].p_vaddr);
			b->text.len = ph[i].p_filesz - (b->text.addr - ph[i].p_vaddr);
		}
	}
	must(b->text.len, "it has no code");
}

static void on_write(uc_engine *uc, uc_mem_type type, uint64_t addr, int size, int64_t value,
		     void *ctx)
{
	struct bench *b = ctx;

	(void)uc;
	(void)type;
	(void)value;
	if (b->nr_writes < WRITES_MAX)
		b->write[b->nr_writes++] = (struct write){ addr, size };
}

/* Stops where the piece ends: at its end, or wherever the branch there leads. */
static void on_instruction(uc_engine *uc, uint64_t addr, uint32_t size, void *ctx)
{
	struct bench *b = ctx;

	(void)size;
	if (b->steps++ < STEPS_MAX && !b->left && (addr != b->end || b->branches)) {
		b->left = addr == b->end;
		return;
	}
	b->stopped_at = addr;
	uc_emu_stop(uc);
}

static void bench__init(struct bench *b, const char *path)
{
	uint64_t fp = 3ull << 20, word;
	uc_hook hook;

	must(!uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &b->uc), "no Unicorn");
	must(!uc_ctl_set_cpu_model(b->uc, UC_CPU_ARM64_MAX), "no such processor");
	must(!uc_reg_write(b->uc, UC_ARM64_REG_CPACR_EL1, &fp), "no floating point");
	must(!uc_mem_map(b->uc, DATA, DATA_BYTES, UC_PROT_ALL), "no memory");
	for (uint64_t at = 0; at < DATA_BYTES; at += 8) {
		word = bench__random(b) << 20 ^ bench__random(b);
		must(!uc_mem_write(b->uc, DATA + at, &word, 8), "no memory");
	}
	must(!uc_hook_add(b->uc, &hook, UC_HOOK_MEM_WRITE, (void *)on_write, b, 1ull, 0ull) &&
		     !uc_hook_add(b->uc, &hook, UC_HOOK_CODE, (void *)on_instruction, b, 1ull,
				  0ull),
	     "no hook");
	b->as.read = read_unicorn;
	b->mem.as = &b->as;
	b->mem.end = UINT64_MAX; /* nobody else writes */
	bench__load(b, path);
}

/* --- a piece --- */

static void bench__set(struct bench *b)
{
	memset(&b->cpu, 0, sizeof(b->cpu));
	livemem__forget(&b->mem);
	for (unsigned int r = 0; r < UOP_REGS; r++) {
		const uint64_t kind = bench__random(b) % 10;

		b->reg[r] = DATA + DATA_BYTES / 4 + bench__random(b) % (DATA_BYTES / 32) * 8;
		if (kind == 0 && r != UOP_SP)
			b->reg[r] = bench__random(b) % 9;
		else if (kind == 1 && r != UOP_SP)
			b->reg[r] = bench__random(b) << 28 ^ bench__random(b);
		if (r == UOP_SP)
			b->reg[r] &= ~15ull;
		b->cpu.reg[r] = cpu_value_of(b->reg[r], 8, CPU_HARD);
		must(!uc_reg_write(b->uc, unicorn_reg(r), &b->reg[r]), "no register");
	}
	b->nzcv = bench__random(b) % 16;
	b->cpu.flags_known = 1;
	b->cpu.sf = b->nzcv >> 3 & 1;
	b->cpu.zf = b->nzcv >> 2 & 1;
	b->cpu.cf = !(b->nzcv >> 1 & 1);
	b->cpu.of = b->nzcv & 1;
	b->nzcv <<= 28;
	must(!uc_reg_write(b->uc, UC_ARM64_REG_NZCV, &b->nzcv), "no flags");
}

/* false: the piece goes on. */
static bool bench__branch(struct bench *b, const struct uop *u)
{
	int yes;

	b->branches = b->next_known = true;
	switch (u->kind) {
	case UOP_JMP:
	case UOP_CALL:
		b->next = u->target;
		if (!u->target)
			b->next = b->cpu.reg[u->op[0].reg].v;
		b->next_known = u->target || b->cpu.reg[u->op[0].reg].how != CPU_UNKNOWN;
		cpu__lose_regs(&b->cpu, u->changes);
		return true;
	case UOP_JCC:
		yes = cpu__branches(&b->cpu, &b->mem, u);
		b->next_known = yes >= 0;
		b->next = yes > 0 ? u->target : u->addr + u->len;
		return true;
	default: b->branches = false; return u->kind == UOP_RET || u->kind == UOP_STOP;
	}
}

/* A branch between two ways to do the same, of which one is followed: the other may be executed. */
static bool is_decided(const struct bench *b, uint64_t addr, const struct uop *u)
{
	return u->kind == UOP_NOP && (word_at(b, addr) & 0x7c000000) == 0x34000000;
}

static void bench__follow(struct bench *b)
{
	struct uop u[ISA_UOPS_MAX];

	b->branches = false;
	b->end = b->start;
	for (int i = 0; i < LENGTH_MAX; i++) {
		int nr = isa_arm64.decode(&b->text, b->end, u);

		if (nr <= 0 || is_decided(b, b->end, &u[0]) || bench__branch(b, &u[nr - 1]))
			return;
		for (int k = 0; k < nr; k++)
			cpu__exec(&b->cpu, &b->mem, &u[k]);
		b->end += u[0].len;
	}
}

static void bench__differs(struct bench *b, const char *what, uint64_t ours, uint64_t truth)
{
	b->wrong++;
	if (b->wrong > 20)
		return;
	fprintf(stderr, "0x%" PRIx64 ": %s: 0x%" PRIx64 ", it is 0x%" PRIx64 ", after", b->start,
		what, ours, truth);
	for (uint64_t at = b->start; at < b->end + (b->branches ? WORD : 0); at += WORD)
		fprintf(stderr, " %08" PRIx32, word_at(b, at));
	fprintf(stderr, "\n");
}

static void bench__compare_regs(struct bench *b)
{
	char name[16];
	uint64_t v;

	for (unsigned int r = 0; r < UOP_REGS; r++) {
		const struct cpu_value *ours = &b->cpu.reg[r];

		must(!uc_reg_read(b->uc, unicorn_reg(r), &v), "no register");
		b->changed += v != b->reg[r];
		b->known += v != b->reg[r] && ours->how != CPU_UNKNOWN;
		snprintf(name, sizeof(name), r == UOP_SP ? "sp" : "x%u", r);
		if (ours->how != CPU_UNKNOWN && ours->v != (v & cpu_mask(ours->known)))
			bench__differs(b, name, ours->v, v);
	}
	must(!uc_reg_read(b->uc, UC_ARM64_REG_NZCV, &v), "no flags");
	v = v >> 28 & 15;
	if (b->cpu.flags_known) {
		const uint64_t ours = (uint64_t)b->cpu.sf << 3 | (uint64_t)b->cpu.zf << 2 |
				      (uint64_t)!b->cpu.cf << 1 | b->cpu.of;

		if (ours != v)
			bench__differs(b, "nzcv", ours, v);
	}
}

/* What we have of a byte of memory: 0 nothing, 1 that it was written, 2 what. */
static int byte_of(const struct cpu *c, uint64_t addr, uint8_t *ret)
{
	for (size_t i = 0; i < c->nr_words; i++) {
		const struct cpu_word *w = &c->word[i];
		const unsigned int off = (unsigned int)(addr - w->addr);

		if (addr - w->addr >= 8 || !(w->written >> off & 1))
			continue;
		*ret = (uint8_t)(w->data >> (off * 8));
		return w->known >> off & 1 ? 2 : 1;
	}
	return 0;
}

/* A byte that was written and that we know nothing of is as if it had not been written. */
static void bench__compare_memory(struct bench *b)
{
	uint8_t ours, truth;

	for (size_t i = 0; i < b->cpu.nr_words; i++)
		for (uint64_t at = b->cpu.word[i].addr; at < b->cpu.word[i].addr + 8; at++)
			if (byte_of(&b->cpu, at, &ours) == 2 &&
			    !uc_mem_read(b->uc, at, &truth, 1) && ours != truth)
				bench__differs(b, "memory", ours, truth);
	for (size_t i = 0; i < b->nr_writes; i++) {
		b->writes++;
		b->seen_writes += byte_of(&b->cpu, b->write[i].addr, &ours) > 0;
	}
}

/* Follows the piece, then has it executed. What cannot be executed with such registers is left out. */
static void bench__try(struct bench *b, uint64_t start)
{
	b->start = start;
	b->nr_writes = 0;
	b->steps = 0;
	b->left = false;
	bench__set(b);
	bench__follow(b);
	if (b->end == start && !b->branches)
		return;
	if (uc_emu_start(b->uc, start, NOWHERE, 0, 0) || b->steps > STEPS_MAX)
		return;
	if (b->branches) {
		b->branched++;
		b->decided += b->next_known;
		if (b->next_known && b->next != b->stopped_at)
			bench__differs(b, "pc", b->next, b->stopped_at);
	}
	b->pieces++;
	b->instructions += (b->end - start) / WORD + b->branches;
	bench__compare_regs(b);
	bench__compare_memory(b);
}

/* Part of what the assembler makes of one instruction: it does not begin there. */
static bool is_second_half(const struct bench *b, uint64_t addr)
{
	const uint32_t before = word_at(b, addr - WORD), word = word_at(b, addr);

	return (before & 0x9f000000) == 0x90000000 ||                  /* adrp */
	       (word & 0x7f800000) == 0x72800000 ||                    /* movk */
	       (word_at(b, addr - WORD) & 0x3fe07c00) == 0x08407c00 || /* in a loop of ldaxr */
	       (word & 0x3fe00000) == 0x08000000;                      /* stxr */
}

static bool is_atomic(uint32_t word)
{
	return (word & 0x3fe07c00) == 0x08407c00 || (word & 0x3f200c00) == 0x38200000 ||
	       (word & 0x3fa07c00) == 0x08a07c00;
}

static void bench__run(struct bench *b)
{
	const uint64_t words = b->text.len / WORD;
	int atomic = 0;

	for (int i = 0; i < PIECES; i++) {
		const uint64_t at = b->text.addr + bench__random(b) % words * WORD;

		if (!is_second_half(b, at))
			bench__try(b, at);
	}
	for (uint64_t at = b->text.addr; at < b->text.addr + b->text.len; at += WORD)
		if (is_atomic(word_at(b, at)) && !is_second_half(b, at) && atomic++ < ATOMIC_MAX)
			bench__try(b, at);
	printf("pieces %" PRIu64 "\ninstructions %" PRIu64 "\natomic %d\nchanged %" PRIu64
	       "\nknown %" PRIu64 "\nwrites %" PRIu64 "\nseen_writes %" PRIu64 "\nbranches %" PRIu64
	       "\ndecided %" PRIu64 "\nwrong %" PRIu64 "\n",
	       b->pieces, b->instructions, atomic, b->changed, b->known, b->writes, b->seen_writes,
	       b->branched, b->decided, b->wrong);
}

int main(int argc, char **argv)
{
	static struct bench b;

	must(argc >= 2, "usage: pwa64 FILE [SEED]");
	b.random = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	bench__init(&b, argv[1]);
	bench__run(&b);
	uc_close(b.uc);
	return b.wrong ? 1 : 0;
}
