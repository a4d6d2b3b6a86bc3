/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "golang/goglobals.h"

#define CODE 0x401000ull
#define DATA 0x500000ull

/* mov rax, [rip+x] (load) or mov [rip+x], rax (store), so that it refers to addr. */
static size_t put_mov(uint8_t *code, size_t at, uint8_t opcode, uint64_t addr)
{
	int32_t rel = (int32_t)(addr - (CODE + at + 7));

	code[at] = 0x48;
	code[at + 1] = opcode;
	code[at + 2] = 0x05;
	memcpy(code + at + 3, &rel, sizeof(rel));
	return at + 7;
}

Test(goglobals, allgs_is_the_only_slice_that_the_code_refers_to)
{
	uint8_t code[64];
	uint64_t addr = 0;
	size_t at = put_mov(code, 0, 0x8b, DATA + 16);

	at = put_mov(code, at, 0x8b, DATA + 8);
	at = put_mov(code, at, 0x8b, DATA);
	at = put_mov(code, at, 0x89, DATA + 8);
	at = put_mov(code, at, 0x89, DATA + 0x100);
	cr_assert_eq(goglobals_allgs(code, at, CODE, &addr), 0);
	cr_expect_eq(addr, DATA);
}

Test(goglobals, allgs_is_refused_if_there_is_none_or_more_than_one)
{
	uint8_t code[64] = { 0 };
	uint64_t addr = 1;
	size_t at = put_mov(code, 0, 0x8b, DATA);

	at = put_mov(code, at, 0x8b, DATA + 8);
	cr_expect_eq(goglobals_allgs(code, at, CODE, &addr), -EBADMSG, "two words");
	at = put_mov(code, at, 0x8b, DATA + 16);
	cr_expect_eq(goglobals_allgs(code, at, CODE, &addr), 0);
	at = put_mov(code, at, 0x8b, DATA + 24);
	cr_expect_eq(goglobals_allgs(code, at, CODE, &addr), -EBADMSG, "four words in a row");
	memset(code, 0x06, sizeof(code));
	cr_expect_eq(goglobals_allgs(code, sizeof(code), CODE, &addr), -EBADMSG, "no code");
	cr_expect_eq(goglobals_allgs(code, 0, CODE, &addr), -EBADMSG, "empty");
}

Test(goglobals, the_start_of_a_collection_is_what_gcmark_stores_first)
{
	uint8_t code[64];
	uint64_t addr = 0;
	size_t at = put_mov(code, 0, 0x8b, DATA);

	cr_expect_eq(goglobals_gcstart(code, at, CODE, &addr), -EBADMSG, "it loads only");
	at = put_mov(code, at, 0x89, DATA + 0x98);
	at = put_mov(code, at, 0x89, DATA + 0x10);
	cr_assert_eq(goglobals_gcstart(code, at, CODE, &addr), 0);
	cr_expect_eq(addr, DATA + 0x98);
	at = put_mov(code, 0, 0x89, DATA + 4);
	cr_expect_eq(goglobals_gcstart(code, at, CODE, &addr), -EBADMSG, "not aligned");
}
