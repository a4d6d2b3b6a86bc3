/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code in the table is that of real Go programs, linux/amd64, from a function's entry to just
 * behind the instruction that is picked: whoever doubts a row can disassemble it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "code/native.h"
#include "x86/site.h"

#define CODE_ADDR 0x401000
#define CODE_MAX  512
#define IN_REG(n)                                                                                  \
	{                                                                                          \
		.kind = PW_LOC_REG, .reg = (n)                                                     \
	}
#define ON_STACK(n)                                                                                \
	{                                                                                          \
		.kind = PW_LOC_STACK, .off = (n)                                                   \
	}
#define FRAMED PW_SITE_FRAMED

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R14 = 14 };

/* What is wanted and where it is, by point and calling convention, as probe/plan asks for it. */
enum ask { ABI0_ARG, ABIR_ARG, ABI0_PARK, ABIR_PARK, ABI0_BIRTH, ABIR_BIRTH, ABIR_COBIRTH };

static const struct {
	struct pw_loc g, cur, reason;
	bool g_in_tls;
} asks[] = {
	[ABI0_ARG] = { .g = ON_STACK(8) },
	[ABIR_ARG] = { .g = IN_REG(RAX) },
	[ABI0_PARK] = { .reason = ON_STACK(24), .g_in_tls = true },
	[ABIR_PARK] = { .g = IN_REG(R14), .reason = IN_REG(RCX) },
	[ABI0_BIRTH] = { .g = ON_STACK(40), .cur = ON_STACK(24) },
	[ABIR_BIRTH] = { .g = IN_REG(RAX), .cur = IN_REG(R14) },
	[ABIR_COBIRTH] = { .g = IN_REG(RAX) },
};

