/* SPDX-License-Identifier: BSD-2-Clause */
/* inherit: what a child that goes on without exec keeps of its parent's descriptors. */
#ifndef PARKWATCH_PROBE_INHERIT_H
#define PARKWATCH_PROBE_INHERIT_H

#include <stddef.h>

/*
 * Closes all but BPF programs and the nr of own; 0 to 2 lead to /dev/null. A child alone has its
 * copies: for it only.
 */
void inherit_programs_and(const int *own, size_t nr);
/*
 * What such a child calls the file that this process calls path: /proc/self/fd/N is ours alone. 0
 * or negative errno.
 */
int inherit_path(const char *path, char *ret, size_t size);

#endif
