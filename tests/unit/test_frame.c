// SPDX-License-Identifier: BSD-2-Clause
/* frame: figures and a recording through a pipe, from a writer that may be hostile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "serve/frame.h"

#define MOST 100

static int pipe_of(struct frame_reader *r)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	*r = (struct frame_reader){ .fd = -1 };
	frame_reader__open(r, fds[0], MOST);
	return fds[1];
}

Test(frame, comes_whole_however_it_is_cut)
{
	const struct frame_figures figures = { .own_cpu_ns = 7, .probes_ns = 1.5, .lost = 3 };
	struct frame_reader r, again;
	const int to = pipe_of(&r), cut = pipe_of(&again);
	char bytes[sizeof(struct frame_head) + 5];

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(frame_write(to, &figures, "hello", 5), 0);
		cr_assert_eq(frame_reader__read(&r), 1);
		cr_expect_eq(memcmp(r.body, "hello", 5), 0);
		cr_expect_eq(r.head.bytes, 5);
		cr_expect_eq(memcmp(&r.head.figures, &figures, sizeof(figures)), 0);
	}
	cr_expect_eq(frame_reader__read(&r), 0, "there are two");
	cr_assert_eq(frame_write(to, &figures, "hello", 5), 0);
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
		{ "another magic", { .magic = 1, .bytes = 5 } },
		{ "no recording", { .magic = FRAME_MAGIC, .bytes = 0 } },
		{ "a byte too long", { .magic = FRAME_MAGIC, .bytes = MOST + 1 } },
		{ "as long as can be told", { .magic = FRAME_MAGIC, .bytes = UINT32_MAX } },
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
	const struct frame_head head = { .magic = FRAME_MAGIC, .bytes = 50, .figures = figures };
	struct frame_reader r;
	const int to = pipe_of(&r);

	cr_assert_eq(write(to, &head, sizeof(head)), (ssize_t)sizeof(head));
	cr_assert_eq(write(to, "some", 4), 4);
	close(to);
	cr_expect_eq(frame_reader__read(&r), -EPIPE);
	cr_expect_null(r.body);
	cr_expect_eq(r.fd, -1);
}
