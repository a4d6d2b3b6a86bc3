/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * govars: names and types of a Go program's variables, as far as its files have symbols and DWARF.
 *
 * Over the images of one process, host and plugins. Symbols and DWARF of an image are read when
 * something in it is asked for the first time. Stripped images say the section at least. Loop
 * thread.
 */
#ifndef PARKWATCH_GOLANG_GOVARS_H
#define PARKWATCH_GOLANG_GOVARS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "elf/dwarf_vars.h"
#include "golang/goimage.h"

#define GOVARS_IMAGES_MAX 64
/* bytes of .debug_info; of more the types are not known */
#define GOVARS_INFO_MAX (512u << 20)
#define GOVAR_NAME_MAX  512 /* longer names are cut */

struct govar {
	char name[GOVAR_NAME_MAX]; /* "main.pool"; "": no symbol says */
	char section[32];          /* ".bss"; "": the image has no sections */
	uint64_t addr, size;       /* of the variable, if it has a name */
	size_t image;
};

struct govars;

/* images: borrowed until free. -ENOMEM. */
int govars__new(const struct goimage *const *images, size_t nr, struct govars **ret);
void govars__free(struct govars *v);
DEFINE_SCOPED(govars)

/* What is at addr of the process. -ENOENT: it lies in no image. */
int govars__at(struct govars *v, uint64_t addr, struct govar *ret);
/* The types of an image. NULL: it has none that can be read. Borrowed. */
struct dwarf_vars *govars__types(struct govars *v, size_t image);

#endif
