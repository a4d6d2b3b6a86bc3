/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image: one ELF file that is mapped into a process as code: its identity, load bias and segments.
 *
 * Holds the file open, so that it stays the same file whatever happens to its name. What golang/
 * gets is `go`.
 */
#ifndef PARKWATCH_TARGET_IMAGE_H
#define PARKWATCH_TARGET_IMAGE_H

#include <stdbool.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "elf/elf_file.h"
#include "golang/goimage.h"
#include "target/maps.h"

struct image {
	struct goimage go; /* borrows name and fd from here */
	uint64_t dev, inode;
	uint64_t start, end;  /* all that its PT_LOADs take */
	int fd;               /* owned */
	struct elf_file *elf; /* owned */
	char link[32];        /* /proc/self/fd/N of it */
	char *name;           /* as the target names it; owned */
};

/*
 * exec: an executable mapping of the file that fd is open on. fd is taken over, on failure too.
 * -ENOEXEC: no ELF file, or not mapped as its program headers say; -EOPNOTSUPP: 32-bit or of
 * another machine (with a cause).
 */
int image__new(const struct maps *maps, const struct mapping *exec, int fd, struct image **ret,
	       struct cause *why);
void image__free(struct image *img);
DEFINE_SCOPED(image)

/* By the names of its sections; true as well if it has none: then only a closer look tells. */
bool image__may_have_go(const struct image *img);
bool image__holds(const struct image *img, uint64_t addr);
/* -ENOENT: the address is not backed by the file. */
int image__file_offset(const struct image *img, uint64_t addr, uint64_t *ret);

#endif
