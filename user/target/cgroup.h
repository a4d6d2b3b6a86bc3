/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup: which container a process is in, and which Kubernetes pod, by the path of its control
 * group.
 *
 * Container runtimes put the container's id into that path. Seen: Docker, containerd, CRI-O and
 * Podman, with the cgroupfs driver (`/kubepods/burstable/pod<uid>/<id>`) and with systemd's
 * (`.../kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope`, dashes of the uid become `_`).
 * Of the ids only hexadecimal digits and dashes are taken over. The path itself is as it is: who made
 * the group chose its name.
 */
#ifndef PARKWATCH_TARGET_CGROUP_H
#define PARKWATCH_TARGET_CGROUP_H

#define CGROUP_CONTAINER_DIGITS 64
#define CGROUP_POD_LENGTH       36 /* of a UID with dashes; that of a static pod has 32 digits */
#define CGROUP_PATH_MAX         512

struct cgroup {
	char container[CGROUP_CONTAINER_DIGITS + 1]; /* "": in none that can be told */
	char pod[CGROUP_POD_LENGTH + 1];             /* UID; "": in none */
	/* Of version 2; where that is the root, of the first hierarchy where it is not. Cut. */
	char path[CGROUP_PATH_MAX];
};

/* text: of /proc/PID/cgroup, ends with NUL. */
void cgroup_of(const char *text, struct cgroup *ret);
/* dirfd: of /proc/PID. A process that has ended is in none. */
void cgroup_read(int dirfd, struct cgroup *ret);

#endif
