/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/elf_vars.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define PIECE 1024u /* symbols read at once */

struct elf_var {
	uint64_t addr, size;
	uint32_t name; /* in the table of names */
};

struct elf_vars {
	const struct elf_file *f;        /* borrowed */
	const struct elf_section *names; /* borrowed from f */
	struct elf_var *v;               /* by address; owned */
	size_t nr, room;
};

void elf_vars__free(struct elf_vars *v)
{
	if (!v)
		return;
	free(v->v);
	free(v);
}

static int elf_vars__add(struct elf_vars *v, const Elf64_Sym *s)
{
	if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_shndx == SHN_UNDEF || !s->st_size ||
	    s->st_size > UINT64_MAX - s->st_value || v->nr == ELF_VARS_MAX)
		return 0;
	if (v->nr == v->room) {
		size_t room = v->room ? 2 * v->room : PIECE;
		struct elf_var *p = reallocarray(v->v, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		v->v = p;
		v->room = room;
	}
	v->v[v->nr++] = (struct elf_var){ s->st_value, s->st_size, s->st_name };
	return 0;
}

static int compare_vars(const void *a, const void *b)
{
	const struct elf_var *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int elf_vars__read(struct elf_vars *v, const struct elf_section *syms)
{
	scoped_mem Elf64_Sym *piece = calloc(PIECE, sizeof(*piece));
	uint64_t nr = syms->size / sizeof(*piece);
	int err = piece ? 0 : -ENOMEM;

	if (nr > ELF_VARS_SYMS_MAX)
		nr = ELF_VARS_SYMS_MAX;
	for (uint64_t at = 0; at < nr && !err; at += PIECE) {
		size_t n = nr - at < PIECE ? (size_t)(nr - at) : PIECE;

		err = elf_file__read(v->f, syms->offset + at * sizeof(*piece), piece,
				     n * sizeof(*piece));
		for (size_t i = 0; i < n && !err; i++)
			err = elf_vars__add(v, &piece[i]);
	}
	if (!err && v->nr)
		qsort(v->v, v->nr, sizeof(*v->v), compare_vars);
	return err;
}

int elf_vars__open(const struct elf_file *f, struct elf_vars **ret)
{
	const struct elf_section *syms = elf_file__section(f, ".symtab");
	const struct elf_section *names = elf_file__section(f, ".strtab");
	scoped(elf_vars) v = NULL;
	int err;

	if (!syms || !names || syms->type != SHT_SYMTAB || names->type != SHT_STRTAB)
		return -ENOENT;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->f = f;
	v->names = names;
	err = elf_vars__read(v, syms);
	if (err)
		return err;
	*ret = steal(v);
	return 0;
}

/* The last one that begins at addr or before; NULL: none. */
static const struct elf_var *elf_vars__before(const struct elf_vars *v, uint64_t addr)
{
	size_t lo = 0, hi = v->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &v->v[lo - 1] : NULL;
}

int elf_vars__at(const struct elf_vars *v, uint64_t addr, uint64_t *ret_addr, uint64_t *ret_size,
		 char *name, size_t size)
{
	const struct elf_var *var = elf_vars__before(v, addr);
	size_t n = size - 1;
	int err;

	if (!var || addr - var->addr >= var->size)
		return -ENOENT;
	if (var->name >= v->names->size)
		return -EBADMSG;
	if (n > v->names->size - var->name)
		n = v->names->size - var->name;
	err = elf_file__read(v->f, v->names->offset + var->name, name, n);
	if (err)
		return err;
	name[n] = '\0';
	*ret_addr = var->addr;
	*ret_size = var->size;
	return 0;
}
