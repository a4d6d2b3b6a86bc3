// SPDX-License-Identifier: BSD-2-Clause
#include "serve/restarts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/vec.h"
#include "serve/launcher.h"

#define NAME     "targets" /* no file of a store has such a name (serve/store) */
#define NEW_NAME "targets.new"
#define MAGIC    "pwpast1"
#define MOST     (RESTARTS_PAST_MAX + LAUNCHER_TARGETS_MAX)

/* Of the file; then the struct past. The same binary reads it, or another version, which tells by the size. */
struct file_head {
	char magic[8];
	char boot[RESTARTS_BOOT_MAX];
	uint32_t each, nr;
};

void restarts_boot(char ret[RESTARTS_BOOT_MAX])
{
	scoped_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd >= 0 ? read(fd, ret, RESTARTS_BOOT_MAX - 1) : 0;

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* --- read --- */

/* An id goes into the API as it is. */
static bool is_id(const char id[WATCHED_ID_MAX])
{
	size_t i = 0;

	while (i < WATCHED_ID_MAX && (isalnum((unsigned char)id[i]) || id[i] == '-'))
		i++;
	return i < WATCHED_ID_MAX && !id[i];
}

static bool ends(const char *text, size_t room)
{
	return memchr(text, '\0', room);
}

static bool past__is_whole(const struct past *p)
{
	return is_id(p->id) && p->id[0] && is_id(p->restart_of) && ends(p->exe, sizeof(p->exe)) &&
	       ends(p->build_id, sizeof(p->build_id)) && ends(p->container, sizeof(p->container)) &&
	       ends(p->pod, sizeof(p->pod)) && ends(p->container_name, sizeof(p->container_name)) &&
	       p->lives <= 1;
}

static void restarts__take(struct restarts *r, struct past *p, bool this_boot)
{
	if (!past__is_whole(p) || vec__reserve(&r->v, &r->room, r->nr + 1, sizeof(*r->v)))
		return;
	if (!this_boot) {
		p->ended_ns = 0;
		p->lives = false;
	}
	r->v[r->nr++] = *p;
}

void restarts__read(struct restarts *r, int dir, const char *boot)
{
	scoped_fd int fd = openat(dir, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct file_head head;
	struct past p;

	snprintf(r->boot, sizeof(r->boot), "%s", boot);
	if (fd < 0 || read(fd, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    memcmp(head.magic, MAGIC, sizeof(head.magic)) || head.each != sizeof(p) ||
	    head.nr > MOST || !ends(head.boot, sizeof(head.boot)))
		return;
	for (uint32_t i = 0; i < head.nr && read(fd, &p, sizeof(p)) == (ssize_t)sizeof(p); i++)
		restarts__take(r, &p, !strcmp(head.boot, boot));
}

/* --- write --- */

static int write_all(int fd, const struct file_head *head, const struct past *v)
{
	const struct iovec parts[] = { { (void *)(uintptr_t)head, sizeof(*head) },
				       { (void *)(uintptr_t)v, head->nr * sizeof(*v) } };
	const ssize_t n = writev(fd, parts, ARRAY_SIZE(parts));

	if (n < 0)
		return -errno;
	return (size_t)n == parts[0].iov_len + parts[1].iov_len ? 0 : -ENOSPC;
}

int restarts__write(const struct restarts *r, int dir, struct watched *const *live, size_t nr)
{
	struct file_head head = { .magic = MAGIC, .each = sizeof(struct past) };
	scoped_mem struct past *v = calloc(MOST, sizeof(*v));
	scoped_fd int fd = -1;
	int err;

	if (!v)
		return -ENOMEM;
	memcpy(head.boot, r->boot, sizeof(head.boot));
	for (size_t i = 0; i < r->nr && head.nr < MOST; i++)
		v[head.nr++] = r->v[i];
	for (size_t i = 0; i < nr && head.nr < MOST; i++) {
		past_of(live[i], &v[head.nr]);
		v[head.nr++].lives = true;
	}
	fd = openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : write_all(fd, &head, v);
	if (!err && renameat(dir, NEW_NAME, dir, NAME))
		err = -errno;
	if (err)
		(void)unlinkat(dir, NEW_NAME, 0);
	return err;
}

void restarts__save(struct restarts *r, int dir, struct watched *const *live, size_t nr,
		    uint64_t now_ns, bool now)
{
	int err;

	if (!r->changed || !r->boot[0] || (!now && now_ns < r->saved_ns + RESTARTS_SAVE_NS))
		return;
	r->changed = false;
	r->saved_ns = now_ns;
	err = restarts__write(r, dir, live, nr);
	if (err)
		log_debug("which targets there were is not written down: %s", strerror(-err));
}
