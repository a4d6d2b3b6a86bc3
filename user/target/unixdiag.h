/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unixdiag: which unix sockets are connected to each other, as the kernel's sock_diag tells it.
 *
 * Of our own network namespace only: of another one the kernel tells nothing. Source: Linux
 * include/uapi/linux/unix_diag.h, net/unix/diag.c. Needs no right.
 */
#ifndef PARKWATCH_TARGET_UNIXDIAG_H
#define PARKWATCH_TARGET_UNIXDIAG_H

#include <stdint.h>

#define UNIXDIAG_MAX (1u << 20) /* sockets told of */

/*
 * dirfd: of the /proc/PID whose namespace is wanted. Calls each() with the inodes of a socket and
 * its peer. 0;
 * -EOPNOTSUPP: another namespace, or a kernel without it; or an error of the socket.
 */
int unixdiag_peers(int dirfd, void (*each)(void *context, uint64_t inode, uint64_t peer),
		   void *context);

#endif
