/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native: the machine that parkwatch itself runs on: instructions of each class to try probes on,
 * and a breakpoint. x86/native or arm64/native, whichever this program was compiled for.
 */
#ifndef PARKWATCH_CODE_NATIVE_H
#define PARKWATCH_CODE_NATIVE_H

#include <stdint.h>
#include <sys/user.h>

#include "code/code.h"

/* Of an instruction class, as this machine's assembly calls it: "jcc", "b.cond", "single-stepped". */
const char *insn_class_name(enum insn_class c);

/*
 * A function that runs one instruction, at `at`, n times, with its frame pointer at body +
 * NATIVE_FRAMES_OFF, and in these registers: body, as g and as an argument, and NATIVE_REASON, as a
 * wait reason.
 */
struct native_stub {
	void (*run)(const void *body, uint64_t n);
	const char *at;
};
#define NATIVE_FRAMES_OFF "416" /* a text: of assembly */
#define NATIVE_REASON     "7"
extern const struct native_stub native_stubs[INSN_CLASS_MAX];
extern const uint8_t native_g_reg, native_reason_reg; /* numbers as of struct pw_loc */

extern const size_t native_align; /* bytes that instructions lie at multiples of */
/*
 * Whether what stands at a place of code is a breakpoint, somebody's or the kernel's for a uprobe, and the
 * file has it otherwise. now, file: of len bytes. Its length; 0: it is none.
 */
size_t native_breakpoint(const uint8_t *now, const uint8_t *file, size_t len);

/* The word of code at an address with a breakpoint there. */
unsigned long native_trap_over(unsigned long word);
/* The address of the breakpoint that a thread with these registers has hit, if it has hit one. */
uint64_t native_trap_at(const struct user_regs_struct *regs);
/* It goes on at pc. */
void native_resume_at(struct user_regs_struct *regs, uint64_t pc);

#endif
