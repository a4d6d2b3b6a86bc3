/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/outplace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINKS_MAX 40 /* as the kernel: include/linux/namei.h MAXSYMLINKS */

struct walk {
	struct outplace at;
	char rest[2 * PATH_MAX]; /* of the path, still to be walked */
	unsigned int links;
	struct cause *why;
};

static bool is_somebody_else(uid_t uid)
{
	return uid != 0 && uid != geteuid();
}

/*
 * Whom sudo serves: a link of theirs, in a folder that they alone may write, is what they ask for.
 */
static bool is_who_asks(uid_t uid)
{
	const char *text = geteuid() ? NULL : getenv("SUDO_UID");
	char *end;

	return text && *text && strtoul(text, &end, 10) == uid && !*end;
}

/*
 * Whether what st tells of, in the folder, may have been put there by somebody else, to be written
 * through.
 */
static bool is_planted(const struct stat *st, const struct stat *dir)
{
	if (!is_somebody_else(st->st_uid))
		return false;
	if (dir->st_mode & (S_IWGRP | S_IWOTH))
		return true;
	return S_ISLNK(st->st_mode) && is_somebody_else(dir->st_uid) &&
	       !(dir->st_uid == st->st_uid && is_who_asks(st->st_uid));
}

static int walk__refuse(const struct walk *w, const struct stat *st)
{
	return cause__set(w->why, -EACCES,
			  "cannot write there: '%s' is a %s that somebody else (uid %u) put into a "
			  "folder that others "
			  "may write; choose another -o",
			  w->at.name, S_ISLNK(st->st_mode) ? "link" : "fifo or device", st->st_uid);
}

static int walk__enter(struct walk *w, int dir)
{
	if (dir < 0)
		return -errno;
	if (w->at.dir >= 0)
		close(w->at.dir);
	w->at.dir = dir;
	return 0;
}

/* The text of a link stands before the rest. */
static int walk__follow(struct walk *w, int link)
{
	char text[2 * PATH_MAX];
	ssize_t n = readlinkat(link, "", text, PATH_MAX);
	size_t rest = strlen(w->rest);

	if (n < 0)
		return -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (n == 0 || n >= PATH_MAX || (size_t)n + 1 + rest >= sizeof(text))
		return n ? -ENAMETOOLONG : -ENOENT;
	if (rest) {
		text[n] = '/';
		memcpy(text + n + 1, w->rest, rest);
		n += (ssize_t)rest + 1;
	}
	memcpy(w->rest, text, (size_t)n);
	w->rest[n] = '\0';
	return text[0] == '/' ? walk__enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) : 0;
}

/* Links of procfs name what has no path: only the kernel can follow them. */
static bool is_magic(int link)
{
	struct statfs fs;

	return !fstatfs(link, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* Takes the next part off the rest. False: there is none. */
static bool walk__next(struct walk *w, bool *ret_last, int *ret_err)
{
	char *part = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(part, "/");

	*ret_last = false;
	*ret_err = len > NAME_MAX ? -ENAMETOOLONG : 0;
	if (!len || *ret_err)
		return false;
	memcpy(w->at.name, part, len);
	w->at.name[len] = '\0';
	*ret_last = part[len] == '\0';
	memmove(w->rest, part + len, strlen(part + len) + 1);
	return true;
}

static int walk__link(struct walk *w, int link, const struct stat *st, bool last, int *ret_file)
{
	struct stat dir;

	if (fstat(w->at.dir, &dir))
		return -errno;
	if (!is_magic(link))
		return is_planted(st, &dir) ? walk__refuse(w, st) : walk__follow(w, link);
	if (!last)
		return walk__enter(w,
				   openat(w->at.dir, w->at.name, O_PATH | O_DIRECTORY | O_CLOEXEC));
	*ret_file = openat(w->at.dir, w->at.name, O_PATH | O_CLOEXEC);
	w->at.nameless = true;
	return *ret_file < 0 ? -errno : 0;
}

/* One part. *ret_file: what the last one names; untouched: nothing, or it goes on. */
static int walk__step(struct walk *w, bool last, int *ret_file)
{
	scoped_fd int fd = openat(w->at.dir, w->at.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return last && errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return walk__link(w, fd, &st, last, ret_file);
	if (!last) /* O_DIRECTORY mounts what is to be mounted when it is entered */
		return walk__enter(w, openat(w->at.dir, w->at.name,
					     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	*ret_file = fd;
	fd = -EBADF;
	return 0;
}

static int walk__all(struct walk *w)
{
	struct stat dir;
	bool last = false;
	int err = walk__enter(w, open(w->rest[0] == '/' ? "/" : ".",
				      O_PATH | O_DIRECTORY | O_CLOEXEC));

	while (!err && w->at.file < 0 && walk__next(w, &last, &err)) {
		err = walk__step(w, last, &w->at.file);
		if (last && !w->rest[0])
			break;
	}
	if (err)
		return err;
	if (w->at.file < 0)
		return last ? 0 : -EISDIR; /* "/", "dir/" */
	if (fstat(w->at.file, &w->at.st) || fstat(w->at.dir, &dir))
		return -errno;
	if (S_ISDIR(w->at.st.st_mode))
		return -EISDIR;
	w->at.foreign = !w->at.nameless && is_planted(&w->at.st, &dir);
	return w->at.foreign && !S_ISREG(w->at.st.st_mode) ? walk__refuse(w, &w->at.st) : 0;
}

int outplace__open(const char *path, struct outplace *ret, struct cause *why)
{
	struct walk w = { .at = { .dir = -EBADF, .file = -EBADF }, .why = why };
	int err;

	if (!*path)
		return -ENOENT;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(w.rest, path);
	err = walk__all(&w);
	if (err) {
		outplace__close(&w.at);
		return err;
	}
	*ret = w.at;
	return 0;
}

void outplace__close(struct outplace *p)
{
	if (p->file >= 0)
		close(p->file);
	if (p->dir >= 0)
		close(p->dir);
	p->file = p->dir = -EBADF;
}

int outplace__write(const struct outplace *p)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->file);
	fd = open(path, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
