/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * site: of A64 code the cheapest instruction of a function at which the wanted values are still in
 * hand, and calls and returns in it.
 *
 * As x86/site: pure, from the function's entry along the straight line that every call takes. Go's
 * frames (cmd/internal/obj/arm64): `str x30, [sp, #-size]!`, then x29 is saved right below the frame,
 * and points there: {caller's x29, return address}, as on x86. Until then the return address is in
 * x30. The check of the stack's end is `cmp` with a word of g, and `b.ls` to morestack.
 */
#ifndef PARKWATCH_ARM64_SITE_H
#define PARKWATCH_ARM64_SITE_H

#include "code/site.h"

/* As site__choose() of x86/site; ask->g_in_tls is not looked at, g is always in x28. */
int a64_site__choose(const struct site_ask *ask, struct site_choice *ret);

/* Address of the `b.ls` of the stack check at the function's start; 0: it has none. */
uint64_t a64_code__stack_check(const struct code *code);
/* As code__find_call() and code__find_ret() of x86/code. */
int a64_code__find_call(const struct code *code, uint64_t target, uint64_t *ret_addr,
			uint64_t *ret_next);
int a64_code__find_ret(const struct code *code, uint64_t *ret_addr);

#endif
