/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a recording: as a .pw file, or (first byte 1) as the facts of a segment. What is
 * read must be shown whole, in every format. fuzz_facts meets far more facts in the same time.
 */
#include "recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[RECORDING_BYTES_MAX];
	FILE *in;

	if (!size || size > RECORDING_FACTS_MAX)
		return 0;
	if (data[0] == 1)
		size = recording_of(data + 1, size - 1, file);
	else
		memcpy(file, data, size);
	in = fmemopen(file, size, "r");
	recording_try(in, size % 2, RECORDING_SHOWN);
	fclose(in);
	return 0;
}
