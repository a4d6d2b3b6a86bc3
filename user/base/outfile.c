/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

struct outfile {
	FILE *stream;
	bool is_stdout;
	bool direct;			/* written under its own name: no regular file */
	char name[PATH_MAX];		/* as given, for messages */
	char final[PATH_MAX];		/* links resolved */
	char temp[PATH_MAX + 16];	/* "" : none on disk */
};

static int outfile__fail(const struct outfile *o, int err, struct cause *why)
{
	const char *next = err == -ENOSPC || err == -EDQUOT ? "free some space there or choose another -o" :
			   err == -EACCES || err == -EROFS  ? "choose a folder that you may write to" :
			   err == -EPIPE		    ? "the reader ended early" :
							      "choose another -o";

	return cause__set(why, err, "cannot write '%s': %s; %s", o->name, strerror(-err), next);
}

/* Links are followed, so that the file they point to is replaced and not the link. */
static int outfile__resolve(struct outfile *o)
{
	char resolved[PATH_MAX];

	if (realpath(o->name, resolved)) {
		snprintf(o->final, sizeof(o->final), "%s", resolved);
		return 0;
	}
	if (errno != ENOENT)
		return -errno;
	snprintf(o->final, sizeof(o->final), "%s", o->name);
	return 0;
}

static int outfile__create(struct outfile *o)
{
	struct stat st;
	mode_t mask;
	int fd, err;

	err = outfile__resolve(o);
	if (err)
		return err;
	if (!stat(o->final, &st) && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		o->direct = true;
		o->stream = fopen(o->final, "we");
		return o->stream ? 0 : -errno;
	}
	snprintf(o->temp, sizeof(o->temp), "%s.XXXXXX", o->final);
	fd = mkostemp(o->temp, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		o->temp[0] = '\0';
		return err;
	}
	mask = umask(0);
	umask(mask);
	(void)fchmod(fd, 0666 & ~mask);	/* a report of root stays readable for the user as any file would */
	o->stream = fdopen(fd, "w");
	if (!o->stream) {
		err = -errno;
		close(fd);
		return err;
	}
	return 0;
}

int outfile__open(const char *path, struct outfile **ret, struct cause *why)
{
	scoped(outfile) o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	if (!path || !strcmp(path, "-")) {
		o->is_stdout = o->direct = true;
		o->stream = stdout;
		snprintf(o->name, sizeof(o->name), "standard output");
		*ret = steal(o);
		return 0;
	}
	if (strlen(path) >= sizeof(o->name))
		return cause__set(why, -ENAMETOOLONG, "cannot write the file given by -o: its name is too long; choose another");
	snprintf(o->name, sizeof(o->name), "%s", path);
	err = outfile__create(o);
	if (err)
		return outfile__fail(o, err, why);
	*ret = steal(o);
	return 0;
}

FILE *outfile__stream(struct outfile *o)
{
	return o->stream;
}

int outfile__commit(struct outfile *o, struct cause *why)
{
	int err = 0;

	errno = 0;
	if (fflush(o->stream) || ferror(o->stream))
		err = errno ? -errno : -EIO;
	if (!err && o->temp[0] && fsync(fileno(o->stream)) && errno != EINVAL && errno != ENOTSUP)
		err = -errno;
	if (!o->is_stdout) {
		if (fclose(o->stream) && !err)
			err = -errno;
		o->stream = NULL;
	}
	if (!err && o->temp[0]) {
		if (rename(o->temp, o->final))
			err = -errno;
		else
			o->temp[0] = '\0';
	}
	return err ? outfile__fail(o, err, why) : 0;
}

void outfile__free(struct outfile *o)
{
	if (!o)
		return;
	if (o->stream && !o->is_stdout)
		fclose(o->stream);
	if (o->temp[0])
		unlink(o->temp);
	free(o);
}
