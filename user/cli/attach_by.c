// SPDX-License-Identifier: BSD-2-Clause
#include "cli/attach_by.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/textbuf.h"
#include "serve/discover.h"

#define ID_LEAST   4 /* characters of a container's id */
#define NAMED_MOST 5 /* candidates */

static bool is_named(const struct process_row *r, const char *glob)
{
	const char *slash = strrchr(r->exe, '/');

	return !fnmatch(glob, slash ? slash + 1 : r->exe, 0);
}

static bool has_exe(const struct process_row *r, const char *glob)
{
	return !fnmatch(glob, r->exe, 0);
}

static bool is_in(const struct process_row *r, const char *glob)
{
	const size_t len = strlen(glob);

	if (!r->container[0])
		return false;
	return (len >= ID_LEAST && !strncmp(r->container, glob, len)) ||
	       (r->container_name[0] && !fnmatch(glob, r->container_name, 0)) ||
	       (r->pod_name[0] && !fnmatch(glob, r->pod_name, 0));
}

static const struct way {
	const char *key, *what;
	bool (*is)(const struct process_row *r, const char *glob);
} ways[] = {
	{ "exe=", "has that file", has_exe },
	{ "container=", "is in that container", is_in },
	{ "", "has that name", is_named },
};

/* "812 (/srv/api), 813 (/srv/api)" */
static int list(struct textbuf *to, const struct processes *p, const struct way *way,
		const char *glob)
{
	size_t nr = 0;

	for (size_t i = 0; i < p->nr; i++) {
		const struct process_row *r = &p->rows[i];

		if (!way->is(r, glob))
			continue;
		if (nr++ < NAMED_MOST)
			textbuf__format(to, "%s%d (%s%s%s)", nr > 1 ? ", " : "", (int)r->pid,
					r->exe, r->container[0] ? " in " : "",
					process_row__container(r));
	}
	if (nr > NAMED_MOST)
		textbuf__format(to, " and %zu more", nr - NAMED_MOST);
	textbuf__bytes(to, "", 1);
	return to->err;
}

static int say_several(const char *text, const struct processes *p, const struct way *way,
		       const char *glob, size_t nr, struct cause *why)
{
	struct textbuf b;
	int err;

	textbuf__init(&b, NULL);
	err = list(&b, p, way, glob);
	err = cause__set(why, -ENOTUNIQ,
			 "--attach-by %s: which of %zu Go programs? give -p with one of %s", text,
			 nr, err ? "?" : b.v);
	textbuf__done(&b);
	return err;
}

static int say_none(const char *text, const struct processes *p, const struct way *way,
		    struct cause *why)
{
	char unseen[96] = "";

	if (p->no_right)
		snprintf(unseen, sizeof(unseen), "; %zu processes could not be looked at%s",
			 p->no_right, geteuid() ? ": run with sudo" : "");
	return cause__set(why, -ENOENT,
			  "--attach-by %s: no Go program %s; %zu are here, 'parkwatch ps' lists "
			  "them%s",
			  text, way->what, p->nr, unseen);
}

int attach_by_choose(const char *text, const struct processes *p, int *ret_pid, struct cause *why)
{
	const struct way *way = ways;
	const char *glob;
	size_t nr = 0;
	int pid = 0;

	while (strncmp(text, way->key, strlen(way->key)))
		way++;
	glob = text + strlen(way->key);
	if (!glob[0] || (!way->key[0] && strpbrk(glob, "=/")))
		return cause__set(why, -EINVAL,
				  "bad --attach-by '%s': it takes NAME, exe=PATH or container=NAME",
				  text);
	for (size_t i = 0; i < p->nr; i++)
		if (way->is(&p->rows[i], glob)) {
			pid = p->rows[i].pid;
			nr++;
		}
	if (!nr)
		return say_none(text, p, way, why);
	if (nr > 1)
		return say_several(text, p, way, glob, nr, why);
	*ret_pid = pid;
	return 0;
}

int attach_by_find(const char *text, int *ret_pid, struct cause *why)
{
	struct processes p = { .nr = 0 };
	const struct processes none = { .nr = 0 };
	struct cause bad = { "" };
	int err = attach_by_choose(text, &none, ret_pid, &bad);

	if (err == -EINVAL) /* before anything is looked at */
		return cause__set(why, err, "%s", bad.text);
	err = discover(&p, why);
	if (!err)
		err = attach_by_choose(text, &p, ret_pid, why);
	processes__done(&p);
	return err;
}
