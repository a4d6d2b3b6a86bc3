// SPDX-License-Identifier: BSD-2-Clause
#include "serve/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/write_all.h"

int frame_write(int fd, const struct frame_figures *figures,
		const struct frame_bytes parts[FRAME_PARTS])
{
	struct frame_head head = { .magic = FRAME_MAGIC, .figures = *figures };
	uint64_t sum = 0;
	int err;

	for (int p = 0; p < FRAME_PARTS; p++) {
		sum += parts[p].len;
		head.bytes[p] = (uint32_t)parts[p].len;
		if (parts[p].len > FRAME_BYTES_MAX || sum > FRAME_BYTES_MAX)
			return -E2BIG;
	}
	err = write_all(fd, &head, sizeof(head));
	for (int p = 0; p < FRAME_PARTS && !err; p++)
		err = write_all(fd, parts[p].v, parts[p].len);
	return err;
}

static void frame_reader__drop(struct frame_reader *r)
{
	free(steal(r->body));
	r->head_nr = r->body_nr = r->body_bytes = 0;
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
	uint64_t sum = 0;

	for (int p = 0; p < FRAME_PARTS; p++)
		sum += r->head.bytes[p];
	if (r->head.magic != FRAME_MAGIC || !r->head.bytes[FRAME_RECORDING] || sum > r->most)
		return -EBADMSG;
	r->body_bytes = sum;
	r->body = malloc(sum);
	return r->body ? 0 : -ENOMEM;
}

static bool frame_reader__whole(const struct frame_reader *r)
{
	return r->head_nr == sizeof(r->head) && r->body_nr == r->body_bytes;
}

/* One read(2). How many bytes came; 0: there is none now. */
static int frame_reader__piece(struct frame_reader *r)
{
	const bool in_head = r->head_nr < sizeof(r->head);
	char *to = in_head ? (char *)&r->head + r->head_nr : r->body + r->body_nr;
	const size_t room = in_head ? sizeof(r->head) - r->head_nr : r->body_bytes - r->body_nr;
	const ssize_t n = read(r->fd, to, room < FRAME_TURN_BYTES ? room : FRAME_TURN_BYTES);
	int err = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	*(in_head ? &r->head_nr : &r->body_nr) += (size_t)n;
	if (in_head && r->head_nr == sizeof(r->head))
		err = frame_reader__begin(r);
	return err ? err : (int)n;
}

int frame_reader__read(struct frame_reader *r)
{
	size_t all = 0;
	int got = 1;

	if (frame_reader__whole(r))
		frame_reader__drop(r);
	while (got > 0 && !frame_reader__whole(r) && all < FRAME_TURN_BYTES) {
		got = frame_reader__piece(r);
		all += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		frame_reader__close(r);
	return got < 0 ? got : frame_reader__whole(r);
}

struct frame_bytes frame_reader__part(const struct frame_reader *r, enum frame_part part)
{
	struct frame_bytes ret = { .v = r->body, .len = r->head.bytes[part] };

	for (int p = 0; p < (int)part; p++)
		ret.v += r->head.bytes[p];
	return ret;
}

char *frame_reader__take(struct frame_reader *r, size_t *ret_len)
{
	char *v = steal(r->body), *less;

	*ret_len = r->head.bytes[FRAME_RECORDING];
	less = realloc(v, *ret_len);
	return less ? less : v;
}
