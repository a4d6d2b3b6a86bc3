/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gofacts.h"

/* What each release has: what it brings, and what the one before had. */
#define HAS_15 0ull
#define HAS_16 (HAS_15 | GO_NAMES_APART | GO_INLINED_NAMES | GO_ALLOC_LARGE | GO_CLASS_24)
#define HAS_17 (HAS_16 | GO_REGABI | GO_RUNS_COUNTED | GO_NAME_VARINT | GO_STACK_OBJECT_SIZES)
#define HAS_18 (HAS_17 | GO_DEFER_BARE | GO_WAITGROUP_FIXED | GO_REGABI_ARM64)
#define HAS_19 (HAS_18 | GO_PLAIN_OFFSETS | GO_SYSCALL_FRAMED)
#define HAS_20 HAS_19
#define HAS_21 (HAS_20 | GO_PARENT_GOID | GO_NAMELESS_INLINED | GO_INJECTED_CALLS | GO_FRAMES_MOVE)
#define HAS_22 (HAS_21 | GO_GDESTROY | GO_HEAP_HEADERS | GO_DEFER_RANGE)
#define HAS_23                                                                                     \
	(HAS_22 | GO_CHAN_TIMERS | GO_SPECIAL_WEAK | GO_EXPORTED_METHODS |                         \
	 GO_CONTENTION_HAS_WRAPPERS)
#define HAS_24 (HAS_23 | GO_LABEL_LIST | GO_SPECIAL_WIDE)
#define HAS_25 (HAS_24 | GO_SPECIAL_TINY | GO_SHOWS_CLEANUPS | GO_WAITGROUP_BUBBLE)
#define HAS_26 (HAS_25 | GO_LEAKED | GO_SECRETS | GO_SPAN_RINGS | GO_MALLOC_SIZED)
#define HAS_27 (HAS_26 | GO_TIMERS_ALWAYS_TOLD)

static const struct gofacts rows[GO_MINORS] = {
	/*
	 * minor, magic, stackobjects, inltree, open-coded, wrapper, record of a stack object, types,
	 * etypes, typelinks, typedesclen, rodata, map type, its stride, direct, wait reasons, their
	 * number
	 */
	{ 15, 0xfffffffb, 3, 4, 5, 22, 16, 200, 208, 240, 0, 0, 88, 0, 23, GO_WAITS_15, 27,
	  HAS_15 },
	{ 16, 0xfffffffa, 2, 3, 4, 22, 16, 280, 288, 320, 0, 0, 88, 0, 23, GO_WAITS_15, 27,
	  HAS_16 },
	{ 17, 0xfffffffa, 2, 3, 4, 22, 24, 280, 288, 320, 0, 0, 88, 0, 23, GO_WAITS_15, 27,
	  HAS_17 },
	{ 18, 0xfffffff0, 2, 3, 4, 21, 16, 280, 288, 336, 0, 296, 88, 0, 23, GO_WAITS_15, 27,
	  HAS_18 },
	{ 19, 0xfffffff0, 2, 3, 4, 21, 16, 280, 288, 336, 0, 296, 88, 0, 23, GO_WAITS_15, 27,
	  HAS_19 },
	{ 20, 0xfffffff1, 2, 3, 4, 21, 16, 296, 304, 352, 0, 312, 88, 0, 23, GO_WAITS_20, 32,
	  HAS_20 },
	{ 21, 0xfffffff1, 2, 3, 4, 21, 16, 296, 304, 352, 0, 312, 88, 0, 23, GO_WAITS_20, 32,
	  HAS_21 },
	{ 22, 0xfffffff1, 2, 3, 4, 22, 16, 296, 304, 352, 0, 312, 88, 0, 23, GO_WAITS_20, 37,
	  HAS_22 },
	{ 23, 0xfffffff1, 2, 3, 4, 22, 16, 296, 304, 352, 0, 312, 88, 0, 23, GO_WAITS_20, 38,
	  HAS_23 },
	{ 24, 0xfffffff1, 2, 3, 4, 22, 16, 296, 304, 352, 0, 312, 112, 88, 23, GO_WAITS_24, 44,
	  HAS_24 },
	{ 25, 0xfffffff1, 2, 3, 4, 23, 16, 296, 304, 352, 0, 312, 112, 88, 23, GO_WAITS_25, 47,
	  HAS_25 },
	{ 26, 0xfffffff1, 2, 3, 4, 23, 16, 296, 304, 360, 0, 312, 112, 88, 20, GO_WAITS_26, 47,
	  HAS_26 },
	{ 27, 0xfffffff1, 2, 3, 4, 23, 16, 296, 312, 0, 304, 336, 128, 96, 20, GO_WAITS_26, 47,
	  HAS_27 },
};

bool gofacts_too_old(int minor)
{
	return minor < GO_MINOR_MIN;
}

bool gofacts_too_new(int minor)
{
	return minor > GO_MINOR_MAX;
}

const struct gofacts *gofacts_of(int minor)
{
	int row = gofacts_too_old(minor)   ? GO_MINOR_MIN
		  : gofacts_too_new(minor) ? GO_MINOR_MAX
					   : minor;

	return &rows[row - GO_MINOR_MIN];
}

bool gofacts_has(int minor, enum go_fact fact)
{
	return gofacts_of(minor)->has & fact;
}
