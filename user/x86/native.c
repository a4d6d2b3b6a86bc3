/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/native.h"

#ifdef __x86_64__

#include <string.h>

#define INT3     0xccUL
#define CALL     0xe8
#define NOP5_LEN 5

const char *insn_class_name(enum insn_class c)
{
	static const char *const names[INSN_CLASS_MAX] = {
		[INSN_NOP5] = "nop5", [INSN_BRANCH] = "jcc", [INSN_PUSH] = "push",
		[INSN_CALL] = "call", [INSN_NOP] = "nop",    [INSN_STEPPED] = "single-stepped",
	};

	return (unsigned int)c < INSN_CLASS_MAX ? names[c] : "?";
}

/* g in rax, rbx and r14, the reason in rcx. Calls keep all of these; the loop counter is r12. */
#define STUB(name, insn, undo)                                                                     \
	void stub_run_##name(const void *body, uint64_t n);                                        \
	extern const char stub_at_##name[];                                                        \
	__asm__(".pushsection .text\n"                                                             \
		".balign 64\n"                                                                     \
		".globl stub_run_" #name "\n"                                                      \
		".hidden stub_run_" #name "\n"                                                     \
		".type stub_run_" #name ", @function\n"                                            \
		"stub_run_" #name ":\n"                                                            \
		"push %rbx\n push %rbp\n push %r12\n push %r14\n"                                  \
		"mov %rsi, %r12\n"                                                                 \
		"mov %rdi, %rbx\n"                                                                 \
		"mov %rdi, %r14\n"                                                                 \
		"mov $" NATIVE_REASON ", %ecx\n"                                                   \
		"lea " NATIVE_FRAMES_OFF "(%rdi), %rbp\n"                                          \
		"1: mov %rbx, %rax\n"                                                              \
		"test %r12, %r12\n"                                                                \
		".globl stub_at_" #name "\n"                                                       \
		".hidden stub_at_" #name "\n"                                                      \
		"stub_at_" #name ":\n" insn "\n" undo "\n"                                         \
		"dec %r12\n"                                                                       \
		"jnz 1b\n"                                                                         \
		"pop %r14\n pop %r12\n pop %rbp\n pop %rbx\n"                                      \
		"ret\n"                                                                            \
		"3: ret\n"                                                                         \
		".size stub_run_" #name ", . - stub_run_" #name "\n"                               \
		".popsection\n")

STUB(nop5, ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00", "");
STUB(jcc, "jz 1b", "");
STUB(push, "push %rbp", "pop %rdx");
STUB(call, "call 3f", "");
STUB(nop, ".byte 0x90", "");
STUB(stepped, "cmp 0x10(%r14), %rsp", "");

const struct native_stub native_stubs[INSN_CLASS_MAX] = {
	[INSN_NOP5] = { stub_run_nop5, stub_at_nop5 },
	[INSN_BRANCH] = { stub_run_jcc, stub_at_jcc },
	[INSN_PUSH] = { stub_run_push, stub_at_push },
	[INSN_CALL] = { stub_run_call, stub_at_call },
	[INSN_NOP] = { stub_run_nop, stub_at_nop },
	[INSN_STEPPED] = { stub_run_stepped, stub_at_stepped },
};
const uint8_t native_g_reg = 14, native_reason_reg = 1;

const size_t native_align = 1;

/* Of a 5-byte nop the kernel makes a call (Linux 6.18 arch/x86/kernel/uprobes.c). */
size_t native_breakpoint(const uint8_t *now, const uint8_t *file, size_t len)
{
	static const uint8_t nop5[NOP5_LEN] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	if (*now == *file)
		return 0;
	if (*now == INT3)
		return 1;
	return len >= NOP5_LEN && *now == CALL && !memcmp(file, nop5, NOP5_LEN) ? NOP5_LEN : 0;
}

unsigned long native_trap_over(unsigned long word)
{
	return (word & ~0xffUL) | INT3;
}

/* The processor has gone past it. */
uint64_t native_trap_at(const struct user_regs_struct *regs)
{
	return regs->rip - 1;
}

void native_resume_at(struct user_regs_struct *regs, uint64_t pc)
{
	regs->rip = pc;
}

#endif
