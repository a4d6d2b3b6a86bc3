/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code in the tables is that of real Go programs, linux/arm64, from a function's entry on: whoever
 * doubts a row can disassemble it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm64/coderef.h"
#include "arm64/site.h"
#include "base/cleanup.h"

#define CODE_MAX 512
#define IN_REG(n)                                                                                  \
	{                                                                                          \
		.kind = PW_LOC_REG, .reg = (n)                                                     \
	}
#define ON_STACK(n)                                                                                \
	{                                                                                          \
		.kind = PW_LOC_STACK, .off = (n)                                                   \
	}

#define GOPARK_15                                                                                  \
	"810b40f9e20300915f0001eb49080054fe0f1ef8fd831ff8fd2300d1801b40f91f2003d5010881b921040091" \
	"010801b9801b40f99b038039016040f93b0080391f2003d52440029184fcdf889f08007180000054"
#define GOPARK_22                                                                                  \
	"900b40f9ff6330eb09070054fe0f1ef8fd831ff8fd2300d1851b40f9a60881b9c60400911f2003d5a60801b9" \
	"851b40f9a66040f9db008039c74002911f2003d5e7fcdf88ff08007180000054"
#define NEWPROC_17                                                                                 \
	"810b40f9e20300915f0001eb09040054fe0f1cf8fd831ff8fd2300d1400b40f9411b80b9421340f9431740f9" \
	"440740f9840040f9e40700f9e00b00f9e11b00b9e21300f9e31700f916000094801b40f9e11b40f9006840f9" \
	"e00700f9e10b00f9e00340b2e063003946120094"
#define NEWPROC_27                                                                                 \
	"900b40f9ff6330ebc9020054fe0f1df8fd831ff8fd2300d1420f40f9408740a9e3031faae4031faa4a67ff97" \
	"851b40f9a56840f9e10300aae20340b2e00305aab07aff97"
#define GDESTROY_22                                                                                \
	"900b40f9ff6330eba9170054fe0f1cf8fd831ff8fd2300d1e02700f9831b40f9e31700f9646840f9e41b00f9" \
	"e1037fb2e2077fb237e3ff97"
#define GOEXIT0_17                                                                                 \
	"810b40f9e20300915f0001eba9150054fe0f1cf8fd831ff8fd2300d1fc1b00f9e02740f9e00700f9e1037fb2" \
	"e11300b9e1077fb2e11700b9eee6ff97"
#define PROF_MALLOC_22                                                                             \
	"900b40f9f14304d13f0210eb490c0054f44306d19dfa3fa99f020091fd2300d1e0cf00f9e1d300f9f4230191" \
	"9b000010fdef3ea9fd6300d11e070194"

static const struct {
	const char *why;
	struct pw_loc g, reason;
	uint32_t from, until; /* offsets from the entry; until 0: none */
	const char *hex;
	uint32_t at;
	enum insn_class class;
	struct pw_loc want_g, want_reason;
	uint16_t flags;
} real[] = {
	{ "Go 1.15, runtime.gopark", IN_REG(28), ON_STACK(24), 0, 0, GOPARK_15, 0x50, INSN_BRANCH,
	  IN_REG(28), ON_STACK(32 + 24), PW_SITE_FRAMED },
	{ "Go 1.22, runtime.gopark", IN_REG(28), IN_REG(2), 0, 0, GOPARK_22, 0x48, INSN_BRANCH,
	  IN_REG(28), IN_REG(2), PW_SITE_FRAMED },
	{ "up to its stack check", IN_REG(28), IN_REG(2), 0, 8, GOPARK_22, 8, INSN_BRANCH,
	  IN_REG(28), IN_REG(2), PW_SITE_CHECK | PW_SITE_LINK },
	{ "Go 1.17, runtime.newproc.func1: the result is on the stack", ON_STACK(48), IN_REG(28),
	  0x4c, 0x68, NEWPROC_17, 0x68, INSN_CALL, IN_REG(1), IN_REG(28), PW_SITE_FRAMED },
	{ "Go 1.27, runtime.newproc.func1: it is in x0, and moved", IN_REG(0), IN_REG(28), 0x2c,
	  0x40, NEWPROC_27, 0x40, INSN_CALL, IN_REG(1), IN_REG(28), PW_SITE_FRAMED },
	{ "Go 1.22, runtime.gdestroy",
	  IN_REG(0),
	  { 0 },
	  0,
	  0,
	  GDESTROY_22,
	  0x34,
	  INSN_CALL,
	  IN_REG(0),
	  { 0 },
	  PW_SITE_FRAMED },
	{ "Go 1.17, runtime.goexit0",
	  ON_STACK(8),
	  { 0 },
	  0,
	  0,
	  GOEXIT0_17,
	  0x38,
	  INSN_CALL,
	  IN_REG(0),
	  { 0 },
	  PW_SITE_FRAMED },
	{ "Go 1.22, runtime.mProf_Malloc: a frame of 400 bytes",
	  IN_REG(0),
	  { 0 },
	  0,
	  0x2c,
	  PROF_MALLOC_22,
	  0x2c,
	  INSN_PUSH,
	  IN_REG(0),
	  { 0 },
	  PW_SITE_FRAMED },
	{ "the same between the two pointers",
	  IN_REG(0),
	  { 0 },
	  0x18,
	  0x18,
	  PROF_MALLOC_22,
	  0x18,
	  INSN_STEPPED,
	  IN_REG(0),
	  { 0 },
	  PW_SITE_LINK },
};

