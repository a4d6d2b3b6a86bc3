// SPDX-License-Identifier: BSD-2-Clause
/* frame: figures and a recording through a pipe, from a writer that may be hostile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/frame.h"
#include "serve/worker.h"

#define MOST 100

static int pipe_of(struct frame_reader *r)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	*r = (struct frame_reader){ .fd = -1 };
	frame_reader__open(r, fds[0], MOST);
	return fds[1];
}

static int say_hello(int to, const struct frame_figures *figures)
{
	return frame_write(
		to, figures,
		(const struct frame_bytes[FRAME_PARTS]){
			[FRAME_RECORDING] = { "hello", 5 }, [FRAME_DIGEST] = { "yes", 3 } });
}

static void expect_part(const struct frame_reader *r, enum frame_part p, const char *want)
{
	const struct frame_bytes got = frame_reader__part(r, p);

	cr_expect(got.len == strlen(want) && !memcmp(got.v, want, got.len), "part %d", p);
}

Test(frame, comes_whole_however_it_is_cut)
{
	const struct frame_figures figures = { .own_cpu_ns = 7, .probes_ns = 1.5, .lost = 3 };
	struct frame_reader r, again;
	const int to = pipe_of(&r), cut = pipe_of(&again);
	char bytes[sizeof(struct frame_head) + 8];

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(say_hello(to, &figures), 0);
		cr_assert_eq(frame_reader__read(&r), 1);
		expect_part(&r, FRAME_RECORDING, "hello");
		expect_part(&r, FRAME_DIGEST, "yes");
		expect_part(&r, FRAME_LINES, "");
		cr_expect_eq(memcmp(&r.head.figures, &figures, sizeof(figures)), 0);
	}
	cr_expect_eq(frame_reader__read(&r), 0, "there are two");
	cr_assert_eq(say_hello(to, &figures), 0);
	cr_assert_eq(read(r.fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		cr_expect_eq(frame_reader__read(&again), 0, "%zu bytes are one", i);
		cr_assert_eq(write(cut, bytes + i, 1), 1);
	}
	cr_expect_eq(frame_reader__read(&again), 1);
	frame_reader__close(&r);
	frame_reader__close(&again);
	close(to);
	close(cut);
}

Test(frame, refuses_what_is_none)
{
	static const struct {
		const char *why;
		struct frame_head head;
	} t[] = {
		{ "another magic", { .magic = 1, .bytes = { 5 } } },
		{ "no recording", { .magic = FRAME_MAGIC, .bytes = { 0, 5 } } },
		{ "a byte too long", { .magic = FRAME_MAGIC, .bytes = { 1, MOST } } },
		{ "longer than a number tells",
		  { .magic = FRAME_MAGIC, .bytes = { UINT32_MAX, UINT32_MAX, UINT32_MAX, 4 } } },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct frame_reader r;
		const int to = pipe_of(&r);

		cr_assert_eq(write(to, &t[i].head, sizeof(t[i].head)), (ssize_t)sizeof(t[i].head));
		cr_expect_eq(frame_reader__read(&r), -EBADMSG, "%s", t[i].why);
		cr_expect_eq(r.fd, -1, "%s: its pipe is open", t[i].why);
		close(to);
	}
}

Test(frame, whose_writer_ends_is_dropped)
{
	const struct frame_figures figures = { .lost = 1 };
	const struct frame_head head = { .magic = FRAME_MAGIC,
					 .bytes = { 50 },
					 .figures = figures };
	struct frame_reader r;
	const int to = pipe_of(&r);

	cr_assert_eq(write(to, &head, sizeof(head)), (ssize_t)sizeof(head));
	cr_assert_eq(write(to, "some", 4), 4);
	close(to);
	cr_expect_eq(frame_reader__read(&r), -EPIPE);
	cr_expect_null(r.body);
	cr_expect_eq(r.fd, -1);
}

Test(frame, its_recording_is_taken_and_the_rest_is_gone)
{
	const struct frame_figures figures = { .lost = 1 };
	struct frame_reader r;
	const int to = pipe_of(&r);
	size_t len = 0;
	char *got;

	cr_assert_eq(say_hello(to, &figures), 0);
	cr_assert_eq(frame_reader__read(&r), 1);
	got = frame_reader__take(&r, &len);
	cr_expect(len == 5 && !memcmp(got, "hello", 5));
	free(got);
	cr_expect_eq(frame_reader__read(&r), 0, "the next one is not there yet");
	frame_reader__close(&r);
	close(to);
}

Test(frame, its_writer_rests_the_longer_the_more_a_look_takes)
{
	cr_expect_eq(worker_pace_ns(0), 10 * NS_PER_SEC);
	cr_expect_eq(worker_pace_ns(NS_PER_SEC), 20 * NS_PER_SEC);
	cr_expect_eq(worker_pace_ns(UINT64_MAX), 60 * NS_PER_SEC);
	cr_expect_eq(frame_rest_ns(&(struct frame_figures){ .rest_ns = 7 }), 7);
	cr_expect_eq(frame_rest_ns(&(struct frame_figures){ .rest_ns = UINT64_MAX }),
		     60 * NS_PER_SEC, "who lies is replaced too");
}
