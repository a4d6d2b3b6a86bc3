// SPDX-License-Identifier: BSD-2-Clause
#include "serve/store_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/vec.h"
#include "facts/pw_file.h"
#include "facts/pw_reader.h"
#include "serve/state_dir.h"
#include "serve/store.h"

#define NAMES_MAX STORE_FILES_MAX

struct names {                     /* of the target's files, the oldest first */
	char (*v)[STORE_NAME_MAX]; /* owned */
	size_t nr, room;
	char other[STORE_NAME_MAX]; /* a target that is there; "": none */
};

struct reader {
	const struct store_asked *a;
	struct store_found *ret;
	size_t room;
	struct cause *why;
};

void store_found__done(struct store_found *f)
{
	free(f->pw);
	*f = (struct store_found){ .len = 0 };
}

/* --- files --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int list(int fd, const char *target, struct names *n)
{
	const int own = dup(fd);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	const struct dirent *e;
	int err = d ? 0 : -errno;

	if (!d && own >= 0)
		close(own);
	if (d)
		rewinddir(d); /* fd was read before: both have one position */
	while (!err && d && (e = readdir(d))) {
		char id[STORE_NAME_MAX];
		uint64_t begin_s;

		if (!store_name__read(e->d_name, &begin_s, id))
			continue;
		memcpy(n->other, id, sizeof(n->other));
		if (strcmp(id, target) || n->nr == NAMES_MAX)
			continue;
		err = vec__reserve(&n->v, &n->room, n->nr + 1, sizeof(*n->v));
		if (!err)
			snprintf(n->v[n->nr++], sizeof(*n->v), "%.*s", STORE_NAME_MAX - 1,
				 e->d_name);
	}
	if (d)
		closedir(d);
	if (n->nr)
		qsort(n->v, n->nr, sizeof(*n->v), by_name);
	return err;
}

/* --- segments --- */

static int note_view(void *ctx, const Pw__Fact *f, const struct pw_names *names, struct cause *why)
{
	(void)names;
	(void)why;
	if (f->fact_case != PW__FACT__FACT_COMMAND)
		return 0;
	snprintf(ctx, STORE_NAME_MAX, "%s", f->command->view);
	return -ECANCELED; /* that is all that is asked */
}

/* The command that wrote it; head: of a file, then the segment. */
static void view_of(const char *pw, size_t len, char ret[STORE_NAME_MAX])
{
	const struct pw_sink to = { .fact = note_view, .ctx = ret };
	FILE *in = fmemopen((void *)(uintptr_t)pw, len, "r");
	struct pw_read read;
	struct cause why = { "" };

	ret[0] = '\0';
	if (in)
		(void)pw_read(in, "", &to, &read, &why);
	if (in)
		fclose(in);
}

/* one: a file's head and one segment. It is asked for: it goes into the answer. */
static int keep(struct reader *r, const char *one, size_t len, uint64_t unix_ns)
{
	const size_t head = sizeof(struct pw_file_head);
	struct store_found *f = r->ret;

	if (r->a->newest)
		f->len = f->recordings = 0;
	if (f->len + len > STORE_READ_BYTES_MAX)
		return cause__set(r->why, -E2BIG,
				  "there is more than %u MB of that time: choose a shorter one",
				  STORE_READ_BYTES_MAX >> 20);
	if (vec__reserve(&f->pw, &r->room, f->len + len, 1))
		return cause__no_memory(r->why);
	if (!f->recordings++) {
		memcpy(f->pw, one, head);
		f->len = head;
		f->first_unix_ns = unix_ns;
	}
	memcpy(f->pw + f->len, one + head, len - head);
	f->len += len - head;
	f->last_unix_ns = unix_ns;
	return 0;
}

