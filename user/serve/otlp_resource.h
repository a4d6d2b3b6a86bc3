/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp_resource: what a target is, in OpenTelemetry's semantic conventions (service, process, container,
 * k8s, host): the resource of everything that goes to an OTLP sink.
 * What the process says of itself (facts/resource) is a part of it.
 */
#ifndef PARKWATCH_SERVE_OTLP_RESOURCE_H
#define PARKWATCH_SERVE_OTLP_RESOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "format/otlp.h"
#include "serve/config.h"
#include "serve/watched.h"

#define OTLP_RESOURCE_MAX (13 + 4 + CONFIG_POD_LABELS_MAX + RESOURCE_MAX)

struct otlp_resource {                              /* borrows from the target */
	struct otlp_attribute v[OTLP_RESOURCE_MAX]; /* those that are known */
	size_t nr;
	char host[65], image[256], tag[256];
	char keys[CONFIG_POD_LABELS_MAX][sizeof("k8s.pod.label.") + POD_LABEL_MAX];
};
void otlp_resource_of(const struct watched *t, struct otlp_resource *ret);

#endif
