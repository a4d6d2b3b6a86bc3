/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile code of arm64, which is followed for locks: hostile_code.h. */
#include "tests/fuzz/hostile_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hostile_code__run(&isa_arm64, data, size);
	return 0;
}
