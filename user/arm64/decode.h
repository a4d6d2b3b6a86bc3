/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decode: instructions of A64 as uops: as isa.decode has it.
 *
 * Of its own, and not a disassembler: instructions are 32 bits with their parts at fixed places, and
 * what is wanted is what they do, not their text. Each word becomes something: of what has no rule it
 * is told which general registers it may change, too many rather than too few. Pure; any bytes are fine.
 */
#ifndef PARKWATCH_ARM64_DECODE_H
#define PARKWATCH_ARM64_DECODE_H

#include "code/code.h"
#include "code/uop.h"

int a64_decode(const struct code *code, uint64_t addr, struct uop *ret);

#endif
