/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/word.h"

#include <errno.h>
#include <string.h>

#define PAGE_BITS 12 /* of adrp, whatever pages the kernel has */

int a64_fetch(const struct code *code, uint64_t addr, uint32_t *ret)
{
	uint64_t off = addr - code->addr;

	if (addr < code->addr || off >= code->len)
		return -ENOENT;
	if (addr % A64_BYTES || code->len - off < A64_BYTES)
		return -EBADMSG;
	memcpy(ret, code->bytes + off, A64_BYTES);
	return 0;
}

uint64_t a64_address(uint32_t word, uint64_t addr)
{
	int64_t imm = (int64_t)((uint64_t)a64_signed(word, 5, 19) << 2 | a64_bits(word, 29, 2));

	if (!a64_is_adrp(word))
		return addr + (uint64_t)imm;
	return ((addr >> PAGE_BITS) + (uint64_t)imm) << PAGE_BITS;
}

/* An offset counts instructions. */
static uint64_t target(uint32_t word, uint64_t addr, unsigned int low, unsigned int nr)
{
	return addr + (uint64_t)a64_signed(word, low, nr) * A64_BYTES;
}

/* With the variants that check the pointer first: braa, blraa, retaa. */
static enum a64_branch register_branch(uint32_t word)
{
	switch (a64_bits(word, 21, 4)) {
	case 0:
	case 8: return A64_BR;
	case 1:
	case 9: return A64_BLR;
	case 2: return A64_RET;
	default: return A64_NO_BRANCH;
	}
}

enum a64_branch a64_branch(uint32_t word, uint64_t addr, uint64_t *ret_target)
{
	if (a64_is(word, 0x7c000000, 0x14000000)) {
		*ret_target = target(word, addr, 0, 26);
		return word >> 31 ? A64_BL : A64_B;
	}
	if (a64_is(word, 0xff000000, 0x54000000)) {
		*ret_target = target(word, addr, 5, 19);
		return A64_B_COND;
	}
	if (a64_is(word, 0x7e000000, 0x34000000)) {
		*ret_target = target(word, addr, 5, 19);
		return A64_CBZ;
	}
	if (a64_is(word, 0x7e000000, 0x36000000)) {
		*ret_target = target(word, addr, 5, 14);
		return A64_TBZ;
	}
	if (a64_is(word, 0xfe000000, 0xd6000000))
		return register_branch(word);
	return A64_NO_BRANCH;
}
