/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>

#include "base/outplace.h"

#define TRIES_MAX  100 /* at a name that nobody has */
#define COPY_BYTES (1 << 24)
#define MODE_BITS  0777 /* that a file of ours may have: never set-user-ID */

struct outfile {
	FILE *stream;
	bool is_stdout;
	bool direct; /* written under its own name: no regular file */
	bool copied; /* the folder's file system gives no name to a file that has none */
	mode_t mode; /* of the file; 0: that of what it replaces */
	struct outplace at;
	char name[PATH_MAX]; /* as given, for messages */
};

static const char *next_step(const struct outfile *o, int err)
{
	switch (-err) {
	case ENOSPC:
	case EDQUOT:
		return o->is_stdout ? "free some space there"
				    : "free some space there or choose another -o";
	case EFBIG: return "allow larger files (ulimit -f)";
	case EPIPE: return "the reader ended early";
	case EACCES:
	case EROFS: return "choose a folder that you may write to";
	default: return o->is_stdout ? "see where it leads" : "choose another -o";
	}
}

static int outfile__fail(const struct outfile *o, int err, struct cause *why)
{
	if (err == -EINTR) /* only a pipe lets one wait */
		return cause__set(why, err,
				  "cannot write '%s': nobody has begun to read from this pipe",
				  o->name);
	return cause__set(why, err, "cannot write '%s': %s; %s", o->name, strerror(-err),
			  next_step(o, err));
}

/*
 * What this process would give to a new file. umask() tells only by changing it, for all threads.
 */
static mode_t mode_by_umask(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned int mask = 077;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	if (f)
		fclose(f);
	return 0666 & ~mask;
}

/* Calls make(o, name) with names that nobody has. 0: *ret_name is there. */
static int outfile__named(struct outfile *o, int (*make)(struct outfile *, const char *),
			  char ret_name[NAME_MAX + 1])
{
	int err = -EEXIST;

	for (int i = 0; i < TRIES_MAX && err == -EEXIST; i++) {
		unsigned long long chance;

		if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
			return -EIO;
		snprintf(ret_name, NAME_MAX + 1, ".parkwatch-%016llx", chance);
		err = make(o, ret_name);
	}
	return err;
}

