/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

#define UNIX_NAME_MAX 108 /* sun_path, Linux include/uapi/linux/un.h */
#define NAMES_MAX     (64u << 20)
/* __SO_ACCEPTCON, Linux include/uapi/linux/net.h */
#define UNIX_ACCEPTS    (1u << 16)
#define LISTENERS_BYTES (2 * 65536 / 8) /* a bit a port: TCP, TCP6 */

struct sockets {
	struct socket *v; /* owned; by inode once sorted */
	size_t nr, room;
	bool sorted;
	char *names; /* owned; of unix sockets, NUL after each; [0] is "" */
	size_t names_len, names_room;
	size_t refused;
	uint8_t listens[LISTENERS_BYTES]; /* ports with a listener, by kind */
	/* numbers of TCP sockets, by both ports; NULL: not yet, or no memory. Owned */
	uint32_t *by_ends;
	size_t nr_by_ends;
};

static const struct {
	const char *file, *word;
} kinds[SOCKET_KIND_MAX] = {
	[SOCKET_TCP] = { "net/tcp", "tcp" },    [SOCKET_TCP6] = { "net/tcp6", "tcp" },
	[SOCKET_UDP] = { "net/udp", "udp" },    [SOCKET_UDP6] = { "net/udp6", "udp" },
	[SOCKET_UNIX] = { "net/unix", "unix" },
};

int sockets__new(struct sockets **ret)
{
	scoped(sockets) s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->names_room = 4096;
	s->names = calloc(1, s->names_room);
	if (!s->names)
		return -ENOMEM;
	s->names_len = 1;
	*ret = steal(s);
	return 0;
}

void sockets__free(struct sockets *s)
{
	if (!s)
		return;
	free(s->v);
	free(s->by_ends);
	free(s->names);
	free(s);
}

static int sockets__add(struct sockets *s, const struct socket *k)
{
	if (s->nr == SOCKETS_MAX) {
		s->refused++;
		return 0;
	}
	if (s->nr == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		struct socket *more = reallocarray(s->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->v = more;
		s->room = room;
	}
	s->v[s->nr++] = *k;
	s->sorted = false;
	free(s->by_ends);
	s->by_ends = NULL;
	return 0;
}

static int sockets__add_name(struct sockets *s, const char *name, size_t len, uint32_t *ret)
{
	if (len > UNIX_NAME_MAX)
		len = UNIX_NAME_MAX;
	if (s->names_len + len + 1 > NAMES_MAX) {
		s->refused++;
		*ret = 0;
		return 0;
	}
	if (s->names_len + len + 1 > s->names_room) {
		char *more = realloc(s->names, s->names_room * 2);

		if (!more)
			return -ENOMEM;
		s->names = more;
		s->names_room *= 2;
	}
	memcpy(s->names + s->names_len, name, len);
	s->names[s->names_len + len] = '\0';
	*ret = (uint32_t)s->names_len;
	s->names_len += len + 1;
	return 0;
}

/*
 * `bytes` bytes in hex, each group of four as the kernel's machine holds a word of network order:
 * reversed on amd64.
 */
static int parse_address(const char *hex, size_t bytes, uint8_t *ret)
{
	for (size_t i = 0; i < bytes; i++) {
		size_t to = (i & ~(size_t)3) + (3 - (i & 3));
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		ret[to] = (uint8_t)byte;
	}
	return 0;
}

/*
 * "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 16163 ..."
 * 
 */
static int inet_parse(enum socket_kind kind, const char *line, struct socket *ret)
{
	size_t bytes = kind == SOCKET_TCP6 || kind == SOCKET_UDP6 ? 16 : 4;
	struct socket k = { .kind = (uint8_t)kind };
	char local[33], peer[33];
	unsigned int lport, pport, state;
	unsigned long long inode;

	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %2x %*x:%*x %*x:%*x %*x %*u %*u "
		   "%llu",
		   local, &lport, peer, &pport, &state, &inode) != 6)
		return -EBADMSG;
	if (strlen(local) != 2 * bytes || strlen(peer) != 2 * bytes ||
	    parse_address(local, bytes, k.local) || parse_address(peer, bytes, k.peer))
		return -EBADMSG;
	k.local_port = (uint16_t)lport;
	k.peer_port = (uint16_t)pport;
	k.state = (uint8_t)state;
	k.inode = inode;
	k.listening = kind <= SOCKET_TCP6 && state == TCP_LISTEN;
	*ret = k;
	return 0;
}

