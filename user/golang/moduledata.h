/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moduledata: finds and reads runtime.moduledata, the record that says where a Go module's tables
 * are.
 *
 * Always from the memory of the process: in the file of a position independent program its pointers
 * may be zero. Found without symbols: a word that points at the pclntab, in a record whose other
 * words agree with that table. Scans stream through one buffer of WINDOW_BYTES.
 */
#ifndef PARKWATCH_GOLANG_MODULEDATA_H
#define PARKWATCH_GOLANG_MODULEDATA_H

#include <stdint.h>

#include "base/addrspace.h"
#include "elf/elf_file.h"
#include "golang/goimage.h"
#include "golang/pclntab.h"

#define MODULE_NAME_MAX 128

struct moduledata {
	struct pclntab tab;
	/*
	 * Its variables; empty where the words make no sense. Only data and bss may hold pointers.
	 */
	struct tabspan data, bss, noptrdata, noptrbss;
	/* address of a bit for each word: whether it is a pointer; 0: not there */
	uint64_t data_mask, bss_mask;
	uint64_t next;                /* address of the next module's, 0: none */
	char name[MODULE_NAME_MAX];   /* modulename: "" for a program */
	char plugin[MODULE_NAME_MAX]; /* pluginpath: "" unless a plugin */
};

/*
 * Reads the record at addr, laid out as `lay` says, and checks it as runtime.moduledataverify1
 * does.
 * -EFAULT: unreadable; -EBADMSG: this is no moduledata.
 */
int moduledata_read(const struct addrspace *as, uint64_t addr, int minor,
		    const struct gotables *lay, struct moduledata *ret);

/* Finds that of an image. -ENOENT: there is none. */
int moduledata_find(const struct addrspace *as, const struct goimage *img,
		    const struct elf_file *elf, int minor, const struct gotables *lay,
		    struct moduledata *ret);

#endif
