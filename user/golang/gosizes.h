/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gosizes: the size classes of Go's allocator.
 *
 * A small object takes a slot of its size class, in spans of one span class (size class, and
 * whether its objects have pointers); a large one takes whole pages. Source: Go
 * runtime/sizeclasses.go (internal/runtime/gc from 1.25), malloc.go (mallocgc), mbitmap.go
 * (heapBitsInSpan). Numbers only; sizes are bytes.
 */
#ifndef PARKWATCH_GOLANG_GOSIZES_H
#define PARKWATCH_GOLANG_GOSIZES_H

#include <stdbool.h>
#include <stdint.h>

/* size classes, 0 (large) among them; Go 1.15 has one less */
#define GOSIZES_CLASSES      68
#define GOSIZES_SPAN_CLASSES (2 * GOSIZES_CLASSES)
/* span class of the blocks that tiny objects share: 16 bytes, no pointers */
#define GOSIZES_TINY_CLASS 5

unsigned int gosizes_span_classes(int minor); /* 136; Go 1.15: 134 */
/* Bytes of a slot; 0 for class 0 and for those that there are not. */
uint64_t gosizes_slot(int minor, unsigned int size_class);
/*
 * The span class that an object of this size is allocated in; 0 or 1: it is large. pointers: its
 * type has any. From Go 1.22 objects with pointers over 512 bytes carry a header of 8.
 */
unsigned int gosizes_span_class(int minor, uint64_t size, bool pointers);
/* What the allocator spends on the object: its slot, or pages. Of a tiny one: what was asked for.
 */
uint64_t gosizes_spent(int minor, uint64_t size, bool pointers);

#endif
