/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rootfs: the very file that a process has mapped, opened from here.
 *
 * The name in /proc/PID/maps is valid in the target's mount namespace only, and there may be
 * another file under it by now. It is opened under /proc/PID/root and taken only if it is the
 * mapped file; else /proc/PID/map_files/START-END leads to it (needs CAP_CHECKPOINT_RESTORE, before
 * Linux 5.9 CAP_SYS_ADMIN). For the executable use rootfs_open_exe().
 */
#ifndef PARKWATCH_TARGET_ROOTFS_H
#define PARKWATCH_TARGET_ROOTFS_H

#include "base/cause.h"
#include "target/maps.h"

/*
 * A regular file, opened for reading. dirfd: of /proc/PID. Errors: of open(2); -ESTALE: another
 * file is there now.
 */
int rootfs_open(int dirfd, const struct mapping *m, int *ret_fd, struct cause *why);
int rootfs_open_exe(int dirfd, int *ret_fd, struct cause *why);

#endif