static int make_empty(struct outfile *o, const char *name)
{
	int fd = openat(o->at.dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int make_link(struct outfile *o, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(o->stream));
	return linkat(AT_FDCWD, path, o->at.dir, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* Signals wait while a name is there that is not the last: only SIGKILL can hit in between. */
static void hold_signals(sigset_t *ret_before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, ret_before);
}

static int outfile__make(struct outfile *o)
{
	char name[NAME_MAX + 1];
	sigset_t before;
	int fd = openat(o->at.dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	o->copied = true;
	hold_signals(&before);
	fd = outfile__named(o, make_empty, name);
	if (fd >= 0)
		unlinkat(o->at.dir, name, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd;
}

static int outfile__create(struct outfile *o, struct cause *why)
{
	int fd, err;

	err = outplace__open(o->name, &o->at, why);
	if (err)
		return err;
	o->direct = o->at.nameless || (o->at.file >= 0 && !S_ISREG(o->at.st.st_mode));
	if (!o->mode && (o->at.file < 0 || o->at.foreign))
		o->mode = geteuid() ? mode_by_umask() : 0600;
	fd = o->direct ? outplace__write(&o->at) : outfile__make(o);
	if (fd < 0)
		return fd;
	o->stream = fdopen(fd, "w");
	if (!o->stream) {
		err = -errno;
		close(fd);
	}
	return err;
}

int outfile__open(const char *path, mode_t mode, struct outfile **ret, struct cause *why)
{
	scoped(outfile) o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->at.dir = o->at.file = -EBADF;
	o->mode = mode;
	if (!path || !strcmp(path, "-")) {
		o->is_stdout = o->direct = true;
		o->stream = stdout;
		snprintf(o->name, sizeof(o->name), "standard output");
		*ret = steal(o);
		return 0;
	}
	if (strlen(path) >= sizeof(o->name))
		return cause__set(
			why, -ENAMETOOLONG,
			"cannot write the file given by -o: its name is too long; choose another");
	snprintf(o->name, sizeof(o->name), "%s", path);
	err = outfile__create(o, why);
	if (err)
		return outfile__fail(o, err, why);
	*ret = steal(o);
	return 0;
}

FILE *outfile__stream(struct outfile *o)
{
	return o->stream;
}

/* Owner first: a change of owner takes bits away. */
static int outfile__dress(const struct outfile *o, int fd)
{
	const struct stat *st = &o->at.st;
	bool replaces = o->at.file >= 0 && !o->at.foreign;

	if (replaces && fchown(fd, st->st_uid, st->st_gid) && errno != EPERM && errno != EINVAL)
		return -errno;
	return fchmod(fd, (o->mode ? o->mode : st->st_mode) & MODE_BITS) ? -errno : 0;
}

static int sync_file(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
}

static int outfile__copy(const struct outfile *o, int to)
{
	off_t from = 0;
	ssize_t n;

	do {
		n = sendfile(to, fileno(o->stream), &from, COPY_BYTES);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int outfile__rename(const struct outfile *o, const char *name)
{
	int err = renameat(o->at.dir, name, o->at.dir, o->at.name) ? -errno : 0;

	if (err)
		unlinkat(o->at.dir, name, 0);
	return err;
}

static int outfile__publish_copy(struct outfile *o)
{
	char name[NAME_MAX + 1];
	scoped_fd int to = outfile__named(o, make_empty, name);
	int err = to < 0 ? to : outfile__copy(o, to);

	if (to < 0)
		return err;
	if (!err)
		err = outfile__dress(o, to);
	if (!err)
		err = sync_file(to);
	if (!err)
		return outfile__rename(o, name);
	unlinkat(o->at.dir, name, 0);
	return err;
}

/* A name that is taken has to be replaced, which no link can: by way of another name. */
static int outfile__publish_link(struct outfile *o)
{
	char name[NAME_MAX + 1];
	int err = o->at.file < 0 ? make_link(o, o->at.name) : -EEXIST;

	if (err != -EEXIST)
		return err;
	err = outfile__named(o, make_link, name);
	return err ? err : outfile__rename(o, name);
}

/* The file gets its name. */
static int outfile__publish(struct outfile *o)
{
	int fd = fileno(o->stream), err = o->copied ? 0 : outfile__dress(o, fd);
	sigset_t before;

	if (!err && !o->copied)
		err = sync_file(fd);
	if (err)
		return err;
	hold_signals(&before);
	if (!o->copied) {
		err = outfile__publish_link(o);
		o->copied = err == -EXDEV || err == -EOPNOTSUPP || err == -EPERM;
	}
	if (o->copied)
		err = outfile__publish_copy(o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/*
 * Of a stream that failed earlier, when nobody asked why: a byte more fails for the same reason,
 * and what is broken cannot become worse.
 */
static int write_error(FILE *f)
{
	return write(fileno(f), "\n", 1) < 0 ? -errno : -EIO;
}

int outfile__commit(struct outfile *o, struct cause *why)
{
	int err = 0;

	errno = 0;
	if (fflush(o->stream) || ferror(o->stream))
		err = errno ? -errno : write_error(o->stream);
	if (!err && !o->direct)
		err = outfile__publish(o);
	if (!o->is_stdout) {
		if (fclose(o->stream) && !err)
			err = -errno;
		o->stream = NULL;
	}
	return err ? outfile__fail(o, err, why) : 0;
}

int outfile__end(struct outfile *o, int err, struct cause *why)
{
	if (!err)
		return outfile__commit(o, why);
	if (!ferror(o->stream))
		return err;
	if (why)
		why->text[0] = '\0'; /* who wrote does not know where to */
	return outfile__fail(o, err, why);
}

void outfile__free(struct outfile *o)
{
	if (!o)
		return;
	if (o->stream && !o->is_stdout)
		fclose(o->stream);
	outplace__close(&o->at);
	free(o);
}
