// SPDX-License-Identifier: BSD-2-Clause
#include "serve/exec_events.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"

/* A message: struct nlmsghdr, struct cn_msg, and what a struct cannot have behind that: struct proc_event, or a word. */
#define BODY_AT    (sizeof(struct nlmsghdr) + sizeof(struct cn_msg))
#define WHAT_AT    (BODY_AT + offsetof(struct proc_event, what))
#define DATA_AT    (BODY_AT + offsetof(struct proc_event, event_data))
#define EVENT_SIZE (BODY_AT + sizeof(struct proc_event))

/* Of forks, exits and the rest nothing wakes us. A filter loads words as the network orders them. */
static int take_execs_alone(int fd)
{
	const uint32_t none = htonl((uint32_t)PROC_EVENT_NONE),
		       exec = htonl((uint32_t)PROC_EVENT_EXEC);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WHAT_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, none, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, exec, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, EVENT_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ? -errno : 0;
}

static int ask(int fd)
{
	const uint32_t op = PROC_CN_MCAST_LISTEN;
	char m[BODY_AT + sizeof(op)];
	const struct nlmsghdr head = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_DONE };
	const struct cn_msg cn = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(op) };

	memcpy(m, &head, sizeof(head));
	memcpy(m + sizeof(head), &cn, sizeof(cn));
	memcpy(m + BODY_AT, &op, sizeof(op));
	return send(fd, m, sizeof(m), 0) < 0 ? -errno : 0;
}

int exec_events_open(void)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	scoped_fd int fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	int err;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&all, sizeof(all)))
		return -errno;
	err = take_execs_alone(fd);
	if (!err)
		err = ask(fd);
	if (err)
		return err;
	err = fd; /* it is the caller's now */
	fd = -EBADF;
	return err;
}

enum exec_seen exec_events_read(int fd)
{
	enum exec_seen seen = EXEC_SEEN_NONE;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	char m[EVENT_SIZE];
	uint32_t what;
	ssize_t n;

	while ((n = recvfrom(fd, m, sizeof(m), 0, (struct sockaddr *)&from, &len)) >= 0 ||
	       errno == ENOBUFS || errno == EINTR) {
		if (n < 0 && errno == ENOBUFS)
			seen = EXEC_SEEN;
		/* any process may send one, too: the kernel is 0 */
		if (n < (ssize_t)DATA_AT || from.nl_pid)
			continue;
		memcpy(&what, m + WHAT_AT, sizeof(what));
		if (what == PROC_EVENT_EXEC)
			seen = EXEC_SEEN;
		else if (seen == EXEC_SEEN_NONE)
			seen = EXEC_SEEN_ACK;
		len = sizeof(from);
	}
	return seen;
}
