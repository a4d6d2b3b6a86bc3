/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/maps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "base/order.h"
#include "base/vec.h"

/* The text that is left to read. */
struct cursor {
	const char *at, *end;
};

static int cursor__number(struct cursor *c, unsigned int base, uint64_t *ret)
{
	const char *start = c->at;
	uint64_t v = 0;

	for (; c->at < c->end; c->at++) {
		unsigned char ch = (unsigned char)*c->at;
		unsigned int digit;

		if (ch >= '0' && ch <= '9')
			digit = ch - '0';
		else if (base == 16 && ch >= 'a' && ch <= 'f')
			digit = ch - 'a' + 10;
		else
			break;
		if (v > (UINT64_MAX - digit) / base)
			return -EBADMSG;
		v = v * base + digit;
	}
	if (c->at == start)
		return -EBADMSG;
	*ret = v;
	return 0;
}

static int cursor__expect(struct cursor *c, char want)
{
	if (c->at == c->end || *c->at != want)
		return -EBADMSG;
	c->at++;
	return 0;
}

static int cursor__prot(struct cursor *c, uint8_t *ret)
{
	if (c->end - c->at < 4)
		return -EBADMSG;
	*ret = (c->at[0] == 'r' ? PROT_READ : 0) | (c->at[1] == 'w' ? PROT_WRITE : 0) |
	       (c->at[2] == 'x' ? PROT_EXEC : 0);
	c->at += 4;
	return 0;
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE   PATH", Linux fs/proc/task_mmu.c show_map_vma(). */
static int mapping_parse(struct cursor c, struct mapping *ret)
{
	struct mapping m = { 0 };
	uint64_t dev_major, dev_minor;

	if (cursor__number(&c, 16, &m.start) || cursor__expect(&c, '-') ||
	    cursor__number(&c, 16, &m.end) || cursor__expect(&c, ' ') ||
	    cursor__prot(&c, &m.prot) || cursor__expect(&c, ' ') ||
	    cursor__number(&c, 16, &m.file_off) || cursor__expect(&c, ' ') ||
	    cursor__number(&c, 16, &dev_major) || cursor__expect(&c, ':') ||
	    cursor__number(&c, 16, &dev_minor) || cursor__expect(&c, ' ') ||
	    cursor__number(&c, 10, &m.inode))
		return -EBADMSG;
	if (m.start >= m.end || dev_major > UINT32_MAX || dev_minor > UINT32_MAX)
		return -EBADMSG;
	m.dev = makedev((unsigned int)dev_major, (unsigned int)dev_minor);
	while (c.at < c.end && *c.at == ' ')
		c.at++;
	m.path = c.at; /* the caller has put a NUL at c.end */
	*ret = m;
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	size_t nr = 0;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));

		nr++;
		text = nl ? nl + 1 : end;
	}
	return nr;
}

/* Fills maps->m, which has room for `room` lines, from maps->text. */
static int maps__fill(struct maps *maps, size_t len, size_t room)
{
	char *end = maps->text + len;
	uint64_t last = 0;

	for (char *line = maps->text; line < end;) {
		char *nl = memchr(line, '\n', (size_t)(end - line));
		char *stop = nl ? nl : end; /* the text has one byte more than len */
		struct mapping m;
		int err;

		*stop = '\0';
		err = mapping_parse((struct cursor){ line, stop }, &m);
		if (err)
			return err;
		line = stop + 1;
		if (maps->nr == room || m.start < last) {
			maps->refused++;
			continue;
		}
		last = m.end;
		maps->m[maps->nr++] = m;
	}
	return 0;
}

/* Takes over text, which has room for one byte more than len. */
static int maps__take(char *text, size_t len, struct maps **ret)
{
	scoped(maps) maps = calloc(1, sizeof(*maps));
	size_t room = count_lines(text, len);
	int err;

	if (!maps) {
		free(text);
		return -ENOMEM;
	}
	maps->text = text;
	if (room > MAPS_NR_MAX)
		room = MAPS_NR_MAX;
	maps->m = calloc(room ? room : 1, sizeof(*maps->m));
	if (!maps->m)
		return -ENOMEM;
	err = maps__fill(maps, len, room);
	if (err)
		return err;
	*ret = steal(maps);
	return 0;
}

int maps__parse(const char *text, size_t len, struct maps **ret)
{
	char *copy;

	if (len > MAPS_TEXT_MAX)
		return -E2BIG;
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, text, len);
	return maps__take(copy, len, ret);
}

int maps__read(int dirfd, struct maps **ret)
{
	scoped_fd int fd = openat(dirfd, "maps", O_RDONLY | O_CLOEXEC);
	scoped_mem char *text = NULL;
	size_t len = 0, room = 0;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	for (;;) {
		ssize_t n;

		if (room - len < 4096) { /* the kernel gives at most a page a read */
			char *more = realloc(text, (room ? room * 2 : 65536) + 1);

			if (!more)
				return -ENOMEM;
			text = more;
			room = room ? room * 2 : 65536;
		}
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > MAPS_TEXT_MAX)
			return -E2BIG;
	}
	if (!len) /* no memory of its own: a zombie, or a kernel thread */
		return -ESRCH;
	return maps__take(steal(text), len, ret);
}

/*
 * Its stack pointer; 0: it runs, or is gone. Linux fs/proc/base.c proc_pid_syscall: "NR ARGUMENTS
 * SP PC", "-1 SP PC", "running".
 */
static uint64_t thread_sp(int taskfd, const char *tid)
{
	char name[64], text[512];
	scoped_fd int fd = -EBADF;
	char *pc, *sp;
	ssize_t n;

	snprintf(name, sizeof(name), "%.20s/syscall", tid);
	fd = openat(taskfd, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	pc = strrchr(text, ' ');
	if (!pc)
		return 0;
	*pc = 0;
	sp = strrchr(text, ' ');
	return sp ? strtoull(sp + 1, NULL, 16) : 0;
}

static int maps__sps(struct maps *maps, int dirfd)
{
	int fd = openat(dirfd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t room = 0;
	int err = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *e = readdir(dir); e && !err && maps->nr_sps < THREADS_MAX;
	     e = readdir(dir)) {
		uint64_t sp = e->d_name[0] == '.' ? 0 : thread_sp(fd, e->d_name);

		if (!sp)
			continue;
		err = vec__reserve(&maps->sps, &room, maps->nr_sps + 1, sizeof(*maps->sps));
		if (!err)
			maps->sps[maps->nr_sps++] = sp;
	}
	closedir(dir);
	if (maps->nr_sps)
		qsort(maps->sps, maps->nr_sps, sizeof(*maps->sps), order_u64);
	return err;
}

int maps__read_with_stacks(int dirfd, struct maps **ret)
{
	scoped(maps) maps = NULL;
	int err = maps__read(dirfd, &maps);

	if (!err)
		err = maps__sps(maps, dirfd);
	if (!err)
		*ret = steal(maps);
	return err;
}

void maps__free(struct maps *maps)
{
	if (!maps)
		return;
	free(maps->sps);
	free(maps->m);
	free(maps->text);
	free(maps);
}

const struct mapping *maps__at(const struct maps *maps, uint64_t addr)
{
	size_t lo = 0, hi = maps->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < maps->m[mid].start)
			hi = mid;
		else if (addr >= maps->m[mid].end)
			lo = mid + 1;
		else
			return &maps->m[mid];
	}
	return NULL;
}

bool mapping_is_file(const struct mapping *m)
{
	return m->inode != 0 && m->path[0] == '/';
}