#define AT 0x50000

static struct code code_of(const char *hex, uint8_t *buf)
{
	struct code code = { AT, buf, strlen(hex) / 2 };

	for (size_t i = 0; i < code.len; i++) {
		unsigned int byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		buf[i] = (uint8_t)byte;
	}
	return code;
}

static void expect_loc(struct pw_loc got, struct pw_loc want, const char *what, const char *why)
{
	cr_expect_eq(got.kind, want.kind, "%s: %s", why, what);
	cr_expect_eq(got.reg, want.reg, "%s: %s in x%u", why, what, got.reg);
	cr_expect_eq(got.off, want.off, "%s: %s at %d", why, what, got.off);
}

Test(arm64_site, takes_the_cheapest_instruction_of_real_code)
{
	uint8_t buf[CODE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(real); i++) {
		struct site_ask ask = { .code = code_of(real[i].hex, buf) };
		struct site_choice got = { 0 };

		ask.from = AT + real[i].from;
		ask.until = real[i].until ? AT + real[i].until : 0;
		ask.in[SITE_G] = real[i].g;
		ask.in[SITE_REASON] = real[i].reason;
		cr_assert_eq(a64_site__choose(&ask, &got), 0, "%s", real[i].why);
		cr_expect_eq(got.addr - AT, real[i].at, "%s: at 0x%llx", real[i].why,
			     (unsigned long long)(got.addr - AT));
		cr_expect_eq(got.class, real[i].class, "%s", real[i].why);
		cr_expect_eq(got.wire.flags, real[i].flags, "%s: flags %u", real[i].why,
			     got.wire.flags);
		expect_loc(got.wire.g, real[i].want_g, "g", real[i].why);
		expect_loc(got.wire.reason, real[i].want_reason, "reason", real[i].why);
	}
}

static int choose(const char *hex, uint32_t from, uint8_t reg, struct site_choice *ret)
{
	uint8_t buf[CODE_MAX];
	struct site_ask ask = { .code = code_of(hex, buf), .from = AT + from };

	ask.in[SITE_G] = (struct pw_loc)IN_REG(reg);
	return a64_site__choose(&ask, ret);
}

Test(arm64_site, follows_what_moves_the_frame)
{
	struct site_choice got;

	/* str x30, [sp, #-32]!; bl +8: x30 is saved, x29 is not: the return address is at sp */
	cr_assert_eq(choose("fe0f1ef8"
			    "1e0080d2"
			    "02000094",
			    0, 0, &got),
		     0);
	cr_expect_eq(got.addr, AT + 8);
	cr_expect_eq(got.wire.flags, 0);
	cr_expect_eq(got.wire.ret_off, 0);
	/* ldaddal x2, x3, [x0]; bl +8: what is added is still there */
	cr_assert_eq(choose("0300e2f8"
			    "02000094",
			    0, 2, &got),
		     0);
	cr_expect_eq(got.addr, AT + 4);
	/* mov sp, x5: nobody knows what it is; the first instruction is taken */
	cr_assert_eq(choose("bf000091"
			    "02000094",
			    0, 0, &got),
		     0);
	cr_expect_eq(got.addr, AT);
	cr_expect_eq(got.class, INSN_STEPPED);
}

