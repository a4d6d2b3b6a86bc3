/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwheld64: which locks the functions of a program for arm64 hold where they park, as locks/holds says,
 * against what they claim themselves: for arm64code.py, on any machine.
 *
 *	pwheld64 FILE MINOR
 *
 * Unicorn runs each function of main from its entry, with pointers to zeroed memory as arguments, up
 * to where it would park; main.mutex, main.reading and main.writing are told what is held
 * (progs/locks). What needs more of the runtime than there is comes to nothing; closures, which have
 * none of their variables, are left out. "ok FUNCTION N", with the locks that it claims, or "FAIL
 * FUNCTION: ..." a line; 1: there was a failure.
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

#include "elf/elf_file.h"
#include "golang/gofacts.h"
#include "golang/golayout.h"
#include "golang/moduledata.h"
#include "locks/holds.h"

#define PAGE        0x10000ull
#define STACK       0xc000100000ull
#define STACK_BYTES 0x20000ull
#define HEAP        0xc000200000ull /* g, m, then objects */
#define HEAP_BYTES  0x40000ull
#define OBJECT      0x1000ull
#define G           HEAP
#define M           (HEAP + OBJECT)
#define ARGS        8
#define NOWHERE     0xdead0001ull
#define STEPS_MAX   20000
#define FRAMES_MAX  16
#define HELD_MAX    16

enum role { RUNS, PARKS, NEWOBJECT, MUTEX, READING, WRITING };
static const struct {
	const char *func;
	enum role role;
} roles[] = {
	{ "runtime.chanrecv1", PARKS },     { "runtime.chanrecv2", PARKS },
	{ "runtime.chansend1", PARKS },     { "runtime.selectgo", PARKS },
	{ "runtime.block", PARKS },         { "time.Sleep", PARKS },
	{ "runtime.newobject", NEWOBJECT }, { "main.mutex", MUTEX },
	{ "main.reading", READING },        { "main.writing", WRITING },
};

struct claim {
	uint64_t lock;
	enum held_kind kind;
};

struct world {
	struct addrspace as; /* first member: Unicorn's memory */
	uc_engine *uc;
	const uint8_t *file;
	struct goruntime rt;
	uint64_t entry[ARRAY_SIZE(roles)];
	uint64_t goexit;
	/* a run */
	struct claim claim[HELD_MAX];
	size_t nr_claims;
	unsigned int steps;
	uint64_t next_object, parked_in;
};

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "pwheld64: %s\n", what);
	exit(2);
}

static int read_unicorn(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	return uc_mem_read(((const struct world *)as)->uc, addr, buf, len) ? -EFAULT : 0;
}

static uint64_t reg(struct world *w, int r)
{
	uint64_t v = 0;

	must(!uc_reg_read(w->uc, r, &v), "no register");
	return v;
}

static void set_reg(struct world *w, int r, uint64_t v)
{
	must(!uc_reg_write(w->uc, r, &v), "no register");
}

static void put(struct world *w, uint64_t addr, uint64_t v)
{
	must(!uc_mem_write(w->uc, addr, &v, 8), "no memory");
}

static uint64_t word(struct world *w, uint64_t addr)
{
	uint64_t v = 0;

	(void)uc_mem_read(w->uc, addr, &v, 8);
	return v;
}

/* --- what stands for the runtime --- */

static uint64_t argument(struct world *w)
{
	return w->rt.regabi ? reg(w, UC_ARM64_REG_X0) : word(w, reg(w, UC_ARM64_REG_SP) + 8);
}

static void give_object(struct world *w)
{
	const uint64_t bytes = word(w, argument(w)); /* runtime._type.size */

	if (w->rt.regabi)
		set_reg(w, UC_ARM64_REG_X0, w->next_object);
	else
		put(w, reg(w, UC_ARM64_REG_SP) + 16, w->next_object);
	w->next_object += (bytes + 15) & ~15ull;
}

static void take_claim(struct world *w, enum held_kind kind)
{
	must(w->nr_claims < HELD_MAX, "too many claims");
	w->claim[w->nr_claims++] = (struct claim){ argument(w), kind };
}

static enum role role_at(const struct world *w, uint64_t addr)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (w->entry[i] == addr)
			return roles[i].role;
	return RUNS;
}

static void on_instruction(uc_engine *uc, uint64_t addr, uint32_t size, void *ctx)
{
	struct world *w = ctx;
	const enum role role = role_at(w, addr);

	(void)size;
	if (role == PARKS || w->steps++ > STEPS_MAX) {
		w->parked_in = role == PARKS ? addr : 0;
		uc_emu_stop(uc);
		return;
	}
	if (role == RUNS)
		return;
	if (role == NEWOBJECT)
		give_object(w);
	else
		take_claim(w, role == MUTEX     ? HELD_MUTEX
			      : role == READING ? HELD_READ
						: HELD_WRITE);
	set_reg(w, UC_ARM64_REG_PC, reg(w, UC_ARM64_REG_X30)); /* it returns */
}

