/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
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
	cr_assert_eq(goglobals_allgs(goarch_of(EM_X86_64), code, at, CODE, &addr), 0);
	cr_expect_eq(addr, DATA);
}

Test(goglobals, allgs_is_refused_if_there_is_none_or_more_than_one)
{
	uint8_t code[64] = { 0 };
	uint64_t addr = 1;
	size_t at = put_mov(code, 0, 0x8b, DATA);

	at = put_mov(code, at, 0x8b, DATA + 8);
	cr_expect_eq(goglobals_allgs(goarch_of(EM_X86_64), code, at, CODE, &addr), -EBADMSG,
		     "two words");
	at = put_mov(code, at, 0x8b, DATA + 16);
	cr_expect_eq(goglobals_allgs(goarch_of(EM_X86_64), code, at, CODE, &addr), 0);
	at = put_mov(code, at, 0x8b, DATA + 24);
	cr_expect_eq(goglobals_allgs(goarch_of(EM_X86_64), code, at, CODE, &addr), -EBADMSG,
		     "four words in a row");
	memset(code, 0x06, sizeof(code));
	cr_expect_eq(goglobals_allgs(goarch_of(EM_X86_64), code, sizeof(code), CODE, &addr),
		     -EBADMSG, "no code");
	cr_expect_eq(goglobals_allgs(goarch_of(EM_X86_64), code, 0, CODE, &addr), -EBADMSG,
		     "empty");
}

Test(goglobals, the_start_of_a_collection_is_what_gcmark_stores_first)
{
	uint8_t code[64];
	uint64_t addr = 0;
	size_t at = put_mov(code, 0, 0x8b, DATA);

	cr_expect_eq(goglobals_gcstart(goarch_of(EM_X86_64), code, at, CODE, &addr), -EBADMSG,
		     "it loads only");
	at = put_mov(code, at, 0x89, DATA + 0x98);
	at = put_mov(code, at, 0x89, DATA + 0x10);
	cr_assert_eq(goglobals_gcstart(goarch_of(EM_X86_64), code, at, CODE, &addr), 0);
	cr_expect_eq(addr, DATA + 0x98);
	at = put_mov(code, 0, 0x89, DATA + 4);
	cr_expect_eq(goglobals_gcstart(goarch_of(EM_X86_64), code, at, CODE, &addr), -EBADMSG,
		     "not aligned");
}

Test(goglobals, slices_are_all_that_the_code_refers_to_three_words_of)
{
	uint8_t code[64] = { 0 };
	uint64_t found[GOGLOBALS_SLICES_MAX];
	size_t at = put_mov(code, 0, 0x8b, DATA + 16), nr = 0;

	at = put_mov(code, at, 0x8b, DATA + 0x100);
	at = put_mov(code, at, 0x89, DATA + 8);
	at = put_mov(code, at, 0x89, DATA);
	cr_assert_eq(goglobals_slices(goarch_of(EM_X86_64), code, at, CODE, found, &nr), 0);
	cr_expect_eq(nr, 1);
	cr_expect_eq(found[0], DATA);
	at = put_mov(code, at, 0x89, DATA + 0x108);
	at = put_mov(code, at, 0x89, DATA + 0x110);
	cr_assert_eq(goglobals_slices(goarch_of(EM_X86_64), code, at, CODE, found, &nr), 0);
	cr_expect_eq(nr, 2);
	cr_expect_eq(goglobals_slices(goarch_of(EM_X86_64), code, 14, CODE, found, &nr), -EBADMSG);
}

Test(goglobals, the_sampling_rate_stands_before_or_behind_the_cache)
{
	uint8_t code[32] = { 0 };
	uint64_t addr = 0;
	size_t at = put_mov(code, 0, 0x8b, DATA);

	cr_expect_eq(goglobals_profile_rate(goarch_of(EM_X86_64), code, at, CODE, 26, &addr),
		     -EBADMSG, "one address only");
	at = put_mov(code, at, 0x8b, DATA + 8);
	at = put_mov(code, at, 0x8b, DATA + 16);
	cr_assert_eq(goglobals_profile_rate(goarch_of(EM_X86_64), code, at, CODE, 16, &addr), 0);
	cr_expect_eq(addr, DATA);
	cr_assert_eq(goglobals_profile_rate(goarch_of(EM_X86_64), code, at, CODE, 17, &addr), 0);
	cr_expect_eq(addr, DATA + 8);
}

/* call addr */
static size_t put_call(uint8_t *code, size_t at, uint64_t addr)
{
	int32_t rel = (int32_t)(addr - (CODE + at + 5));

	code[at] = 0xe8;
	memcpy(code + at + 1, &rel, sizeof(rel));
	return at + 5;
}

