// SPDX-License-Identifier: BSD-2-Clause
#include "target/cgroup.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CGROUP_BYTES_MAX                                                                           \
	16384 /* of /proc/PID/cgroup: a path has at most 4096, v1 a dozen of them */

static size_t digits_at(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* The last run of 64 digits in the line is the innermost container. */
static void find_container(const char *line, size_t len, struct cgroup *ret)
{
	for (size_t i = 0; i < len;) {
		const size_t n = digits_at(line + i);

		if (n == CGROUP_CONTAINER_DIGITS) {
			memcpy(ret->container, line + i, n);
			ret->container[n] = '\0';
		}
		i += n + 1;
	}
}

/* A UID at s: 8-4-4-4-12 digits, apart by '-' or '_', or 32 digits. Returns its length; 0: none. */
static size_t uid_at(const char *s)
{
	static const size_t ends[] = { 8, 13, 18, 23 };
	size_t at = 0;

	if (digits_at(s) == 32)
		return 32;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		at += digits_at(s + at);
		if (at != ends[i] || (s[at] != '-' && s[at] != '_'))
			return 0;
		at++;
	}
	return digits_at(s + at) == 12 ? CGROUP_POD_LENGTH : 0;
}

static void find_pod(const char *line, size_t len, struct cgroup *ret)
{
	for (size_t i = 1; i + 3 < len; i++) {
		size_t n;

		if (strncmp(line + i, "pod", 3) || (line[i - 1] != '/' && line[i - 1] != '-'))
			continue;
		n = uid_at(line + i + 3);
		for (size_t k = 0; k < n; k++)
			ret->pod[k] = line[i + 3 + k] == '_' ? '-' : line[i + 3 + k];
		if (n)
			ret->pod[n] = '\0';
	}
}

/* line: "1:name=systemd:/user.slice"; version 2 is "0::/user.slice". */
static void find_path(const char *line, size_t len, struct cgroup *ret)
{
	const char *colon = memchr(line, ':', len),
		   *path = colon ? memchr(colon + 1, ':', len - (size_t)(colon + 1 - line)) : NULL;
	const bool second = !strncmp(line, "0::", 3);
	size_t n;

	if (!path)
		return;
	n = len - (size_t)(++path - line);
	if (ret->path[0] && (ret->path[1] || n < 2) && !(second && n > 1))
		return;
	n = n < sizeof(ret->path) ? n : sizeof(ret->path) - 1;
	memcpy(ret->path, path, n);
	ret->path[n] = '\0';
}

static void find_paths(const char *text, struct cgroup *ret)
{
	while (*text) {
		const size_t len = strcspn(text, "\n");

		find_path(text, len, ret);
		text += len + (text[len] == '\n');
	}
}

void cgroup_of(const char *text, struct cgroup *ret)
{
	*ret = (struct cgroup){ .pod = "" };
	find_paths(text, ret);
	for (const char *line = text; *line && !ret->container[0];) {
		const size_t len = strcspn(line, "\n");

		find_container(line, len, ret);
		if (ret->container[0])
			find_pod(line, len, ret);
		line += len + (line[len] == '\n');
	}
}

void cgroup_read(int dirfd, struct cgroup *ret)
{
	scoped_fd int fd = openat(dirfd, "cgroup", O_RDONLY | O_CLOEXEC);
	char text[CGROUP_BYTES_MAX];
	size_t nr = 0;
	ssize_t n;

	while (fd >= 0 && nr < sizeof(text) - 1 &&
	       (n = read(fd, text + nr, sizeof(text) - 1 - nr)) > 0)
		nr += (size_t)n;
	text[nr] = '\0';
	cgroup_of(text, ret);
}
