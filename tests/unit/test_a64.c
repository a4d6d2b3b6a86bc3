/* SPDX-License-Identifier: BSD-2-Clause */
/* What instructions of A64 do; tests/integ/arm64code.py has whole programs against what executes them. */
#include "code/cpu.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "a64.h"
#include "base/cleanup.h"
#include "code/isa.h"

#define CODE       0x401000ull
#define STACK      0xc000100000ull /* its words: 0x100, 0x108, ... */
#define BYTES      0x100
#define WORDS(...) (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4
#define LIST(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define KNOWN(reg, value)                                                                          \
	{                                                                                          \
		reg, true, value                                                                   \
	}
#define UNKNOWN(reg)                                                                               \
	{                                                                                          \
		reg, false, 0                                                                      \
	}

static uint8_t stack[BYTES];
static struct livemem mem;
static struct cpu cpu;

static int read_stack(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	(void)as;
	if (addr < STACK || len > BYTES || addr - STACK > BYTES - len)
		return -14;
	memcpy(buf, stack + (addr - STACK), len);
	return 0;
}

static const struct addrspace space = { .read = read_stack };

/* x0 is 7, x1 is -1, x2 is the stack, x3 is 2; no other is known. */
static void setup(void)
{
	for (uint64_t i = 0; i < BYTES; i += 8)
		memcpy(stack + i, &(uint64_t){ 0x100 + i }, 8);
	memset(&cpu, 0, sizeof(cpu));
	memset(&mem, 0, sizeof(mem));
	mem.as = &space;
	mem.end = UINT64_MAX;
	livemem__forget(&mem);
	cpu__after_call(&cpu, STACK, false);
	cpu.reg[0] = cpu_value_of(7, 8, CPU_HARD);
	cpu.reg[1] = cpu_value_of(UINT64_MAX, 8, CPU_HARD);
	cpu.reg[2] = cpu_value_of(STACK, 8, CPU_HARD);
	cpu.reg[3] = cpu_value_of(2, 8, CPU_HARD);
}

/* The last uop, which is not executed if it is a branch. */
static struct uop run(const uint32_t *words, size_t nr)
{
	struct code code = { CODE, (const uint8_t *)words, nr * 4 };
	struct uop u[ISA_UOPS_MAX];
	int n = 0;

	for (uint64_t at = CODE; at < CODE + nr * 4; at += u[0].len) {
		n = isa_arm64.decode(&code, at, u);
		cr_assert_geq(n, 1);
		for (int i = 0; i < n; i++)
			if (u[i].kind < UOP_JCC)
				cpu__exec(&cpu, &mem, &u[i]);
	}
	return u[n - 1];
}

