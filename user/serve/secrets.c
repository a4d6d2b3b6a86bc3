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

struct secret_text {
	char v[SECRET_BYTES_MAX + 1]; /* NUL at its end */
	size_t len;
};

static void secret_text__free(struct secret_text *t)
{
	if (t)
		explicit_bzero(t, sizeof(*t));
	free(t);
}
DEFINE_SCOPED(secret_text)

/* Whoever may read a certificate is told it anyway. */
static bool is_closed(mode_t mode, enum secret which)
{
	return !(mode & (which == SECRET_CERT ? S_IWOTH : S_IRWXG | S_IRWXO));
}

/* The whole file. */
static int read_secret(const char *path, int fd, enum secret which, struct secret_text **ret,
		       struct cause *why)
{
	scoped(secret_text) t = calloc(1, sizeof(*t));
	struct stat st;
	ssize_t n = 0;

	if (!t)
		return cause__no_memory(why);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return cause__set(why, -EINVAL, "cannot read '%s': it is no file", path);
	if (!is_closed(st.st_mode, which))
		return cause__set(why, -EPERM, "'%s' may be %s: 'chmod %s' it", path,
				  which == SECRET_CERT ? "written by everyone"
						       : "read or written by others than its owner",
				  which == SECRET_CERT ? "o-w" : "600");
	while (t->len < SECRET_BYTES_MAX &&
	       (n = read(fd, t->v + t->len, SECRET_BYTES_MAX - t->len)) > 0)
		t->len += (size_t)n;
	if (n < 0)
		return cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
	*ret = steal(t);
	return 0;
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
	secret_text__free(s->cert);
	for (int i = 0; i < SECRET_MAX; i++)
		free(s->paths[i]);
}

/* *ret stays NULL if no file was named. */
static int read_named(const struct secrets *s, enum secret which, struct secret_text **ret,
		      struct cause *why)
{
	const char *path = s->paths[which];
	scoped_fd int fd = path ? config_file__open(path, why) : -1;

	if (!path)
		return 0;
	return fd < 0 ? fd : read_secret(path, fd, which, ret, why);
}

int secrets_read_token(const char *path, struct token **ret, struct cause *why)
{
	scoped(secret_text) text = NULL;
	scoped_fd int fd = config_file__open(path, why);
	const int err = fd < 0 ? fd : read_secret(path, fd, SECRET_TOKEN, &text, why);

	return err ? err : token__new(path, text->v, text->len, ret, why);
}

int secrets__open_http(const struct secrets *s, const char *listen, const struct http_ops *ops,
		       struct http **ret, struct cause *why)
{
	scoped(secret_text) text = NULL;
	scoped(secret_text) cert = NULL;
	scoped(secret_text) key = NULL;
	scoped(token) token = NULL;
	int err;

	if (!s->paths[SECRET_CERT] != !s->paths[SECRET_KEY])
		return cause__set(why, -EINVAL,
				  "a certificate and its key belong together: give --tls-cert FILE "
				  "and --tls-key FILE");
	err = read_named(s, SECRET_TOKEN, &text, why);
	if (!err && text)
		err = token__new(s->paths[SECRET_TOKEN], text->v, text->len, &token, why);
	if (!err)
		err = read_named(s, SECRET_CERT, &cert, why);
	if (!err)
		err = read_named(s, SECRET_KEY, &key, why);
	if (!err)
		err = http__new(listen, token, key ? &(struct http_tls){ cert->v, key->v } : NULL,
				ops, ret, why);
	if (!err)
		token = NULL; /* it has it */
	return err;
}

/* --- later --- */

void secrets__again(struct secrets *s)
{
	for (int i = 0; i < SECRET_MAX; i++)
		s->due[i] = s->paths[i];
}

/* The certificate waits for its key, which comes next. */
static int secrets__use(struct secrets *s, enum secret which, struct secret_text **text,
			struct http *http, struct cause *why)
{
	scoped(secret_text) cert = steal(s->cert);
	struct token *token = NULL;
	int err;

	if (which == SECRET_CERT) {
		s->cert = steal(*text);
		return 0;
	}
	if (which == SECRET_KEY)
		return cert ? http__set_tls(http, &(struct http_tls){ cert->v, (*text)->v }, why)
			    : cause__set(why, -ENOENT, "a key without its certificate");
	err = token__new(s->paths[which], (*text)->v, (*text)->len, &token, why);
	if (!err)
		http__set_token(http, token);
	return err;
}

void secrets__take(struct secrets *s, uint32_t which, int fd, const struct cause *cannot,
		   struct http *http)
{
	scoped_fd int file = fd;
	scoped(secret_text) text = NULL;
	struct cause why = { "" };
	int err;

	if (which >= SECRET_MAX || !s->paths[which])
		return;
	if (file < 0)
		err = cause__set(&why, -ENOENT, "%s", cannot->text);
	else
		err = read_secret(s->paths[which], file, (enum secret)which, &text, &why);
	if (!err)
		err = secrets__use(s, (enum secret)which, &text, http, &why);
	if (err) {
		s->failures++;
		log_error("%s", why.text);
		log_warn("the %s of before stays", which == SECRET_TOKEN ? "token" : "certificate");
	} else {
		log_info("%s: read again", s->paths[which]);
	}
}
