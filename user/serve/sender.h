/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sender: the process that posts what a sink gets to its URL, one after the other, with libcurl.
 *
 * It has a process of its own because names, TLS and answers of a server take their time, and are
 * hostile input: it has no rights, no other descriptor, and may be killed at any moment. libcurl is
 * opened in it alone (dlopen), so nobody else carries it, and a machine without sinks needs none.
 *
 *	supervisor -> sender	a SOCK_SEQPACKET: a sender_request, with a memfd that is the body
 *	sender -> supervisor	a sender_result for each
 *
 * Nobody is followed to another place, certificates are checked, and of an answer only the status
 * counts: one that is longer than SENDER_ANSWER_MAX is hung up on.
 */
#ifndef PARKWATCH_SERVE_SENDER_H
#define PARKWATCH_SERVE_SENDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"

#define SENDER_CONNECT_MS 5000
#define SENDER_PATH_MAX   64
#define SENDER_TYPE_MAX   32
#define SENDER_ANSWER_MAX (64u << 10) /* bytes, with its head */
#define SENDER_POST_MS    15000       /* that all of it may take */

struct sender_request {
	char path[SENDER_PATH_MAX]; /* what follows the URL; "": nothing does */
	char type[SENDER_TYPE_MAX];
};

struct sender_result {
	int32_t status;         /* of HTTP; 0: there was no answer, text says why */
	uint32_t retry_after_s; /* that the server asks for; 0: nothing */
	char text[120];
};

/* Forks it. url: until it returns. *ret_fd: the socket; closing it ends it. */
int sender__start(const char *url, pid_t *ret, int *ret_fd);
/*
 * path: "/v1/metrics"; type: a media type. Shorter than their bounds. 0; -EAGAIN: it is busy; others: it
 * is gone, or no memory
 */
int sender__post(int fd, const char *path, const char *type, const void *body, size_t len);

#endif
