/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include "base/cleanup.h"
#include "pipe/decode.h"

static const struct {
	const char *why;
	__u16 kind, size;
	__u32 nr;
	size_t len;
	int want;
} records[] = {
	{ "whole wait", PW_WAIT, 72, 0, 72, 0 },
	{ "whole birth", PW_BIRTH, 64, 0, 64, 0 },
	{ "whole exit", PW_EXIT, 56, 0, 56, 0 },
	{ "latency has the shape of a wait", PW_SCHED, 72, 0, 72, 0 },
	{ "whole wake-up", PW_WAKE, 104, 0, 104, 0 },
	{ "whole contention", PW_BLOCK, 72, 0, 72, 0 },
	{ "whole unlock", PW_MUTEX, 72, 0, 72, 0 },
	{ "unlock cut short", PW_MUTEX, 64, 0, 72, -EBADMSG },
	{ "whole system call", PW_CALL, 72, 0, 72, 0 },
	{ "whole allocation", PW_ALLOC, 80, 0, 80, 0 },
	{ "allocation cut short", PW_ALLOC, 72, 0, 80, -EBADMSG },
	{ "whole round", PW_ROUND, 112, 0, 112, 0 },
	{ "padding of the transport after it", PW_EXIT, 56, 0, 60, 0 },
	{ "sample without a stack", PW_CPU, 352, 0, 352, -EBADMSG },
	{ "stack of one pc", PW_STACK, 48, 1, 48, 0 },
	{ "longest stack", PW_STACK, 40 + 8 * PW_STACK_MAX, PW_STACK_MAX, 1056, 0 },
	{ "nothing at all", PW_WAIT, 72, 0, 0, -EBADMSG },
	{ "no room for the header", PW_WAIT, 72, 0, 23, -EBADMSG },
	{ "size past the end", PW_WAIT, 72, 0, 71, -EBADMSG },
	{ "size smaller than the header", PW_WAIT, 8, 0, 72, -EBADMSG },
	{ "size of another kind", PW_WAIT, 64, 0, 72, -EBADMSG },
	{ "stack without pcs", PW_STACK, 40, 0, 40, -EBADMSG },
	{ "stack with a pc less than it says", PW_STACK, 48, 2, 56, -EBADMSG },
	{ "stack with a pc more than it says", PW_STACK, 56, 1, 56, -EBADMSG },
	{ "stack longer than any", PW_STACK, 48, PW_STACK_MAX + 1, 1100, -EBADMSG },
	{ "nr that wraps to a fitting size", PW_STACK, 48, 0x20000001, 48, -EBADMSG },
	{ "stack header cut", PW_STACK, 32, 1, 32, -EBADMSG },
	{ "zeroed record", PW_NONE, 0, 0, 72, -EOPNOTSUPP },
	{ "kind of a newer parkwatch", PW_KIND_MAX, 72, 0, 72, -EOPNOTSUPP },
};

static void fill(size_t i, struct pw_stack *rec)
{
	*rec = (struct pw_stack){
		.hdr = { .kind = records[i].kind, .size = records[i].size },
		.nr = records[i].nr,
	};
}

Test(decode, passes_only_whole_records_of_known_kinds)
{
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct pw_stack rec[2];
		const struct pw_hdr *h = NULL;

		fill(i, &rec[0]);
		cr_expect_eq(pw_decode(rec, records[i].len, &h), records[i].want, "%s",
			     records[i].why);
		cr_expect_eq(h != NULL, records[i].want == 0, "%s: ret touched on failure",
			     records[i].why);
	}
}

Test(decode, every_kind_that_is_sent_has_a_size)
{
	for (__u16 kind = PW_STACK + 1; kind < PW_KIND_MAX; kind++) {
		struct pw_stack rec = { .hdr = { .kind = kind } };
		const struct pw_hdr *h;
		int passed = 0;

		if (kind == PW_CPU) /* has a stack behind it, of any length */
			continue;
		for (rec.hdr.size = sizeof(rec.hdr); rec.hdr.size <= 256; rec.hdr.size += 8)
			passed += pw_decode(&rec, sizeof(rec), &h) == 0;
		cr_expect_eq(passed, 1, "kind %u: %d sizes", kind, passed);
	}
}

Test(decode, a_sample_has_its_stack_behind_it)
{
	struct {
		struct pw_cpu cpu;
		struct pw_stack stack;
	} rec = { .cpu = { .hdr = { .kind = PW_CPU }, .nr_words = PW_CPU_WORDS },
		  .stack = { .nr = 2 } };
	const size_t size = sizeof(rec.cpu) + offsetof(struct pw_stack, pcs) + 16;
	const struct pw_hdr *h;

	for (rec.cpu.hdr.size = sizeof(rec.cpu.hdr); rec.cpu.hdr.size <= sizeof(rec);
	     rec.cpu.hdr.size += 8)
		cr_expect_eq(!pw_decode(&rec, sizeof(rec), &h), rec.cpu.hdr.size == size, "%u",
			     rec.cpu.hdr.size);
	rec.cpu.hdr.size = (__u16)size;
	rec.cpu.nr_words++;
	cr_expect_eq(pw_decode(&rec, sizeof(rec), &h), -EBADMSG, "words that it has no room for");
	rec.cpu.nr_words = 0;
	rec.stack.nr = PW_STACK_MAX + 1;
	cr_expect_eq(pw_decode(&rec, sizeof(rec), &h), -EBADMSG, "a stack longer than any");
}

Test(decode, counts_every_record_once)
{
	struct pipe_stats ps = { 0 };
	uint64_t passed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct pw_stack rec[2];
		const struct pw_hdr *h;

		fill(i, &rec[0]);
		passed += pipe_stats__decode(&ps, rec, records[i].len, &h) == 0;
	}
	cr_expect_eq(ps.in, ARRAY_SIZE(records));
	cr_expect_eq(ps.out, passed);
	cr_expect_eq(ps.unknown, 2);
	cr_expect_eq(ps.in, ps.out + ps.malformed + ps.unknown);
}
