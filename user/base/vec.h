/* SPDX-License-Identifier: BSD-2-Clause */
/* vec: arrays that grow: each time to at least twice their size, so that few copies are made. */
#ifndef PARKWATCH_BASE_VEC_H
#define PARKWATCH_BASE_VEC_H

#include <stddef.h>

/*
 * Room for need elements of size bytes in *array, which has *room of them: array is the address of
 * a pointer to malloc()ed memory or NULL. 0, or -ENOMEM: both are as they were.
 */
int vec__reserve(void *array, size_t *room, size_t need, size_t size);

#endif