Test(a64, does_what_instructions_do)
{
	static const struct {
		const char *why;
		uint32_t words[4]; /* up to a 0 */
		struct {
			unsigned int reg;
			bool known;
			uint64_t value;
		} want;
	} t[] = {
		{ "a number", LIST(A64_MOVZ(5u, 0x1234u, 1u)), KNOWN(5, 0x12340000) },
		{ "a number in two pieces",
		  LIST(A64_MOVZ(5u, 0xca00u, 0u), A64_MOVK(5u, 0x3b9au, 1u)),
		  KNOWN(5, 1000000000) },
		{ "a negative one", LIST(A64_MOVN(5u, 0u, 0u)), KNOWN(5, UINT64_MAX) },
		{ "of 32 bits", LIST(A64_MOVN_W(5u, 0u)), KNOWN(5, UINT32_MAX) },
		{ "a piece of nobody knows what", LIST(A64_MOVK(5u, 1u, 0u)), UNKNOWN(5) },
		{ "a copy", LIST(A64_MOV(5u, 0u)), KNOWN(5, 7) },
		{ "register 31 is 0", LIST(A64_MOV(0u, A64_XZR)), KNOWN(0, 0) },
		{ "... and is not written", LIST(A64_MOV(A64_XZR, 0u)), KNOWN(UOP_SP, STACK) },
		{ "... or the stack pointer", LIST(A64_SUB_I(A64_SP, A64_SP, 16u)),
		  KNOWN(UOP_SP, STACK - 16) },
		{ "a sum", LIST(A64_ADD(5u, 0u, 3u)), KNOWN(5, 9) },
		{ "... of 32 bits", LIST(A64_ADD_W(5u, 0u, 1u)), KNOWN(5, 6) },
		{ "... shifted", LIST(A64_ADD_LSL(5u, 2u, 3u, 3u)), KNOWN(5, STACK + 16) },
		{ "... of a half", LIST(A64_ADD_UXTW(5u, 3u, 1u, 0u)), KNOWN(5, 0x100000001) },
		{ "a difference", LIST(A64_SUB(5u, 3u, 0u)), KNOWN(5, (uint64_t)-5) },
		{ "of the unknown", LIST(A64_ADD(0u, 0u, 9u)), UNKNOWN(0) },
		{ "bits that both have", LIST(A64_AND_W(5u, 0u, 3u)), KNOWN(5, 2) },
		{ "a shift to the left", LIST(A64_UBFM(5u, 0u, 60u, 59u)), KNOWN(5, 0x70) },
		{ "... to the right", LIST(A64_UBFM(5u, 0u, 1u, 63u)), KNOWN(5, 3) },
		{ "... with its sign", LIST(A64_SBFM(5u, 1u, 8u, 63u)), KNOWN(5, UINT64_MAX) },
		{ "a byte", LIST(A64_UBFM(5u, 1u, 0u, 7u)), KNOWN(5, 0xff) },
		{ "some bits within", LIST(A64_UBFM(5u, 1u, 4u, 7u)), KNOWN(5, 0xf) },
		{ "bits put elsewhere", LIST(A64_UBFM(5u, 0u, 56u, 1u)), KNOWN(5, 0x300) },
		{ "an address near", LIST(A64_ADR(5u, 8u)), KNOWN(5, CODE + 8) },
		{ "... of a page", LIST(A64_ADRP(5u, 1u)), KNOWN(5, (CODE & ~0xfffull) + 0x1000) },
		{ "a word", LIST(A64_LDR(5u, A64_SP, 8u)), KNOWN(5, 0x108) },
		{ "... a half with its sign", LIST(A64_STR(1u, 2u, 8u), A64_LDRSW(5u, 2u, 8u)),
		  KNOWN(5, UINT64_MAX) },
		{ "... before the register", LIST(A64_ADD_I(5u, 2u, 16u), A64_LDUR(5u, 5u, -8)),
		  KNOWN(5, 0x108) },
		{ "... by a number of words", LIST(A64_LDR_IDX(5u, 2u, 3u)), KNOWN(5, 0x110) },
		{ "... after which it moves", LIST(A64_LDR_POST(5u, 2u, 16)),
		  KNOWN(2, STACK + 16) },
		{ "the second of a pair", LIST(A64_LDP(5u, 6u, A64_SP, 16)), KNOWN(6, 0x118) },
		{ "... over its own address", LIST(A64_LDP(2u, 6u, 2u, 16)), KNOWN(6, 0x118) },
		{ "what was stored", LIST(A64_STP(0u, 1u, A64_SP, 16), A64_LDR(5u, A64_SP, 24u)),
		  KNOWN(5, UINT64_MAX) },
		{ "... in one byte", LIST(A64_STRB(0u, A64_SP, 9u), A64_LDR(5u, A64_SP, 8u)),
		  KNOWN(5, 0x708) },
		{ "... from vectors", LIST(A64_STP_Q(0u, 1u, A64_SP, 16), A64_LDR(5u, A64_SP, 40u)),
		  UNKNOWN(5) },
		{ "... with the stack moved",
		  LIST(A64_STR_PRE(0u, A64_SP, -16), A64_LDR(5u, 2u, 0u)), KNOWN(5, 0x100) },
		{ "a word of the code", LIST(A64_LDR_LITERAL(5u, 4)), UNKNOWN(5) },
		{ "one of two", LIST(A64_CMP(0u, 3u), A64_CSEL(5u, 0u, 3u, A64_HI)), KNOWN(5, 7) },
		{ "... the other", LIST(A64_CMP(0u, 3u), A64_CSEL(5u, 0u, 3u, A64_LT)),
		  KNOWN(5, 2) },
		{ "whether they are the same", LIST(A64_CMP(0u, 0u), A64_CSET(5u, A64_EQ)),
		  KNOWN(5, 1) },
		{ "... of unknown flags", LIST(A64_CSET(5u, A64_EQ)), UNKNOWN(5) },
		{ "an atomic sum finds", LIST(A64_LDADDAL_W(0u, 5u, 2u)), KNOWN(5, 0x100) },
		{ "... and leaves", LIST(A64_LDADDAL_W(0u, 5u, 2u), A64_LDR_W(5u, 2u, 0u)),
		  KNOWN(5, 0x107) },
		{ "... nowhere", LIST(A64_LDADDAL_W(0u, A64_XZR, 2u)), KNOWN(0, 7) },
		{ "an exchange", LIST(A64_SWPAL_W(0u, 5u, 2u)), KNOWN(5, 0x100) },
		{ "a swap finds who knows what", LIST(A64_CASAL_W(0u, 3u, 2u)), UNKNOWN(0) },
		{ "a loop that sums",
		  LIST(A64_LDAXR_W(5u, 2u), A64_ADD_W(5u, 0u, 5u), A64_STLXR_W(6u, 5u, 2u),
		       A64_CBNZ_W(6u, -3)),
		  KNOWN(5, 0x107) },
		{ "a system call", LIST(A64_SVC), UNKNOWN(0) },
		{ "a landing pad", LIST(A64_BTI_C, A64_PACIASP, A64_NOP), KNOWN(0, 7) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct cpu_value *got = &cpu.reg[t[i].want.reg];

		size_t nr = 0;

		while (nr < ARRAY_SIZE(t[i].words) && t[i].words[nr])
			nr++;
		setup();
		run(t[i].words, nr);
		cr_expect_eq(got->how != CPU_UNKNOWN, t[i].want.known, "%s", t[i].why);
		cr_expect_eq(got->v, t[i].want.value, "%s: %lx", t[i].why, got->v);
	}
}

/* Carry means that nothing was borrowed; after a sum it means that there was one. */
Test(a64, decides_conditions_as_the_machine)
{
	static const struct {
		const char *why;
		uint32_t word;
		bool hs, hi, eq, mi, lt;
	} t[] = {
		{ "7 - 2", A64_CMP_W(0u, 3u), true, true, false, false, false },
		{ "2 - 7", A64_CMP_W(3u, 0u), false, false, false, true, true },
		{ "7 - 7", A64_CMP_I(0u, 7u), true, false, true, false, false },
		{ "7 - -1", A64_CMP_W(0u, 1u), false, false, false, false, false },
		{ "7 + -1", A64_ADDS_W(5u, 0u, 1u), true, true, false, false, false },
		{ "7 + 2", A64_ADDS_W(5u, 0u, 3u), false, false, false, false, false },
		{ "7 & 2", A64_TST_W(0u, 3u), false, false, false, false, false },
		{ "-1 & -1", A64_TST_W(1u, 1u), false, false, false, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const bool want[] = { [A64_HS] = t[i].hs,
				      [A64_HI] = t[i].hi,
				      [A64_EQ] = t[i].eq,
				      [A64_MI] = t[i].mi,
				      [A64_LT] = t[i].lt };
		static const unsigned int conds[] = { A64_HS, A64_HI, A64_EQ, A64_MI, A64_LT };

		for (size_t k = 0; k < ARRAY_SIZE(conds); k++) {
			struct uop u;

			setup();
			u = run(WORDS(t[i].word, A64_BCOND(conds[k], 2)));
			cr_expect_eq(cpu__branches(&cpu, &mem, &u), want[conds[k]], "%s: %u",
				     t[i].why, conds[k]);
			u = run(WORDS(t[i].word, A64_BCOND(conds[k] ^ 1u, 2)));
			cr_expect_eq(cpu__branches(&cpu, &mem, &u), !want[conds[k]], "%s: not %u",
				     t[i].why, conds[k]);
		}
	}
}

Test(a64, knows_where_branches_lead)
{
	static const struct {
		const char *why;
		uint32_t word;
		enum uop_kind kind;
		int64_t words; /* on; 0: nobody knows */
	} t[] = {
		{ "b", A64_B_(-4), UOP_JMP, -4 },
		{ "b.ls", A64_BCOND(A64_LS, 100), UOP_JCC, 100 },
		{ "cbz", A64_CBZ_(0u, -2), UOP_JCC, -2 },
		{ "tbz", A64_TBZ_(0u, 5u, 9), UOP_JCC, 9 },
		{ "bl", 0x94000003, UOP_CALL, 3 },
		{ "blr", A64_BLR_(1u), UOP_CALL, 0 },
		{ "br", A64_BR_(1u), UOP_JMP, 0 },
		{ "ret", A64_RET_, UOP_RET, 0 },
		{ "brk", A64_BRK, UOP_STOP, 0 },
		{ "between functions", 0, UOP_STOP, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct uop u = run(WORDS(t[i].word));

		cr_expect_eq(u.kind, t[i].kind, "%s: %u", t[i].why, u.kind);
		cr_expect_eq(u.target, t[i].words ? CODE + (uint64_t)(t[i].words * 4) : 0, "%s",
			     t[i].why);
	}
}

/* Go's code has both, and asks for the processor's as it runs. */
Test(a64, takes_one_of_two_ways_that_do_the_same)
{
	static const struct {
		const char *why;
		uint32_t before, branch, here, there;
		enum uop_kind kind;
	} t[] = {
		{ "either sum", A64_LDRB(3u, 9u, 1u), A64_TBZ_(3u, 0u, 3),
		  A64_LDADDAL_W(1u, 2u, 0u), A64_LDAXR_W(2u, 0u), UOP_NOP },
		{ "the other way round", A64_LDRB(3u, 9u, 1u), A64_CBZ_W(3u, 3),
		  A64_LDAXR_W(2u, 0u), A64_CASAL_W(1u, 2u, 0u), UOP_NOP },
		{ "both by themselves", A64_LDRB(3u, 9u, 1u), A64_TBZ_(3u, 0u, 3),
		  A64_LDADDAL_W(1u, 2u, 0u), A64_LDADDAL_W(1u, 2u, 4u), UOP_JCC },
		{ "only one is atomic", A64_LDRB(3u, 9u, 1u), A64_TBZ_(3u, 0u, 3),
		  A64_LDADDAL_W(1u, 2u, 0u), A64_NOP, UOP_JCC },
		{ "by another register", A64_LDRB(4u, 9u, 1u), A64_TBZ_(3u, 0u, 3),
		  A64_LDADDAL_W(1u, 2u, 0u), A64_LDAXR_W(2u, 0u), UOP_JCC },
		{ "by no byte", A64_LDR(3u, 9u, 0u), A64_TBZ_(3u, 0u, 3), A64_LDADDAL_W(1u, 2u, 0u),
		  A64_LDAXR_W(2u, 0u), UOP_JCC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint32_t words[] = { t[i].before, t[i].branch, t[i].here,
					   A64_B_(2),   t[i].there,  A64_RET_ };
		struct code code = { CODE, (const uint8_t *)words, sizeof(words) };
		struct uop u[ISA_UOPS_MAX];

		cr_assert_eq(isa_arm64.decode(&code, CODE + 4, u), 1);
		cr_expect_eq(u[0].kind, t[i].kind, "%s: %u", t[i].why, u[0].kind);
	}
}

Test(a64, finds_calls_where_instructions_stand)
{
	static const uint32_t words[] = { A64_NOP, 0x94000003, A64_NOP, 0x97ffffff };
	const uint8_t *bytes = (const uint8_t *)words;
	struct isa_call call;

	cr_assert(isa_arm64.next_call(bytes, sizeof(words), CODE, 0, &call));
	cr_expect_eq(call.at, 4);
	cr_expect_eq(call.next, 8);
	cr_expect_eq(call.target, CODE + 16);
	cr_assert(isa_arm64.next_call(bytes, sizeof(words), CODE, call.at + 1, &call));
	cr_expect_eq(call.at, 12);
	cr_expect_eq(call.target, CODE + 8);
	cr_expect_not(isa_arm64.next_call(bytes, sizeof(words), CODE, call.at + 1, &call));
	cr_expect_not(isa_arm64.next_call(bytes, 15, CODE, 5, &call), "it is not whole");
}

Test(a64, refuses_what_is_no_whole_instruction)
{
	static const uint32_t words[] = { A64_NOP, A64_NOP };
	struct code code = { CODE, (const uint8_t *)words, 7 };
	struct uop u[ISA_UOPS_MAX];

	cr_expect_eq(isa_arm64.decode(&code, CODE, u), 1);
	cr_expect_eq(isa_arm64.decode(&code, CODE + 4, u), -EBADMSG, "cut");
	cr_expect_eq(isa_arm64.decode(&code, CODE + 2, u), -EBADMSG, "between two");
	cr_expect_eq(isa_arm64.decode(&code, CODE + 8, u), -ENOENT);
	cr_expect_eq(isa_arm64.decode(&code, CODE - 4, u), -ENOENT);
}
