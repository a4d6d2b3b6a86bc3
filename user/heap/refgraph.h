/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refgraph: which objects refer to which, found backwards: from a few objects to what refers to
 * them, and so on.
 *
 * Nodes are heap objects and blocked goroutines. An edge says: if the other end may be used, this
 * end may be used too. What a root refers to is reached, and at once so is all that it leads to. A
 * blocked goroutine is reached when something that it waits for is reached. Pure: it reads
 * nothing. Bounded in nodes and edges: what did not fit is counted, and then no object is proved
 * to be unreached. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_REFGRAPH_H
#define PARKWATCH_HEAP_REFGRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define REFGRAPH_NONE      UINT32_MAX
#define REFGRAPH_NODES_MAX (4u << 20)
#define REFGRAPH_EDGES_MAX (8u << 20)

enum refroot_kind {
	REFROOT_GLOBAL,  /* addr: of the word among a module's variables */
	REFROOT_STACK,   /* of goroutine goid, which may run; frame as in glive.h */
	REFROOT_SPECIAL, /* addr: object with a finalizer, a cleanup or a weak pointer */
	REFROOT_C,       /* addr: of the word in memory of C code */
	/* addr: it is no heap object at all: a variable of the program, or unknown */
	REFROOT_OUTSIDE,
	REFROOT_RAN, /* goroutine goid ran while it was looked at */
	/* addr: of a word that referred to it only afterwards; what refers to that nobody knows */
	REFROOT_CHANGED,
};

struct refroot {
	uint64_t addr, goid;
	uint32_t frame;
	uint8_t kind; /* enum refroot_kind */
};

struct refnode {
	uint64_t base;    /* of the object; of a goroutine: its number */
	uint32_t in, out; /* first edge that leads here, that leads away */
	uint32_t same;    /* another node in the same block, see tiny */
	uint32_t via;     /* edge by which it was reached, REFGRAPH_NONE: by a root, or not */
	uint32_t root;    /* number of the root that refers to it, REFGRAPH_NONE: none */
	uint32_t work;    /* the next of those just reached */
	uint32_t stamp;   /* when it was seen last by refgraph__frontier() */
	/*
	 * of an object that may share its block: pointers to it point into its first tiny_len bytes;
	 * 0: anywhere
	 */
	uint8_t tiny_len;
	bool goroutine;
	bool reached;
	bool searched; /* everything that refers to it is known */
	bool wanted;   /* it is searched for in this pass */
};

struct refedge {
	/* of the word in the object it comes from; from a goroutine: the frame, as in glive.h */
	uint64_t offset;
	uint32_t from, to;
	uint32_t next_in, next_out;
};

struct refgraph {
	struct refnode *nodes; /* owned, as are the others */
	uint32_t nr_nodes, nodes_room;
	struct refedge *edges;
	uint32_t nr_edges, edges_room;
	struct refroot *roots;
	uint32_t nr_roots, roots_room;
	uint32_t *table; /* of objects by base; open addressing; REFGRAPH_NONE: free */
	uint32_t table_mask;
	uint32_t stamp;
	uint32_t work, work_last; /* of those just reached */
	size_t lost;              /* nodes and edges that found no room */
};

int refgraph__new(struct refgraph **ret);
void refgraph__free(struct refgraph *g);
DEFINE_SCOPED(refgraph)

/*
 * Node of the object at base, made if there is none. tiny_len: see struct refnode, else 0. -ENOSPC:
 * no room, counted; -ENOMEM.
 */
int refgraph__object(struct refgraph *g, uint64_t base, uint8_t tiny_len, uint32_t *ret);
int refgraph__goroutine(struct refgraph *g, uint32_t number, uint32_t *ret);
/* First node with this base, others by `same`; REFGRAPH_NONE. */
uint32_t refgraph__find(const struct refgraph *g, uint64_t base);
/* Whether a pointer with this value, into its block, refers to it. */
static inline bool refnode_is_meant(const struct refnode *n, uint64_t value)
{
	return !n->tiny_len || value - n->base < n->tiny_len;
}

/*
 * `from` refers to `to`. One that is there already is not added again, unless both ends have many.
 * 0; -ENOSPC, counted; -ENOMEM.
 */
int refgraph__edge(struct refgraph *g, uint32_t from, uint32_t to, uint64_t offset);
/* A root refers to it: it and all it leads to are reached. 0; -ENOMEM. */
int refgraph__reach(struct refgraph *g, uint32_t node, const struct refroot *root);

/*
 * The objects that are to be searched for next: those that may serve to reach one of goals (nodes),
 * are not reached and, unless again is set, were not searched for yet. Sets their `wanted`. *ret:
 * their numbers, to be freed. -ENOMEM.
 */
int refgraph__frontier(struct refgraph *g, const uint32_t *goals, size_t nr_goals, bool again,
		       uint32_t **ret, size_t *ret_nr);
/* Whether the last refgraph__frontier() met it: it may serve to reach a goal. */
static inline bool refgraph__serves(const struct refgraph *g, uint32_t node)
{
	return g->nodes[node].stamp == g->stamp;
}
/* They have been searched for. */
void refgraph__searched(struct refgraph *g, const uint32_t *nodes, size_t nr);

size_t refgraph__memory_bytes(const struct refgraph *g);

#endif