static int sockets__add_inet(struct sockets *s, enum socket_kind kind, const char *line)
{
	struct socket k;

	if (inet_parse(kind, line, &k))
		return 0;
	if (k.listening) {
		unsigned int bit = k.local_port + (kind == SOCKET_TCP6 ? 65536u : 0);

		s->listens[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return k.inode ? sockets__add(s, &k) : 0; /* 0: closed by its process, the kernel ends it */
}

/* "0000000000000000: 00000002 00000000 00010000 0001 01 16163 /run/x.sock" */
static int sockets__add_unix(struct sockets *s, const char *line, size_t len)
{
	struct socket k = { .kind = SOCKET_UNIX };
	unsigned int flags, state;
	unsigned long long inode;
	int end = 0, err;

	if (sscanf(line, "%*x: %*x %*x %8x %*x %2x %llu%n", &flags, &state, &inode, &end) != 3 ||
	    !end || !inode)
		return 0;
	k.inode = inode;
	k.state = (uint8_t)state;
	k.listening = flags & UNIX_ACCEPTS;
	if ((size_t)end + 1 < len && line[end] == ' ') {
		err = sockets__add_name(s, line + end + 1, len - (size_t)end - 1, &k.path);
		if (err)
			return err;
	}
	return sockets__add(s, &k);
}

int sockets__parse(struct sockets *s, enum socket_kind kind, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;
		char line[512]; /* the longest line of the kernel: some 200 bytes */
		size_t n = (size_t)(stop - text);
		int err;

		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, text, n);
		line[n] = '\0';
		err = kind == SOCKET_UNIX ? sockets__add_unix(s, line, strlen(line))
					  : sockets__add_inet(s, kind, line);
		if (err)
			return err;
		text = stop + 1;
	}
	return 0;
}

/*
 * The whole of a file that has no size, at most SOCKETS_TEXT_MAX bytes; what is over is left in it.
 * 
 */
static int read_text(int fd, char **ret, size_t *ret_len, bool *ret_cut)
{
	scoped_mem char *text = NULL;
	size_t len = 0, room = 0;

	*ret_cut = false;
	for (;;) {
		ssize_t n;

		if (room - len < 4096) {
			char *more = realloc(text, room ? room * 2 : 65536);

			if (!more)
				return -ENOMEM;
			text = more;
			room = room ? room * 2 : 65536;
		}
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* what was read until an error is still true */
			break;
		len += (size_t)n;
		if (len > SOCKETS_TEXT_MAX) {
			len = SOCKETS_TEXT_MAX;
			*ret_cut = true;
			break;
		}
	}
	*ret = steal(text);
	*ret_len = len;
	return 0;
}

int sockets__read(struct sockets *s, int dirfd)
{
	for (int k = 0; k < SOCKET_KIND_MAX; k++) {
		scoped_fd int fd = openat(dirfd, kinds[k].file, O_RDONLY | O_CLOEXEC);
		scoped_mem char *text = NULL;
		size_t len;
		bool cut;
		int err;

		if (fd < 0)
			continue;
		err = read_text(fd, &text, &len, &cut);
		if (!err)
			err = sockets__parse(s, (enum socket_kind)k, text, len);
		if (err)
			return err;
		s->refused += cut;
	}
	return 0;
}

static int compare_inodes(const void *a, const void *b)
{
	const struct socket *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* Told of twice: of TCP and UDP nobody else can write a line; a unix socket's must say the same. */
static bool sockets__same(const struct sockets *s, const struct socket *a, const struct socket *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind != SOCKET_UNIX || (a->state == b->state && a->listening == b->listening &&
					  !strcmp(s->names + a->path, s->names + b->path));
}

static void sockets__sort(struct sockets *s)
{
	if (s->sorted)
		return;
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), compare_inodes);
	for (size_t i = 1; i < s->nr; i++)
		if (s->v[i].inode == s->v[i - 1].inode && !sockets__same(s, &s->v[i], &s->v[i - 1]))
			s->v[i].ambiguous = s->v[i - 1].ambiguous = true;
	s->sorted = true;
}

const struct socket *sockets__get(struct sockets *s, uint64_t inode)
{
	const struct socket key = { .inode = inode };

	sockets__sort(s);
	return s->nr ? bsearch(&key, s->v, s->nr, sizeof(*s->v), compare_inodes) : NULL;
}

static const char *tcp_state(uint8_t state)
{
	static const char *const names[] = {
		[TCP_SYN_SENT] = " (connecting)",   [TCP_SYN_RECV] = " (connecting)",
		[TCP_FIN_WAIT1] = " (fin wait)",    [TCP_FIN_WAIT2] = " (fin wait)",
		[TCP_TIME_WAIT] = " (time wait)",   [TCP_CLOSE] = " (closed)",
		[TCP_CLOSE_WAIT] = " (close wait)", [TCP_LAST_ACK] = " (last ack)",
		[TCP_CLOSING] = " (closing)",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "";
}

/* IPv4 in IPv6 is written as the IPv4 that it is. */
static void address_text(bool v6, const uint8_t *addr, uint16_t port, char *text, size_t size)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN] = "?";

	if (v6 && memcmp(addr, mapped, sizeof(mapped))) {
		inet_ntop(AF_INET6, addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, port);
	} else {
		inet_ntop(AF_INET, v6 ? addr + 12 : addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, port);
	}
}

static bool sockets__accepted(const struct sockets *s, uint16_t port)
{
	return (s->listens[port / 8] | s->listens[(65536u + port) / 8]) & 1u << port % 8;
}

