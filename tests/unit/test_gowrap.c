/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gowrap.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"

#define AT 0x4eb3e0

/* As Go 1.17 compiles it: stack check, frame, arguments, call, return, morestack. */
static const uint8_t direct[] = {
	0x49, 0x3b, 0x66, 0x10,       /* cmp rsp, [r14+0x10] */
	0x76, 0x1b,                   /* jbe morestack */
	0x48, 0x83, 0xec, 0x10,       /* sub rsp, 0x10 */
	0x48, 0x8b, 0x42, 0x08,       /* mov rax, [rdx+8] */
	0xe8, 0xed, 0xf7, 0xff, 0xff, /* call */
	0x48, 0x83, 0xc4, 0x10,       /* add rsp, 0x10 */
	0xc3,                         /* ret */
	0xe8, 0x00, 0x10, 0x00, 0x00, /* call morestack */
};
/* mov rbx, [rdx]; call rbx; ret */
static const uint8_t indirect[] = { 0x48, 0x8b, 0x1a, 0xff, 0xd3, 0xc3 };
static const uint8_t twice[] = { 0xe8, 1, 0, 0, 0, 0xe8, 2, 0, 0, 0, 0xc3 };
static const uint8_t none[] = { 0x90, 0xc3, 0xe8, 1, 0, 0, 0 };
static const uint8_t cut[] = { 0x90, 0xe8, 1 };

Test(gowrap, finds_the_one_call_before_the_return)
{
	uint64_t call = 0, target = 0;

	cr_assert_eq(gowrap_callee(goarch_of(EM_X86_64), direct, sizeof(direct), AT, &call,
				   &target),
		     0);
	cr_expect_eq(call, AT + 14);
	cr_expect_eq(target, AT + 19 - 0x813);
}

Test(gowrap, does_not_guess)
{
	static const struct {
		const uint8_t *code;
		size_t len;
		const char *why;
	} t[] = {
		{ indirect, sizeof(indirect), "chosen at run time" },
		{ twice, sizeof(twice), "two calls" },
		{ none, sizeof(none), "no call before the return" },
		{ cut, sizeof(cut), "cut off" },
		{ cut, 0, "empty" },
	};
	uint64_t call, target;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gowrap_callee(goarch_of(EM_X86_64), t[i].code, t[i].len, AT, &call,
					   &target),
			     -ENOENT, "%s", t[i].why);
}
