/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clean.h"
#include "target/sockets.h"
#include "target/unixdiag.h"

struct answer {
	int fd; /* key */
	UT_hash_handle hh;
	char text[];
};

/* A descriptor whose link names an inode: "pipe:[N]" or "socket:[N]". */
struct end {
	uint64_t inode;
	int fd;
	bool writes;
};

struct peer {
	uint64_t inode; /* key */
	uint64_t peer;
	UT_hash_handle hh;
};

struct fds {
	int dirfd;               /* of /proc/PID; borrowed */
	struct answer *answers;  /* hash by fd; owned */
	struct sockets *sockets; /* NULL until one is asked for; owned */
	struct peer *peers;      /* hash by inode; owned */
	struct end *ends;        /* owned; by inode */
	size_t nr_ends;
	bool ends_read;
	bool reread; /* the sockets, for one that was not there */
};

int fds__new(const struct proc *p, struct fds **ret)
{
	struct fds *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->dirfd = proc__dirfd(p);
	*ret = f;
	return 0;
}

void fds__free(struct fds *f)
{
	struct answer *a, *next_answer;
	struct peer *p, *next_peer;

	if (!f)
		return;
	HASH_ITER(hh, f->answers, a, next_answer)
	{
		HASH_DEL(f->answers, a);
		free(a);
	}
	HASH_ITER(hh, f->peers, p, next_peer)
	{
		HASH_DEL(f->peers, p);
		free(p);
	}
	sockets__free(f->sockets);
	free(f->ends);
	free(f);
}

/* "WORD:[123]" */
static bool link_inode(const char *link, const char *word, uint64_t *ret)
{
	size_t len = strlen(word);
	unsigned long long inode;
	char close;

	if (strncmp(link, word, len) || sscanf(link + len, ":[%llu%c", &inode, &close) != 2 ||
	    close != ']')
		return false;
	*ret = inode;
	return true;
}

static ssize_t fds__readlink(const struct fds *f, const char *name, char *link, size_t size)
{
	ssize_t len = readlinkat(f->dirfd, name, link, size - 1);

	link[len > 0 ? len : 0] = '\0';
	return len;
}

static int compare_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->fd - y->fd;
}