static void sockets__describe_inet(const struct sockets *s, const struct socket *k, char *text,
				   size_t size)
{
	bool tcp = k->kind == SOCKET_TCP || k->kind == SOCKET_TCP6;
	bool v6 = k->kind == SOCKET_TCP6 || k->kind == SOCKET_UDP6;
	char local[64], peer[64];

	address_text(v6, k->local, k->local_port, local, sizeof(local));
	address_text(v6, k->peer, k->peer_port, peer, sizeof(peer));
	if (k->listening)
		snprintf(text, size, "tcp %s listening", local);
	else if (!k->peer_port)
		snprintf(text, size, "%s %s%s", kinds[k->kind].word, local,
			 tcp ? tcp_state(k->state) : "");
	else
		snprintf(text, size, "%s %s %s %s%s", kinds[k->kind].word, local,
			 tcp && sockets__accepted(s, k->local_port) ? "<-" : "->", peer,
			 tcp ? tcp_state(k->state) : "");
}

void sockets__describe(struct sockets *s, const struct socket *k, char *text, size_t size)
{
	const char *name = s->names + k->path;

	if (k->ambiguous)
		snprintf(text, size, "socket");
	else if (k->kind != SOCKET_UNIX)
		sockets__describe_inet(s, k, text, size);
	else
		snprintf(text, size, "unix%s%s%s", *name ? " " : "", name,
			 k->listening ? " listening" : "");
	clean_text(text);
}

/* As IPv6 has it. */
static void whole_address(const struct socket *k, const uint8_t *addr, uint8_t ret[16])
{
	const bool v6 = k->kind == SOCKET_TCP6;

	memset(ret, 0, 16);
	memset(ret + 10, 0xff, 2);
	memcpy(v6 ? ret : ret + 12, addr, v6 ? 16 : 4);
}

static bool is_other_end(const struct socket *a, const struct socket *b)
{
	uint8_t x[16], y[16];

	if ((b->kind != SOCKET_TCP && b->kind != SOCKET_TCP6) || a->local_port != b->peer_port ||
	    a->peer_port != b->local_port)
		return false;
	whole_address(a, a->peer, x);
	whole_address(b, b->local, y);
	return !memcmp(x, y, sizeof(x));
}

static bool is_tcp(const struct socket *k)
{
	return k->kind == SOCKET_TCP || k->kind == SOCKET_TCP6;
}

/* Both ports as one number. */
static uint32_t ends_of(uint16_t local, uint16_t peer)
{
	return (uint32_t)local << 16 | peer;
}

static int compare_ends(const void *a, const void *b, void *ctx)
{
	const struct socket *v = ctx, *x = &v[*(const uint32_t *)a], *y = &v[*(const uint32_t *)b];
	const uint32_t ex = ends_of(x->local_port, x->peer_port),
		       ey = ends_of(y->local_port, y->peer_port);

	return ex < ey ? -1 : ex > ey;
}

/* Lines that came since are not in it. */
static void sockets__index(struct sockets *s)
{
	sockets__sort(s);
	if (s->by_ends)
		return;
	s->by_ends = calloc(s->nr + 1, sizeof(*s->by_ends));
	s->nr_by_ends = 0;
	for (size_t i = 0; i < s->nr && s->by_ends; i++)
		if (is_tcp(&s->v[i]))
			s->by_ends[s->nr_by_ends++] = (uint32_t)i;
	if (s->nr_by_ends)
		qsort_r(s->by_ends, s->nr_by_ends, sizeof(*s->by_ends), compare_ends, s->v);
}

/* NULL: none in this namespace. */
static const struct socket *sockets__peer(struct sockets *s, const struct socket *k)
{
	const uint32_t key = ends_of(k->peer_port, k->local_port);
	size_t lo = 0, hi;

	sockets__index(s);
	hi = s->nr_by_ends;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct socket *at = &s->v[s->by_ends[mid]];

		if (ends_of(at->local_port, at->peer_port) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->nr_by_ends; lo++) {
		const struct socket *at = &s->v[s->by_ends[lo]];

		if (ends_of(at->local_port, at->peer_port) != key)
			break;
		if (is_other_end(k, at))
			return at;
	}
	return NULL;
}

static bool is_up(const struct socket *k)
{
	return is_tcp(k) && !k->ambiguous && k->state == TCP_ESTABLISHED;
}

bool sockets__serves(struct sockets *s, const struct socket *k, uint64_t *ret_peer)
{
	const struct socket *peer;

	*ret_peer = 0;
	if (!is_up(k) || !sockets__accepted(s, k->local_port))
		return false;
	peer = sockets__peer(s, k);
	*ret_peer = peer ? peer->inode : 0;
	return true;
}

bool sockets__dialled(struct sockets *s, const struct socket *k)
{
	return is_up(k) && !sockets__accepted(s, k->local_port);
}

uint64_t sockets__other_end(struct sockets *s, const struct socket *k, bool *ret_accepted)
{
	const struct socket *peer = is_up(k) && sockets__accepted(s, k->local_port) !=
							    sockets__accepted(s, k->peer_port)
					    ? sockets__peer(s, k)
					    : NULL;

	if (!peer || peer->ambiguous)
		return 0;
	*ret_accepted = sockets__accepted(s, k->local_port);
	return peer->inode;
}

size_t sockets__refused(const struct sockets *s)
{
	return s->refused;
}
