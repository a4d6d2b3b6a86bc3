/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify: what a service tells systemd: that it is ready, that it lives, that it ends (sd_notify(3): a
 * datagram to $NOTIFY_SOCKET). Where nobody wants to know, nothing is said. Supervisor only.
 */
#ifndef PARKWATCH_SERVE_NOTIFY_H
#define PARKWATCH_SERVE_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;           /* negative: nobody wants to know */
	uint64_t each_ns; /* from one sign of life to the next; 0: none is wanted */
	uint64_t next_ns;
};

/* From the environment, which has the variables no more then: they are not for what we start. */
void notify__open(struct notify *n);
void notify__close(struct notify *n);
void notify__say(const struct notify *n, const char *state); /* "READY=1", ... */
void notify__tick(struct notify *n, uint64_t now_ns);        /* at least once a second */

#endif