static void fds__add_end(struct fds *f, const char *name, size_t *room)
{
	char path[32], link[64];
	struct end e = { 0 };
	struct stat st;

	if (snprintf(path, sizeof(path), "fd/%s", name) >= (int)sizeof(path))
		return;
	if (fds__readlink(f, path, link, sizeof(link)) <= 0 ||
	    (!link_inode(link, "pipe", &e.inode) && !link_inode(link, "socket", &e.inode)) ||
	    fstatat(f->dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		return;
	if (f->nr_ends == *room) {
		size_t more_room = *room ? *room * 2 : 64;
		struct end *more = reallocarray(f->ends, more_room, sizeof(*more));

		if (!more)
			return;
		f->ends = more;
		*room = more_room;
	}
	e.fd = atoi(name);
	e.writes = st.st_mode & S_IWUSR; /* the link's mode is that of the descriptor, proc(5) */
	f->ends[f->nr_ends++] = e;
}

/* All pipes and sockets that the process has open. What cannot be read is not there. */
static void fds__read_ends(struct fds *f)
{
	int dirfd = openat(f->dirfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dirfd >= 0 ? fdopendir(dirfd) : NULL;
	const struct dirent *d;
	size_t room = 0;

	f->ends_read = true;
	if (!dir) {
		if (dirfd >= 0)
			close(dirfd);
		return;
	}
	for (size_t nr = 0; nr < FDS_MAX && (d = readdir(dir)); nr++)
		if (d->d_name[0] != '.')
			fds__add_end(f, d->d_name, &room);
	closedir(dir);
	if (f->nr_ends)
		qsort(f->ends, f->nr_ends, sizeof(*f->ends), compare_ends);
}

/*
 * The lowest descriptor of an inode that can be written to (or read from), but not `but`; -1: none
 * in this process.
 */
static int fds__find_end(struct fds *f, uint64_t inode, bool writes, bool any, int but)
{
	size_t lo = 0, hi;

	if (!f->ends_read)
		fds__read_ends(f);
	hi = f->nr_ends;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->ends[mid].inode < inode)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < f->nr_ends && f->ends[lo].inode == inode; lo++)
		if (f->ends[lo].fd != but && (any || f->ends[lo].writes == writes))
			return f->ends[lo].fd;
	return -1;
}

static void fds__add_peer(void *context, uint64_t inode, uint64_t peer)
{
	struct fds *f = context;
	unsigned int nr;
	struct peer *p;

	HASH_FIND(hh, f->peers, &inode, sizeof(inode), p);
	if (p)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->inode = inode;
	p->peer = peer;
	nr = HASH_COUNT(f->peers);
	HASH_ADD(hh, f->peers, inode, sizeof(p->inode), p);
	if (HASH_COUNT(f->peers) == nr)
		free(p);
}

static bool fds__read_sockets(struct fds *f)
{
	if (f->sockets)
		return true;
	if (sockets__new(&f->sockets))
		return false;
	/* Half a table is better than none; peers are told where the kernel tells them. */
	sockets__read(f->sockets, f->dirfd);
	unixdiag_peers(f->dirfd, fds__add_peer, f);
	return true;
}

static void fds__describe_pipe(struct fds *f, int fd, uint64_t inode, char *text, size_t size)
{
	char path[32];
	struct stat st;
	int other = -1;

	snprintf(path, sizeof(path), "fd/%d", fd);
	if (!fstatat(f->dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		other = fds__find_end(f, inode, !(st.st_mode & S_IWUSR), false, fd);
	if (other >= 0)
		snprintf(text, size, "pipe:[%llu], other end fd %d", (unsigned long long)inode,
			 other);
	else
		snprintf(text, size, "pipe:[%llu]", (unsigned long long)inode);
}

/*
 * " -> /run/x.sock" where the other end has a name, ", other end fd 9" where it is in this process.
 * 
 */
static void fds__describe_unix_peer(struct fds *f, uint64_t inode, char *text, size_t size)
{
	const struct socket *k;
	const struct peer *p;
	char peer[192];
	int other;

	HASH_FIND(hh, f->peers, &inode, sizeof(inode), p);
	if (!p)
		return;
	k = sockets__get(f->sockets, p->peer);
	if (k && k->kind == SOCKET_UNIX && k->path) {
		sockets__describe(f->sockets, k, peer, sizeof(peer));
		snprintf(text, size, " -> %s", peer + strlen("unix "));
		size -= strlen(text);
		text += strlen(text);
	}
	other = fds__find_end(f, p->peer, false, true, -1);
	if (other >= 0)
		snprintf(text, size, ", other end fd %d", other);
}

/* A socket that no table has: of another family, or made in another network namespace. */
static void fds__describe_family(const struct fds *f, int fd, uint64_t inode, char *text,
				 size_t size)
{
	char path[64], name[32] = "";
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/fd/%d", f->dirfd, fd);
	len = getxattr(path, "system.sockprotoname", name,
		       sizeof(name) - 1); /* Linux net/socket.c */
	name[len > 0 ? len : 0] = '\0';
	snprintf(text, size, "socket:[%llu]%s%s", (unsigned long long)inode, *name ? " " : "",
		 name);
}

/*
 * The tables pass a socket over when others come and go while they are read, so they are read twice
 * for it.
 */
static const struct socket *fds__socket(struct fds *f, uint64_t inode)
{
	const struct socket *k = fds__read_sockets(f) ? sockets__get(f->sockets, inode) : NULL;

	if (k || f->reread)
		return k;
	f->reread = true;
	sockets__free(f->sockets);
	f->sockets = NULL;
	return fds__read_sockets(f) ? sockets__get(f->sockets, inode) : NULL;
}

static void fds__describe_socket(struct fds *f, int fd, uint64_t inode, char *text, size_t size)
{
	const struct socket *k = fds__socket(f, inode);

	if (!k) {
		fds__describe_family(f, fd, inode, text, size);
		return;
	}
	sockets__describe(f->sockets, k, text, size);
	if (k->kind == SOCKET_UNIX && !k->ambiguous)
		fds__describe_unix_peer(f, inode, text + strlen(text), size - strlen(text));
}

static void fds__describe_link(struct fds *f, int fd, const char *link, char *text, size_t size)
{
	static const char anon[] = "anon_inode:";
	uint64_t inode;

	if (link_inode(link, "pipe", &inode)) {
		fds__describe_pipe(f, fd, inode, text, size);
	} else if (link_inode(link, "socket", &inode)) {
		fds__describe_socket(f, fd, inode, text, size);
	} else if (!strncmp(link, anon,
			    strlen(anon))) { /* "anon_inode:[eventfd]", "anon_inode:inotify" */
		link += strlen(anon);
		link += *link == '[';
		snprintf(text, size, "%.*s", (int)strcspn(link, "]"), link);
	} else {
		snprintf(text, size, "%s", link);
	}
	clean_text(text);
}

const char *fds__describe(struct fds *f, int fd)
{
	char path[32], link[PATH_MAX], text[PATH_MAX] = "";
	unsigned int nr;
	struct answer *a;
	size_t len;

	HASH_FIND_INT(f->answers, &fd, a);
	if (a)
		return a->text;
	if (fd < 0 || HASH_COUNT(f->answers) >= FDS_MAX)
		return "";
	snprintf(path, sizeof(path), "fd/%d", fd);
	if (fds__readlink(f, path, link, sizeof(link)) > 0)
		fds__describe_link(f, fd, link, text, sizeof(text));
	len = strlen(text);
	a = malloc(sizeof(*a) + len + 1);
	if (!a)
		return "";
	a->fd = fd;
	memcpy(a->text, text, len + 1);
	nr = HASH_COUNT(f->answers);
	HASH_ADD_INT(f->answers, fd, a);
	if (HASH_COUNT(f->answers) == nr) {
		free(a);
		return "";
	}
	return a->text;
}

bool fds__serves(struct fds *f, int fd)
{
	char path[32], link[64];
	const struct socket *k;
	uint64_t inode, peer;

	snprintf(path, sizeof(path), "fd/%d", fd);
	if (fd < 0 || fds__readlink(f, path, link, sizeof(link)) <= 0 ||
	    !link_inode(link, "socket", &inode))
		return false;
	k = fds__socket(f, inode);
	return k && sockets__serves(f->sockets, k, &peer) &&
	       (!peer || fds__find_end(f, peer, false, true, -1) < 0);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct fd_pair *x = a, *y = b;

	return x->dialled - y->dialled;
}

int fds__dialled(struct fds *f, struct fd_pair **ret, size_t *ret_nr)
{
	struct fd_pair *pairs;
	size_t nr = 0;

	if (!f->ends_read)
		fds__read_ends(f);
	pairs = calloc(f->nr_ends + 1, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < f->nr_ends && fds__read_sockets(f); i++) {
		const struct socket *k = sockets__get(f->sockets, f->ends[i].inode);
		bool accepted = false;
		const uint64_t peer = k ? sockets__other_end(f->sockets, k, &accepted) : 0;

		if (!k || !sockets__dialled(f->sockets, k) ||
		    (i && f->ends[i].inode == f->ends[i - 1].inode))
			continue;
		pairs[nr++] =
			(struct fd_pair){ f->ends[i].fd,
					  peer ? fds__find_end(f, peer, false, true, -1) : -1 };
	}
	if (nr)
		qsort(pairs, nr, sizeof(*pairs), compare_pairs);
	*ret = pairs;
	*ret_nr = nr;
	return 0;
}
