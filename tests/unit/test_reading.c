/* SPDX-License-Identifier: BSD-2-Clause */
/* reading: what is asked, on its way to the process that answers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/reading.h"

static struct reading_opened opened;

Test(reading, comes_as_it_was)
{
	const struct http_request q = { .path = "/api/v1/targets/api-1-2/goroutines",
					.query = { { "func", "main\\..*" }, { "top", "" } },
					.nr_query = 2 };
	const struct reading r = { .kind = READING_GOROUTINES,
				   .target = "api-1-2",
				   .pw = "a\0look",
				   .len = 6,
				   .store = -1,
				   .q = &q };
	const int fd = reading__pack(&r);

	cr_assert(fd >= 0);
	cr_assert_eq(reading_opened__init(&opened, fd, 3), 0);
	cr_expect_eq(opened.reading.kind, READING_GOROUTINES);
	cr_expect_str_eq(opened.reading.target, "api-1-2");
	cr_expect(opened.reading.len == 6 && !memcmp(opened.reading.pw, "a\0look", 6));
	cr_expect_eq(opened.reading.store, 3);
	cr_assert(opened.reading.q && opened.reading.q->nr_query == 2);
	cr_expect_str_eq(http_query(opened.reading.q, "func"), "main\\..*");
	cr_expect_str_eq(http_query(opened.reading.q, "top"), "");
	close(fd);
}

Test(reading, of_a_recording_says_what_is_shown_of_it)
{
	const struct reading r = { .kind = READING_RECORDING,
				   .target = "api-1-2",
				   .pw = "recorded",
				   .len = 8,
				   .store = -1,
				   .pprof = { .event = PROFILE_CPU },
				   .format = "folded" };
	const int fd = reading__pack(&r);

	cr_assert(fd >= 0);
	cr_assert_eq(reading_opened__init(&opened, fd, -1), 0);
	cr_expect_eq(opened.reading.kind, READING_RECORDING);
	cr_expect_eq(opened.reading.pprof.event, PROFILE_CPU);
	cr_expect_str_eq(opened.reading.format, "folded");
	cr_expect(opened.reading.len == 8 && !memcmp(opened.reading.pw, "recorded", 8));
	cr_expect_null(opened.reading.q, "nobody asks any more");
	close(fd);
}

Test(reading, of_what_is_posted_has_no_pointer_of_the_other_process)
{
	struct watched *w = calloc(1, sizeof(*w));
	struct reading r = { .kind = READING_HOOK, .target = "api-1-2", .store = -1 };
	int fd;

	cr_assert_not_null(w);
	memset(w, 0x5a, sizeof(*w));
	snprintf(w->id, sizeof(w->id), "api-1-2");
	w->pod = calloc(1, sizeof(*w->pod));
	cr_assert_not_null(w->pod);
	snprintf(w->pod->facts.pod, sizeof(w->pod->facts.pod), "api-7d9f");
	r.about = w;
	r.pw = "report";
	r.len = 6;
	fd = reading__pack(&r);
	free(w->pod);
	free(w);
	cr_assert(fd >= 0);
	cr_assert_eq(reading_opened__init(&opened, fd, -1), 0);
	w = &opened.about;
	cr_expect_str_eq(w->id, "api-1-2");
	cr_assert_eq(w->pod, &opened.pod);
	cr_expect_str_eq(w->pod->facts.pod, "api-7d9f");
	cr_expect(w->leaks.report_len == 6 && !memcmp(w->leaks.report, "report", 6));
	cr_expect(!w->history && !w->from.body && !w->leaks.from.body && !w->recordings.from.body);
	for (int e = 0; e < RECORDING_EVENTS; e++)
		cr_expect_null(w->recordings.newest[e].pw);
	cr_expect_eq(w->look_len, 0);
	close(fd);
}

/* Each length that is too short. */
Test(reading, that_is_cut_off_is_none)
{
	const struct http_request q = { .path = "/", .query = { { "a", "b" } }, .nr_query = 1 };
	const struct reading r = {
		.kind = READING_DIFF, .target = "api", .pw = "12345", .len = 5, .q = &q
	};
	const int fd = reading__pack(&r);
	off_t len;

	cr_assert(fd >= 0);
	len = lseek(fd, 0, SEEK_END);
	while (len--) {
		cr_assert_eq(ftruncate(fd, len), 0);
		cr_expect_eq(reading_opened__init(&opened, fd, -1), -EBADMSG, "%d bytes", (int)len);
	}
	close(fd);
}