/* --- the program --- */

static void world__load(struct world *w, bool map)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)w->file;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(w->file + eh->e_phoff);
	static const uint8_t zero[PAGE];

	for (int i = 0; i < eh->e_phnum; i++) {
		const uint64_t at = ph[i].p_vaddr & ~(PAGE - 1),
			       end = ph[i].p_vaddr + ph[i].p_memsz;

		if (ph[i].p_type != PT_LOAD || (!map && !(ph[i].p_flags & PF_W)))
			continue;
		if (map)
			must(!uc_mem_map(w->uc, at, ((end + PAGE - 1) & ~(PAGE - 1)) - at,
					 UC_PROT_ALL),
			     "cannot load a segment");
		for (uint64_t z = ph[i].p_vaddr + ph[i].p_filesz; z < end; z += PAGE)
			must(!uc_mem_write(w->uc, z, zero, end - z < PAGE ? end - z : PAGE),
			     "cannot clear a segment");
		must(!uc_mem_write(w->uc, ph[i].p_vaddr, w->file + ph[i].p_offset, ph[i].p_filesz),
		     "cannot load a segment");
	}
}

/* As it is in memory. */
static void describe(const uint8_t *file, struct goimage *img)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(file + eh->e_phoff);

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			img->segs[img->nr_segs++] = (struct goseg){
				.start = ph[i].p_vaddr,
				.end = ph[i].p_vaddr + ph[i].p_memsz,
				.file_off = ph[i].p_offset,
				.prot = (uint8_t)(GOSEG_R | (ph[i].p_flags & PF_W ? GOSEG_W : 0) |
						  (ph[i].p_flags & PF_X ? GOSEG_X : 0))
			};
}

static void world__open(struct world *w, const char *path, int minor)
{
	const struct golayout_row *row = golayout_row(minor, EM_AARCH64);
	const char *names[ARRAY_SIZE(roles) + 1];
	struct gofunc found[ARRAY_SIZE(roles) + 1];
	struct moduledata md;
	struct elf_file *elf;
	struct cause why;
	struct stat st;
	struct goimage img = { .path = path, .fd = open(path, O_RDONLY | O_CLOEXEC) };

	must(row && img.fd >= 0 && !fstat(img.fd, &st), "cannot read the file");
	w->file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, img.fd, 0);
	must(w->file != MAP_FAILED, "cannot map the file");
	world__load(w, true);
	describe(w->file, &img);
	must(!elf_file__open(img.fd, path, &elf, &why), "no ELF file");
	must(!moduledata_find(&w->as, &img, elf, minor, &row->tables, &md), "no tables");
	w->rt.minor = minor;
	w->rt.machine = EM_AARCH64;
	w->rt.arch = goarch_of(EM_AARCH64);
	w->rt.regabi = gofacts_has(minor, w->rt.arch->regabi);
	w->rt.layout = row->layout;
	w->rt.nr_modules = 1;
	w->rt.modules[0].moduledata = md.tab.moduledata;
	must(!gosym__new(&w->as, &md.tab, 1, &w->rt.sym), "no symbols");
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		names[i] = roles[i].func;
	names[ARRAY_SIZE(roles)] = "runtime.goexit";
	must(!gosym__find(w->rt.sym, 0, names, ARRAY_SIZE(names), found), "no functions");
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		w->entry[i] = found[i].entry;
	w->goexit = found[ARRAY_SIZE(roles)].entry;
}

/* --- a run --- */

static bool world__run(struct world *w, uint64_t entry)
{
	static const uint8_t zero[HEAP_BYTES];
	const struct pw_layout *l = &w->rt.layout;
	const uint64_t sp = STACK + STACK_BYTES - 0x1000;

	world__load(w, false);
	must(!uc_mem_write(w->uc, HEAP, zero, HEAP_BYTES), "no memory");
	put(w, G + (uint64_t)l->g_stack_lo, STACK);
	put(w, G + (uint64_t)l->g_stack_hi, STACK + STACK_BYTES);
	put(w, G + 16, STACK + 0x400); /* g.stackguard0 */
	put(w, G + (uint64_t)l->g_m, M);
	put(w, M + (uint64_t)l->m_curg, G);
	for (int i = 0; i < ARGS; i++) {
		set_reg(w, UC_ARM64_REG_X0 + i, M + OBJECT * (uint64_t)(i + 1));
		put(w, sp + 8 + 8 * (uint64_t)i, M + OBJECT * (uint64_t)(i + 1));
	}
	set_reg(w, UC_ARM64_REG_X28, G);
	set_reg(w, UC_ARM64_REG_X29, 0);
	set_reg(w, UC_ARM64_REG_X30, w->goexit + 4);
	set_reg(w, UC_ARM64_REG_SP, sp);
	w->nr_claims = 0;
	w->steps = 0;
	w->parked_in = 0;
	w->next_object = M + OBJECT * (ARGS + 1);
	return !uc_emu_start(w->uc, entry, NOWHERE, 0, 0) && w->parked_in;
}

