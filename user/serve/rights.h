/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights: which capabilities a process of `parkwatch serve` keeps.
 *
 * The launcher and its workers keep what reading and probing other processes needs; the supervisor,
 * which talks to the network, keeps none and is nobody. In a container that root may not leave for another user it
 * stays root, without capabilities. Linux capabilities(7).
 */
#ifndef PARKWATCH_SERVE_RIGHTS_H
#define PARKWATCH_SERVE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cause.h"

#define RIGHTS_NOBODY 65534 /* the user that the supervisor becomes, if it is root */
/* Who the supervisor will be: nobody; we ourselves, if we are not root, or may not become or serve another user. */
uid_t rights_user(void);

/*
 * BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH, CHECKPOINT_RESTORE, as far as we have them, and SYS_ADMIN where the kernel
 * attaches probes with it alone (no uprobe_multi links; that is tried, some 50 ms). What we start
 * has no others either, and the same if we are not root (a service with ambient capabilities). 0, or negative errno with a cause.
 */
int rights_keep_few(struct cause *why);
/* Of those five: each by its place, from 0. */
#define RIGHTS_NR 5
const char *right_name(size_t i); /* "CAP_BPF" */
struct rights {
	bool has[RIGHTS_NR];
};
/* The first process of a PID namespace is a container's: it sees no other's processes. */
bool rights_is_shut_in(void);
#define RIGHTS_SHUT_IN "only processes of its own container are seen: a pod needs hostPID: true"
/* What this process has now. */
struct rights rights_look(void);
bool rights_allow_probes(const struct rights *r); /* CAP_BPF and CAP_PERFMON are there */
/* "some rights are missing: without CAP_BPF and CAP_PERFMON leaks are ..."; false: none is, and nothing is written. */
struct textbuf;
bool rights_put_missing(const struct rights *r, struct textbuf *to);
/* The same as a line of the log. */
void rights_say_missing(const struct rights *r);

/* None; and rights_user(). */
int rights_drop_all(struct cause *why);

#endif
