/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goruntime: one Go runtime found in a process: its version, layout, tables and where its allgs is.
 *
 * A process has one as a rule; c-shared libraries bring one each; plugins are further modules of
 * the host's. Everything is read from process memory (a PIE's file may hold zeros where addresses
 * belong), the ELF file only says where sections lie. Nothing here proves that the layout holds:
 * census/proof does, on the live target.
 */
#ifndef PARKWATCH_GOLANG_GORUNTIME_H
#define PARKWATCH_GOLANG_GORUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include <parkwatch/layout.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "golang/goarch.h"
#include "golang/goimage.h"
#include "golang/golayout.h"
#include "golang/gomain.h"
#include "golang/gosym.h"
#include "golang/pclntab.h"

#define GOMODULES_MAX GOSYM_MODULES_MAX

struct gomodule {
	uint64_t moduledata; /* its address */
	uint64_t text, etext;
	uint64_t minpc, maxpc;
	struct tabspan data, bss;           /* variables that may hold pointers */
	struct tabspan noptrdata, noptrbss; /* and those that hold none */
	uint64_t data_mask, bss_mask;       /* of data and bss, see moduledata.h */
	/* path of a plugin, else moduledata.modulename: "" for the program itself */
	char name[128];
};

struct goruntime {
	char version[64];          /* "go1.22.1", as buildinfo says */
	int minor;                 /* 22 */
	const struct goarch *arch; /* of the machine that it is compiled for */
	uint16_t machine;          /* likewise: EM_X86_64, EM_AARCH64 */
	bool regabi;               /* arguments come in registers */
	/* cgo: runtime/cgo is linked in; stripped: no symbol table */
	bool race, pie, cgo, stripped;
	/*
	 * "exe", "pie", "c-shared", "plugin", as Go calls them; c-archive and shared too where the
	 * binary says so
	 */
	char buildmode[16];
	char path[256];     /* of the image, as the target names it */
	char build_id[129]; /* GNU build id in hex, else Go's own; "" if it has none */
	struct pw_layout layout;
	/* of a Go newer than the table without such DWARF: all PW_NO_FIELD */
	struct goobjects objects;
	enum golayout_source layout_source;
	uint64_t pclntab; /* address of the host module's */
	uint64_t allgs;   /* address of the slice header {ptr, len, cap} */
	/* address of the i64 that says when marking ended last, CLOCK_MONOTONIC; 0 not known */
	uint64_t gcstart;
	uint32_t nr_modules;
	struct gomodule modules[GOMODULES_MAX]; /* [0] is the image itself, then moduledata.next */
	struct gosym *sym;                      /* owned */
	struct gomain *main;                    /* owned; which functions are the program's own */
};

/*
 * A plugin's image has a moduledata but no runtime of its own: open the host's image first, and
 * pass over images whose code lies in a module of a runtime that is open already
 * (goruntime__holds()).
 *
 * Looks for a Go runtime in one image. 0 and *ret; -ENOENT: no Go in it (no cause is set);
 * -EOPNOTSUPP: Go too old, too new without DWARF, or 32-bit; -EBADMSG: damaged; each with a cause.
 * `as` reads the process, borrowed as long as the goruntime lives.
 */
int goruntime__open(const struct addrspace *as, const struct goimage *img, struct goruntime **ret,
		    struct cause *why);
void goruntime__free(struct goruntime *rt);
DEFINE_SCOPED(goruntime)

/* Whether calls leave the return address in a register (goarch.h). */
static inline bool goruntime_has_link(const struct goruntime *rt)
{
	return rt->arch && rt->arch->link;
}

/* Whether pc lies in the text of one of its modules. */
bool goruntime__holds(const struct goruntime *rt, uint64_t pc);

#endif
