/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/govars.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "elf/elf_file.h"
#include "elf/elf_vars.h"

struct varimage {
	const struct goimage *go; /* borrowed */
	/* owned, as the others; NULL: not asked for yet, or there is none */
	struct elf_file *elf;
	struct elf_vars *vars;
	struct dwarf_vars *types;
	bool opened, typed;
};

struct govars {
	size_t nr;
	struct varimage images[GOVARS_IMAGES_MAX];
};

int govars__new(const struct goimage *const *images, size_t nr, struct govars **ret)
{
	struct govars *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < nr && i < GOVARS_IMAGES_MAX; i++)
		v->images[v->nr++].go = images[i];
	*ret = v;
	return 0;
}

void govars__free(struct govars *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->nr; i++) {
		dwarf_vars__free(v->images[i].types);
		elf_vars__free(v->images[i].vars);
		elf_file__free(v->images[i].elf);
	}
	free(v);
}

/* Without symbols, or with damaged ones, there are no names; no more than that is lost. */
static void varimage__open(struct varimage *m)
{
	if (m->opened)
		return;
	m->opened = true;
	if (!elf_file__open(m->go->fd, m->go->path, &m->elf, NULL))
		(void)elf_vars__open(m->elf, &m->vars);
}

static bool varimage__holds(const struct varimage *m, uint64_t addr)
{
	for (size_t i = 0; i < m->go->nr_segs; i++)
		if (addr >= m->go->segs[i].start && addr < m->go->segs[i].end)
			return true;
	return false;
}

static void varimage__section(const struct varimage *m, uint64_t vaddr, struct govar *ret)
{
	for (size_t i = 0; m->elf && i < elf_file__nr_sections(m->elf); i++) {
		const struct elf_section *s = elf_file__section_at(m->elf, i);

		if (s->addr && vaddr - s->addr < s->size) {
			snprintf(ret->section, sizeof(ret->section), "%s", s->name);
			return;
		}
	}
}

int govars__at(struct govars *v, uint64_t addr, struct govar *ret)
{
	for (size_t i = 0; i < v->nr; i++) {
		struct varimage *m = &v->images[i];
		uint64_t vaddr = addr - m->go->bias;
		struct govar var = { .image = i };

		if (!varimage__holds(m, addr))
			continue;
		varimage__open(m);
		varimage__section(m, vaddr, &var);
		if (m->vars &&
		    !elf_vars__at(m->vars, vaddr, &var.addr, &var.size, var.name, sizeof(var.name)))
			var.addr += m->go->bias;
		else
			var.name[0] = '\0';
		*ret = var;
		return 0;
	}
	return -ENOENT;
}

struct dwarf_vars *govars__types(struct govars *v, size_t image)
{
	struct varimage *m = image < v->nr ? &v->images[image] : NULL;

	if (!m || m->typed)
		return m ? m->types : NULL;
	m->typed = true;
	varimage__open(m);
	if (m->elf)
		(void)dwarf_vars__open(m->elf, GOVARS_INFO_MAX, &m->types, NULL);
	return m->types;
}
