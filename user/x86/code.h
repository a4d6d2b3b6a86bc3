/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code: questions about all instructions of one function of x86-64.
 *
 * Pure: bytes in, addresses out. Only the room x86 knows the disassembler (Zydis).
 *
 * The kernel decides what an instruction costs (arch/x86/kernel/uprobes.c). It emulates near
 * branches and calls without prefix, push of a 64-bit register, the one-byte nop, and from 6.16
 * the nops that it uses itself. Of these a 5-byte nop within one page becomes cheaper still.
 * Everything else is single-stepped: two traps a hit.
 */
#ifndef PARKWATCH_X86_CODE_H
#define PARKWATCH_X86_CODE_H

#include <stdint.h>

#include "code/code.h"

/* Address of the `jbe` of the stack check at the function's start; 0: it has none. */
uint64_t code__stack_check(const struct code *code);
/* Lowest address inside the function, not below `from`, that a branch leads to; the function's end
 * if there is none. */
int code__next_target(const struct code *code, uint64_t from, uint64_t *ret);
/* The one `call target` in the code: its address and that of the next instruction. -ENOENT none,
 * -ENOTUNIQ several. */
int code__find_call(const struct code *code, uint64_t target, uint64_t *ret_addr,
		    uint64_t *ret_next);
/* The one `ret` in the code. -ENOENT none, -ENOTUNIQ several. */
int code__find_ret(const struct code *code, uint64_t *ret_addr);

#endif
