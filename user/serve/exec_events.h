/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_events: the kernel says when a process starts a program (netlink, Linux drivers/connector/cn_proc.c), so that
 * the launcher need not look at all of them every two seconds.
 *
 * It says so to who is in the first network and PID namespace, and had CAP_NET_ADMIN when it asked (6.6 and later: to
 * everybody). Elsewhere nothing comes, which is no error: exec_events_read() tells whether it does. Only that there was
 * an event counts: which process it was is found by looking.
 */
#ifndef PARKWATCH_SERVE_EXEC_EVENTS_H
#define PARKWATCH_SERVE_EXEC_EVENTS_H

#include <stdbool.h>

enum exec_seen {
	EXEC_SEEN_NONE,
	EXEC_SEEN_ACK, /* the kernel will tell from now on */
	EXEC_SEEN,     /* at least one program was started, or events were lost */
};

/* While we have rights. The descriptor, to be closed; negative errno: it cannot be had here. */
int exec_events_open(void);
/* All that has come. */
enum exec_seen exec_events_read(int fd);

#endif
