// SPDX-License-Identifier: BSD-2-Clause
#include "serve/watched.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "view/dump.h"
#include "view/replay.h"

#define NAME_MAX_SHOWN 40 /* of an id */

/* The program's name, its PID, and of its start what tells two with one PID apart. */
static void make_id(struct watched *w)
{
	const char *slash = strrchr(w->row.exe, '/'), *name = slash ? slash + 1 : w->row.exe;
	char shown[NAME_MAX_SHOWN + 1];
	size_t nr = 0;

	for (; *name && nr < NAME_MAX_SHOWN; name++)
		shown[nr++] = isalnum((unsigned char)*name) ? *name : '-';
	shown[nr] = '\0';
	snprintf(w->id, sizeof(w->id), "%s-%d-%04x", nr ? shown : "go", (int)w->row.pid,
		 (unsigned int)(w->start_ticks & 0xffff));
}

int watched__new(const struct notice *n, struct watched **ret)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->row = n->row;
	w->start_ticks = n->start_ticks;
	w->from = -1;
	make_id(w);
	*ret = w;
	return 0;
}

static void watched__drop_frame(struct watched *w)
{
	free(steal(w->body));
	w->head_nr = w->body_nr = 0;
}

static void watched__detach(struct watched *w)
{
	if (w->from >= 0)
		close(w->from);
	w->from = -1;
	watched__drop_frame(w);
}

void watched__free(struct watched *w)
{
	if (!w)
		return;
	watched__detach(w);
	free(w->look);
	free(w);
}

void watched__attach(struct watched *w, const struct notice *n, int fd)
{
	watched__detach(w);
	w->restarts = n->restarts;
	w->heard_ns = clock_now_ns();
	w->from = fd;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* --- a look --- */

static void count(struct watched_counts *c, const struct dump *d)
{
	*c = (struct watched_counts){ .goroutines = d->nr };
	for (size_t i = 0; i < d->nr; i++) {
		const enum gostate state = dump__state(d, &d->rows[i]);
		const uint64_t wait_ns = dump__wait_ns(d, &d->rows[i]);

		c->by_state[state]++;
		if (wait_ns != DUMP_UNKNOWN && wait_ns > c->oldest_ns[state])
			c->oldest_ns[state] = wait_ns;
	}
}

/* 0; -EBADMSG: it is no look; -ENOMEM */
static int read_counts(const char *look, size_t len, const char *id, struct watched_counts *ret)
{
	const struct census *censuses[BOOK_RUNTIMES_MAX];
	struct dump_input in = { .censuses = censuses };
	scoped(replay) r = NULL;
	scoped(dump) d = NULL;
	int err = replay__of_bytes(look, len, id, &r, NULL);

	if (!err && !replay__look(r, censuses))
		err = -EBADMSG;
	if (err)
		return err;
	in.namers = r->namers;
	in.nr = r->book->nr_runtimes;
	err = dump__new(&in, &(struct dump_opts){ .system = false }, &d);
	if (!err)
		count(ret, d);
	return err;
}

static int watched__take(struct watched *w)
{
	struct watched_counts counts;
	const int err = read_counts(w->body, w->head.bytes, w->id, &counts);

	if (err)
		return err;
	free(w->look);
	w->look = steal(w->body);
	w->look_len = w->head.bytes;
	w->counts = counts;
	w->heard_ns = clock_now_ns();
	watched__drop_frame(w);
	return 0;
}

static int watched__begin(struct watched *w)
{
	if (w->head.magic != FRAME_MAGIC || !w->head.bytes || w->head.bytes > FRAME_BYTES_MAX)
		return -EBADMSG;
	w->body = malloc(w->head.bytes);
	return w->body ? 0 : -ENOMEM;
}

/* One read(2). 1: there may be more; 0: there is none now. */
static int watched__piece(struct watched *w)
{
	const bool in_head = w->head_nr < sizeof(w->head);
	char *to = in_head ? (char *)&w->head + w->head_nr : w->body + w->body_nr;
	const size_t room = in_head ? sizeof(w->head) - w->head_nr : w->head.bytes - w->body_nr;
	const ssize_t n = read(w->from, to, room);
	int err = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	if (in_head) {
		w->head_nr += (size_t)n;
		if (w->head_nr == sizeof(w->head))
			err = watched__begin(w);
	} else {
		w->body_nr += (size_t)n;
		if (w->body_nr == w->head.bytes)
			err = watched__take(w);
	}
	return err ? err : 1;
}

int watched__read(struct watched *w)
{
	int got = 1;

	while (got > 0)
		got = watched__piece(w);
	if (got < 0)
		watched__detach(w);
	return got;
}
