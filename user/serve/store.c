// SPDX-License-Identifier: BSD-2-Clause
#include "serve/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/vec.h"
#include "facts/pw_file.h"

#define DIGITS 13 /* of the time in a name: names sort by it */
#define SUFFIX ".pw"

struct stored {
	char name[STORE_NAME_MAX];
	uint64_t begin_s, bytes;
	bool ours; /* made by this daemon */
};

struct store {
	int fd; /* of the folder */
	struct store_opts opts;
	struct stored *v; /* the oldest first */
	size_t nr, room;
	struct store_counts counts;
};

bool store_name__read(const char *name, uint64_t *ret_begin_s, char ret_id[STORE_NAME_MAX])
{
	const size_t len = strlen(name), id_len = len - DIGITS - 1 - strlen(SUFFIX);
	uint64_t begin_s = 0;

	if (len <= DIGITS + 1 + strlen(SUFFIX) || len >= STORE_NAME_MAX || name[DIGITS] != '-' ||
	    strcmp(name + len - strlen(SUFFIX), SUFFIX))
		return false;
	for (size_t i = 0; i < DIGITS; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
		begin_s = 10 * begin_s + (uint64_t)(name[i] - '0');
	}
	*ret_begin_s = begin_s;
	memcpy(ret_id, name + DIGITS + 1, id_len);
	ret_id[id_len] = '\0';
	return true;
}

/* --- what is there --- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct stored *)a)->name, ((const struct stored *)b)->name);
}

static int store__add(struct store *s, const char *name, uint64_t begin_s, uint64_t bytes)
{
	struct stored *to;

	if (vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v)))
		return -ENOMEM;
	to = &s->v[s->nr++];
	*to = (struct stored){ .begin_s = begin_s, .bytes = bytes };
	snprintf(to->name, sizeof(to->name), "%s", name);
	s->counts.bytes += bytes;
	return 0;
}

static int store__list(struct store *s)
{
	const int fd = dup(s->fd);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int err = 0;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (e = readdir(d))) {
		char id[STORE_NAME_MAX];
		uint64_t begin_s;
		struct stat st;

		if (store_name__read(e->d_name, &begin_s, id) &&
		    !fstatat(s->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err = store__add(s, e->d_name, begin_s, (uint64_t)st.st_size);
	}
	closedir(d);
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), compare);
	return err;
}

int store__new(int fd, const struct store_opts *o, struct store **ret)
{
	scoped(store) s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->fd = fd;
	s->opts = *o;
	err = store__list(s);
	if (err)
		return err;
	*ret = steal(s);
	return 0;
}

void store__free(struct store *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s->v);
	free(s);
}

struct store_counts store__counts(const struct store *s)
{
	struct store_counts c = s->counts;

	c.files = s->nr;
	return c;
}

int store__fd(const struct store *s)
{
	return s->fd;
}

/* --- room --- */

static void store__drop_oldest(struct store *s)
{
	(void)unlinkat(s->fd, s->v[0].name, 0);
	s->counts.bytes -= s->v[0].bytes;
	memmove(s->v, s->v + 1, --s->nr * sizeof(*s->v));
}

static void store__make_room(struct store *s, uint64_t bytes, uint64_t now_s)
{
	while (s->nr &&
	       (s->counts.bytes + bytes > s->opts.bytes_max || s->nr >= s->opts.files_max ||
		s->v[0].begin_s + s->opts.age_max_s + STORE_FILE_S < now_s))
		store__drop_oldest(s);
}

/* --- append --- */

/* Where its only segment begins; 0: it has not one. */
static size_t only_segment(const char *pw, size_t len, struct pw_segment_head *ret)
{
	const size_t at = sizeof(struct pw_file_head);
	uint32_t next;

	if (len < at + sizeof(*ret) + sizeof(next) || memcmp(pw, PW_FILE_MAGIC, 8) != 0)
		return 0;
	memcpy(ret, pw + at, sizeof(*ret));
	if (ret->magic != PW_SEGMENT_MAGIC ||
	    ret->packed_bytes > len - at - sizeof(*ret) - sizeof(next))
		return 0;
	memcpy(&next, pw + at + sizeof(*ret) + ret->packed_bytes, sizeof(next));
	return next == PW_INDEX_MAGIC ? at : 0;
}

