/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * components: of a directed graph, which nodes lead to each other: its strongly connected
 * components.
 *
 * Pure; Tarjan's way, without recursion. Time and memory are linear in nodes and edges.
 */
#ifndef PARKWATCH_MODEL_COMPONENTS_H
#define PARKWATCH_MODEL_COMPONENTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Edges of node i lead to to[first[i] .. first[i + 1] - 1]; nr nodes, so nr + 1 of first. ret[i]:
 * the component of node i; they are numbered so that each leads to itself and lower ones only.
 * *ret_nr: how many. 0 or -ENOMEM.
 */
int components_of(const uint32_t *first, const uint32_t *to, size_t nr, uint32_t *ret,
		  uint32_t *ret_nr);

#endif
