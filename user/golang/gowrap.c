/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gowrap.h"

#include <errno.h>

int gowrap_callee(const struct goarch *arch, const uint8_t *bytes, size_t len, uint64_t addr,
		  uint64_t *ret_call, uint64_t *ret_target)
{
	struct code code = { addr, bytes, len < GOWRAP_CODE_MAX ? len : GOWRAP_CODE_MAX };
	struct coderef_regs regs = { .known = 0 };
	uint64_t call = 0, target = 0;
	struct coderef ref;

	for (uint64_t at = addr; at < addr + code.len; at += ref.len) {
		if (arch->next_ref(&code, at, &regs, &ref))
			return -ENOENT;
		if (ref.kind == CODEREF_RETURN)
			break; /* behind it: the call of morestack */
		if (ref.kind != CODEREF_CALL)
			continue;
		if (call || !ref.at)
			return -ENOENT;
		call = at;
		target = ref.at;
	}
	if (!call)
		return -ENOENT;
	*ret_call = call;
	*ret_target = target;
	return 0;
}