static const struct {
	const char *why;
	enum ask ask;
	uint32_t from, until; /* offsets from the entry; until 0: none */
	const char *hex;
	uint32_t at;
	enum insn_class class;
	struct pw_loc g;
	uint16_t flags;
} real[] = {
	{ "Go 1.15, runtime.gopark", ABI0_PARK, 0, 0,
	  "64488b0c25f8ffffff483b61100f86220100004883ec1848896c2410488d6c241064488b0425f8ffffff"
	  "488b483090",
	  0x2e, INSN_NOP, IN_REG(0), FRAMED },
	{ "Go 1.15 PIE, runtime.gopark", ABI0_PARK, 0, 0,
	  "48c7c1f8ffffff64488b09483b61100f86200100004883ec1848896c2410488d6c241048c7c0f8ffffff"
	  "64488b00488b483090",
	  0x32, INSN_NOP, IN_REG(0), FRAMED },
	{ "Go 1.15 c-shared, runtime.gopark", ABI0_PARK, 0, 0,
	  "488b0dd1740a0064488b09483b61100f86200100004883ec1848896c2410488d6c2410488b05ae740a00"
	  "64488b00488b483090",
	  0x32, INSN_NOP, IN_REG(0), FRAMED },
	{ "Go 1.17, runtime.gopark", ABIR_PARK, 0, 0,
	  "493b66100f86e90000004883ec1848896c2410488d6c2410498b563090", 0x1c, INSN_NOP, IN_REG(14),
	  FRAMED },
	{ "Go 1.20, runtime.gopark", ABIR_PARK, 0, 0,
	  "493b66100f86e90000004883ec1848896c2410488d6c2410498b563090", 0x1c, INSN_NOP, IN_REG(14),
	  FRAMED },
	{ "Go 1.21, runtime.gopark", ABIR_PARK, 0, 0, "493b66100f86dc00000055", 0xa, INSN_PUSH,
	  IN_REG(14), 0 },
	{ "Go 1.27, runtime.gopark", ABIR_PARK, 0, 0, "493b66100f86dc00000055", 0xa, INSN_PUSH,
	  IN_REG(14), 0 },
	{ "Go 1.27 -race, runtime.gopark", ABIR_PARK, 0, 0, "493b66100f86dc00000055", 0xa,
	  INSN_PUSH, IN_REG(14), 0 },
	{ "Go 1.15, runtime.newproc.func1", ABI0_BIRTH, 83, 122,
	  "64488b0c25f8ffffff483b61100f86860000004883ec3848896c2430488d6c2430488b42108b4a18488b"
	  "5a20488b7228488b5208488b12488914244889442408894c241048895c24184889742420e88df0fdff64"
	  "488b0425f8ffffff488b4030488b4c2428488b80d00000004889042448894c2408c644241001e82133fe"
	  "ff",
	  0x7a, INSN_CALL, IN_REG(1), FRAMED },
	{ "Go 1.15 c-shared, runtime.newproc.func1", ABI0_BIRTH, 85, 128,
	  "488b0db103080064488b09483b61100f868b0000004883ec3848896c2430488d6c2430488b42108b4a18"
	  "488b5a20488b7228488b5208488b12488914244889442408894c241048895c24184889742420e86b0dfe"
	  "ff488b055c03080064488b00488b4030488b4c2428488b80d00000004889042448894c2408c644241001"
	  "6690e87b50feff",
	  0x80, INSN_CALL, IN_REG(1), FRAMED },
	{ "Go 1.17, runtime.newproc.func1", ABIR_BIRTH, 47, 69,
	  "493b6610765c4883ec3048896c2428488d6c2428488b5a108b4a18488b7a20488b7228488b5208488b02"
	  "e851000000498b5630488b92d00000004889c3b9010000004889d0e8363f0000",
	  0x45, INSN_CALL, IN_REG(3), FRAMED },
	{ "Go 1.18, runtime.newproc.func1", ABIR_BIRTH, 37, 64,
	  "493b661076574883ec2048896c2418488d6c2418488b5a10488b4a18488b4208e85b000000498b563048"
	  "8b92d00000004889c3b9010000004889d00f1f440000e8db3e0000",
	  0x40, INSN_CALL, IN_REG(3), FRAMED },
	{ "Go 1.21, runtime.newproc.func1", ABIR_BIRTH, 31, 53,
	  "493b66107648554889e54883ec18488b4208488b5a10488b4a18e841000000498b5630488b92d0000000"
	  "4889c3b9010000004889d0e886400000",
	  0x35, INSN_CALL, IN_REG(3), FRAMED },
	{ "Go 1.20 -race, runtime.newproc.func1", ABIR_BIRTH, 37, 64,
	  "493b661076574883ec2048896c2418488d6c2418488b5a10488b4a18488b4208e85b000000498b563048"
	  "8b92d00000004889c3b9010000004889d00f1f440000e85b430000",
	  0x40, INSN_CALL, IN_REG(3), FRAMED },
	{ "Go 1.27, runtime.newproc.func1", ABIR_BIRTH, 37, 64,
	  "493b66107653554889e54883ec20488b5a10488b4a18488b420831ff31f66690e8bbc5fdff498b563048"
	  "8b92d00000004889c3b9010000004889d00f1f440000e81b12feff",
	  0x40, INSN_CALL, IN_REG(3), FRAMED },
	{ "Go 1.23, runtime.newcoro.func1", ABIR_COBIRTH, 87, 0,
	  "493b66100f86c7000000554889e54883ec40488b4a104c8b42084c894424384d8b08488b521848895424"
	  "304d8b49304c894c24284c8d15054a0b004c89542420488b442420498b18bf01000000be24000000e829"
	  "8b0300833df23d17000066907507",
	  0x60, INSN_BRANCH, IN_REG(0), FRAMED },
	{ "Go 1.27, runtime.newcoro.func1", ABIR_COBIRTH, 74, 0,
	  "493b66100f86b8000000554889e54883ec38488b4a104c8b42084c89442430498b18488b521848895424"
	  "28488b53304889542420488d0545c10f00bf01000000be26000000e8f6f3fdff833daf741200007507",
	  0x51, INSN_BRANCH, IN_REG(0), FRAMED },
	{ "Go 1.15, runtime.goexit0", ABI0_ARG, 0, 0,
	  "64488b0c25f8ffffff483b61100f86b60200004883ec3848896c2430488d6c243064488b0425f8ffffff"
	  "4889442428488b4c244048890c2448ba02000000060000004889542408e8b4abffff",
	  0x47, INSN_CALL, IN_REG(1), FRAMED },
	{ "Go 1.17, runtime.goexit0", ABIR_ARG, 0, 0,
	  "493b66100f86600200004883ec3048896c2428488d6c242848894424384c89742420bb02000000b90600"
	  "0000e8afaaffff",
	  0x2c, INSN_CALL, IN_REG(0), FRAMED },
	{ "Go 1.20, runtime.goexit0", ABIR_ARG, 0, 0,
	  "493b66100f86d20200004883ec3848896c2430488d6c24304889442440498b56304889542420488bb2d0"
	  "0000004889742428bb02000000b9060000000f1f4000e81ba8ffff",
	  0x40, INSN_CALL, IN_REG(0), FRAMED },
	{ "Go 1.22, runtime.gdestroy", ABIR_ARG, 0, 0, "493b66100f868402000055", 0xa, INSN_PUSH,
	  IN_REG(0), 0 },
	{ "Go 1.27, runtime.gdestroy", ABIR_ARG, 0, 0, "493b66100f86e302000055", 0xa, INSN_PUSH,
	  IN_REG(0), 0 },
	{ "Go 1.15, runtime.ready", ABI0_ARG, 0, 0,
	  "64488b0c25f8ffffff483b61100f86650200004883ec4848896c2440488d6c2440803d88d11300000f85"
	  "c6000000",
	  0x28, INSN_BRANCH, ON_STACK(80), FRAMED },
	{ "Go 1.20, runtime.ready", ABIR_ARG, 0, 0,
	  "493b66100f86e20100004883ec4848896c2440488d6c2440884c241f4889442450803d2877100000740f",
	  0x28, INSN_BRANCH, IN_REG(0), FRAMED },
	{ "Go 1.23, runtime.ready", ABIR_ARG, 0, 0, "493b66100f864102000055", 0xa, INSN_PUSH,
	  IN_REG(0), 0 },
	{ "Go 1.15, runtime.execute", ABI0_ARG, 0, 0,
	  "64488b0c25f8ffffff483b61100f86520100004883ec2048896c2418488d6c241864488b0425f8ffffff"
	  "488b48308401833d292b1600000f850e010000",
	  0x37, INSN_BRANCH, ON_STACK(40), FRAMED },
	{ "Go 1.20, runtime.execute", ABIR_ARG, 0, 0,
	  "493b66100f864c0100004883ec2048896c2418488d6c2418885c24304889442428498b7e3048897c2410"
	  "803d33990f0000741b",
	  0x31, INSN_BRANCH, IN_REG(0), FRAMED },
	{ "Go 1.20 c-shared, runtime.execute", ABIR_ARG, 0, 0,
	  "493b66100f864e0100004883ec2048896c2418488d6c2418885c24304889442428498b7e3048897c2410"
	  "803d537e090000741b",
	  0x31, INSN_BRANCH, IN_REG(0), FRAMED },
	{ "Go 1.26, runtime.execute", ABIR_ARG, 0, 0, "493b66100f86e501000055", 0xa, INSN_PUSH,
	  IN_REG(0), 0 },
};

