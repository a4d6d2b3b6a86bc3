/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_holder: the process that makes all links of a parkwatch process, and takes them down.
 *
 * A task that is being killed (SIGKILL) while it makes or takes down a probe leaves it in the
 * target for good (Linux kernel/events/uprobes.c, uprobe_unregister: "leaking uprobe"). So only
 * the probe holder has links: if parkwatch is killed, at whatever moment, it takes them down and
 * ends. Only if both are killed at once, as at the end of a cgroup, some can be left behind.
 *
 * If parkwatch is stopped (Ctrl-Z, SIGSTOP), or gives no sign of life for 100 ms (probe/master),
 * the probe holder takes all probes out, and switches recording off.
 *
 * It is this program file, run anew by probe/probe_set with all signals blocked; it has no
 * descriptors but those that it was given (probe/holder_request) and made. It shows as "pw-holder"
 * in ps. It has one thread, except while links are closed.
 */
#ifndef PARKWATCH_PROBE_PROBE_HOLDER_H
#define PARKWATCH_PROBE_PROBE_HOLDER_H

/* The one argument that asks for it; not for people, so in no help. */
#define PROBE_HOLDER_COMMAND "holder"

/* Until parkwatch closes the socket or ends. Returns the exit status. */
int probe_holder_main(void);

#endif
