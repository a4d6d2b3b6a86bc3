/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * field: members of the target's structs, in a copy of their bytes; offsets as golang/golayout has
 * them.
 */
#ifndef PARKWATCH_CENSUS_FIELD_H
#define PARKWATCH_CENSUS_FIELD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t field_u64(const uint8_t *bytes, int32_t offset)
{
	uint64_t v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

static inline uint32_t field_u32(const uint8_t *bytes, int32_t offset)
{
	uint32_t v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

/*
 * Bytes that hold a word at each of these offsets; 0: one of them is not known, or the bytes are
 * more than max.
 */
static inline size_t field_span(const int32_t *offsets, size_t nr, size_t max)
{
	size_t bytes = 0;

	for (size_t i = 0; i < nr; i++) {
		if (offsets[i] < 0 || (size_t)offsets[i] + 8 > max)
			return 0;
		if ((size_t)offsets[i] + 8 > bytes)
			bytes = (size_t)offsets[i] + 8;
	}
	return bytes;
}

#endif
