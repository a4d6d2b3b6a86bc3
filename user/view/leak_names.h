/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_names: numbers for what groups of goroutines are made of, and what the names of functions
 * and waits mean.
 *
 * The model knows numbers only. Places and words get theirs here, the same at every look of one
 * watch. What a name means
 * (this is an accept loop, that a connection between two requests) is a fact of Go's own packages;
 * the program's say nothing.
 */
#ifndef PARKWATCH_VIEW_LEAK_NAMES_H
#define PARKWATCH_VIEW_LEAK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/gostate.h"
#include "model/leakset.h"
#include "names/framer.h"
#include "view/place.h"

/* places; more get the number of the first, which is unknown */
#define LEAK_NAMES_MAX 262144

struct leak_names;
int leak_names__new(struct leak_names **ret);
void leak_names__free(struct leak_names *n);
DEFINE_SCOPED(leak_names)

/* Texts of one framer. Place 0 is the one that nobody knows. */
uint32_t leak_names__place(struct leak_names *n, const struct place *p);
const struct place *leak_names__place_at(const struct leak_names *n, uint32_t place);

enum leak_class leak_class_of(enum gostate state);
/*
 * It waits in the middle of an allocation, for the garbage collector: it goes on by itself, as one
 * that runs.
 */
bool leak_allocates(const struct frame *frames, size_t nr);
enum leak_role leak_role_of(const struct frame *frames, size_t nr);

#endif
