/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pod_names: what Kubernetes calls a container, by the links that the kubelet makes for its log.
 *
 * The kubelet puts `POD_NAMESPACE_CONTAINER-ID.log` into /var/log/containers for each container that it starts,
 * shortly after the start. ID is the runtime's, the one in the path of the control group. A link of a deleted pod
 * stays for a while: it is true of the container with this ID, and says nothing of whether it still runs. A name
 * that would be longer than a file's name may be is cut by the kubelet, its ID first: such a container is not found.
 *
 * No right of the Kubernetes API is needed. No state.
 */
#ifndef PARKWATCH_TARGET_POD_NAMES_H
#define PARKWATCH_TARGET_POD_NAMES_H

#include <stdbool.h>

#define POD_NAMES_FOLDER "/var/log/containers"

struct pod_names { /* of letters, digits, '-' and '.', as Kubernetes has them */
	char pod[254], namespace[64], container[64];
};

/* file: a name in the folder. False: it is not that of this container (64 hexadecimal digits). */
bool pod_names_of(const char *file, const char *container_id, struct pod_names *ret);
/* False: it is not there, or the folder cannot be read. */
bool pod_names_find(const char *folder, const char *container_id, struct pod_names *ret);

#endif