Test(goglobals, the_receiver_is_what_the_last_lea_before_the_call_names)
{
	uint8_t code[64] = { 0 };
	uint64_t addr = 0;
	size_t at = put_mov(code, 0, 0x8d, DATA + 8); /* lea */

	at = put_call(code, at, CODE + 0x900);
	at = put_mov(code, at, 0x8d, DATA);
	at = put_mov(code, at, 0x8b, DATA + 24);
	at = put_call(code, at, CODE + 0x800);
	cr_assert_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x800, &addr),
		     0);
	cr_expect_eq(addr, DATA);
	cr_expect_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x700, &addr),
		     -EBADMSG, "no such call");
	at = put_call(code, at, CODE + 0x800);
	cr_expect_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x800, &addr),
		     0, "twice the same");
	at = put_call(code, put_mov(code, at, 0x8d, DATA + 8), CODE + 0x800);
	cr_expect_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x800, &addr),
		     -EBADMSG, "two of them");
	at = put_call(code, 0, CODE + 0x800);
	cr_expect_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x800, &addr),
		     -EBADMSG, "no lea");
	at = put_call(code, put_mov(code, 0, 0x8d, DATA + 4), CODE + 0x800);
	cr_expect_eq(goglobals_receiver(goarch_of(EM_X86_64), code, at, CODE, CODE + 0x800, &addr),
		     -EBADMSG, "not aligned");
	cr_expect_eq(addr, DATA, "ret touched on failure");
}

/*
 * Go 1.26: the end is in memory, Go 1.15: the next one. The lea is in both the instruction right
 * before the xadd, and names DATA.
 */
#define TAKE_26                                                                                    \
	0x41, 0xba, 0x10, 0, 0, 0, 0x4c, 0x8d, 0x1d, 0, 0, 0, 0, 0xf0, 0x4d, 0x0f, 0xc1, 0x13
#define TAKE_15 0xb9, 0x10, 0, 0, 0, 0x48, 0x8d, 0x15, 0, 0, 0, 0, 0xf0, 0x48, 0x0f, 0xc1, 0x0a
#define LOAD_26 0x4d, 0x8b, 0x90, 0x80, 0x01, 0, 0, 0x4d, 0x39, 0x90, 0x88, 0x01, 0, 0
#define LOAD_15 0x48, 0x8b, 0x88, 0xe8, 0x05, 0, 0, 0x90, 0x48, 0x39, 0x88, 0xe0, 0x05, 0, 0

static void name_data(uint8_t *code, size_t len)
{
	for (size_t i = 0; i + 7 <= len; i++)
		if ((code[i] & 0xf8) == 0x48 && code[i + 1] == 0x8d && (code[i + 2] & 0xc7) == 5) {
			const int32_t to = (int32_t)(DATA - (CODE + i + 7));

			memcpy(&code[i + 3], &to, sizeof(to));
		}
}

