/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/isa.h"

#include "base/cleanup.h"

const struct isa *isa_of(uint16_t machine)
{
	static const struct isa *const all[] = { &isa_x86, &isa_arm64 };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i]->machine == machine)
			return all[i];
	return NULL;
}
