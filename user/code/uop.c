/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/uop.h"

uint64_t uop_address(const struct uop *u)
{
	for (int i = 0; i < 3; i++)
		if (u->op[i].type == UOP_MEM && u->op[i].base == UOP_NO_REG &&
		    u->op[i].index == UOP_NO_REG)
			return u->op[i].value;
	return 0;
}