static struct code code_of(const char *hex, uint8_t *buf)
{
	struct code code = { .addr = CODE_ADDR, .bytes = buf, .len = strlen(hex) / 2 };

	cr_assert_leq(code.len, CODE_MAX);
	for (size_t i = 0; i < code.len; i++) {
		unsigned int byte = 0;

		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
		buf[i] = (uint8_t)byte;
	}
	return code;
}

static struct site_ask ask_of(enum ask ask, const struct code *code)
{
	return (struct site_ask){
		.code = *code,
		.in = { [SITE_G] = asks[ask].g,
			[SITE_CUR] = asks[ask].cur,
			[SITE_REASON] = asks[ask].reason },
		.g_in_tls = asks[ask].g_in_tls,
		.from = code->addr,
	};
}

Test(site, picks_the_cheapest_instruction_of_real_functions)
{
	for (size_t i = 0; i < ARRAY_SIZE(real); i++) {
		uint8_t buf[CODE_MAX];
		struct code code = code_of(real[i].hex, buf);
		struct site_ask ask = ask_of(real[i].ask, &code);
		struct site_choice p;
		int err;

		ask.from += real[i].from;
		ask.until = real[i].until ? CODE_ADDR + real[i].until : 0;
		err = site__choose(&ask, &p);
		cr_assert_eq(err, 0, "%s: %d", real[i].why, err);
		cr_expect_eq(p.addr - CODE_ADDR, real[i].at, "%s: at +%#lx", real[i].why,
			     (unsigned long)(p.addr - CODE_ADDR));
		cr_expect_eq(p.class, real[i].class, "%s: %s", real[i].why,
			     insn_class_name(p.class));
		cr_expect_eq(p.wire.flags, real[i].flags, "%s: flags %u", real[i].why,
			     p.wire.flags);
		cr_expect(!memcmp(&p.wire.g, &real[i].g, sizeof(p.wire.g)), "%s: g in %u %u %d",
			  real[i].why, p.wire.g.kind, p.wire.g.reg, p.wire.g.off);
	}
}

