/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap/gorecord.h"

/*
 * The runtime's variables, then memory of two chunks, and pages of C that the kernel joined with
 * them. A chunk here is followed by 64 KiB of C's.
 */
#define VARIABLES 0x600000ull
#define MEMORY    0x7f0040000000ull
#define C_BYTES   0x10000ull
#define OLDER     MEMORY
#define C_FIRST   (OLDER + GORECORD_CHUNK)
#define NEWER     (C_FIRST + C_BYTES)
#define C_SECOND  (NEWER + GORECORD_CHUNK)
#define END       (C_SECOND + C_BYTES)
#define HEAD      (VARIABLES + 0x40) /* runtime.persistentChunks */

static const char text[] =
	"00600000-00601000 rw-p 00200000 fe:00 11                         /srv/api\n"
	"7f0040000000-7f00400a0000 rw-p 00000000 00:00 0 \n"
	"7f0050000000-7f0050040000 rw-p 00000000 fe:00 12             /srv/data\n";

struct process {
	struct addrspace as;
	uint8_t variables[4096];
	uint8_t memory[END - MEMORY];
};

static struct process p;
static uint64_t records[] = { OLDER + 0x100, OLDER + GORECORD_CHUNK - 0x80, NEWER + 0x200 };
static struct goheap heap = { .records = records, .nr_records = 3, .record_bytes = 0x80 };

static int process_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	(void)as;
	if (addr >= VARIABLES && addr + len <= VARIABLES + sizeof(p.variables))
		memcpy(buf, p.variables + (addr - VARIABLES), len);
	else if (addr >= MEMORY && addr + len <= END)
		memcpy(buf, p.memory + (addr - MEMORY), len);
	else
		return -EFAULT;
	return 0;
}

static void put(uint64_t addr, uint64_t v)
{
	uint8_t *at = addr < MEMORY ? p.variables + (addr - VARIABLES) : p.memory + (addr - MEMORY);

	memcpy(at, &v, sizeof(v));
}

static void process_init(void)
{
	memset(&p, 0, sizeof(p));
	p.as.read = process_read;
	put(HEAD - 16, 0x7000000000000000); /* what else the runtime has */
	put(HEAD - 8, C_FIRST);             /* a list of one piece, without the spans */
	put(HEAD, NEWER);
	put(NEWER, OLDER);
	heap.nr_records = 3;
}

static size_t ranges(int minor, struct crange *out, size_t max)
{
	static struct goruntime rt;
	scoped_mem struct crange *r = NULL;
	scoped(maps) m = NULL;
	size_t nr = 0;

	rt.minor = (uint16_t)minor;
	rt.nr_modules = 1;
	rt.modules[0].noptrbss = (struct tabspan){ VARIABLES, sizeof(p.variables) };
	cr_assert_eq(maps__parse(text, strlen(text), &m), 0);
	cr_assert_eq(gorecord_ranges(&p.as, m, &rt, &heap, &r, &nr), 0);
	for (size_t i = 0; i < nr && i < max; i++)
		out[i] = r[i];
	return nr;
}

Test(gorecord, is_the_list_of_chunks_that_holds_every_span)
{
	struct crange r[4];

	process_init();
	cr_assert_eq(ranges(15, r, 4), 2);
	cr_expect_eq(r[0].from, OLDER);
	cr_expect_eq(r[0].to, C_FIRST, "what C has behind it is C's");
	cr_expect_eq(r[1].from, NEWER);
	cr_expect_eq(r[1].to, C_SECOND);
}

Test(gorecord, is_nothing_where_the_list_is_in_doubt)
{
	static const struct {
		const char *why;
		uint64_t addr, value;
	} t[] = {
		{ "a span lies in no chunk", NEWER, 0 },
		{ "it never ends", OLDER, NEWER },
		{ "a chunk lies half in another", OLDER, OLDER + 0x1000 },
		{ "it leads to a file", OLDER, 0x7f0050000000 },
		{ "it leads behind the mapping", OLDER, C_SECOND },
		{ "it leads to where nothing is", OLDER, 0x1000 },
		{ "it leads to what is no page", OLDER, NEWER + 8 },
	};
	struct crange r[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		process_init();
		put(t[i].addr, t[i].value);
		cr_expect_eq(ranges(26, r, 4), 0, "%s", t[i].why);
	}
	process_init();
	heap.nr_records = 0;
	cr_expect_eq(ranges(26, r, 4), 0, "no span proves it");
}

/* Go runtime/mgcmark_greenteagc.go spanSPMC. */
static void put_queue(uint64_t at, uint32_t head, uint32_t tail, uint64_t cap, uint64_t ring)
{
	put(at + 32, (uint64_t)tail << 32 | head);
	put(at + 40, cap);
	put(at + 48, ring);
}

Test(gorecord, has_the_queues_of_the_collector_too)
{
	struct crange r[4];

	process_init();
	put_queue(NEWER + 0x1000, 700, 1000, 1024, C_FIRST + 0x2000);
	cr_assert_eq(ranges(26, r, 4), 3);
	cr_expect_eq(r[1].from, C_FIRST + 0x2000);
	cr_expect_eq(r[1].to, C_FIRST + 0x4000);
	cr_expect_eq(ranges(25, r, 4), 2, "Go 1.25 has none");
}

Test(gorecord, takes_no_page_of_c_for_a_queue)
{
	static const struct {
		const char *why;
		uint32_t head, tail;
		uint64_t cap, ring;
	} t[] = {
		{ "no power of two", 0, 0, 1000, C_FIRST },
		{ "less than a page", 0, 0, 256, C_FIRST },
		{ "more in it than there is room", 0, 1025, 1024, C_FIRST },
		{ "no page", 0, 0, 1024, C_FIRST + 8 },
		{ "behind the mapping", 0, 0, 1u << 20, C_FIRST },
		{ "a chunk", 0, 0, 1024, NEWER },
	};
	struct crange r[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		process_init();
		put_queue(NEWER + 0x1000, t[i].head, t[i].tail, t[i].cap, t[i].ring);
		cr_expect_eq(ranges(26, r, 4), 2, "%s", t[i].why);
	}
}
