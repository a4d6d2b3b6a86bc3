/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the memory (tests/fuzz/hostile.h) in which Ps, their caches, spans and the
 * allocator's counts lie, and as the code that tells where they are.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "heap/galloc.h"
#include "golang/goglobals.h"
#include "golang/gotype.h"
#include "tests/fuzz/hostile.h"

#define HEAD  2 /* bytes that are no memory: version, manner */
#define SPACE 0x10000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is found in code lies where its instructions can name it. */
static void check_code(const uint8_t *data, size_t size)
{
	uint64_t slices[GOGLOBALS_SLICES_MAX], at;
	int32_t next;
	size_t nr = 0;

	if (!goglobals_slices(goarch_of(EM_X86_64), data, size, SPACE, slices, &nr) &&
	    (!nr || nr > GOGLOBALS_SLICES_MAX))
		__builtin_trap();
	(void)goglobals_receiver(goarch_of(EM_X86_64), data, size, SPACE, SPACE + 0x100, &at);
	(void)goglobals_profile_rate(goarch_of(EM_X86_64), data, size, SPACE, 26, &at);
	(void)goglobals_goids(goarch_of(EM_X86_64), data, size, SPACE, &at, &next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t slots[GOSIZES_SPAN_CLASSES], counts[GOSIZES_CLASSES], rate = 0;
	const struct galloc h = { SPACE, SPACE + 64, SPACE + 128 };
	const struct golayout_row *row;
	static struct goruntime rt;
	struct hostile m = { .as.read = hostile__read };
	bool pointers;

	if (size <= HEAD)
		return 0;
	m.manner = data[1];
	m.data = data + HEAD;
	m.size = size - HEAD;
	rt.minor = GO_MINOR_MIN + data[0] % (GO_MINOR_MAX - GO_MINOR_MIN + 1);
	row = golayout_row(rt.minor, EM_X86_64);
	rt.layout = row->layout;
	rt.arch = goarch_of(EM_X86_64);
	rt.objects = row->objects;
	if (!galloc__free_slots(&m.as, &rt, &h, slots))
		for (int i = 0; i < GOSIZES_SPAN_CLASSES; i++)
			if (slots[i] > 8192ull * GALLOC_PS_MAX)
				__builtin_trap();
	(void)galloc__handed_out(&m.as, &rt, &h, counts);
	if (!galloc__profile_rate(&m.as, &h, &rate) && rate > 1ull << 40)
		__builtin_trap();
	(void)gotype_pointers(&m.as, SPACE, &pointers);
	check_code(m.data, m.size);
	return 0;
}
