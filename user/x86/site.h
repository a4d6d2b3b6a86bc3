/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * site: the cheapest instruction of a function at which the wanted values are still in hand.
 *
 * Pure: bytes in, one instruction out, no process and no kernel. The decoder is Zydis; what it says
 * is followed from the function's entry along the straight line that every call takes: where the
 * stack pointer and the frame pointer are, and which registers and stack slots hold the values.
 */
#ifndef PARKWATCH_X86_SITE_H
#define PARKWATCH_X86_SITE_H

#include "code/site.h"
#include "x86/code.h"

/*
 * 0; -ENOENT no instruction at which all values are in hand; -EBADMSG the bytes do not decode;
 * -E2BIG too large. Instructions before a stack check are never chosen (they run again after the
 * stack has grown), nor such that a branch leads to, nor such that not every call reaches.
 */
int site__choose(const struct site_ask *ask, struct site_choice *ret);

#endif
