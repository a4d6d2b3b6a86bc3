/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_maps: pointer maps and stack objects for the functions of a fake_module. Header only.
 */
#ifndef PARKWATCH_TESTS_FAKE_MAPS_H
#define PARKWATCH_TESTS_FAKE_MAPS_H

#include "fake_module.h"

/* where they are, behind what fake_module writes */
enum {
	FAKE_LOCALS = FAKE_GOFUNC + 0x800,
	FAKE_ARGS = FAKE_GOFUNC + 0x840,
	FAKE_OBJECTS = FAKE_GOFUNC + 0x880,
	FAKE_TYPES = FAKE_GOFUNC + 0x900,
};

/* Makes funcdata `which` of a function point at `at` of the buffer. */
static inline void fake_maps_funcdata(struct fake_module *m, const struct pcfunc *fn,
				      uint32_t which, uint64_t at)
{
	uint64_t entry = fn->addr - FAKE_BASE + (uint64_t)m->lay.fn_nfuncdata + 1 + 12;

	if (fake_old(m))
		fake_put(m, ((entry + 7) & ~7ull) + 8 * which, FAKE_BASE + at, 8);
	else
		fake_put(m, entry + 4 * which, at - FAKE_GOFUNC, 4);
}

/* Two bitmaps of nbit bits; n: how many the header says there are. */
static inline void fake_maps_put(struct fake_module *m, uint64_t at, uint32_t n, uint32_t nbit,
				 uint8_t first, uint8_t second)
{
	fake_put(m, at, n, 4);
	fake_put(m, at + 4, nbit, 4);
	fake_put(m, at + 8, first, 1);
	fake_put(m, at + 9, second, 1);
}

/* Record i of the stack objects at FAKE_OBJECTS. */
static inline void fake_maps_object(struct fake_module *m, uint32_t i, int32_t off, uint32_t size,
				    uint32_t ptrs)
{
	uint64_t at = FAKE_OBJECTS + 8 + i * (m->minor == 17 ? 24 : 16), type = FAKE_TYPES + 16 * i;

	fake_put(m, FAKE_OBJECTS, i + 1, 8);
	if (m->minor <= 16) {
		fake_put(m, at, (uint64_t)(int64_t)off, 8);
		fake_put(m, at + 8, FAKE_BASE + type, 8);
		fake_put(m, type, size, 8);
		fake_put(m, type + 8, ptrs, 8);
	} else {
		fake_put(m, at, (uint32_t)off, 4);
		fake_put(m, at + 4, size, 4);
		fake_put(m, at + 8, ptrs, 4);
	}
}

static inline void fake_maps_args(struct fake_module *m, const struct pcfunc *fn, uint32_t bytes)
{
	fake_put(m, fn->addr - FAKE_BASE + (uint64_t)m->lay.fn_nameoff + 4, bytes, 4);
}

/* Which bitmap holds: first in the first half of the function, then in the second. */
static inline void fake_maps_index(struct fake_module *m, const struct pcfunc *fn, int32_t first,
				   int32_t second)
{
	const int32_t index[2] = { first, second };

	fake_put(m, fn->addr - FAKE_BASE + (uint64_t)m->lay.fn_nfuncdata + 1 + 4,
		 fake_values(m, index, (uint32_t)(fn->end - fn->entry) / 2, 2), 4);
}

#endif
