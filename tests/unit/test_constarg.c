// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "code/constarg.h"
#include "code/resultslot.h"
#include "x86/uop.h"

#define CODE     0x401000ull
#define UOPS_MAX 32

#define CALL_F       "\xe8\x00\x00\x00\x00"
#define EAX_1S       "\xb8\x00\xca\x9a\x3b"                     /* mov eax, 1000000000 */
#define RAX_5S       "\x48\xb8\x00\xf2\x05\x2a\x01\x00\x00\x00" /* movabs rax, 5000000000 */
#define RAX_SIGNED   "\x48\xc7\xc0\xff\xff\xff\xff"             /* mov rax, -1 */
#define RCX_RAX      "\x48\x89\xc1"
#define RAX_RCX      "\x48\x89\xc8"
#define RBX_RAX      "\x48\x89\xc3"
#define EAX_0        "\x31\xc0"                         /* xor eax, eax */
#define SP_1S        "\x48\xc7\x04\x24\x00\xca\x9a\x3b" /* mov qword [rsp], 1000000000 */
#define SP8_RAX      "\x48\x89\x44\x24\x08"
#define SP_RAX       "\x48\x89\x04\x24"
#define SP10_RAX     "\x48\x89\x44\x24\x10"
#define SP18_RCX     "\x48\x89\x4c\x24\x18"
#define RAX_SP8      "\x48\x8b\x44\x24\x08"
#define RAX_SP10     "\x48\x8b\x44\x24\x10"
#define RAX_AT_RAX   "\x48\x8b\x00"
#define RCX_AT_RAX   "\x48\x8b\x08"
#define RCX_AT_RAX_8 "\x48\x8b\x48\x08"
#define SP10_XMM     "\x44\x0f\x11\x7c\x24\x10" /* movups [rsp+0x10], xmm15 */
#define SP14_0       "\xc7\x44\x24\x14\x00\x00\x00\x00"
#define RAX_LEA      "\x48\x8d\x44\x24\x08"
#define ADD_1        "\x48\x83\xc0\x01"
#define TEST_EAX     "\x85\xc0"
#define CMP_SP       "\x48\x83\x3c\x24\x00"
#define AL_1         "\xb0\x01"
#define IMUL         "\x48\x6b\xc1\x0a"
#define JE(n)        "\x74" n
#define JMP(n)       "\xeb" n
#define JMP_RAX      "\xff\xe0"
#define OF(code)     code, sizeof(code) - 1

/* How many; is_target is set as locks/gofn does. */
static uint32_t decode(const char *bytes, size_t len, struct uop *uops)
{
	const struct code code = { CODE, (const uint8_t *)bytes, len };
	uint32_t nr = 0;

	for (uint64_t at = CODE; at < CODE + len; at += uops[nr++].len) {
		cr_assert_lt(nr, UOPS_MAX);
		cr_assert_eq(uop__decode(&code, at, &uops[nr]), 0);
	}
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t k = 0; k < nr && uops[i].kind != UOP_CALL; k++)
			uops[k].is_target |= uops[i].target == uops[k].addr;
	return nr;
}

