/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_fake.h"
#include "view/callsites.h"
#include "format/folded.h"

/* Functions begin at their pcs. */
static int frames_with_entries(const struct namer *n, uint64_t pc, bool is_return,
			       struct goframe *frames, size_t max)
{
	const int nr = fake_frames(n, pc, is_return, frames, max);

	for (int i = 0; i < nr; i++)
		frames[i].entry = pc;
	return nr;
}

static const struct namer namer = { .frames = frames_with_entries,
				    .unwrap_start = fake_unwrap_start,
				    .go_minor = 24 };

#define SEEN(...)                                                                                  \
	{                                                                                          \
		.stack = { .pcs = (const uint64_t[]){ __VA_ARGS__ },                               \
			   .nr = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t) },   \
		.state = SNAP_STACK_SEEN                                                           \
	}
#define BY_LIBRARY SEEN(PC_NEWPROC1, PC_YAML, PC_RUNMAIN)
#define BY_MAIN    SEEN(PC_NEWPROC1, PC_YAML, PC_MAIN)
#define BY_WORKER  SEEN(PC_NEWPROC1, PC_YAML, PC_WORKER)
#define BY_METHOD  SEEN(PC_NEWPROC1, PC_YAML, PC_METHOD)
#define LOST                                                                                       \
	{                                                                                          \
		.state = SNAP_STACK_LOST                                                           \
	}
#define LINK(how, pc)                                                                              \
	{                                                                                          \
		.made = how, .gopc = (pc), .startpc = START_WORKER                                 \
	}
#define BIRTHS(n, nr_links, ...)                                                                   \
	{                                                                                          \
		.gopc = PC_YAML, .count = (n), .chain = {                                          \
			(const struct snap_link[]){ __VA_ARGS__ },                                 \
			(nr_links),                                                                \
			false                                                                      \
		}                                                                                  \
	}

/* What stands at the root of a wait of one that was made in a library. */
static void expect_root(struct callsites *cs, const struct snap *seen, const char *why,
			const char *want)
{
	struct namer asked = namer;
	const uint64_t waits[] = { PC_GOPARK, PC_WORKER };
	const struct snap s = { .event = PROFILE_BLOCKED, .root = PROFILE_ROOT_CREATED_BY };
	struct snap_row row = { .own = { .stack = { .pcs = waits, .nr = 2 },
					 .state = SNAP_STACK_SEEN },
				.reason = FAKE_CHAN_RECEIVE,
				.gopc = PC_YAML };
	scoped(rowframer) f = NULL;
	struct frames fr;
	char text[512];

	if (seen)
		cr_assert_eq(callsites__births(cs, seen), 0);
	asked.calls = cs;
	cr_assert_eq(rowframer__new(&asked, 1, false, &f), 0);
	cr_assert_eq(rowframer__row(f, &s, &row, &fr), 0);
	cr_assert_geq(folded_stack(&fr, text, sizeof(text)), 0);
	cr_expect(!strncmp(text, want, strlen(want)), "%s: %s", why, text);
}

static void expect_of_births(const struct snap_made *made, size_t nr, const char *why,
			     const char *want)
{
	const struct snap seen = { .made = made, .nr_made = nr };
	scoped(callsites) cs = NULL;

	cr_assert_eq(callsites__new(&namer, 1, &cs), 0);
	expect_root(cs, &seen, why, want);
}

