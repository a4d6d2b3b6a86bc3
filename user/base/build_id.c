/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ALIGNED(n) (((size_t)(n) + 3) & ~(size_t)3)

static void read_notes(const uint8_t *at, size_t len, char text[BUILD_ID_MAX])
{
	ElfW(Nhdr) n;

	while (len >= sizeof(n)) {
		const uint8_t *name = at + sizeof(n), *id;
		size_t whole;

		memcpy(&n, at, sizeof(n));
		whole = sizeof(n) + ALIGNED(n.n_namesz) + ALIGNED(n.n_descsz);
		if (whole > len)
			return;
		id = name + ALIGNED(n.n_namesz);
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(name, ELF_NOTE_GNU, n.n_namesz) && 2 * n.n_descsz < BUILD_ID_MAX)
			for (size_t i = 0; i < n.n_descsz; i++)
				snprintf(text + 2 * i, 3, "%02x", id[i]);
		at += whole;
		len -= whole;
	}
}

/* The first object is the program. */
static int of_program(struct dl_phdr_info *o, size_t size, void *text)
{
	(void)size;
	for (size_t i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];

		if (p->p_type == PT_NOTE && p->p_align <= 4)
			read_notes((const uint8_t *)(uintptr_t)(o->dlpi_addr + p->p_vaddr),
				   p->p_memsz, text);
	}
	return 1;
}

void own_build_id(char text[BUILD_ID_MAX])
{
	text[0] = '\0';
	(void)dl_iterate_phdr(of_program, text);
}
