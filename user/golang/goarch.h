/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goarch: what depends on the machine that a Go program is compiled for, one row each: registers
 * and frames (cmd/compile/abi-internal.md, "Architecture specifics"), and who understands its code.
 */
#ifndef PARKWATCH_GOLANG_GOARCH_H
#define PARKWATCH_GOLANG_GOARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "code/coderef.h"
#include "code/gslot.h"
#include "code/site.h"
#include "golang/gofacts.h"

#define GOARCH_ARGS 4

struct goarch {
	uint16_t machine; /* EM_... */
	const char *name; /* GOARCH */
	/* the release that brought arguments in registers */
	enum go_fact regabi;
	uint8_t args
		[GOARCH_ARGS]; /* registers, by their numbers in struct pw_loc; [0]: the result, too */
	uint8_t g;
	bool g_always; /* it is there before arguments are in registers, too */
	/*
	 * A call leaves the return address in a register. A function that calls others saves it at
	 * the bottom of its frame, and no frame has that of its caller's at its top.
	 */
	bool link;
	/*
	 * The release in which a goroutine's stack that is moved has its frame pointers adjusted; before
	 * that those that were saved then lead to where it was. 0: always.
	 */
	enum go_fact moves_frames;
	/* from a caller's sp to what it passes on the stack, where arguments are passed so */
	uint8_t passed;
	/*
	 * How often code has an atomic operation at the most: where not each processor has an instruction
	 * for it there are two ways to do it.
	 */
	uint8_t atomic_ways;
	const char *missing; /* what is not there yet, in words; NULL: nothing */
	int (*choose_site)(const struct site_ask *ask, struct site_choice *ret);
	int (*find_call)(const struct code *code, uint64_t target, uint64_t *ret_addr,
			 uint64_t *ret_next);
	int (*find_ret)(const struct code *code, uint64_t *ret_addr);
	int (*find_gslot)(const struct code *code, struct gslot *ret); /* NULL: nobody looks */
	int (*next_ref)(const struct code *code, uint64_t addr, struct coderef_regs *regs,
			struct coderef *ret);
};

/* NULL: of no machine that is known. */
const struct goarch *goarch_of(uint16_t machine);
/* The machine that parkwatch itself runs on. */
const struct goarch *goarch_native(void);

#endif
