// SPDX-License-Identifier: BSD-2-Clause
#include "serve/secrets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "serve/configured.h"
#include "serve/http.h"
#include "serve/token.h"

/* The whole file. *ret: SECRET_BYTES_MAX bytes, to be wiped. */
static int read_secret(const char *path, int fd, char **ret, size_t *ret_len, struct cause *why)
{
	scoped_mem char *text = calloc(1, SECRET_BYTES_MAX);
	size_t len = 0;
	struct stat st;
	ssize_t n = 0;

	if (!text)
		return cause__no_memory(why);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return cause__set(why, -EINVAL, "cannot read '%s': it is no file", path);
	if (st.st_mode & 077)
		return cause__set(why, -EPERM,
				  "'%s' may be read or written by others than its owner: 'chmod "
				  "600' it",
				  path);
	while (len < SECRET_BYTES_MAX && (n = read(fd, text + len, SECRET_BYTES_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
	*ret = steal(text);
	*ret_len = len;
	return 0;
}

static int read_token(const char *path, int fd, struct token **ret, struct cause *why)
{
	scoped_mem char *text = NULL;
	size_t len = 0;
	int err = read_secret(path, fd, &text, &len, why);

	if (err)
		return err;
	err = token__new(path, text, len, ret, why);
	explicit_bzero(text, SECRET_BYTES_MAX);
	return err;
}

/* --- at the start --- */

int secrets__name(struct secrets *s, enum secret which, const char *path, struct cause *why)
{
	if (!path || !path[0])
		return 0;
	s->paths[which] = strdup(path);
	return s->paths[which] ? 0 : cause__no_memory(why);
}

void secrets__done(struct secrets *s)
{
	for (int i = 0; i < SECRET_MAX; i++)
		free(s->paths[i]);
}

int secrets__read_token(const struct secrets *s, struct token **ret, struct cause *why)
{
	const char *path = s->paths[SECRET_TOKEN];
	scoped_fd int fd = path ? config_file__open(path, why) : -1;

	*ret = NULL;
	if (!path)
		return 0;
	return fd < 0 ? fd : read_token(path, fd, ret, why);
}

/* --- later --- */

void secrets__again(struct secrets *s)
{
	for (int i = 0; i < SECRET_MAX; i++)
		s->due[i] = s->paths[i];
}

void secrets__take(struct secrets *s, uint32_t which, int fd, const struct cause *cannot,
		   struct http *http)
{
	scoped_fd int file = fd;
	scoped(token) token = NULL;
	struct cause why = { "" };
	int err;

	if (which >= SECRET_MAX || !s->paths[which])
		return;
	if (file < 0)
		err = cause__set(&why, -ENOENT, "%s", cannot->text);
	else
		err = read_token(s->paths[which], file, &token, &why);
	if (err) {
		s->failures++;
		log_error("%s", why.text);
		log_warn("the token of before stays");
		return;
	}
	http__set_token(http, steal(token));
	log_info("%s: read again", s->paths[which]);
}
