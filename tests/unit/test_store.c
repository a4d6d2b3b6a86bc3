/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies on disk: its bounds, and what a kill or others leave there. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "facts/pw_writer.h"
#include "serve/state_dir.h"
#include "serve/store.h"
#include "serve/store_read.h"

#define T0 1700000000ULL

static char dir[] = "/tmp/pw-store-XXXXXX";

static void make_dir(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(store, .init = make_dir, .fini = remove_dir);

/* A recording of one segment, or of two; to be freed. */
static char *recording(const char *view, size_t bytes, int segments, size_t *ret_len)
{
	scoped(pw_writer) w = NULL;
	char *v = NULL, *text = malloc(bytes + 1);
	FILE *to = open_memstream(&v, ret_len);

	cr_assert(text && to && !pw_writer__new(to, &w));
	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)('a' + rand() % 26); /* what zstd cannot make small */
	text[bytes] = '\0';
	for (int s = 0; s < segments; s++) {
		Pw__Command c = PW__COMMAND__INIT;
		Pw__Fact f = PW__FACT__INIT;

		pw_writer__room(w);
		c.view = (char *)(uintptr_t)view;
		c.parkwatch = text;
		f.fact_case = PW__FACT__FACT_COMMAND;
		f.command = &c;
		for (size_t k = 0; k < (segments > 1 ? (2u << 20) / (bytes + 1) : 1); k++)
			pw_writer__fact(w, &f);
	}
	cr_assert_eq(pw_writer__end(w, NULL), 0);
	fclose(to);
	free(text);
	return v;
}

static struct store *open_store(uint64_t bytes_max, size_t files_max)
{
	struct store *s = NULL;
	struct cause why = { "" };
	int fd;

	cr_assert_eq(state_dir__open(dir, &fd, &why), 0, "%s", why.text);
	cr_assert_eq(store__new(fd,
				&(struct store_opts){ .bytes_max = bytes_max,
						      .age_max_s = STORE_AGE_MAX_S,
						      .files_max = files_max },
				&s),
		     0);
	return s;
}

static int append(struct store *s, const char *id, const char *view, size_t bytes, uint64_t at_s)
{
	size_t len;
	char *v = recording(view, bytes, 1, &len);
	const int err = store__append(s, id, v, len, at_s * NS_PER_SEC);

	free(v);
	return err;
}

/* How many recordings there are of that time; negative errno. */
static int found(const char *id, const char *view, uint64_t from_s, uint64_t to_s,
		 struct store_found *ret)
{
	struct store_found f = { .len = 0 };
	const int err = store_read(&(struct store_asked){ .dir = dir,
							  .target = id,
							  .view = view,
							  .from_unix_ns = from_s * NS_PER_SEC,
							  .to_unix_ns = to_s * NS_PER_SEC },
				   &f, NULL);
	const int nr = err ? err : (int)f.recordings;

	if (ret)
		*ret = f;
	store_found__done(&f);
	return nr;
}

Test(store, gives_back_what_was_stored_of_a_target_a_view_and_a_time)
{
	scoped(store) s = open_store(1 << 20, 100);

	for (uint64_t i = 0; i < 180; i++) {
		cr_assert_eq(append(s, "api-1-1", "record", 100, T0 + 60 * i), 0);
		cr_assert_eq(append(s, "api-1-11", "record", 100, T0 + 60 * i), 0);
	}
	cr_assert_eq(append(s, "api-1-1", "dump", 100, T0 + 60), 0);
	cr_expect_eq(store__counts(s).files, 6, "an hour each: %lu", store__counts(s).files);
	cr_expect_eq(found("api-1-1", "record", 0, 2 * T0, NULL), 180);
	cr_expect_eq(found("api-1-1", "record", T0 + 600, T0 + 1200, NULL), 11);
	cr_expect_eq(found("api-1-1", "record", T0 + 3540, T0 + 3720, NULL), 4, "over two files");
	cr_expect_eq(found("api-1-1", "dump", 0, 2 * T0, NULL), 1);
	for (int i = 0; i < 2; i++) {
		struct store_found f;
		const struct store_asked every_ten_minutes = { .dir = dir,
							       .target = "api-1-1",
							       .view = "record",
							       .to_unix_ns = UINT64_MAX,
							       .step_ns = 600 * NS_PER_SEC };

		cr_expect_eq(store_read_at(store__fd(s), &every_ten_minutes, &f, NULL), 0,
			     "time %d", i);
		cr_expect_eq(f.recordings, 18);
		store_found__done(&f);
	}
	cr_expect_eq(found("api-1-1", "leaks", 0, 2 * T0, NULL), -ENOENT);
	cr_expect_eq(found("api-1-1", "record", 0, T0 - 1, NULL), -ENOENT);
	cr_expect_eq(found("api-1", "record", 0, 2 * T0, NULL), -ENOENT);
}

Test(store, the_oldest_go_first_when_it_is_full)
{
	scoped(store) s = open_store(100000, 1000);

	for (uint64_t i = 0; i < 200; i++) {
		cr_assert_eq(append(s, "a-1-1", "record", 2000, T0 + 3700 * i % 500000), 0);
		cr_assert_leq(store__counts(s).bytes, 100000);
	}
	cr_expect_eq(store__counts(s).lost, 0);
	cr_expect_eq(found("a-1-1", "record", T0, T0, NULL), -ENOENT);
}