Test(arm64_site, refuses_what_it_cannot_tell)
{
	struct site_choice got;

	/* mov x0, xzr; bl: the value is gone where the call is, and a branch back leads to the first */
	cr_expect_eq(choose("e0031faa"
			    "02000094",
			    4, 0, &got),
		     0, "it is told to be there");
	/* ldxr x1, [x2] alone: the kernel refuses a probe on it */
	cr_expect_eq(choose("417c5fc8", 0, 0, &got), -ENOENT);
	/* udf #0 */
	cr_expect_eq(choose("00000000", 0, 0, &got), -EBADMSG);
	/* half an instruction */
	cr_expect_eq(choose("e003", 0, 0, &got), -EBADMSG);
}

Test(arm64_site, finds_calls_and_returns)
{
	uint8_t buf[CODE_MAX];
	struct code code = code_of(NEWPROC_17, buf);
	uint64_t addr = 0, next = 0;

	cr_expect_eq(a64_code__stack_check(&code), AT + 0xc);
	cr_expect_eq(a64_code__find_call(&code, AT + 0x48 + 0x58, &addr, &next), 0);
	cr_expect_eq(addr, AT + 0x48);
	cr_expect_eq(next, AT + 0x4c);
	cr_expect_eq(a64_code__find_call(&code, AT, &addr, &next), -ENOENT);
	cr_expect_eq(a64_code__find_ret(&code, &addr), -ENOENT);
	code = code_of("c0035fd6", buf);
	cr_expect_eq(a64_code__find_ret(&code, &addr), 0);
	cr_expect_eq(addr, AT);
	code = code_of("c0035fd6c0035fd6", buf);
	cr_expect_eq(a64_code__find_ret(&code, &addr), -ENOTUNIQ);
	cr_expect_eq(a64_code__stack_check(&code), 0);
	code = code_of(PROF_MALLOC_22, buf);
	cr_expect_eq(a64_code__stack_check(&code), AT + 0xc, "of a frame of middling size");
}

/* runtime.allgadd, up to where it stores the length */
#define ALLGADD_27                                                                                 \
	"900b40f9ff6330eb090b0054fe0f1af8fd831ff8fd2300d11b0080390240029142fcdf8882090034e03700f9" \
	"1f2003d51f2003d5e01700f000a02191653aff97db1600907bc32491600740a921040091db16009062a344f9"

Test(arm64_coderef, puts_addresses_together)
{
	static const struct coderef want[] = {
		{ CODEREF_ADDRESS, 0, 4, 0x34f868 }, /* of the lock: adrp x0; add x0, x0 */
		{ CODEREF_CALL, 0, 4, AT + 0x3c + (0x2a020 - 0x5b68c) },
		{ CODEREF_LOAD, 2, 4, 0x328930 }, /* adrp x27; add x27, x27; ldp x0, x1, [x27] */
		{ CODEREF_LOAD, 1, 4, 0x328940 },
	};
	uint8_t buf[CODE_MAX];
	const struct code code = code_of(ALLGADD_27, buf);
	struct coderef_regs regs = { .known = 0 };
	struct coderef got;
	size_t nr = 0;

	for (uint64_t at = AT; !a64_coderef__next(&code, at, &regs, &got); at += got.len) {
		if (got.kind == CODEREF_NONE)
			continue;
		cr_assert_lt(nr, ARRAY_SIZE(want));
		cr_expect_eq(got.kind, want[nr].kind, "%zu: kind %d", nr, got.kind);
		cr_expect_eq(got.words, want[nr].words, "%zu", nr);
		cr_expect_eq(got.at, want[nr].at, "%zu: 0x%llx", nr, (unsigned long long)got.at);
		nr++;
	}
	cr_expect_eq(nr, ARRAY_SIZE(want));
}

Test(arm64_coderef, forgets_registers_that_are_written)
{
	/* adrp x1, page; mov x1, x2; ldr x0, [x1]: no address; then ret */
	static const char hex[] = "01000090"
				  "e10302aa"
				  "200040f9"
				  "c0035fd6";
	uint8_t buf[CODE_MAX];
	const struct code code = code_of(hex, buf);
	struct coderef_regs regs = { .known = 0 };
	struct coderef got;

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(a64_coderef__next(&code, AT + 4 * i, &regs, &got), 0);
		cr_expect_eq(got.kind, CODEREF_NONE, "%d", i);
	}
	cr_assert_eq(a64_coderef__next(&code, AT + 12, &regs, &got), 0);
	cr_expect_eq(got.kind, CODEREF_RETURN);
	cr_expect_eq(a64_coderef__next(&code, AT + 16, &regs, &got), -ENOENT);
}
