/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosizes.h"

#include "base/cleanup.h"
#include "golang/gofacts.h"

#define PAGE_BYTES   8192
#define TINY_MAX     16 /* noscan objects smaller than it share blocks */
#define SMALL_MAX    32768
#define HEADER_BYTES 8
#define HEADER_ABOVE 512 /* smaller ones have their pointer bits in the span */
#define CLASS24      3   /* the class of 24 bytes, which Go 1.15 has not */

static const uint16_t slots[GOSIZES_CLASSES] = {
	0,     8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,
	160,   176,   192,   208,   224,   240,   256,   288,   320,   352,   384,   416,
	448,   480,   512,   576,   640,   704,   768,   896,   1024,  1152,  1280,  1408,
	1536,  1792,  2048,  2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,
	6528,  6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288, 13568, 14336, 16384,
	18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};

/* Its number in the table above. */
static unsigned int in_table(int minor, unsigned int size_class)
{
	return !gofacts_has(minor, GO_CLASS_24) && size_class >= CLASS24 ? size_class + 1
									 : size_class;
}

uint64_t gosizes_slot(int minor, unsigned int size_class)
{
	unsigned int i = in_table(minor, size_class);

	return i < ARRAY_SIZE(slots) ? slots[i] : 0;
}

unsigned int gosizes_span_classes(int minor)
{
	return GOSIZES_SPAN_CLASSES - (gofacts_has(minor, GO_CLASS_24) ? 0 : 2);
}

unsigned int gosizes_span_class(int minor, uint64_t size, bool pointers)
{
	bool headers = gofacts_has(minor, GO_HEAP_HEADERS);
	unsigned int c = 1;

	if (size > SMALL_MAX - (headers ? HEADER_BYTES : 0))
		return !pointers;
	if (!pointers && size < TINY_MAX)
		return GOSIZES_TINY_CLASS;
	if (pointers && headers && size > HEADER_ABOVE)
		size += HEADER_BYTES;
	while (c < GOSIZES_CLASSES - 1 && gosizes_slot(minor, c) < size)
		c++;
	return 2 * c + !pointers;
}

uint64_t gosizes_spent(int minor, uint64_t size, bool pointers)
{
	unsigned int spc = gosizes_span_class(minor, size, pointers);

	if (spc < 2)
		return (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	if (spc == GOSIZES_TINY_CLASS && size < TINY_MAX)
		return size;
	return gosizes_slot(minor, spc / 2);
}