Test(site, finds_the_reason_above_the_frame_when_arguments_are_on_the_stack)
{
	uint8_t buf[CODE_MAX];
	struct code code = code_of(real[0].hex, buf); /* Go 1.15 gopark, frame of 0x18 bytes */
	struct site_ask ask = ask_of(ABI0_PARK, &code);
	struct site_choice p;

	cr_assert_eq(site__choose(&ask, &p), 0);
	cr_expect_eq(p.wire.reason.kind, PW_LOC_STACK);
	cr_expect_eq(p.wire.reason.off, 24 + 0x18);
}

/* cmp rsp,[r14+0x10]; jbe +X: the check of Go 1.17 and later */
#define CHECK "493b66107640"

static const struct {
	const char *why;
	enum ask ask;
	bool nop5;
	const char *hex;
	int err;
	uint32_t at;
	enum insn_class class;
	uint16_t flags;
	int32_t ret_off;
} made[] = {
	{ "push after the check: return address above the caller's rbp is not pushed yet", ABIR_ARG,
	  false, CHECK "554889e5c3", 0, 6, INSN_PUSH, 0, 0 },
	{ "nothing cheap after the check: its branch, marked", ABIR_ARG, false,
	  CHECK "4883ec184831c0e800000000", 0, 4, INSN_BRANCH, PW_SITE_CHECK, 0 },
	{ "nop as cheap as the branch wins: it is never hit twice", ABIR_ARG, false,
	  CHECK "4883ec1890c3", 0, 10, INSN_NOP, 0, 0x18 },
	{ "5-byte nop wins where the kernel makes it cheap", ABIR_ARG, true,
	  CHECK "554889e50f1f440000c3", 0, 10, INSN_NOP5, FRAMED, 0 },
	{ "the same nop is nothing special elsewhere", ABIR_ARG, false,
	  CHECK "554889e50f1f440000c3", 0, 6, INSN_PUSH, 0, 0 },
	{ "push of an extended register", ABIR_ARG, false, CHECK "4155c3", 0, 6, INSN_PUSH, 0, 0 },
	{ "a branch back to the nop: it would count twice", ABIR_ARG, false, CHECK "4883ec1890ebfd",
	  0, 4, INSN_BRANCH, PW_SITE_CHECK, 0 },
	{ "a function without check: its first instruction counts once", ABIR_ARG, false,
	  "4883ec18c3", 0, 0, INSN_STEPPED, 0, 0 },
	{ "what only some calls reach is not chosen", ABIR_ARG, false, "4885c0740190c3", 0, 3,
	  INSN_BRANCH, 0, 0 },
	{ "what lies behind a call is not chosen", ABIR_ARG, false, CHECK "4883ec18e80000000090c3",
	  0, 10, INSN_CALL, 0, 0x18 },
	{ "register overwritten, but a copy is left in another", ABIR_ARG, false,
	  "4889c34831c090c3", 0, 6, INSN_NOP, 0, 0 },
	{ "half of the register overwritten is the whole of it", ABIR_ARG, false, "b00190c3", 0, 0,
	  INSN_STEPPED, 0, 0 },
	{ "spilled to the stack and found there", ABIR_ARG, false, "4883ec1848894424084831c090c3",
	  0, 12, INSN_NOP, 0, 0x18 },
	{ "the spill is overwritten by a wider store", ABIR_ARG, false,
	  "4883ec1848894424084831c00f1144240090c3", 0, 0, INSN_STEPPED, 0, 0 },
	{ "rbp as a general register: no stack could be walked", ABIR_ARG, false,
	  "4883ec184889c590c3", 0, 0, INSN_STEPPED, 0, 0 },
	{ "stack pointer aligned by force: return address unknown", ABIR_ARG, false, "4883e4f090c3",
	  0, 0, INSN_STEPPED, 0, 0 },
	{ "value never there", ABI0_PARK, false, "90c3", -ENOENT, 0, 0, 0, 0 },
	{ "bytes that are no code", ABIR_ARG, false, "900606", -EBADMSG, 0, 0, 0, 0 },
	{ "cut within an instruction", ABIR_ARG, false, CHECK "0f1f44", -EBADMSG, 0, 0, 0, 0 },
	{ "no bytes at all", ABIR_ARG, false, "", -ENOENT, 0, 0, 0, 0 },
};

