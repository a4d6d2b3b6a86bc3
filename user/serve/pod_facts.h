/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pod_facts: what the kubelet says of one container: whose it is, and the labels of its pod. A plain value; it goes through a
 * pipe (serve/kubelet). "" is not known, and nothing is guessed. Texts have the letters that Kubernetes allows, and no others.
 */
#ifndef PARKWATCH_SERVE_POD_FACTS_H
#define PARKWATCH_SERVE_POD_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "view/processes.h"

#define POD_LEVEL_ANNOTATION "parkwatch.dev/level"
#define POD_LABELS_BYTES     4096 /* of all labels of a pod; one that has no room is left out */
#define POD_LABEL_MAX        382  /* "PREFIX/NAME=VALUE": 253, 63 and 63 */

struct pod_labels {
	char text
		[POD_LABELS_BYTES]; /* "key=value", one after the other, each ends with NUL; an empty one is the end */
};

struct pod_facts {
	char container_id[65]; /* 64 hexadecimal digits */
	char pod[254], namespace[64], pod_uid[37], container[64];
	char image[256]; /* as the pod names it */
	char node[254];
	char kind[64],
		workload[254]; /* "Deployment", "front": what made the pod, behind a ReplicaSet */
	char level[16];        /* as the annotation says, right or wrong */
	struct pod_labels labels;
};

/* The next one after `at`; NULL: the first, or there is none. */
static inline const char *pod_labels__next(const struct pod_labels *l, const char *at)
{
	const char *next = at ? at + strlen(at) + 1 : l->text;

	return *next ? next : NULL;
}

/* "key=value". False: there is no room. */
bool pod_labels__add(struct pod_labels *l, const char *key, const char *value);
/* The value of that key; NULL: there is none. */
const char *pod_labels__value(const struct pod_labels *l, const char *key);
/* "app.kubernetes.io/version=2" is of that key. */
bool pod_label_is_of(const char *label, const char *key);
/* "label_app_kubernetes_io_version": what Prometheus allows, as kube-state-metrics calls it. */
void pod_label_metric(const char *label, char ret[POD_LABEL_MAX + 8]);

/* What the process's row does not say yet of its names. */
void pod_facts__name_row(const struct pod_facts *f, struct process_row *row);
/* The image's name, without tag and digest, and its tag. */
void pod_facts__image_name(const struct pod_facts *f, char ret[256]);
const char *pod_facts__image_tag(const struct pod_facts *f, char ret[256]); /* "": none */

#endif
