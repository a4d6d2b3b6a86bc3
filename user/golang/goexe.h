/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goexe: what the Go linker wrote into a binary about itself: version and build settings
 * (debug/buildinfo).
 *
 * Read from the process, not from the file: up to Go 1.17 it holds pointers that a PIE relocates.
 * Two formats: up to Go 1.17 pointers to two Go strings, from 1.18 the strings themselves (Go
 * debug/buildinfo). Build settings (-race, -buildmode, CGO_ENABLED) are written from Go 1.18 on.
 */
#ifndef PARKWATCH_GOLANG_GOEXE_H
#define PARKWATCH_GOLANG_GOEXE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/gomain.h"

/* of the buildinfo blob (debug/buildinfo buildInfoAlign) */
#define GOEXE_ALIGN       16
#define GOEXE_VERSION_MAX 64
#define GOEXE_MODINFO_MAX (1u << 20) /* bytes of module information looked at */

struct goexe {
	char version[GOEXE_VERSION_MAX]; /* "go1.22.1"; longer ones are cut */
	char buildmode[16];              /* "" : not said */
	/* 1 yes, 0 no, -1 not said; cgo: CGO_ENABLED, not that C is linked in */
	int8_t race, cgo;
};

/*
 * Reads the blob at addr. -ENOENT: there is none; -EFAULT; -EBADMSG: damaged; -ENOMEM. ret_main:
 * NULL or of what modules it is, then the caller's.
 */
int goexe_read(const struct addrspace *as, uint64_t addr, struct goexe *ret,
	       struct gomain **ret_main);

/* Looks for the blob in [start, end) at every 16th byte. -ENOENT: not there. */
int goexe_find(const struct addrspace *as, uint64_t start, uint64_t end, uint64_t *ret_addr);

/*
 * Minor number of a version text: "go1.22.1" 22, "go1.26.11-X:foo" 26, "devel go1.28-abc Mon..."
 * 28, "go1.21.3 (Red Hat 1.21.3-1.el9)" 21, "go1.22rc1" 22. -EBADMSG if it has none, as "devel
 * +abc".
 */
int goexe_minor(const char *version, int *ret);

/* Settings out of module information text (lines "build\tkey=value"). */
void goexe_settings(const char *modinfo, size_t len, struct goexe *exe);

#endif
