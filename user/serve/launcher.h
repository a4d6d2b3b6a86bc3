/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launcher: the only process of `parkwatch serve` that keeps rights. It finds Go processes, starts a
 * worker for each that the supervisor wants to be watched, starts another one when a worker dies while
 * its target lives (later each time), and tells the supervisor (serve/wire). It reads no target and no
 * network; the configuration's file, and those of serve/secrets, it opens and does not read.
 */
#ifndef PARKWATCH_SERVE_LAUNCHER_H
#define PARKWATCH_SERVE_LAUNCHER_H

#include <sys/types.h>

#include "base/cause.h"
#include "base/clock.h"

#define LAUNCHER_SCAN_NS (2 * NS_PER_SEC) /* from one look for new processes to the next */
/* The same while the kernel tells when programs start, and tells of none: others may end that. And from its word to the look. */
#define LAUNCHER_QUIET_NS     (4 * NS_PER_SEC)
#define LAUNCHER_BEGUN_NS     (200 * NS_PER_MS)
#define LAUNCHER_BACK_OFF_NS  NS_PER_SEC /* before the second worker; then twice as long */
#define LAUNCHER_BACK_OFF_MAX (60 * NS_PER_SEC)
/* After so many a container that has no link with names gets none. */
#define LAUNCHER_NAME_SCANS  60
#define LAUNCHER_TARGETS_MAX 1024

/*
 * Forks it. config: the file's path; secrets: those of the others. kubelet: who is asked for pods. *ret_fd: the socket to it; it ends when that is closed. 0, or negative errno with a
 * cause.
 */
struct secrets;
struct kubelet_opts;
int launcher__start(const char *config, const struct secrets *secrets,
		    const struct kubelet_opts *kubelet, pid_t *ret, int *ret_fd, struct cause *why);

#endif
