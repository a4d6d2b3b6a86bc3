// SPDX-License-Identifier: BSD-2-Clause
#include "format/leak_known.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "format/dump_show.h"
#include "names/name_match.h"

#define FIELDS 5 /* of a line of the baseline; before the last there were four */

struct leak_known {
	size_t times; /* of all that is allowed */
	regex_t *allowed;
	size_t nr_allowed, allowed_room;
	char **groups; /* lines of the baseline */
	size_t nr_groups, groups_room;
};

int leak_known__new(struct leak_known **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void leak_known__free(struct leak_known *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nr_allowed; i++)
		regfree(&k->allowed[i]);
	for (size_t i = 0; i < k->nr_groups; i++)
		free(k->groups[i]);
	free(k->allowed);
	free(k->groups);
	free(k);
}

static int add_allowed(struct leak_known *k, const char *line, struct cause *why)
{
	int err =
		vec__reserve(&k->allowed, &k->allowed_room, k->nr_allowed + 1, sizeof(*k->allowed));
	char text[128];

	if (err)
		return err;
	k->times += name_times(line);
	if (k->times > LEAK_KNOWN_MAX + LEAK_KNOWN_TIMES_MAX)
		return cause__set(why, -ENOSPC, "the regular expressions repeat too much");
	err = name_regex(&k->allowed[k->nr_allowed], line);
	if (err) {
		regerror(err, NULL, text, sizeof(text));
		return cause__set(why, -EINVAL, "'%s' is no regular expression: %s", line, text);
	}
	k->nr_allowed++;
	return 0;
}

static int add_group(struct leak_known *k, const char *line, struct cause *why)
{
	int tabs = 0,
	    err = vec__reserve(&k->groups, &k->groups_room, k->nr_groups + 1, sizeof(*k->groups));

	for (const char *c = line; *c; c++)
		tabs += *c == '\t';
	if (err)
		return err;
	if (tabs != FIELDS - 1 && tabs != FIELDS - 2)
		return cause__set(
			why, -EINVAL,
			"five fields with tabs in between are wanted: a file of --save-baseline");
	k->groups[k->nr_groups] = strdup(line);
	return k->groups[k->nr_groups++] ? 0 : -ENOMEM;
}

/* A regular file of bounded size: a fifo or a device could keep us, or never end. */
static int open_lines(const char *path, FILE **ret, struct cause *why)
{
	scoped_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cause__set(why, -EINVAL,
				  "cannot read '%s': it is no regular file; save the lines to one",
				  path);
	if (st.st_size > LEAK_KNOWN_BYTES_MAX)
		return cause__set(why, -EFBIG, "cannot read '%s': it is larger than %d MB", path,
				  LEAK_KNOWN_BYTES_MAX >> 20);
	*ret = fdopen(fd, "r");
	if (!*ret)
		return -errno;
	fd = -EBADF;
	return 0;
}

/* Calls add for each line that is neither empty nor a comment. */
static int read_lines(struct leak_known *k, const char *path,
		      int (*add)(struct leak_known *k, const char *line, struct cause *why),
		      struct cause *why)
{
	char line[LEAK_KNOWN_LINE_MAX];
	unsigned int nr = 0;
	FILE *f = NULL;
	int err = open_lines(path, &f, why);

	if (err)
		return err;
	while (!err && fgets(line, sizeof(line), f)) {
		struct cause c = { "" };
		size_t len = strlen(line);

		nr++;
		if (len + 1 == sizeof(line) || ftello(f) > LEAK_KNOWN_BYTES_MAX ||
		    k->nr_groups + k->nr_allowed == LEAK_KNOWN_MAX) {
			err = cause__set(why, -ENOSPC,
					 "cannot use '%s': line %u is too long, or one too many",
					 path, nr);
			break;
		}
		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = '\0';
		err = len && line[0] != '#' ? add(k, line, &c) : 0;
		if (err)
			cause__set(why, err, "cannot use line %u of '%s': %s", nr, path,
				   c.text[0] ? c.text : strerror(-err));
	}
	if (!err && ferror(f))
		err = cause__set(why, -EIO, "cannot read '%s'", path);
	fclose(f);
	return err;
}

int leak_known__allow(struct leak_known *k, const char *path, struct cause *why)
{
	return read_lines(k, path, add_allowed, why);
}

int leak_known__baseline(struct leak_known *k, const char *path, struct cause *why)
{
	return read_lines(k, path, add_group, why);
}

static const char *site_func(const struct leaks *l, uint32_t site)
{
	const struct site *s = dump__site(l->d, site);

	return s ? s->func : "?";
}

/*
 * From Go 1.27 on closures of one function may share their code, and so their name: the line of the
 * go statement tells them apart. It is counted from the first line of its function, so that it
 * holds where the code before that changes.
 */
static void put_line(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct site *made = dump__site(l->d, e->made);

	textbuf__format(to, "%s\t%s\t%s\t%s", e->reason, site_func(l, e->start),
			site_func(l, e->made), e->place.func);
	if (made && made->start_line && made->line >= made->start_line)
		textbuf__format(to, "\t+%u", made->line - made->start_line);
	else
		textbuf__text(to, "\t?");
}

/*
 * line is ours, and cut before its last field in between: baselines of earlier versions have none.
 */
static bool in_baseline(const struct leak_known *k, char *line)
{
	char *last = strrchr(line, '\t');
	bool found = false;

	for (int fields = FIELDS; fields >= FIELDS - 1 && !found; fields--) {
		for (size_t i = 0; i < k->nr_groups && !found; i++)
			found = name_same(line, k->groups[i]);
		if (last)
			*last = '\0';
	}
	return found;
}

static bool is_allowed(const struct leak_known *k, const char *func)
{
	for (size_t i = 0; i < k->nr_allowed; i++)
		if (name_match(&k->allowed[i], func))
			return true;
	return false;
}

static int mark_allowed(const struct leak_known *k, struct leaks *l, struct leak_entry *e)
{
	const struct frame *v;
	size_t nr = 0;
	int err = 0;

	e->known |= is_allowed(k, site_func(l, e->start)) || is_allowed(k, site_func(l, e->made));
	if (e->stack != DUMP_NO_STACK)
		err = dump__frames(l->d, e->stack, DUMP_FRAMES, &v, &nr);
	for (size_t i = 0; i < nr && !e->known; i++)
		e->known = is_allowed(k, v[i].name);
	return err;
}

int leak_known__mark(const struct leak_known *k, struct leaks *l)
{
	int err = 0;

	for (size_t i = 0; i < l->nr && !err; i++) {
		struct leak_entry *e = &l->entries[i];
		struct textbuf line;

		if (!verdict_is_leak(e->verdict.kind))
			continue;
		textbuf__init(&line, NULL);
		put_line(l, e, &line);
		textbuf__bytes(&line, "", 1);
		err = line.err;
		e->known = !err && in_baseline(k, line.v);
		textbuf__done(&line);
		if (!err && !e->known && k->nr_allowed)
			err = mark_allowed(k, l, e);
	}
	return err;
}

int leak_known__save(struct leaks *l, bool suspects, FILE *out, struct cause *why)
{
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	textbuf__text(&to, "# parkwatch leaks --baseline: reason, start, created by, blocked at, "
			   "lines from there to the go statement\n");
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_entry *e = &l->entries[i];

		if (!verdict_is_leak(e->verdict.kind) ||
		    (e->verdict.kind == VERDICT_SUSPECT && !suspects))
			continue;
		put_line(l, e, &to);
		textbuf__text(&to, "\n");
	}
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
