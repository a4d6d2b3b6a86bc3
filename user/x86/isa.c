/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/isa.h"

#include <elf.h>
#include <string.h>

#include "x86/uop.h"

#define CALL       0xe8 /* call rel32 */
#define CALL_BYTES 5

static int decode(const struct code *code, uint64_t addr, struct uop ret[ISA_UOPS_MAX])
{
	int err = uop__decode(code, addr, ret);

	return err ? err : 1;
}

static bool next_call(const uint8_t *bytes, size_t len, uint64_t addr, size_t from,
		      struct isa_call *ret)
{
	const uint8_t *p = from + CALL_BYTES <= len
				   ? memchr(bytes + from, CALL, len - from - (CALL_BYTES - 1))
				   : NULL;
	int32_t rel;

	if (!p)
		return false;
	memcpy(&rel, p + 1, sizeof(rel));
	ret->at = (size_t)(p - bytes);
	ret->next = ret->at + CALL_BYTES;
	ret->target = addr + ret->next + (uint64_t)(int64_t)rel;
	return true;
}

/* Go cmd/compile/abi-internal.md, runtime/asm_amd64.s */
const struct isa isa_x86 = {
	.machine = EM_X86_64,
	.pushed = 8,
	.args_at = 0,
	.frame = UOP_RBP,
	.context = UOP_RDX,
	.link = UOP_NO_REG,
	.zero_vector = true,
	.nr_args = 9,
	.args = { UOP_RAX, UOP_RBX, UOP_RCX, UOP_RDI, UOP_RSI, UOP_R8, UOP_R9, UOP_R10, UOP_R11 },
	/* of those that hold addresses: the barrier's result is in r11 */
	.barrier_changes = 1u << UOP_R11,
	.duff_changes = 1u << UOP_R11 | 1u << UOP_RDI | 1u << UOP_RSI,
	.decode = decode,
	.next_call = next_call,
	.call_bytes = CALL_BYTES,
};
