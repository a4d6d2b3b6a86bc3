/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/isa.h"

#include <elf.h>
#include <string.h>

#include "arm64/decode.h"
#include "arm64/regs.h"
#include "arm64/word.h"

static bool next_call(const uint8_t *bytes, size_t len, uint64_t addr, size_t from,
		      struct isa_call *ret)
{
	uint32_t word;

	from += -(addr + from) % A64_BYTES;
	for (; from + A64_BYTES <= len; from += A64_BYTES) {
		memcpy(&word, bytes + from, A64_BYTES);
		if (a64_branch(word, addr + from, &ret->target) != A64_BL)
			continue;
		ret->at = from;
		ret->next = from + A64_BYTES;
		return true;
	}
	return false;
}

/* Go cmd/compile/abi-internal.md, runtime/asm_arm64.s */
const struct isa isa_arm64 = {
	.machine = EM_AARCH64,
	.pushed = 0,
	.args_at = 8, /* below them is the return address of the function that calls */
	.frame = A64_FP,
	.context = A64_CONTEXT,
	.link = A64_LINK,
	.zero_vector = false,
	.nr_args = 16,
	.args = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	.barrier_changes =
		1u << A64_R16 | 1u << A64_R17 | 1u << A64_R25 | 1u << A64_TMP | 1u << A64_LINK,
	.duff_changes = 1u << A64_R16 | 1u << A64_R17 | 1u << A64_R20 | 1u << A64_R21 |
			1u << A64_CONTEXT | 1u << A64_TMP | 1u << A64_LINK,
	.decode = a64_decode,
	.next_call = next_call,
	.call_bytes = A64_BYTES,
};
