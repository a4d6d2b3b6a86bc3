/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "golang/gomheap.h"

#define CODE 0x401000ull
#define INIT 0x402000ull
#define DATA 0x500000ull

/* lea rax, [rip + x], so that it is addr. */
static size_t put_lea(uint8_t *code, size_t at, uint64_t addr)
{
	int32_t rel = (int32_t)(addr - (CODE + at + 7));

	memcpy(code + at, "\x48\x8d\x05", 3);
	memcpy(code + at + 3, &rel, sizeof(rel));
	return at + 7;
}

static size_t put_call(uint8_t *code, size_t at, uint64_t addr)
{
	int32_t rel = (int32_t)(addr - (CODE + at + 5));

	code[at] = 0xe8;
	memcpy(code + at + 1, &rel, sizeof(rel));
	return at + 5;
}

static size_t put(uint8_t *code, size_t at, const char *bytes, size_t nr)
{
	memcpy(code + at, bytes, nr);
	return at + nr;
}

Test(gomheap, is_the_receiver_of_the_call_to_init)
{
	uint8_t code[64];
	uint64_t addr = 0;
	size_t at = put_lea(code, 0, DATA + 64);

	at = put_call(code, at, INIT + 64);
	at = put_lea(code, at, DATA);
	at = put_call(code, at, INIT);
	cr_assert_eq(gomheap_find(code, at, CODE, INIT, &addr), 0, "in a register");
	cr_expect_eq(addr, DATA);
	at = put_lea(code, 0, DATA + 8);
	at = put(code, at, "\x48\x89\x04\x24", 4); /* mov [rsp], rax */
	at = put_call(code, at, INIT);
	cr_assert_eq(gomheap_find(code, at, CODE, INIT, &addr), 0, "on the stack");
	cr_expect_eq(addr, DATA + 8);
}

Test(gomheap, is_refused_if_it_is_in_doubt)
{
	uint8_t code[64];
	uint64_t addr = 1;
	size_t at = put_lea(code, 0, DATA), two;

	cr_expect_eq(gomheap_find(code, at, CODE, INIT, &addr), -EBADMSG, "no call");
	at = put(code, at, "\x48\x31\xc0", 3); /* xor rax, rax */
	at = put_call(code, at, INIT);
	cr_expect_eq(gomheap_find(code, at, CODE, INIT, &addr), -EBADMSG,
		     "something else was loaded last");
	at = put_call(code, put_lea(code, 0, DATA), INIT);
	two = put_call(code, put_lea(code, at, DATA + 8), INIT);
	cr_expect_eq(gomheap_find(code, two, CODE, INIT, &addr), -EBADMSG, "two receivers");
	at = put_call(code, put_lea(code, 0, DATA + 4), INIT);
	cr_expect_eq(gomheap_find(code, at, CODE, INIT, &addr), -EBADMSG, "not aligned");
	memset(code, 0x06, sizeof(code));
	cr_expect_eq(gomheap_find(code, sizeof(code), CODE, INIT, &addr), -EBADMSG, "no code");
	cr_expect_eq(addr, 1, "ret touched on failure");
}
