/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resource_read: what a process says that it is, as OpenTelemetry has it: by the environment that it
 * was started with, OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, and by the process context that
 * its library publishes in a mapping called OTEL_CTX (OpenTelemetry's enhancement 4719), which wins.
 *
 * All of it is the target's, hostile, and bounded: RESOURCE_ENVIRON_MAX bytes of the environment,
 * RESOURCE_CONTEXT_MAX of the context. What makes no sense is left out.
 */
#ifndef PARKWATCH_TARGET_RESOURCE_READ_H
#define PARKWATCH_TARGET_RESOURCE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "facts/resource.h"
#include "target/proc.h"

#define RESOURCE_ENVIRON_MAX (1u << 20)
#define RESOURCE_CONTEXT_MAX (64u << 10)

/* ret: an empty one. What cannot be read is not in it. 0 or -ENOMEM. */
int resource_read(const struct proc *p, struct resource *ret);

/* The same of an environment, as /proc/PID/environ has it. */
int resource_read_environ(const char *env, size_t len, struct resource *ret);
/* Of the payload of a process context: a Resource, or a ProcessContext that has one. */
int resource_read_payload(const uint8_t *payload, size_t len, struct resource *ret);

#endif
