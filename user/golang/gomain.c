// SPDX-License-Identifier: BSD-2-Clause
#include "golang/gomain.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gosym.h"

struct text { /* a part of a line; borrowed */
	const char *at;
	size_t len;
};

struct paths {
	char **v;
	size_t nr;
};

struct gomain {
	struct paths own, others; /* module paths; others: dependencies */
	char *folder;             /* of the program's own files; NULL: it goes by paths */
};

void gomain__free(struct gomain *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->own.nr; i++)
		free(m->own.v[i]);
	for (size_t i = 0; i < m->others.nr; i++)
		free(m->others.v[i]);
	free(m->own.v);
	free(m->others.v);
	free(m->folder);
	free(m);
}

static int paths__add(struct paths *p, struct text path)
{
	char **more;

	if (!path.len || p->nr == GOMAIN_PATHS_MAX)
		return 0;
	more = reallocarray(p->v, p->nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->v = more;
	p->v[p->nr] = strndup(path.at, path.len);
	if (!p->v[p->nr])
		return -ENOMEM;
	p->nr++;
	return 0;
}

/* Length of the longest of them that path is, or is below; 0: none. */
static size_t paths__match(const struct paths *p, const char *path)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->nr; i++) {
		const size_t len = strlen(p->v[i]);

		if (len > longest && !strncmp(path, p->v[i], len) &&
		    (!path[len] || path[len] == '/'))
			longest = len;
	}
	return longest;
}

/* --- what the linker wrote --- */

static bool text_is(struct text t, const char *what)
{
	return t.len == strlen(what) && !memcmp(t.at, what, t.len);
}

/* The next part up to the mark, which *rest moves past. */
static struct text cut_off(struct text *rest, char mark)
{
	const char *end = rest->len ? memchr(rest->at, mark, rest->len) : NULL;
	const struct text t = { rest->at, end ? (size_t)(end - rest->at) : rest->len };
	const size_t passed = end ? t.len + 1 : t.len;

	rest->at += passed;
	rest->len -= passed;
	return t;
}

/*
 * How much of the path of package main, or of the folder it is in, all packages of the program
 * share: the repository, where the host is known to have one at the third element; not "cmd" and
 * what is below it, as programs with several commands are laid out.
 */
static size_t shared_part(const char *path, size_t len)
{
	static const char *const hosts[] = { "github.com", "gitlab.com", "bitbucket.org" };
	struct text rest = { path, len }, part;
	size_t nr = 0, most = SIZE_MAX;

	while (rest.len) {
		part = cut_off(&rest, '/');
		for (size_t i = 0; !nr && i < ARRAY_SIZE(hosts); i++)
			most = text_is(part, hosts[i]) ? 3 : most;
		if (nr && (text_is(part, "cmd") || text_is(part, "internal")))
			return (size_t)(part.at - path) - 1;
		if (++nr == most)
			return (size_t)(part.at - path) + part.len;
	}
	return len;
}

/* The lines of a dependency: the next one may replace it. */
static int gomain__dependency(struct gomain *m, struct text line, struct text next)
{
	const struct text path = cut_off(&line, '\t'), version = cut_off(&line, '\t');
	const bool own = text_is(version, "(devel)") && !text_is(cut_off(&next, '\t'), "=>");

	return paths__add(own ? &m->own : &m->others, path);
}

static int gomain__read(struct gomain *m, struct text rest)
{
	struct text package = { "", 0 };
	int err = 0;

	while (rest.len && !err) {
		struct text line = cut_off(&rest, '\n'), next = rest;
		const struct text key = cut_off(&line, '\t');

		if (text_is(key, "path"))
			package = cut_off(&line, '\t');
		else if (text_is(key, "mod"))
			err = paths__add(&m->own, cut_off(&line, '\t'));
		else if (text_is(key, "dep"))
			err = gomain__dependency(m, line, cut_off(&next, '\n'));
	}
	if (!err && !m->own.nr && package.len && !text_is(package, "command-line-arguments"))
		err = paths__add(&m->own,
				 (struct text){ package.at, shared_part(package.at, package.len) });
	return err;
}

/* Only those whose path begins like an own one's can be taken for it. */
static void gomain__forget_others(struct gomain *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->others.nr; i++)
		if (paths__match(&m->own, m->others.v[i]))
			m->others.v[nr++] = m->others.v[i];
		else
			free(m->others.v[i]);
	m->others.nr = nr;
}

int gomain__new(const char *modinfo, size_t len, struct gomain **ret)
{
	scoped(gomain) m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	err = gomain__read(m, (struct text){ modinfo, len });
	if (err)
		return err;
	gomain__forget_others(m);
	*ret = steal(m);
	return 0;
}

bool gomain__wants_file(const struct gomain *m)
{
	return !m->own.nr && !m->folder;
}

int gomain__file(struct gomain *m, const char *file)
{
	const char *end = strrchr(file, '/'), *path = file, *src;

	if (!end || end == file)
		return 0;
	while ((src = strstr(path, "/src/")) && src < end)
		path = src + strlen("/src/");
	free(m->folder);
	m->folder = path > end || *path == '/'
			    ? strndup(file, (size_t)(end - file))
			    : strndup(file, (size_t)(path - file) +
						    shared_part(path, (size_t)(end - path)));
	return m->folder ? 0 : -ENOMEM;
}

/* --- functions --- */

/* The package of a function, its %xx (Go cmd/internal/objabi PathToPrefix) undone. */
static void package_of(const char *func, char *ret, size_t size)
{
	const size_t path = strcspn(func, "[(");
	size_t at = 0, nr = 0;

	for (size_t i = 0; i < path; i++)
		at = func[i] == '/' ? i + 1 : at;
	at += strcspn(func + at, ".[(");
	for (size_t i = 0; i < at && nr + 1 < size; i++) {
		if (func[i] == '%' && isxdigit((unsigned char)func[i + 1]) &&
		    isxdigit((unsigned char)func[i + 2])) {
			const char hex[] = { func[i + 1], func[i + 2], '\0' };

			ret[nr++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			ret[nr++] = func[i];
		}
	}
	ret[nr] = '\0';
}

static bool is_vendored(const char *below)
{
	return strstr(below, "/vendor/");
}

bool gomain__owns(const struct gomain *m, const char *func, const char *file)
{
	static const char test[] = "_test"; /* a package's tests may be a package of their own */
	char package[GOSYM_NAME_MAX];
	size_t own, len;

	package_of(func, package, sizeof(package));
	if (!strcmp(package, "main"))
		return func[strlen("main")] == '.';
	if (!m)
		return false;
	if (m->folder) {
		len = strlen(m->folder);
		return !strncmp(file, m->folder, len) && file[len] == '/' &&
		       !is_vendored(file + len);
	}
	len = strlen(package);
	if (len > sizeof(test) && !strcmp(package + len - (sizeof(test) - 1), test) &&
	    !paths__match(&m->own, package))
		package[len - (sizeof(test) - 1)] = '\0';
	own = paths__match(&m->own, package);
	return own && own >= paths__match(&m->others, package) && !is_vendored(package + own);
}
