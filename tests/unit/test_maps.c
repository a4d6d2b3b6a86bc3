/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <pthread.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "target/maps.h"

Test(maps, reads_a_line_of_each_kind)
{
	static const char text[] =
		"00400000-00a9c000 r-xp 00001000 fe:01 1234567                            /srv/my "
		"api\n"
		"00c00000-00c21000 rw-p 00000000 00:00 0 \n"
		"00d00000-00d21000 rw-p 00000000 00:00 0                                  [heap]\n"
		"7f0000000000-7f0000001000 ---s 00000000 00:05 9                          /tmp/x "
		"(deleted)\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  "
		"[vsyscall]\n";
	scoped(maps) maps = NULL;

	cr_assert_eq(maps__parse(text, strlen(text), &maps), 0);
	cr_assert_eq(maps->nr, 5);
	cr_expect_eq(maps->m[0].start, 0x400000);
	cr_expect_eq(maps->m[0].end, 0xa9c000);
	cr_expect_eq(maps->m[0].file_off, 0x1000);
	cr_expect_eq(maps->m[0].dev, makedev(0xfe, 1));
	cr_expect_eq(maps->m[0].inode, 1234567);
	cr_expect_eq(maps->m[0].prot, PROT_READ | PROT_EXEC);
	cr_expect_str_eq(maps->m[0].path, "/srv/my api");
	cr_expect(mapping_is_file(&maps->m[0]));
	cr_expect_str_eq(maps->m[1].path, "");
	cr_expect_eq(maps->m[1].prot, PROT_READ | PROT_WRITE);
	cr_expect_str_eq(maps->m[2].path, "[heap]");
	cr_expect_not(mapping_is_file(&maps->m[2]));
	cr_expect_str_eq(maps->m[3].path, "/tmp/x (deleted)");
	cr_expect_eq(maps->m[3].prot, 0);
	cr_expect_eq(maps->m[4].end, 0xffffffffff601000);
}

Test(maps, refuses_what_is_no_maps_line)
{
	static const struct {
		const char *why, *text;
	} t[] = {
		{ "empty line", "\n" },
		{ "no end", "00400000 r-xp 0 fe:01 1 /x\n" },
		{ "end before start", "00500000-00400000 r-xp 00000000 fe:01 1 /x\n" },
		{ "address of 17 digits", "00400000-fffffffffffffffff r-xp 00000000 fe:01 1 /x\n" },
		{ "cut in the protection", "00400000-00500000 r-" },
		{ "cut before the inode", "00400000-00500000 r-xp 00000000 fe:01 " },
		{ "inode in hex", "00400000-00500000 r-xp 00000000 fe:01 abc /x\n" },
		{ "device of 33 bits", "00400000-00500000 r-xp 00000000 100000000:01 1 /x\n" },
		{ "second line broken", "00400000-00500000 r-xp 00000000 fe:01 1 /x\nnonsense\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct maps *maps = NULL;

		cr_expect_eq(maps__parse(t[i].text, strlen(t[i].text), &maps), -EBADMSG, "%s",
			     t[i].why);
		cr_expect_null(maps, "%s: ret touched on failure", t[i].why);
	}
}

Test(maps, takes_a_last_line_without_newline_and_no_text_at_all)
{
	static const char text[] = "00400000-00500000 r-xp 00000000 fe:01 1 /x";
	scoped(maps) one = NULL;
	scoped(maps) none = NULL;

	cr_assert_eq(maps__parse(text, strlen(text), &one), 0);
	cr_expect_str_eq(one->m[0].path, "/x");
	cr_assert_eq(maps__parse(NULL, 0, &none), 0);
	cr_expect_eq(none->nr, 0);
	cr_expect_null(maps__at(none, 0x400000));
}

Test(maps, counts_lines_that_overlap_the_one_before)
{
	static const char text[] = "00400000-00500000 r-xp 00000000 fe:01 1 /x\n"
				   "004ff000-00600000 rw-p 00000000 00:00 0\n"
				   "00500000-00600000 rw-p 00000000 00:00 0\n";
	scoped(maps) maps = NULL;

	cr_assert_eq(maps__parse(text, strlen(text), &maps), 0);
	cr_expect_eq(maps->nr, 2);
	cr_expect_eq(maps->refused, 1);
}

Test(maps, finds_the_mapping_of_an_address)
{
	static const char text[] = "00400000-00500000 r-xp 00000000 fe:01 1 /x\n"
				   "00500000-00600000 rw-p 00000000 00:00 0\n"
				   "00700000-00800000 rw-p 00000000 00:00 0\n";
	scoped(maps) maps = NULL;

	cr_assert_eq(maps__parse(text, strlen(text), &maps), 0);
	cr_expect_null(maps__at(maps, 0x3fffff));
	cr_expect_eq(maps__at(maps, 0x400000), &maps->m[0]);
	cr_expect_eq(maps__at(maps, 0x4fffff), &maps->m[0]);
	cr_expect_eq(maps__at(maps, 0x500000), &maps->m[1]);
	cr_expect_null(maps__at(maps, 0x600000));
	cr_expect_eq(maps__at(maps, 0x7fffff), &maps->m[2]);
	cr_expect_null(maps__at(maps, 0x800000));
}

Test(maps, knows_this_program_itself)
{
	scoped_fd int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped(maps) maps = NULL;
	const struct mapping *m;

	cr_assert_eq(maps__read(self, &maps), 0);
	m = maps__at(maps, (uintptr_t)maps__read);
	cr_assert_not_null(m);
	cr_expect(m->prot & PROT_EXEC);
	cr_expect(mapping_is_file(m));
	cr_expect_eq(maps->refused, 0);
}

static void *wait_for_the_end(void *ends)
{
	char stack_of_this[1], *at = stack_of_this;

	cr_assert_eq(write(((int *)ends)[1], &at, sizeof(at)), sizeof(at));
	cr_assert_geq(read(((int *)ends)[2], stack_of_this, 1), 0);
	return NULL;
}

Test(maps, tells_how_far_down_the_stack_of_a_thread_that_waits_is_in_use, .timeout = 60)
{
	scoped_fd int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ends[4]; /* from the thread, to the thread */
	bool found = false;
	pthread_t thread;
	char *at;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pipe(ends + 2), 0);
	cr_assert_eq(pthread_create(&thread, NULL, wait_for_the_end, ends), 0);
	cr_assert_eq(read(ends[0], &at, sizeof(at)), sizeof(at));
	while (!found) { /* until it waits */
		scoped(maps) maps = NULL;

		cr_assert_eq(maps__read_with_stacks(self, &maps), 0);
		for (size_t i = 0; i < maps->nr_sps && !found; i++)
			found = maps->sps[i] <= (uintptr_t)at &&
				(uintptr_t)at - maps->sps[i] < 4096;
	}
	close(ends[3]);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}
