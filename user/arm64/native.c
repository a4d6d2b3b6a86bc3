/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/native.h"

#ifdef __aarch64__

#include <string.h>

#define BRK      0xd4200000UL /* brk #0 */
#define BRK_MASK 0xffe0001fU  /* all but its number: a uprobe's is 5 */

const char *insn_class_name(enum insn_class c)
{
	static const char *const names[INSN_CLASS_MAX] = {
		[INSN_NOP5] = "nop", [INSN_BRANCH] = "b.cond", [INSN_PUSH] = "adr",
		[INSN_CALL] = "bl",  [INSN_NOP] = "nop",       [INSN_STEPPED] = "single-stepped",
	};

	return (unsigned int)c < INSN_CLASS_MAX ? names[c] : "?";
}

/* g in x0 and x28, the reason in x2. The loop counter is x19. At sp lies what is no return address. */
#define STUB(name, insn)                                                                           \
	void stub_run_##name(const void *body, uint64_t n);                                        \
	extern const char stub_at_##name[];                                                        \
	__asm__(".pushsection .text\n"                                                             \
		".balign 64\n"                                                                     \
		".globl stub_run_" #name "\n"                                                      \
		".hidden stub_run_" #name "\n"                                                     \
		".type stub_run_" #name ", %function\n"                                            \
		"stub_run_" #name ":\n"                                                            \
		"stp x28, x19, [sp, #-32]!\n stp x29, x30, [sp, #16]\n"                            \
		"mov x19, x1\n"                                                                    \
		"mov x28, x0\n"                                                                    \
		"mov x2, #" NATIVE_REASON "\n"                                                     \
		"add x29, x0, #" NATIVE_FRAMES_OFF "\n"                                            \
		"1: mov x0, x28\n"                                                                 \
		"cmp x19, #0\n"                                                                    \
		".globl stub_at_" #name "\n"                                                       \
		".hidden stub_at_" #name "\n"                                                      \
		"stub_at_" #name ":\n" insn "\n"                                                   \
		"subs x19, x19, #1\n"                                                              \
		"b.ne 1b\n"                                                                        \
		"ldp x29, x30, [sp, #16]\n ldp x28, x19, [sp], #32\n"                              \
		"ret\n"                                                                            \
		"3: ret\n"                                                                         \
		".size stub_run_" #name ", . - stub_run_" #name "\n"                               \
		".popsection\n")

STUB(nop5, "nop");
STUB(branch, "b.eq 1b");
STUB(adr, "adr x3, 1b");
STUB(call, "bl 3f");
STUB(nop, "nop");
STUB(stepped, "ldr x3, [x28, #16]");

const struct native_stub native_stubs[INSN_CLASS_MAX] = {
	[INSN_NOP5] = { stub_run_nop5, stub_at_nop5 },
	[INSN_BRANCH] = { stub_run_branch, stub_at_branch },
	[INSN_PUSH] = { stub_run_adr, stub_at_adr },
	[INSN_CALL] = { stub_run_call, stub_at_call },
	[INSN_NOP] = { stub_run_nop, stub_at_nop },
	[INSN_STEPPED] = { stub_run_stepped, stub_at_stepped },
};
const uint8_t native_g_reg = 28, native_reason_reg = 2;

const size_t native_align = 4;

size_t native_breakpoint(const uint8_t *now, const uint8_t *file, size_t len)
{
	uint32_t is, was;

	if (len < sizeof(is))
		return 0;
	memcpy(&is, now, sizeof(is));
	memcpy(&was, file, sizeof(was));
	return is != was && (is & BRK_MASK) == BRK ? sizeof(is) : 0;
}

unsigned long native_trap_over(unsigned long word)
{
	return (word & ~0xffffffffUL) | BRK;
}

uint64_t native_trap_at(const struct user_regs_struct *regs)
{
	return regs->pc;
}

void native_resume_at(struct user_regs_struct *regs, uint64_t pc)
{
	regs->pc = pc;
}

#endif