Test(goglobals, ids_of_goroutines_are_taken_16_at_a_time)
{
	static const struct {
		const char *why;
		uint8_t code[64];
		size_t len;
		int want, next;
	} t[] = {
		{ "as Go 1.26", { LOAD_26, TAKE_26 }, 32, 0, 0x180 },
		{ "as Go 1.15", { LOAD_15, TAKE_15 }, 32, 0, 0x5e0 },
		{ "a nop in between",
		  { LOAD_15, 0xb9, 0x10, 0, 0, 0, 0x48, 0x8d, 0x15, 0, 0, 0, 0, 0x90, 0xf0, 0x48,
		    0x0f, 0xc1, 0x0a },
		  33,
		  0,
		  0x5e0 },
		{ "taken twice", { LOAD_26, TAKE_26, TAKE_26 }, 50, -EBADMSG, 0 },
		{ "nothing of a P is compared", { TAKE_26 }, 18, -EBADMSG, 0 },
		{ "members that do not lie side by side",
		  { 0x4d, 0x8b, 0x90, 0x80, 0x01, 0, 0, 0x4d, 0x39, 0x90, 0x90, 0x01, 0, 0,
		    TAKE_26 },
		  32,
		  -EBADMSG,
		  0 },
		{ "32 of them",
		  { LOAD_15, 0xb9, 0x20, 0, 0, 0, 0x48, 0x8d, 0x15, 0, 0, 0, 0, 0xf0, 0x48, 0x0f,
		    0xc1, 0x0a },
		  32,
		  -EBADMSG,
		  0 },
		{ "half a word",
		  { LOAD_15, 0xb9, 0x10, 0, 0, 0, 0x48, 0x8d, 0x15, 0, 0, 0, 0, 0xf0, 0x0f, 0xc1,
		    0x0a },
		  31,
		  -EBADMSG,
		  0 },
		{ "something else in between",
		  { LOAD_15, 0xb9, 0x10, 0,    0,    0,    0x48, 0x8d, 0x15, 0,   0,
		    0,       0,    0x48, 0x89, 0xd8, 0xf0, 0x48, 0x0f, 0xc1, 0x0a },
		  35,
		  -EBADMSG,
		  0 },
		{ "no code", { 0x06 }, 64, -EBADMSG, 0 },
		{ "empty", { 0 }, 0, -EBADMSG, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint8_t code[64];
		uint64_t gen = 0;
		int32_t next = 0;

		memcpy(code, t[i].code, sizeof(code));
		name_data(code, t[i].len);
		cr_expect_eq(goglobals_goids(goarch_of(EM_X86_64), code, t[i].len, CODE, &gen,
					     &next),
			     t[i].want, "%s", t[i].why);
		cr_expect(t[i].want ? !gen : gen == DATA && next == t[i].next, "%s: %llx, %x",
			  t[i].why, (unsigned long long)gen, (unsigned int)next);
	}
}

/* As Go's linker laid them down: words of newproc1 from where the ids of a P are read, and their address. */
#define AT_17 0x52694ull
#define LOAD_17                                                                                    \
	0xf942f001, 0xf942f402, 0xeb01005f, 0x540002e1, 0xb0000fdb, 0x91238f7b, 0x39400361,        \
		0xb40000e1
#define TAKE_17 0xb27c03e1, 0xf0000e42, 0x911e8042, 0xf8e10043, 0x8b010063, 0x14000009
#define LOOP_17 0xb27c03e1, 0xf0000e42, 0x911e8042, 0xc85ffc44, 0x8b010084, 0xc81bfc44, 0xb5ffffbb
#define AT_22   0x53e44ull
#define LOAD_22                                                                                    \
	0xf940c064, 0xf940c465, 0xeb0400bf, 0x540002c1, 0xd503201f, 0xd000127b, 0x39423364,        \
		0x360000e4
#define TAKE_22 0xb27c03e4, 0xb0000f45, 0x912380a5, 0xf8e400a6, 0x8b0400c6, 0x14000008
#define LOOP_22 0xb27c03e4, 0xb0000f45, 0x912380a5, 0xc85ffca6, 0x8b0400c6, 0xc81bfca6, 0xb5ffffbb
#define AT_27   0x635a8ull
#define LOAD_27 0xa9582428, 0xeb08013f, 0x540002a1, 0xd503201f, 0xf000171b, 0x3952b368, 0x360000e8
#define TAKE_27 0xb27c03e8, 0xd00015e9, 0x91348129, 0xf8e8012a, 0x8b08014a, 0x14000008
#define LOOP_27 0xb27c03e8, 0xd00015e9, 0x91348129, 0xc85ffd2a, 0x8b08014a, 0xc81bfd2a, 0xb5ffffbb

Test(goglobals, ids_are_taken_in_two_ways_on_arm64)
{
	static const struct {
		const char *why;
		uint64_t at;
		uint32_t code[32];
		uint64_t gen; /* 0: refused */
		int32_t next;
	} t[] = {
		{ "Go 1.17", AT_17, { LOAD_17, TAKE_17, LOOP_17 }, 0x21d7a0, 0x5e0 },
		{ "Go 1.22", AT_22, { LOAD_22, TAKE_22, LOOP_22 }, 0x23c8e0, 0x180 },
		{ "Go 1.27", AT_27, { LOAD_27, TAKE_27, LOOP_27 }, 0x321d20, 0x180 },
		{ "each processor has the instruction",
		  AT_22,
		  { LOAD_22, TAKE_22 },
		  0x23c8e0,
		  0x180 },
		{ "nothing of a P is compared", AT_22, { TAKE_22, LOOP_22 }, 0, 0 },
		{ "the ways differ",
		  AT_22,
		  { LOAD_22, TAKE_22, 0xb27c03e4, 0xb0000f45, 0x9123a0a5, 0xc85ffca6, 0x8b0400c6,
		    0xc81bfca6, 0xb5ffffbb },
		  0,
		  0 },
		{ "a third way", AT_22, { LOAD_22, TAKE_22, LOOP_22, TAKE_22 }, 0, 0 },
		{ "the number is overwritten",
		  AT_22,
		  { LOAD_22, 0xb27c03e4, 0xb0000f44, 0x912380a5, 0xf8e400a6 },
		  0,
		  0 },
		{ "32 of them",
		  AT_22,
		  { LOAD_22, 0xd2800404, 0xb0000f45, 0x912380a5, 0xf8e400a6 },
		  0,
		  0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t gen = 0;
		int32_t next = 0;
		int err = goglobals_goids(goarch_of(EM_AARCH64), (const uint8_t *)t[i].code,
					  sizeof(t[i].code), t[i].at, &gen, &next);

		cr_expect_eq(err, t[i].gen ? 0 : -EBADMSG, "%s", t[i].why);
		cr_expect(gen == t[i].gen && next == t[i].next, "%s: %llx, %x", t[i].why,
			  (unsigned long long)gen, (unsigned int)next);
	}
}
