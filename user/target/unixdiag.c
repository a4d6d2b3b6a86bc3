/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/unixdiag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/cleanup.h"

#define DIAG_BYTES 32768 /* of one answer; the kernel never gives more than that at once */

static bool same_namespace(int dirfd)
{
	struct stat theirs, ours;

	return !fstatat(dirfd, "ns/net", &theirs, 0) && !stat("/proc/self/ns/net", &ours) &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static int diag_ask(int fd)
{
	struct {
		struct nlmsghdr hdr;
		struct unix_diag_req req;
	} ask = {
		.hdr = { .nlmsg_len = sizeof(ask),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_UNIX,
			 .udiag_states = UINT32_MAX,
			 .udiag_show = UDIAG_SHOW_PEER },
	};

	return send(fd, &ask, sizeof(ask), 0) == sizeof(ask) ? 0 : -errno;
}

/* true and the peer's inode, if the message tells of one. */
static bool diag_peer(struct nlmsghdr *h, uint32_t *ret_inode, uint32_t *ret_peer)
{
	struct unix_diag_msg *msg = NLMSG_DATA(h);
	struct rtattr *attr = (struct rtattr *)(msg + 1);
	unsigned int len;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)) || msg->udiag_family != AF_UNIX)
		return false;
	len = h->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type != UNIX_DIAG_PEER || RTA_PAYLOAD(attr) < sizeof(*ret_peer))
			continue;
		*ret_inode = msg->udiag_ino;
		memcpy(ret_peer, RTA_DATA(attr), sizeof(*ret_peer));
		return true;
	}
	return false;
}

int unixdiag_peers(int dirfd, void (*each)(void *context, uint64_t inode, uint64_t peer),
		   void *context)
{
	const struct timeval patience = { .tv_sec = 2 };
	scoped_mem char *buf = malloc(DIAG_BYTES);
	scoped_fd int fd = -EBADF;
	size_t told = 0;
	int err;

	if (!buf)
		return -ENOMEM;
	if (!same_namespace(dirfd))
		return -EOPNOTSUPP;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = diag_ask(fd);
	while (!err && told < UNIXDIAG_MAX) {
		ssize_t n = recv(fd, buf, DIAG_BYTES, 0);
		unsigned int len = n > 0 ? (unsigned int)n : 0;

		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, len);
		     h = NLMSG_NEXT(h, len)) {
			uint32_t inode, peer;

			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -EOPNOTSUPP;
			told++;
			if (diag_peer(h, &inode, &peer))
				each(context, inode, peer);
		}
	}
	return err;
}
