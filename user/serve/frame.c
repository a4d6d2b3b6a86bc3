// SPDX-License-Identifier: BSD-2-Clause
#include "serve/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		const ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int frame_write(int fd, const struct frame_figures *figures, const char *bytes, size_t len)
{
	const struct frame_head head = { .magic = FRAME_MAGIC,
					 .bytes = (uint32_t)len,
					 .figures = *figures };
	int err;

	if (len > FRAME_BYTES_MAX)
		return -E2BIG;
	err = write_all(fd, &head, sizeof(head));
	return err ? err : write_all(fd, bytes, len);
}

static void frame_reader__drop(struct frame_reader *r)
{
	free(steal(r->body));
	r->head_nr = r->body_nr = 0;
}

void frame_reader__open(struct frame_reader *r, int fd, uint32_t most)
{
	frame_reader__close(r);
	r->fd = fd;
	r->most = most;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

void frame_reader__close(struct frame_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	frame_reader__drop(r);
}

static int frame_reader__begin(struct frame_reader *r)
{
	if (r->head.magic != FRAME_MAGIC || !r->head.bytes || r->head.bytes > r->most)
		return -EBADMSG;
	r->body = malloc(r->head.bytes);
	return r->body ? 0 : -ENOMEM;
}

static bool frame_reader__whole(const struct frame_reader *r)
{
	return r->head_nr == sizeof(r->head) && r->body_nr == r->head.bytes;
}

/* One read(2). 1: there may be more; 0: there is none now. */
static int frame_reader__piece(struct frame_reader *r)
{
	const bool in_head = r->head_nr < sizeof(r->head);
	char *to = in_head ? (char *)&r->head + r->head_nr : r->body + r->body_nr;
	const size_t room = in_head ? sizeof(r->head) - r->head_nr : r->head.bytes - r->body_nr;
	const ssize_t n = read(r->fd, to, room);
	int err = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	*(in_head ? &r->head_nr : &r->body_nr) += (size_t)n;
	if (in_head && r->head_nr == sizeof(r->head))
		err = frame_reader__begin(r);
	return err ? err : 1;
}

int frame_reader__read(struct frame_reader *r)
{
	int got = 1;

	if (frame_reader__whole(r))
		frame_reader__drop(r);
	while (got > 0 && !frame_reader__whole(r))
		got = frame_reader__piece(r);
	if (got < 0)
		frame_reader__close(r);
	return got;
}
