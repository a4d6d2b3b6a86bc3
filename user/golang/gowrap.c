/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gowrap.h"

#include <errno.h>

#include "x86/uop.h"

int gowrap_callee(const uint8_t *bytes, size_t len, uint64_t addr, uint64_t *ret_call,
		  uint64_t *ret_target)
{
	struct code code = { addr, bytes, len < GOWRAP_CODE_MAX ? len : GOWRAP_CODE_MAX };
	uint64_t call = 0, target = 0;
	struct uop u;

	for (uint64_t at = addr; at < addr + code.len; at += u.len) {
		if (uop__decode(&code, at, &u))
			return -ENOENT;
		if (u.kind == UOP_RET)
			break; /* behind it: the call of morestack */
		if (u.kind != UOP_CALL)
			continue;
		if (call || !u.target)
			return -ENOENT;
		call = at;
		target = u.target;
	}
	if (!call)
		return -ENOENT;
	*ret_call = call;
	*ret_target = target;
	return 0;
}
