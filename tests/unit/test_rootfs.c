/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/rootfs.h"

/* A file of one page, mapped into this process. */
struct fixture {
	int dirfd;
	char dir[64], path[96];
	void *addr;
	struct maps *maps;
	const struct mapping *m;
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void fixture_init(struct fixture *f)
{
	int fd;

	strcpy(f->dir, "/tmp/parkwatch-rootfs-XXXXXX");
	cr_assert_not_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
	write_file(f->path, "the mapped one");
	f->dirfd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	f->addr = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	cr_assert_eq(maps__read(f->dirfd, &f->maps), 0);
	f->m = maps__at(f->maps, (uintptr_t)f->addr);
	cr_assert_not_null(f->m);
}

static void fixture_done(struct fixture *f)
{
	unlink(f->path);
	rmdir(f->dir);
	munmap(f->addr, 4096);
	maps__free(f->maps);
	close(f->dirfd);
}

static void expect_mapped_one(int fd)
{
	char text[32] = "";

	cr_assert_geq(fd, 0);
	cr_expect_gt(read(fd, text, sizeof(text) - 1), 0);
	cr_expect_str_eq(text, "the mapped one");
	close(fd);
}

Test(rootfs, opens_the_mapped_file)
{
	struct fixture f;
	int fd = -EBADF;

	fixture_init(&f);
	cr_expect_eq(rootfs_open(f.dirfd, f.m, &fd, NULL), 0);
	expect_mapped_one(fd);
	fixture_done(&f);
}

/* Which of the two, depends on the rights that the test has: never the other file. */
static void expect_mapped_one_or_refusal(struct fixture *f)
{
	struct cause why = { "" };
	int fd = -EBADF;
	int err = rootfs_open(f->dirfd, f->m, &fd, &why);

	if (!err) {
		expect_mapped_one(fd);
		return;
	}
	cr_expect_eq(fd, -EBADF, "ret touched on failure");
	cr_expect(strstr(why.text, "CAP_CHECKPOINT_RESTORE"), "%s", why.text);
}

Test(rootfs, never_takes_the_file_that_replaced_the_mapped_one)
{
	struct fixture f;

	fixture_init(&f);
	unlink(f.path);
	write_file(f.path, "an impostor");
	expect_mapped_one_or_refusal(&f);
	fixture_done(&f);
}

Test(rootfs, finds_a_deleted_file_or_says_what_it_needs)
{
	struct fixture f;

	fixture_init(&f);
	unlink(f.path);
	expect_mapped_one_or_refusal(&f);
	fixture_done(&f);
}

Test(rootfs, does_not_wait_for_a_pipe_in_the_files_place)
{
	struct fixture f;

	fixture_init(&f);
	unlink(f.path);
	cr_assert_eq(mkfifo(f.path, 0600), 0);
	expect_mapped_one_or_refusal(&f);
	fixture_done(&f);
}

Test(rootfs, opens_the_executable)
{
	int dirfd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char magic[4] = "";
	int fd = -EBADF;

	cr_assert_eq(rootfs_open_exe(dirfd, &fd, NULL), 0);
	cr_expect_eq(read(fd, magic, 4), 4);
	cr_expect_eq(memcmp(magic, "\177ELF", 4), 0);
	close(fd);
	close(dirfd);
}