Test(store, what_is_too_old_goes_and_there_are_never_too_many_files)
{
	scoped(store) s = open_store(1 << 20, 10);
	char id[16];

	for (int i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "a-%d-1", i);
		cr_assert_eq(append(s, id, "record", 100, T0 + (uint64_t)i), 0);
		cr_assert_leq(store__counts(s).files, 10);
	}
	cr_assert_eq(append(s, "b-1-1", "record", 100, T0 + 2 * STORE_AGE_MAX_S), 0);
	cr_expect_eq(store__counts(s).files, 1);
}

Test(store, a_later_daemon_knows_what_is_there_and_appends_to_none_of_it)
{
	scoped(store) a = open_store(1 << 20, 100);
	scoped(store) b = NULL;

	cr_assert_eq(append(a, "a-1-1", "record", 100, T0), 0);
	b = open_store(1 << 20, 100);
	cr_expect_eq(store__counts(b).bytes, store__counts(a).bytes);
	cr_assert_eq(append(b, "a-1-1", "record", 100, T0 + 1), 0);
	cr_expect_eq(store__counts(b).files, 2);
	cr_expect_eq(found("a-1-1", "record", 0, 2 * T0, NULL), 2);
}

static void cut_file(off_t less)
{
	char path[256], folder[128];
	struct stat st;
	const struct dirent *e;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/history/segments", dir);
	d = opendir(folder);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%.100s", folder, e->d_name);
		if (e->d_name[0] != '.' && !stat(path, &st))
			cr_assert_eq(truncate(path, st.st_size - less), 0);
	}
	closedir(d);
}

Test(store, of_a_file_that_was_cut_off_the_whole_segments_are_read)
{
	scoped(store) s = open_store(1 << 20, 100);
	struct store_found f;

	for (uint64_t i = 0; i < 10; i++)
		cr_assert_eq(append(s, "a-1-1", "record", 1000, T0 + i), 0);
	cut_file(1);
	cr_assert_eq(found("a-1-1", "record", 0, 2 * T0, &f), 9);
	cr_expect_eq(f.damaged, 1);
	cut_file(300); /* within the same segment */
	cr_expect_eq(found("a-1-1", "record", 0, 2 * T0, NULL), 9);
	cut_file(500); /* within the one before */
	cr_expect_eq(found("a-1-1", "record", 0, 2 * T0, NULL), 8);
}

Test(store, what_has_not_one_segment_is_refused_and_counted)
{
	scoped(store) s = open_store(64 << 20, 100);
	size_t len;
	char *v = recording("dump", 100000, 3, &len);

	cr_expect_eq(store__append(s, "a-1-1", v, len, T0 * NS_PER_SEC), -E2BIG);
	cr_expect_eq(store__append(s, "a-1-1", v, 10, T0 * NS_PER_SEC), -EBADMSG);
	cr_expect_eq(store__append(s, "a-1-1", v, 40, T0 * NS_PER_SEC), -E2BIG);
	free(v);
	cr_expect_eq(store__counts(s).lost, 3);
	cr_expect_eq(store__counts(s).files, 0);
}

Test(store, what_somebody_took_away_begins_anew)
{
	scoped(store) s = open_store(1 << 20, 100);
	char command[128];

	cr_assert_eq(append(s, "a-1-1", "record", 100, T0), 0);
	snprintf(command, sizeof(command), "rm '%s'/history/segments/*", dir);
	cr_assert_eq(system(command), 0);
	cr_expect_eq(append(s, "a-1-1", "record", 100, T0 + 1), -ENOENT);
	cr_expect_eq(append(s, "a-1-1", "record", 100, T0 + 2), 0);
	cr_expect_eq(store__counts(s).lost, 1);
}

Test(store, a_folder_that_others_made_is_refused)
{
	struct cause why = { "" };
	char path[128];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/history", dir);
	cr_assert_eq(symlink("/tmp", path), 0);
	cr_expect_lt(state_dir__open(dir, &fd, &why), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkdir(path, 0777), 0);
	cr_assert_eq(chmod(path, 0777), 0);
	cr_expect_eq(state_dir__open(dir, &fd, &why), -EPERM);
	cr_expect_lt(state_dir__open("/dev/null", &fd, &why), 0);
	cr_expect_lt(state_dir__open("/nowhere/at/all", &fd, &why), 0);
	cr_expect_eq(fd, -1);
}

Test(store, names_of_files_are_read_back)
{
	char id[STORE_NAME_MAX];
	uint64_t at;

	cr_expect(store_name__read("0001795996235-api-812-3f2a.pw", &at, id));
	cr_expect_eq(at, 1795996235);
	cr_expect_str_eq(id, "api-812-3f2a");
	cr_expect_not(store_name__read("0001795996235-.pw", &at, id));
	cr_expect_not(store_name__read("000179599623x-a.pw", &at, id));
	cr_expect_not(store_name__read("0001795996235-a.txt", &at, id));
	cr_expect_not(store_name__read("..", &at, id));
}