/* What follows a file's head, at most len bytes. The length of the segment; 0: it is not whole. */
static size_t take_segment(struct reader *r, const char *at, size_t len, int *ret_err)
{
	static const struct pw_file_head file = { .magic = PW_FILE_MAGIC,
						  .major = PW_FILE_MAJOR,
						  .minor = PW_FILE_MINOR };
	struct pw_segment_head head;
	scoped_mem char *one = NULL;
	char view[STORE_NAME_MAX];
	size_t bytes;

	if (len < sizeof(head))
		return 0;
	memcpy(&head, at, sizeof(head));
	bytes = sizeof(head) + head.packed_bytes;
	if (head.magic != PW_SEGMENT_MAGIC || bytes > len)
		return 0;
	if (head.first_ns < r->a->from_unix_ns || head.first_ns > r->a->to_unix_ns ||
	    (r->a->step_ns && head.first_ns < r->ret->last_unix_ns + r->a->step_ns))
		return bytes;
	one = malloc(sizeof(file) + bytes);
	if (!one) {
		*ret_err = cause__no_memory(r->why);
		return 0;
	}
	memcpy(one, &file, sizeof(file));
	memcpy(one + sizeof(file), at, bytes);
	view_of(one, sizeof(file) + bytes, view);
	if (!strcmp(view, r->a->view))
		*ret_err = keep(r, one, sizeof(file) + bytes, head.first_ns);
	return *ret_err ? 0 : bytes;
}

/* *ret: to be freed. A file that is gone by now has no bytes. */
static int read_file(int dir, const char *name, char **ret, size_t *ret_len)
{
	scoped_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	*ret_len = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STORE_FILE_BYTES)
		return 0;
	*ret = malloc((size_t)st.st_size + 1);
	if (!*ret)
		return -ENOMEM;
	n = read(fd, *ret, (size_t)st.st_size);
	if (n < 0)
		return -errno;
	*ret_len = (size_t)n;
	return 0;
}

static int take_file(struct reader *r, int dir, const char *name)
{
	struct pw_file_head head;
	scoped_mem char *v = NULL;
	size_t len = 0, at = sizeof(head), bytes;
	int err = read_file(dir, name, &v, &len);

	if (err)
		return cause__set(r->why, err, "cannot read '%s': %s", name, strerror(-err));
	if (len < sizeof(head))
		return 0;
	memcpy(&head, v, sizeof(head));
	if (memcmp(head.magic, PW_FILE_MAGIC, sizeof(head.magic)) || head.major != PW_FILE_MAJOR)
		at = len + 1;
	while (at < len && !err) {
		bytes = take_segment(r, v + at, len - at, &err);
		if (!bytes)
			break;
		at += bytes;
	}
	r->ret->damaged += !err && at != len;
	return err;
}

static int take_files(struct reader *r, int dir, const struct names *n)
{
	int err = 0;

	/* the newest one is in the last file that has one */
	for (size_t i = 0; i < n->nr && !err && !(r->a->newest && r->ret->recordings); i++) {
		const char *name = n->v[r->a->newest ? n->nr - 1 - i : i];
		char id[STORE_NAME_MAX];
		uint64_t begin_s = 0;

		(void)store_name__read(name, &begin_s, id);
		if (begin_s <= r->a->to_unix_ns / NS_PER_SEC &&
		    begin_s + STORE_FILE_S + 60 >= r->a->from_unix_ns / NS_PER_SEC)
			err = take_file(r, dir, name);
	}
	return err;
}

int store_read(const struct store_asked *a, struct store_found *ret, struct cause *why)
{
	scoped_fd int dir = -1;
	const int err = state_dir__open_read(a->dir, &dir, why);

	*ret = (struct store_found){ .len = 0 };
	return err ? err : store_read_at(dir, a, ret, why);
}

int store_read_at(int fd, const struct store_asked *a, struct store_found *ret, struct cause *why)
{
	struct reader r = { .a = a, .ret = ret, .why = why };
	struct names n = { .nr = 0 };
	int err = list(fd, a->target, &n);

	*ret = (struct store_found){ .len = 0 };
	if (err)
		(void)cause__set(why, err, "cannot read history in '%s': %s", a->dir,
				 strerror(-err));
	if (!err)
		err = take_files(&r, fd, &n);
	if (!err && !n.nr)
		err = cause__set(why, -ENOENT, "nothing of '%s' is in '%s'%s%s%s", a->target,
				 a->dir, n.other[0] ? "; it has, for one, '" : "", n.other,
				 n.other[0] ? "'" : "");
	else if (!err && !ret->recordings)
		err = cause__set(why, -ENOENT, "'%s' has nothing of '%s' of that time", a->dir,
				 a->target);
	free(n.v);
	if (err)
		store_found__done(ret);
	return err;
}
