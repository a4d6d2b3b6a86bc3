// SPDX-License-Identifier: BSD-2-Clause
#include "engine/systems.h"

#include <stdlib.h>
#include <string.h>
/* no memory for the table: hh.tbl stays NULL, and nothing is kept */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gosystem.h"

#define STARTS_CACHED_MAX 65536 /* then the cache starts anew */
#define KNOWN_MAX         65536

struct start_entry { /* is a goroutine with this start function the runtime's own? */
	struct {
		uint64_t startpc, rt;
	} key;
	bool system;
	UT_hash_handle hh;
};

/* a goroutine of the runtime's own, or a stack that only such a one has */
struct system_entry {
	struct {
		uint64_t id, rt;
	} key; /* a goid, or a stack id with SYSTEMS_STACK in rt */
	UT_hash_handle hh;
};

static void systems__drop_starts(struct systems *s)
{
	struct start_entry *e, *next;

	HASH_ITER(hh, s->starts, e, next)
	{
		HASH_DEL(s->starts, e);
		free(e);
	}
}

void systems__done(struct systems *s)
{
	struct system_entry *e, *next;

	HASH_ITER(hh, s->known, e, next)
	{
		HASH_DEL(s->known, e);
		free(e);
	}
	systems__drop_starts(s);
}

bool systems__start(struct systems *s, uint16_t rt, uint64_t startpc)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	struct start_entry *e, find;
	int nr;

	memset(&find, 0, sizeof(find));
	find.key.startpc = startpc;
	find.key.rt = rt;
	HASH_FIND(hh, s->starts, &find.key, sizeof(find.key), e);
	if (e)
		return e->system;
	nr = gosym__frames(goproc__runtime(s->gp, rt)->sym, startpc, false, frames,
			   ARRAY_SIZE(frames));
	/* the last is the function itself */
	find.system = nr > 0 && gosystem_start(frames[nr - 1].func);
	if (HASH_COUNT(s->starts) >= STARTS_CACHED_MAX)
		systems__drop_starts(s);
	e = calloc(1, sizeof(*e));
	if (!e)
		return find.system;
	*e = find;
	HASH_ADD(hh, s->starts, key, sizeof(e->key), e);
	if (!e->hh.tbl)
		free(e);
	return find.system;
}

bool systems__knows(const struct systems *s, uint64_t id, uint64_t rt)
{
	struct system_entry *e, find;

	memset(&find, 0, sizeof(find));
	find.key.id = id;
	find.key.rt = rt;
	HASH_FIND(hh, s->known, &find.key, sizeof(find.key), e);
	return e;
}

void systems__know(struct systems *s, uint64_t id, uint64_t rt)
{
	struct system_entry *e;

	if (systems__knows(s, id, rt) || HASH_COUNT(s->known) >= KNOWN_MAX)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->key.id = id;
	e->key.rt = rt;
	HASH_ADD(hh, s->known, key, sizeof(e->key), e);
	if (!e->hh.tbl)
		free(e);
}
