/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_fake: a census made by hand over the made-up program of report_fake, for the tests of dump.
 */
#ifndef TESTS_UNIT_DUMP_FAKE_H
#define TESTS_UNIT_DUMP_FAKE_H

#include <criterion/criterion.h>

#include "census/labels_read.h"
#include "golang/gostate.h"
#include "format/dump_show.h"
#include "report_fake.h"

#define FAKE_NOW_NS 1000000000000ULL
#define FAKE_SECOND 1000000000ULL
/* where labels "k" = "v\"" are in the made-up process, as Go 1.24 has them */
#define FAKE_LABELS 0x700000

enum { FAKE_GS = 8, FAKE_STACKS = 3 };

/*
 *	goid 1	waits in select (no cases); runtime.main
 *	18	[chan receive], for 125 s, locked to its thread; labels; made by 1 in main.main, runs main.worker through a wrapper
 *	19, 20	the same stack, for one other channel each
 *	21	semacquire, in sync.(*Mutex).lockSlow
 *	22	running
 *	23	in a select of two channels, the stack is cut
 *	24	the runtime's own
 */
static uint64_t fake_pcs[] = {
	PC_GOPARK, PC_CHANRECV,   PC_WORKER, PC_LOOP, PC_GOWRAP,  PC_GOEXIT, /* stack 0 */
	PC_GOPARK, PC_SEMACQUIRE, PC_LOCK,   PC_MAIN, PC_RUNMAIN, PC_GOEXIT, /* stack 1 */
	PC_GOPARK, PC_RUNMAIN,    PC_GOEXIT,                                 /* stack 2 */
};
static struct census_stack fake_stacks[FAKE_STACKS] = {
	{ .pcs_at = 0, .nr_pcs = 6, .nr_gs = 4 },
	{ .pcs_at = 6, .nr_pcs = 6, .nr_gs = 1 },
	{ .pcs_at = 12, .nr_pcs = 3, .nr_gs = 2, .truncated = true },
};
static struct census_wait fake_waits[] = {
	{ .addr = 0xc000010000, .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_RECEIVE },
	{ .addr = 0xc000020000, .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_RECEIVE },
	{ .addr = 0xc000030000, .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_RECEIVE },
	{ .addr = 0xc000040000, .via = 0xc000040004, .kind = CENSUS_WAIT_MUTEX },
	{ .addr = 0xc000020000, .kind = CENSUS_WAIT_CHAN, .select = true },
	{ .addr = 0xc000030000, .kind = CENSUS_WAIT_CHAN, .select = true },
	{ .addr = 0x7f0000, .via = 7, .kind = CENSUS_WAIT_FD, .direction = CENSUS_DIR_READ },
	{ .addr = 0xc000050000, .via = FAKE_NOW_NS - 5, .kind = CENSUS_WAIT_TIMER },
};

#define FAKE_G(id, ...)                                                                            \
	{                                                                                          \
		.who = { (id), 1, PC_MAIN, START_GOWRAP }, .status = GOSTATUS_WAITING,             \
		.reason = FAKE_CHAN_RECEIVE, .m = -1, .p = -1, __VA_ARGS__                         \
	}
_Pragma("GCC diagnostic push") _Pragma(
	"GCC diagnostic ignored \"-Woverride-init\"") static struct census_g fake_gs[FAKE_GS] = {
	FAKE_G(22, .status = GOSTATUS_RUNNING, .stack = CENSUS_NO_STACK, .m = 3, .p = 2,
	       .tid = 815),
	FAKE_G(18, .stack = 0, .waits_at = 0, .nr_waits = 1,
	       .waitsince_ns = FAKE_NOW_NS - 125 * FAKE_SECOND, .locked = true, .m = 4, .tid = 812,
	       .labels = FAKE_LABELS),
	FAKE_G(19, .stack = 0, .waits_at = 1, .nr_waits = 1,
	       .waitsince_ns = FAKE_NOW_NS - 59 * FAKE_SECOND),
	FAKE_G(1, .stack = 2, .reason = 10, .who.parent_goid = 0, .who.gopc = PC_NEWPROC1,
	       .who.startpc = START_MAIN),
	FAKE_G(20, .stack = 0, .waits_at = 2, .nr_waits = 1),
	FAKE_G(21, .stack = 1, .reason = FAKE_SEMACQUIRE, .waits_at = 3, .nr_waits = 1,
	       .who.startpc = START_WORKER),
	FAKE_G(23, .stack = 0, .reason = 9, .waits_at = 4, .nr_waits = 2, .waits_cut = true),
	FAKE_G(24, .stack = 2, .who.startpc = PC_SYSTEMSTACK, .waits_at = 6, .nr_waits = 2),
};
_Pragma("GCC diagnostic pop")

	static const struct census fake_census = {
		.gs = fake_gs,
		.nr = FAKE_GS,
		.stacks = fake_stacks,
		.nr_stacks = FAKE_STACKS,
		.pcs = fake_pcs,
		.nr_pcs = sizeof(fake_pcs) / 8,
		.waits = fake_waits,
		.nr_waits = 8,
		.taken_ns = FAKE_NOW_NS,
		.allglen = FAKE_GS,
		.unsettled = 2,
		.refused = 1,
	};
static const struct census *const fake_censuses[] = { &fake_census };
static const struct namer dump_namer = { .frames = fake_frames,
					 .unwrap_start = fake_unwrap_start,
					 .go_minor = 24 };

/* runtime/pprof labelMap of Go 1.24: a slice of {key, value}, strings of {pointer, length}. */
static const uint64_t fake_label_words[] = {
	FAKE_LABELS + 24, 1, 1, FAKE_LABELS + 56, 1, FAKE_LABELS + 57, 2, 0x22766b, /* "kv\"" */
};

static inline const struct labelbook *fake_labels(void)
{
	static struct labelbook *book; /* of the whole run */
	struct bufspace memory;

	if (book)
		return book;
	bufspace__init(&memory, fake_label_words, sizeof(fake_label_words), FAKE_LABELS);
	cr_assert_eq(labelbook__new(&book), 0);
	cr_assert_eq(labels_read(book, &memory.as, 24, FAKE_LABELS), 0);
	return book;
}

static inline struct dump *fake_dump(const struct dump_opts *o)
{
	struct dump *d = NULL;

	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = fake_censuses,
						     .namers = &dump_namer,
						     .nr = 1,
						     .labels = fake_labels() },
			       o, &d),
		     0);
	return d;
}

static inline const char *fake_peer(void *ctx, int fd)
{
	(void)ctx;
	return fd == 7 ? "tcp 1.2.3.4:5 -> \x1b[6" : "";
}

static const struct dump_show fake_show = { .meta = &fake_meta, .peer = fake_peer };

#endif