Test(site, follows_values_and_frames_and_refuses_what_it_cannot_tell)
{
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		uint8_t buf[CODE_MAX];
		struct code code = code_of(made[i].hex, buf);
		struct site_ask ask = ask_of(made[i].ask, &code);
		struct site_choice p = { .addr = 0 };
		int err;

		ask.nop5 = made[i].nop5;
		err = site__choose(&ask, &p);
		cr_expect_eq(err, made[i].err, "%s: %d", made[i].why, err);
		if (err || made[i].err) {
			cr_expect_eq(p.addr, 0, "%s: ret touched on failure", made[i].why);
			continue;
		}
		cr_expect_eq(p.addr - CODE_ADDR, made[i].at, "%s: at +%#lx", made[i].why,
			     (unsigned long)(p.addr - CODE_ADDR));
		cr_expect_eq(p.class, made[i].class, "%s: %s", made[i].why,
			     insn_class_name(p.class));
		cr_expect_eq(p.wire.flags, made[i].flags, "%s: flags %u", made[i].why,
			     p.wire.flags);
		cr_expect_eq(p.wire.ret_off, made[i].ret_off, "%s: return address at rsp + %d",
			     made[i].why, p.wire.ret_off);
	}
}

Test(site, leaves_a_five_byte_nop_alone_that_crosses_a_page)
{
	uint8_t buf[CODE_MAX];
	struct code code = code_of(CHECK "554889e50f1f440000c3", buf);
	struct site_ask ask = ask_of(ABIR_ARG, &code);
	struct site_choice p;

	ask.nop5 = true;
	ask.code.addr = ask.from = 0x402000 - 10 - 4; /* four of its bytes on the first page */
	cr_assert_eq(site__choose(&ask, &p), 0);
	cr_expect_eq(p.class, INSN_PUSH);
}

Test(site, refuses_functions_larger_than_it_looks_at)
{
	uint8_t buf[1] = { 0x90 };
	struct site_ask ask = { .code = { CODE_ADDR, buf, SITE_CODE_MAX + 1 } };
	struct site_choice p;

	cr_expect_eq(site__choose(&ask, &p), -E2BIG);
}

Test(site, finds_a_call_by_its_target_and_wants_it_to_be_the_only_one)
{
	uint8_t buf[CODE_MAX];
	struct code one = code_of("90e8fa0f000090c3", buf); /* call CODE_ADDR + 0x1000 */
	uint64_t at = 0, next = 0;

	cr_expect_eq(code__find_call(&one, CODE_ADDR + 0x1000, &at, &next), 0);
	cr_expect_eq(at, CODE_ADDR + 1);
	cr_expect_eq(next, CODE_ADDR + 6);
	cr_expect_eq(code__find_call(&one, CODE_ADDR + 0x2000, &at, &next), -ENOENT);
	one = code_of("e8fb0f0000e8f60f0000c3", buf);
	cr_expect_eq(code__find_call(&one, CODE_ADDR + 0x1000, &at, &next), -ENOTUNIQ);
}

Test(site, finds_the_return_if_there_is_one_only)
{
	uint8_t buf[CODE_MAX];
	struct code code = code_of("9090c3cccc", buf);
	uint64_t at = 0;

	cr_expect_eq(code__find_ret(&code, &at), 0);
	cr_expect_eq(at, CODE_ADDR + 2);
	code = code_of("c390c3", buf);
	cr_expect_eq(code__find_ret(&code, &at), -ENOTUNIQ);
	code = code_of("9090", buf);
	cr_expect_eq(code__find_ret(&code, &at), -ENOENT);
}

Test(site, behind_a_call_deep_in_a_function_the_frame_is_still_that_of_its_prologue)
{
	static const struct {
		const char *why, *hex;
		uint32_t at;
		enum insn_class class;
	} rows[] = {
		{ "the branch on the result",
		  CHECK "554889e54883ec104885c9740190e8000000004885c07410c3", 28, INSN_BRANCH },
		{ "a branch from elsewhere leads there",
		  CHECK "554889e54883ec104885c9740990e8000000004885c07410c3", 25, INSN_STEPPED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t buf[CODE_MAX];
		struct code code = code_of(rows[i].hex, buf);
		struct site_ask ask = ask_of(ABIR_ARG, &code);
		struct site_choice p;

		ask.from += 25;
		cr_expect_eq(site__choose(&ask, &p), -ENOENT, "%s: not unless it is asked for",
			     rows[i].why);
		ask.inside = true;
		cr_assert_eq(site__choose(&ask, &p), 0, "%s", rows[i].why);
		cr_expect_eq(p.addr - CODE_ADDR, rows[i].at, "%s: at +%#lx", rows[i].why,
			     (unsigned long)(p.addr - CODE_ADDR));
		cr_expect_eq(p.class, rows[i].class, "%s", rows[i].why);
		cr_expect_eq(p.wire.flags, FRAMED, "%s", rows[i].why);
		cr_expect_eq(p.wire.g.reg, RAX, "%s", rows[i].why);
	}
}