Test(callsites, births_say_who_called_a_library)
{
	expect_of_births((struct snap_made[]){ BIRTHS(3, 1, LINK(BY_MAIN, PC_YAML)) }, 1,
			 "one line",
			 "called from main.main main.go:9;created by "
			 "gopkg.in/yaml%2ev3.(*Decoder).Decode;main.worker;");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 1, LINK(BY_MAIN, PC_YAML)),
					       BIRTHS(4, 1, LINK(BY_WORKER, PC_YAML)),
					       BIRTHS(9, 1, LINK(BY_LIBRARY, PC_YAML)) },
			 3, "the commonest of two",
			 "called from main.worker main.go:20 or main.main main.go:9;created by ");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 1, LINK(BY_MAIN, PC_YAML)),
					       BIRTHS(4, 1, LINK(BY_WORKER, PC_YAML)),
					       BIRTHS(9, 1, LINK(BY_METHOD, PC_YAML)) },
			 3, "the commonest of three",
			 "called from main.(*T).Do t.go:3 or 2 other lines;created by ");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 2, LINK(BY_LIBRARY, PC_YAML),
						      LINK(BY_MAIN, PC_YAML)) },
			 1, "its creator's birth",
			 "called from main.main main.go:9, which made its creator;created by ");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 2, LINK(LOST, PC_YAML),
						      LINK(LOST, PC_MAIN)) },
			 1, "its creator's go statement",
			 "called from main.main main.go:9, which made its creator;created by ");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 1, LINK(BY_LIBRARY, PC_YAML)) }, 1,
			 "nobody", "called from libraries alone;created by ");
	expect_of_births((struct snap_made[]){ BIRTHS(3, 1, LINK(LOST, PC_YAML)) }, 1,
			 "its stack is lost", "called from ?, not seen;created by ");
	expect_of_births(NULL, 0, "no birth was seen", "called from ?, not seen;created by ");
}

static uint64_t pcs[] = {
	PC_GOPARK, PC_RUNMAIN,          /* stack 0: nothing of the program's own */
	PC_GOPARK, PC_YAML,    PC_MAIN, /* stack 1: in the function with the go statement */
	PC_GOPARK, PC_WORKER,           /* stack 2: elsewhere in the program */
};
static struct census_stack stacks[] = { { .pcs_at = 0, .nr_pcs = 2 },
					{ .pcs_at = 2, .nr_pcs = 3 },
					{ .pcs_at = 5, .nr_pcs = 2 } };

#define G(id, up, pc, on)                                                                          \
	{                                                                                          \
		.who = { (id), (up), (pc), START_WORKER }, .stack = (on),                          \
		.status = GOSTATUS_WAITING, .reason = FAKE_CHAN_RECEIVE, .m = -1, .p = -1          \
	}

static void expect_of_census(struct census_g *gs, size_t nr, const struct snap *seen,
			     const char *why, const char *want)
{
	const struct census c = { .gs = gs,
				  .nr = nr,
				  .stacks = stacks,
				  .nr_stacks = ARRAY_SIZE(stacks),
				  .pcs = pcs,
				  .nr_pcs = ARRAY_SIZE(pcs),
				  .taken_ns = FAKE_NOW_NS };
	const struct census *const censuses[] = { &c };
	scoped(callsites) cs = NULL;

	cr_assert_eq(callsites__new(&namer, 1, &cs), 0);
	cr_assert_eq(callsites__census(cs, censuses), 0);
	expect_root(cs, seen, why, want);
}

Test(callsites, creators_say_it_of_those_from_before)
{
	const struct snap_made worker[] = { BIRTHS(2, 1, LINK(BY_WORKER, PC_YAML)) };
	const struct snap seen = { .made = worker, .nr_made = 1 };
	struct census_g there[] = { G(30, 31, PC_YAML, 0), G(31, 2, PC_MAIN, 1) };
	struct census_g went_on[] = { G(30, 31, PC_YAML, 0), G(31, 2, PC_YAML, 2) };

	expect_of_census(there, 2, NULL, "it is there still",
			 "called from main.main main.go:9;created by ");
	expect_of_census(
		went_on, 2, NULL, "it went on",
		"called from ?, by a goroutine that is at main.worker main.go:20;created by ");
	expect_of_census(went_on, 2, &seen, "a birth is better",
			 "called from main.worker main.go:20;created by ");
	expect_of_census(there, 2, &seen, "both",
			 "called from main.worker main.go:20 or main.main main.go:9;created by ");
}

Test(callsites, nothing_is_said_of_what_the_program_or_the_runtime_makes)
{
	scoped(callsites) cs = NULL;
	struct callsite c;

	cr_assert_eq(callsites__new(&namer, 1, &cs), 0);
	for (size_t i = 0; i < 4; i++) {
		const uint64_t v[] = { PC_MAIN, PC_NEWPROC, PC_UNKNOWN, 0 };

		cr_assert_eq(callsites__at(cs, 0, v[i], NULL, &c), 0);
		cr_expect_eq(c.called.how, CALLED_OWN, "%zu", i);
	}
}
