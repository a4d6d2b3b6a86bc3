/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets: the sockets of one network namespace by inode, from the text of
 * /proc/PID/net/{tcp,tcp6,udp,udp6,unix}.
 *
 * The text is hostile: anybody chooses the names of unix sockets. They may hold newlines, so a
 * name can look like further lines. An inode that stands in two different lines is therefore kept
 * as ambiguous, and tells nothing. (The kernel tells a socket twice, or not at all, if others come
 * and go meanwhile: so equal lines count as one.) At most SOCKETS_MAX lines and SOCKETS_TEXT_MAX
 * bytes a file; what is over is counted. Source: Linux net/ipv4/tcp_ipv4.c get_tcp4_sock(),
 * net/ipv6/tcp_ipv6.c, net/ipv4/udp.c, net/unix/af_unix.c unix_seq_show().
 */
#ifndef PARKWATCH_TARGET_SOCKETS_H
#define PARKWATCH_TARGET_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SOCKETS_MAX      (1u << 20)  /* of all files */
#define SOCKETS_TEXT_MAX (64u << 20) /* bytes of one file */

enum socket_kind { SOCKET_TCP, SOCKET_TCP6, SOCKET_UDP, SOCKET_UDP6, SOCKET_UNIX, SOCKET_KIND_MAX };

struct socket {
	uint64_t inode;
	uint8_t kind; /* enum socket_kind */
	/*
	 * TCP and UDP: TCP_ESTABLISHED ... of netinet/tcp.h. UNIX: SS_UNCONNECTED ... of
	 * linux/net.h
	 */
	uint8_t state;
	bool listening;
	bool ambiguous; /* its inode stands in two lines that are not the same socket's */
	uint16_t local_port, peer_port;
	uint8_t local[16], peer[16]; /* network order; of TCP and UDP the first 4 */
	uint32_t path;               /* UNIX: where its name is in the names, 0: it has none */
};

struct sockets;
/* Nothing in it. */
int sockets__new(struct sockets **ret);
void sockets__free(struct sockets *s);
DEFINE_SCOPED(sockets)

/* Adds the lines of one file; what is no such line is passed over. 0 or -ENOMEM. */
int sockets__parse(struct sockets *s, enum socket_kind kind, const char *text, size_t len);
/*
 * Reads the five files of /proc/PID/net; dirfd: of /proc/PID. One that cannot be read is passed
 * over. 0 or -ENOMEM.
 */
int sockets__read(struct sockets *s, int dirfd);

/* Borrowed until the next parse or read. NULL: no such inode. */
const struct socket *sockets__get(struct sockets *s, uint64_t inode);
/*
 * One line of words: "tcp 127.0.0.1:80 listening", "tcp 127.0.0.1:80 <- 10.0.0.7:51234" (own
 * address first; <- where something listens on its port here, so that it was accepted; else ->),
 * "udp 0.0.0.0:53", "unix /run/x.sock listening", "unix @abstract", "unix". Another TCP state than
 * established stands behind: "(close wait)". Cut to fit; no control characters.
 */
void sockets__describe(struct sockets *s, const struct socket *k, char *text, size_t size);
/*
 * A connection that was accepted here, and is up in both directions. Of TCP. ret_peer: the inode of
 * its other end where that is in this namespace too, else 0.
 */
bool sockets__serves(struct sockets *s, const struct socket *k, uint64_t *ret_peer);
/* a TCP connection that is up, and nothing listens on its own port here */
bool sockets__dialled(struct sockets *s, const struct socket *k);
/*
 * The other end of a TCP connection that is up, where it is in this namespace too: its inode, else
 * 0. ret_accepted: something listens on k's port here, and not on the other's: k was accepted, and
 * the other dialled. Where it cannot be told which, 0.
 */
uint64_t sockets__other_end(struct sockets *s, const struct socket *k, bool *ret_accepted);
size_t sockets__refused(const struct sockets *s); /* lines over the bounds */

#endif