static bool stored__is_of(const struct stored *f, const char *id)
{
	return !strncmp(f->name + DIGITS + 1, id, strlen(id)) &&
	       !strcmp(f->name + DIGITS + 1 + strlen(id), SUFFIX);
}

bool store__has(const struct store *s, const char *id)
{
	for (size_t i = 0; i < s->nr; i++)
		if (stored__is_of(&s->v[i], id))
			return true;
	return false;
}

/* The file of this target that is written now; s->nr: there is none. */
static size_t store__current(const struct store *s, const char *id, uint64_t now_s, size_t more)
{
	for (size_t i = s->nr; i-- > 0;) {
		const struct stored *f = &s->v[i];

		if (f->begin_s + STORE_FILE_S < now_s)
			break;
		if (f->ours && f->begin_s <= now_s && f->bytes + more <= STORE_FILE_BYTES &&
		    stored__is_of(f, id))
			return i;
	}
	return s->nr;
}

/* All or nothing: what is there of the bytes is taken back. */
static int write_whole(int fd, uint64_t at, const struct iovec *v, int nr, uint64_t bytes)
{
	const ssize_t n = pwritev(fd, v, nr, (off_t)at);
	const int err = n < 0 ? -errno : -ENOSPC;

	if (n == (ssize_t)bytes)
		return 0;
	(void)!ftruncate(fd, (off_t)at);
	return err;
}

/* at: the end of the file; 0: it is a new one. *ret_bytes: how long it is then. */
static int store__write(const struct store *s, const char *name, uint64_t at, const char *pw,
			const struct pw_segment_head *head, uint64_t *ret_bytes)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (at ? 0 : O_CREAT | O_EXCL);
	const size_t file_head = sizeof(struct pw_file_head), skipped = at ? file_head : 0;
	const struct iovec v[] = {
		{ (void *)(uintptr_t)(pw + skipped), file_head - skipped },
		{ (void *)(uintptr_t)head, sizeof(*head) },
		{ (void *)(uintptr_t)(pw + file_head + sizeof(*head)), head->packed_bytes },
	};
	const uint64_t bytes = v[0].iov_len + v[1].iov_len + v[2].iov_len;
	scoped_fd int fd = openat(s->fd, name, flags, 0600);
	const int err = fd < 0 ? -errno : write_whole(fd, at, v, ARRAY_SIZE(v), bytes);

	if (err && !at && fd >= 0)
		(void)unlinkat(s->fd, name, 0);
	if (!err)
		*ret_bytes = at + bytes;
	return err;
}

static int store__try(struct store *s, const char *id, const char *pw, size_t len, uint64_t unix_ns)
{
	const uint64_t now_s = unix_ns / NS_PER_SEC;
	struct pw_segment_head head;
	char name[STORE_NAME_MAX];
	uint64_t bytes = 0;
	size_t at;
	int err;

	if (len < sizeof(struct pw_file_head) || memcmp(pw, PW_FILE_MAGIC, 8) != 0)
		return -EBADMSG;
	if (!only_segment(pw, len, &head) || len > STORE_FILE_BYTES) {
		s->counts.too_large++;
		return -E2BIG;
	}
	head.first_ns = head.last_ns = unix_ns;
	store__make_room(s, len, now_s);
	at = store__current(s, id, now_s, len);
	if (at < s->nr) {
		err = store__write(s, s->v[at].name, s->v[at].bytes, pw, &head, &bytes);
		if (!err) {
			s->counts.bytes += bytes - s->v[at].bytes;
			s->v[at].bytes = bytes;
		}
		s->v[at].ours = err != -ENOENT; /* somebody took it away: the next one is new */
		return err;
	}
	if ((size_t)snprintf(name, sizeof(name), "%0*llu-%s" SUFFIX, DIGITS,
			     (unsigned long long)now_s, id) >= sizeof(name))
		return -EINVAL;
	err = store__write(s, name, 0, pw, &head, &bytes);
	if (!err)
		err = store__add(s, name, now_s, bytes);
	if (!err)
		s->v[s->nr - 1].ours = true;
	return err;
}

int store__append(struct store *s, const char *id, const char *pw, size_t len, uint64_t unix_ns)
{
	s->counts.err = store__try(s, id, pw, len, unix_ns);
	if (s->counts.err)
		s->counts.lost++;
	else
		s->counts.kept++;
	return s->counts.err;
}