/* As a goroutine's that is about to park. */
static size_t world__stack(struct world *w, uint64_t pcs[FRAMES_MAX])
{
	uint64_t sp = reg(w, UC_ARM64_REG_SP);
	size_t nr = 2;
	int32_t delta;

	pcs[0] = w->parked_in;
	pcs[1] = reg(w, UC_ARM64_REG_X30);
	while (nr < FRAMES_MAX && pcs[nr - 1] != w->goexit + 4 &&
	       !gosym__spdelta(w->rt.sym, pcs[nr - 1], &delta)) {
		pcs[nr++] = word(w, sp);
		sp += (uint64_t)delta;
	}
	return nr;
}

static bool world__claims(const struct world *w, const struct held *h)
{
	for (size_t i = 0; i < w->nr_claims; i++)
		if (w->claim[i].lock == h->lock && w->claim[i].kind == (enum held_kind)h->kind)
			return true;
	return false;
}

static bool finds(const struct held *held, int n, const struct claim *c)
{
	for (int i = 0; i < n; i++)
		if (held[i].lock == c->lock && (enum held_kind)held[i].kind == c->kind)
			return true;
	return false;
}

/* What these hold nobody claims here, or they need what package main sets up first. */
static bool is_apart(const char *name)
{
	static const char *const names[] = { "main.once", "main.triedInVain", "main.methodValue" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return strstr(name, ".func") != NULL;
}

/* 1: there was a failure. */
static int world__check(struct world *w, const char *name)
{
	struct held held[HELD_MAX];
	uint64_t pcs[FRAMES_MAX];
	struct hold_stack s = { .pcs = pcs,
				.nr = world__stack(w, pcs),
				.sp = reg(w, UC_ARM64_REG_SP),
				.stack_hi = STACK + STACK_BYTES,
				.g = G };
	scoped(holds) holds = NULL;
	bool complete = false;
	int n, wrong = 0;

	must(!holds__new(&w->as, &w->rt, &holds), "no memory");
	n = holds__find(holds, &s, held, HELD_MAX, &complete);
	for (int i = 0; i < n; i++)
		if (held[i].kind != HELD_GROUP && held[i].kind != HELD_PENDING &&
		    !world__claims(w, &held[i]) && ++wrong)
			printf("FAIL %s: wrong: %s 0x%" PRIx64 "\n", name,
			       held_kind_name((enum held_kind)held[i].kind), held[i].lock);
	for (size_t i = 0; i < w->nr_claims; i++)
		if (!finds(held, n, &w->claim[i]) && ++wrong)
			printf("FAIL %s: not found: %s 0x%" PRIx64 "\n", name,
			       held_kind_name(w->claim[i].kind), w->claim[i].lock);
	if (!wrong)
		printf("ok %s %zu\n", name, w->nr_claims);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	static struct world w;
	struct pagecache *mem;
	const struct pclntab *tab;
	uint64_t entry, off;
	int wrong = 0;
	uc_hook hook;

	must(argc == 3, "usage: pwheld64 FILE MINOR");
	must(!uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &w.uc) &&
		     !uc_mem_map(w.uc, STACK, STACK_BYTES, UC_PROT_ALL) &&
		     !uc_mem_map(w.uc, HEAP, HEAP_BYTES, UC_PROT_ALL) &&
		     !uc_hook_add(w.uc, &hook, UC_HOOK_CODE, (void *)on_instruction, &w, 1ull,
				  0ull),
	     "no Unicorn");
	w.as.read = read_unicorn;
	world__open(&w, argv[1], atoi(argv[2]));
	tab = gosym__tables(w.rt.sym, w.goexit, &mem);
	for (uint64_t i = 0; i < tab->nfunc; i++) {
		struct goframe frame;

		must(!pclntab_entry(tab, mem, i, &entry, &off), "damaged tables");
		if (gosym__frames(w.rt.sym, entry, false, &frame, 1) == 1 &&
		    !strncmp(frame.func, "main.", 5) && !is_apart(frame.func) &&
		    role_at(&w, entry) == RUNS && world__run(&w, entry))
			wrong |= world__check(&w, frame.func);
	}
	return wrong;
}
