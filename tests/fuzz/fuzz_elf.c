/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an ELF file: whatever is told of it lies inside of it. */
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/elf_file.h"
#include "elf/elf_vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_fd int fd = memfd_create("fuzz", MFD_CLOEXEC);
	scoped(elf_file) f = NULL;
	scoped(elf_vars) vars = NULL;
	char id[ELF_BUILD_ID_MAX], name[8];
	uint64_t at, len;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
	    elf_file__open(fd, "fuzz", &f, NULL))
		return 0;
	for (size_t i = 0; i < elf_file__nr_sections(f); i++) {
		const struct elf_section *s = elf_file__section_at(f, i);

		if (strlen(s->name) > ELF_NAMES_MAX)
			__builtin_trap();
		if (s->type != SHT_NOBITS && (s->offset > size || s->size > size - s->offset))
			__builtin_trap();
	}
	elf_file__has_symtab(f);
	if (!elf_vars__open(f, &vars))
		for (uint64_t a = 0; a < 1 << 20; a += 997)
			if (!elf_vars__at(vars, a, &at, &len, name, sizeof(name)) &&
			    (a - at >= len || strlen(name) >= sizeof(name)))
				__builtin_trap();
	elf_file__is_pie(f);
	if (!elf_file__gnu_build_id(f, id, sizeof(id)) && strlen(id) >= sizeof(id))
		__builtin_trap();
	if (!elf_file__go_build_id(f, id, sizeof(id)) && strlen(id) >= sizeof(id))
		__builtin_trap();
	return 0;
}