Test(constarg, says_the_number_only_if_the_code_does)
{
	static const struct {
		const char *why, *code;
		size_t len;
		unsigned int arg;
		bool regabi, known;
		uint64_t want;
	} t[] = {
		{ "a small number", OF(EAX_1S CALL_F), 0, true, true, 1000000000 },
		{ "a large one", OF(RAX_5S CALL_F), 0, true, true, 5000000000 },
		{ "a negative one", OF(RAX_SIGNED CALL_F), 0, true, true, UINT64_MAX },
		{ "zero", OF(RAX_5S EAX_0 CALL_F), 0, true, true, 0 },
		{ "the last one counts", OF(RAX_5S EAX_1S CALL_F), 0, true, true, 1000000000 },
		{ "by another register", OF(EAX_1S RCX_RAX EAX_0 RAX_RCX CALL_F), 0, true, true,
		  1000000000 },
		{ "the second argument", OF(EAX_1S RBX_RAX EAX_0 CALL_F), 1, true, true,
		  1000000000 },
		{ "on the stack", OF(SP_1S CALL_F), 0, false, true, 1000000000 },
		{ "on the stack by a register", OF(RAX_5S SP_RAX CMP_SP CALL_F), 0, false, true,
		  5000000000 },
		{ "the second on the stack", OF(RAX_5S SP8_RAX SP_1S CALL_F), 1, false, true,
		  5000000000 },
		{ "a branch past other code", OF(TEST_EAX JE("\x0a") EAX_1S CALL_F EAX_1S CALL_F),
		  0, true, true, 1000000000 },
		{ "nothing says it: it is the caller's", OF(TEST_EAX CALL_F), 0, true, false, 0 },
		{ "from memory", OF(EAX_1S RAX_SP8 CALL_F), 0, true, false, 0 },
		{ "computed", OF(EAX_1S ADD_1 CALL_F), 0, true, false, 0 },
		{ "computed of another", OF(EAX_1S IMUL CALL_F), 0, true, false, 0 },
		{ "an address", OF(EAX_1S RAX_LEA CALL_F), 0, true, false, 0 },
		{ "one byte of it", OF(EAX_1S AL_1 CALL_F), 0, true, false, 0 },
		{ "another call may have changed it", OF(EAX_1S CALL_F CALL_F), 0, true, false, 0 },
		{ "one of two numbers", OF(JE("\x07") EAX_1S JMP("\x0a") RAX_5S CALL_F), 0, true,
		  false, 0 },
		{ "somebody may come between", OF(JE("\x05") EAX_1S TEST_EAX CALL_F), 0, true,
		  false, 0 },
		{ "a table may lead there", OF(JMP_RAX EAX_1S CALL_F), 0, true, false, 0 },
		{ "half of the word on the stack", OF(RAX_5S SP10_RAX SP14_0 CALL_F), 2, false,
		  false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct uop uops[UOPS_MAX];
		const uint32_t nr = decode(t[i].code, t[i].len, uops);
		uint64_t got = 0;

		cr_expect_eq(constarg_at(&isa_x86, uops, nr, nr - 1, t[i].arg, t[i].regabi, &got),
			     t[i].known, "%s", t[i].why);
		cr_expect(!t[i].known || got == t[i].want, "%s: %lx", t[i].why, got);
	}
}

Test(resultslot, tells_where_only_that_result_is_kept)
{
	static const struct {
		const char *why, *code;
		size_t len;
		bool regabi;
		size_t nr;
		uint64_t want[2];
	} t[] = {
		{ "the pointer", OF(CALL_F SP10_RAX), true, 1, { 0x10 } },
		{ "its first word", OF(CALL_F RAX_AT_RAX SP10_RAX), true, 1, { 0x10 } },
		{ "both", OF(CALL_F SP10_RAX RCX_AT_RAX SP18_RCX), true, 2, { 0x10, 0x18 } },
		{ "past another call",
		  OF(CALL_F SP10_RAX CALL_F RAX_SP10 RCX_AT_RAX SP18_RCX),
		  true,
		  2,
		  { 0x10, 0x18 } },
		{ "twice the same", OF(CALL_F SP10_RAX RAX_SP10 SP10_RAX), true, 1, { 0x10 } },
		{ "of another call", OF(CALL_F CALL_F SP10_RAX), true, 0, { 0 } },
		{ "its second word", OF(CALL_F RCX_AT_RAX_8 SP18_RCX), true, 0, { 0 } },
		{ "the word of its word",
		  OF(CALL_F RAX_AT_RAX RAX_AT_RAX SP10_RAX),
		  true,
		  0,
		  { 0 } },
		{ "another value may be there",
		  OF(CALL_F SP10_RAX EAX_0 SP10_RAX),
		  true,
		  0,
		  { 0 } },
		{ "... or part of one", OF(CALL_F SP10_RAX SP14_0), true, 0, { 0 } },
		{ "... a wider one", OF(CALL_F SP10_RAX SP10_XMM), true, 0, { 0 } },
		{ "... a second call's", OF(CALL_F SP10_RAX CALL_F SP10_RAX), true, 0, { 0 } },
		{ "... behind a branch",
		  OF(CALL_F SP10_RAX JMP("\x00") EAX_0 SP10_RAX),
		  true,
		  0,
		  { 0 } },
		{ "given back on the stack", OF(CALL_F RAX_SP8 SP10_RAX), false, 1, { 0x10 } },
		{ "the next call's", OF(CALL_F CALL_F RAX_SP8 SP10_RAX), false, 0, { 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct uop uops[UOPS_MAX];
		const uint32_t nr = decode(t[i].code, t[i].len, uops);
		uint64_t slots[RESULTSLOT_MAX] = { 0 };

		cr_expect_eq(resultslots(&isa_x86, uops, nr, 0, t[i].regabi, slots), t[i].nr, "%s",
			     t[i].why);
		for (size_t k = 0; k < t[i].nr; k++)
			cr_expect_eq(slots[k], t[i].want[k], "%s", t[i].why);
	}
}
