/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pod_list: the kubelet's answer to GET /pods, a v1 PodList in JSON, container by container.
 *
 * Names come from who makes pods: hostile input. What has not the letters that Kubernetes allows, or is too long, counts as
 * not known; a container without an ID is left out. No state.
 */
#ifndef PARKWATCH_SERVE_POD_LIST_H
#define PARKWATCH_SERVE_POD_LIST_H

#include <stddef.h>

#include "serve/pod_facts.h"

#define POD_LIST_BYTES_MAX (8u << 20)
#define POD_LIST_MAX       4096 /* containers; those beyond are left out */

/*
 * take is called for each; it may end the list by an error, negative, which is returned. 0; -EBADMSG: it is no PodList;
 * -EFBIG: it is too long; -ENOMEM.
 */
int pod_list_read(const char *json, size_t len, int (*take)(void *ctx, const struct pod_facts *f),
		  void *ctx);

#endif
