// SPDX-License-Identifier: BSD-2-Clause
#include "serve/configured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

int config_file__open(const char *path, struct cause *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd >= 0 ? fd
		       : cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
}

/* The whole file, as it is now. */
static int read_all(const char *path, int fd, char **ret, size_t *ret_len, struct cause *why)
{
	scoped_mem char *text = malloc(CONFIG_BYTES_MAX + 1);
	size_t len = 0;
	struct stat st;
	ssize_t n = 0;

	if (!text)
		return cause__no_memory(why);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return cause__set(why, -EINVAL, "cannot read '%s': it is no file", path);
	if (st.st_mode & S_IWOTH)
		return cause__set(why, -EPERM,
				  "'%s' may be written by everyone: 'chmod o-w' it, and look what "
				  "is in it",
				  path);
	while (len <= CONFIG_BYTES_MAX &&
	       (n = read(fd, text + len, CONFIG_BYTES_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
	*ret = steal(text); /* one byte too many: the parser refuses it */
	*ret_len = len;
	return 0;
}

/* What is asked for in vain. */
static void configured__warn(const struct configured *c)
{
	for (size_t i = 0; i < c->now->rules.nr && !c->knows_labels; i++)
		if (c->now->rules.v[i].globs[MATCH_LABEL])
			log_warn("%s: rule %zu matches nothing: labels of pods are not known here; "
				 "give --kubelet URL, or use namespace or pod",
				 c->path, i + 1);
	if (c->now->nr_pod_labels && !c->knows_labels)
		log_warn("%s: pod_labels: labels of pods are not known here; give --kubelet URL",
			 c->path);
}

/* --- at the start --- */

/* ConfigMaps and editors put a new file in the old one's place: the directory tells. */
static int watch_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	scoped_mem char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && dir &&
	    inotify_add_watch(fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int configured__open(struct configured *c, const char *path, bool knows_labels, struct cause *why)
{
	struct cause no_file = { "" };
	int fd, err;

	*c = (struct configured){ .path = path ? path : CONFIG_PATH,
				  .named = path,
				  .knows_labels = knows_labels };
	c->watch = watch_directory(c->path);
	fd = config_file__open(c->path, &no_file);
	if (fd == -ENOENT && !path)
		return config__parse(c->path, "", 0, &c->now, why);
	if (fd < 0)
		return cause__set(why, fd, "%s", no_file.text);
	err = read_all(c->path, fd, &c->text, &c->len, why);
	close(fd);
	if (!err)
		err = config__parse(c->path, c->text, c->len, &c->now, why);
	if (err)
		return err;
	c->loaded_s = time(NULL);
	configured__warn(c);
	return 0;
}

void configured__done(struct configured *c)
{
	if (c->watch >= 0)
		close(c->watch);
	config__free(c->now);
	free(c->text);
}

/* --- later --- */

/* A ConfigMap's file is a link into the directory ..data, another one each time. */
static bool is_ours(const struct configured *c, const char *name)
{
	const char *slash = strrchr(c->path, '/');

	return !strcmp(name, slash ? slash + 1 : c->path) || !strncmp(name, "..", 2);
}

void configured__heard(struct configured *c)
{
	char room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(c->watch, room, sizeof(room))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(room + at);

			c->due |= (e->mask & IN_Q_OVERFLOW) || (e->len && is_ours(c, e->name));
			at += (ssize_t)(sizeof(*e) + e->len);
		}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int configured__read(struct configured *c, int fd, bool asked, struct cause *why)
{
	scoped_mem char *text = NULL;
	struct config *next = NULL;
	size_t len = 0;
	int err = read_all(c->path, fd, &text, &len, why);

	if (err)
		return err;
	if (!asked && c->text && c->len == len && !memcmp(c->text, text, len))
		return -EALREADY;
	free(c->text);
	c->text = steal(text);
	c->len = len;
	err = config__parse(c->path, c->text, len, &next, why);
	if (err)
		return err;
	if (!same_text(next->listen, c->now->listen) ||
	    !same_text(next->state_dir, c->now->state_dir) ||
	    !same_text(next->token_file, c->now->token_file) ||
	    !same_text(next->tls_cert, c->now->tls_cert) ||
	    !same_text(next->tls_key, c->now->tls_key))
		log_warn("%s: what has changed beside rules and sinks holds from the next start on",
			 c->path);
	config__free(c->now);
	c->now = next;
	return 0;
}

bool configured__take(struct configured *c, int fd, const struct cause *cannot)
{
	const bool asked = c->asked;
	struct cause why = { "" };
	int err;

	c->asked = false;
	if (fd < 0 && !c->named && !c->text)
		return false; /* as at the start: there is none */
	if (fd >= 0) {
		err = configured__read(c, fd, asked, &why);
		close(fd);
	} else {
		why = *cannot;
		err = -ENOENT;
	}
	if (err == -EALREADY)
		return false;
	if (err) {
		c->failures++;
		log_error("%s", why.text);
		log_warn("the configuration of before stays");
		return false;
	}
	c->loaded_s = time(NULL);
	log_info("%s: read again, %zu rules", c->path, c->now->rules.nr);
	configured__warn(c);
	return true;
}
