/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/outfile.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/parkwatch-outfile-XXXXXX";

static void make_dir(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	cr_assert(mkdtemp(dir));
}

static void drop_dir(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int files_in_dir(void)
{
	char cmd[128], line[32] = "";
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ls -A %s | wc -l", dir);
	f = popen(cmd, "r");
	cr_assert(f && fgets(line, sizeof(line), f));
	pclose(f);
	return atoi(line);
}

TestSuite(outfile, .init = make_dir, .fini = drop_dir);

Test(outfile, has_its_name_only_after_commit)
{
	struct outfile *o = NULL;
	struct cause why = { "" };
	struct stat st;

	cr_assert_eq(outfile__open(in_dir("r"), &o, &why), 0);
	fputs("text\n", outfile__stream(o));
	cr_expect(stat(in_dir("r"), &st) != 0, "there before commit");
	cr_expect_eq(outfile__commit(o, &why), 0);
	outfile__free(o);
	cr_assert_eq(stat(in_dir("r"), &st), 0);
	cr_expect_eq(st.st_size, 5);
	cr_expect_eq(files_in_dir(), 1);
}

Test(outfile, leaves_nothing_without_commit)
{
	struct outfile *o = NULL;

	cr_assert_eq(outfile__open(in_dir("r"), &o, NULL), 0);
	fputs("half", outfile__stream(o));
	outfile__free(o);
	cr_expect_eq(files_in_dir(), 0);
}

Test(outfile, replaces_the_file_that_a_link_points_to)
{
	struct outfile *o = NULL;
	struct stat st;
	char target[128];

	strcpy(target, in_dir("real"));
	close(open(target, O_CREAT | O_WRONLY, 0644));
	cr_assert_eq(symlink(target, in_dir("link")), 0);
	cr_assert_eq(outfile__open(in_dir("link"), &o, NULL), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, NULL), 0);
	outfile__free(o);
	cr_assert_eq(lstat(in_dir("link"), &st), 0);
	cr_expect(S_ISLNK(st.st_mode), "the link was replaced");
	cr_assert_eq(stat(target, &st), 0);
	cr_expect_eq(st.st_size, 1);
}

Test(outfile, writes_to_a_device_in_place)
{
	struct outfile *o = NULL;
	struct stat st;

	cr_assert_eq(outfile__open("/dev/null", &o, NULL), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, NULL), 0);
	outfile__free(o);
	cr_assert_eq(stat("/dev/null", &st), 0);
	cr_expect(S_ISCHR(st.st_mode));
}

Test(outfile, says_when_the_disk_is_full)
{
	struct outfile *o = NULL;
	struct cause why = { "" };

	cr_assert_eq(outfile__open("/dev/full", &o, &why), 0);
	fputs("x", outfile__stream(o));
	cr_expect_eq(outfile__commit(o, &why), -ENOSPC);
	cr_expect(strstr(why.text, "/dev/full") && strstr(why.text, "No space left"), "%s", why.text);
	outfile__free(o);
}

Test(outfile, says_where_it_cannot_write)
{
	static const struct { const char *why, *path; int want; } t[] = {
		{ "no such folder", "/nonexistent/x", -ENOENT },
		{ "a folder", "/tmp", -EISDIR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct outfile *o = NULL;
		struct cause why = { "" };

		cr_expect_eq(outfile__open(t[i].path, &o, &why), t[i].want, "%s", t[i].why);
		cr_expect(strstr(why.text, t[i].path), "%s: %s", t[i].why, why.text);
		cr_expect_null(o, "%s", t[i].why);
	}
}
