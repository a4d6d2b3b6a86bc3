/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/mem.h"

#define PIECES 3000 /* more than one system call takes */

struct fixture {
	struct mem mem;
	int dirfd;
	char *page; /* readable; the page after it is not */
};

static void fixture_init(struct fixture *f)
{
	f->dirfd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(f->page + 4096, 4096);
	for (int i = 0; i < 4096; i++)
		f->page[i] = (char)i;
	mem__init(&f->mem, getpid(), f->dirfd, -EBADF);
}

static void fixture_done(struct fixture *f)
{
	mem__done(&f->mem);
	munmap(f->page, 4096);
	close(f->dirfd);
}

/* Every third piece crosses into what is not mapped. */
static void read_good_and_bad(struct fixture *f)
{
	static struct memread reads[PIECES];
	static char bufs[PIECES][16];

	for (size_t i = 0; i < PIECES; i++)
		reads[i] = (struct memread){
			.addr = (uintptr_t)f->page + (i % 3 ? i % 4000 : 4096 - 8),
			.buf = bufs[i],
			.len = sizeof(bufs[i]),
			.err = 1,
		};
	addrspace__read_batch(&f->mem.as, reads, PIECES);
	for (size_t i = 0; i < PIECES; i++) {
		cr_assert_eq(reads[i].err, i % 3 ? 0 : -EFAULT, "piece %zu: %d", i, reads[i].err);
		if (i % 3)
			cr_assert_eq(memcmp(bufs[i], f->page + i % 4000, 16), 0, "piece %zu", i);
	}
}

Test(mem, reads_what_it_can_of_a_batch)
{
	struct fixture f;

	fixture_init(&f);
	read_good_and_bad(&f);
	cr_expect_lt(f.mem.fd, 0, "fell back for no reason");
	fixture_done(&f);
}

Test(mem, reads_the_same_through_proc_mem)
{
	struct fixture f;

	fixture_init(&f);
	f.mem.fd = openat(f.dirfd, "mem", O_RDONLY | O_CLOEXEC);
	cr_assert_geq(f.mem.fd, 0);
	read_good_and_bad(&f);
	fixture_done(&f);
}

Test(mem, refuses_addresses_and_lengths_that_cannot_be)
{
	static const struct {
		const char *why;
		uint64_t addr;
		size_t len;
	} t[] = {
		{ "null page", 0, 8 },
		{ "not canonical", 0x8000000000000000ULL, 8 },
		{ "wraps around", UINT64_MAX - 3, 8 },
		{ "longer than any read", 4096, (size_t)MEM_READ_MAX + 1 },
	};
	struct fixture f;
	char buf[8];

	fixture_init(&f);
	for (int fallback = 0; fallback < 2; fallback++) {
		if (fallback)
			f.mem.fd = openat(f.dirfd, "mem", O_RDONLY | O_CLOEXEC);
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			cr_expect_eq(addrspace__read(&f.mem.as, t[i].addr, buf, t[i].len), -EFAULT,
				     "%s, fallback %d", t[i].why, fallback);
	}
	fixture_done(&f);
}

/* As if the process had ended: each search ends at that. */
Test(mem, reads_nothing_after_its_deadline)
{
	struct deadline until = deadline_in(60 * NS_PER_SEC, NULL);
	struct memread reads[PIECES];
	struct fixture f;
	char buf[8];

	fixture_init(&f);
	f.mem.until = &until;
	for (int fallback = 0; fallback < 2; fallback++) {
		if (fallback)
			f.mem.fd = openat(f.dirfd, "mem", O_RDONLY | O_CLOEXEC);
		until = deadline_in(60 * NS_PER_SEC, NULL);
		cr_expect_eq(addrspace__read(&f.mem.as, (uintptr_t)f.page, buf, sizeof(buf)), 0);
		cr_expect(!until.hit);
		until.at_ns = clock_now_ns();
		for (size_t i = 0; i < PIECES; i++)
			reads[i] = (struct memread){ .addr = (uintptr_t)f.page,
						     .buf = buf,
						     .len = sizeof(buf) };
		addrspace__read_batch(&f.mem.as, reads, PIECES);
		for (size_t i = 0; i < PIECES; i++)
			cr_assert_eq(reads[i].err, -ESRCH, "piece %zu, fallback %d", i, fallback);
		cr_expect(until.hit);
	}
	fixture_done(&f);
}
