/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as debug information: the first byte is the Go version, the second and third the
 * length of .debug_abbrev, which follows; the rest is .debug_info. The top bit of the first byte
 * says that both are deflated.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/dwarf_vars.h"
#include "golang/golayout.h"

#define HEADERS 512 /* of the ELF file around it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int wrap(const uint8_t *abbrev, size_t abbrev_len, const uint8_t *info, size_t info_len,
		bool packed)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint8_t h[HEADERS] = { 0 };
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_phoff = 64,
			  .e_phentsize = 56,
			  .e_phnum = 1,
			  .e_shoff = 128,
			  .e_shentsize = 64,
			  .e_shnum = 4,
			  .e_shstrndx = 1 };
	Elf64_Phdr ph = { .p_type = PT_NULL };
	Elf64_Shdr sh[4] = {
		[1] = { .sh_type = SHT_STRTAB, .sh_offset = 448, .sh_size = 64 },
		[2] = { .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_offset = HEADERS,
			.sh_size = abbrev_len },
		[3] = { .sh_name = 15,
			.sh_type = SHT_PROGBITS,
			.sh_offset = HEADERS + abbrev_len,
			.sh_size = info_len },
	};

	if (packed)
		sh[2].sh_flags = sh[3].sh_flags = SHF_COMPRESSED;
	memcpy(h, &eh, sizeof(eh));
	memcpy(h + 64, &ph, sizeof(ph));
	memcpy(h + 128, sh, sizeof(sh));
	memcpy(h + 448, "\0.debug_abbrev\0.debug_info", 27);
	if (fd >= 0 && (write(fd, h, sizeof(h)) != sizeof(h) ||
			write(fd, abbrev, abbrev_len) != (ssize_t)abbrev_len ||
			write(fd, info, info_len) != (ssize_t)info_len)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Each entry as a type, each offset in it. */
static void look_into(const struct elf_file *f, size_t info)
{
	scoped(dwarf_vars) v = NULL;
	struct dwarf_spot spot;
	uint64_t type;
	char text[16];

	if (dwarf_vars__open(f, 1 << 20, &v, NULL))
		return;
	dwarf_vars__type_of(v, "runtime.g", &type);
	(void)dwarf_vars__slot(v, "runtime.g", 8, -8, &(struct dwarf_slot){ .offset = 0 });
	for (type = 0; type < info && type < 1024; type++) {
		dwarf_vars__name(v, type, text, sizeof(text));
		for (uint64_t off = 0; off < 64; off += 8)
			if (!dwarf_vars__at(v, type, off, text, sizeof(text), &spot) &&
			    (strlen(text) >= sizeof(text) || spot.kind > DWARF_SPOT_FUNC))
				__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_fd int fd = -1;
	scoped(elf_file) f = NULL;
	struct pw_layout lay;
	struct gotables tab;
	struct goobjects obj;
	size_t abbrev;
	int minor;

	if (size < 3)
		return 0;
	minor = 15 + (data[0] & 0x7f) % 13;
	abbrev = data[1] | (size_t)data[2] << 8;
	if (abbrev > size - 3)
		abbrev = size - 3;
	fd = wrap(data + 3, abbrev, data + 3 + abbrev, size - 3 - abbrev, data[0] & 0x80);
	if (fd < 0 || elf_file__open(fd, "fuzz", &f, NULL))
		return 0;
	look_into(f, size - 3 - abbrev);
	if (!golayout_from_dwarf(f, minor, 1 << 20, &lay, &tab, &obj, NULL) &&
	    (lay.g_goid < 0 || lay.g_goid > 1 << 27))
		__builtin_trap();
	return 0;
}
