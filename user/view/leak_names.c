// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"

struct place_node {
	UT_hash_handle hh;
	struct place_key { /* hashed as bytes: no padding */
		const char *func, *file;
		uint64_t line;
	} key;
	uint32_t number;
};

struct leak_names {
	struct place_node *by_place;
	struct place *places;
	size_t nr, room;
};

int leak_names__new(struct leak_names **ret)
{
	scoped(leak_names) n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	if (vec__reserve(&n->places, &n->room, 1, sizeof(*n->places)))
		return -ENOMEM;
	n->places[n->nr++] = (struct place){ "?", "", 0 };
	*ret = steal(n);
	return 0;
}

void leak_names__free(struct leak_names *n)
{
	struct place_node *p, *next;

	if (!n)
		return;
	HASH_ITER(hh, n->by_place, p, next)
	{
		HASH_DEL(n->by_place, p);
		free(p);
	}
	free(n->places);
	free(n);
}

/* 0: no room. */
static uint32_t add_place(struct leak_names *n, const struct place *p)
{
	if (n->nr == LEAK_NAMES_MAX ||
	    vec__reserve(&n->places, &n->room, n->nr + 1, sizeof(*n->places)))
		return 0;
	n->places[n->nr] = *p;
	return (uint32_t)n->nr++;
}

uint32_t leak_names__place(struct leak_names *n, const struct place *p)
{
	const struct place_key key = { p->func, p->file, p->line };
	struct place_node *node;
	unsigned int count;

	if (!p->file[0] && !strcmp(p->func, "?"))
		return 0;
	HASH_FIND(hh, n->by_place, &key, sizeof(key), node);
	if (node)
		return node->number;
	node = calloc(1, sizeof(*node));
	if (!node)
		return 0;
	node->key = key;
	node->number = add_place(n, p);
	count = HASH_COUNT(n->by_place);
	HASH_ADD(hh, n->by_place, key, sizeof(node->key), node);
	if (HASH_COUNT(n->by_place) > count)
		return node->number;
	free(node);
	return 0;
}

const struct place *leak_names__place_at(const struct leak_names *n, uint32_t place)
{
	return &n->places[place];
}

enum leak_class leak_class_of(enum gostate state)
{
	static const uint8_t of_waits[GOWAIT_CLASSES] = {
		[GOWAIT_CLASS_UNKNOWN] = LEAK_OTHER,
		[GOWAIT_CLASS_RECEIVE] = LEAK_RECEIVE,
		[GOWAIT_CLASS_SEND] = LEAK_SEND,
		[GOWAIT_CLASS_SELECT] = LEAK_SELECT,
		[GOWAIT_CLASS_LOCK] = LEAK_LOCK,
		[GOWAIT_CLASS_WAITGROUP] = LEAK_WAITGROUP,
		[GOWAIT_CLASS_COND] = LEAK_COND,
		[GOWAIT_CLASS_SEMAPHORE] = LEAK_SEMAPHORE,
		[GOWAIT_CLASS_COROUTINE] = LEAK_COROUTINE,
		[GOWAIT_CLASS_IO] = LEAK_IO,
		[GOWAIT_CLASS_SLEEP] = LEAK_SLEEP,
		[GOWAIT_CLASS_PREEMPTED] = LEAK_RUNS,
		[GOWAIT_CLASS_RUNTIME] = LEAK_OTHER,
		[GOWAIT_CLASS_SYNCTEST] = LEAK_OTHER,
	};
	const enum gowait wait = gostate_wait(state);

	switch (state) {
	case GOSTATE_RUNNABLE:
	case GOSTATE_RUNNING:
	case GOSTATE_COPYSTACK: return LEAK_RUNS;
	case GOSTATE_SYSCALL: return LEAK_SYSCALL;
	default:
		return gowait_on(wait) == GOWAIT_ON_NOTHING
			       ? LEAK_FOREVER
			       : (enum leak_class)of_waits[gowait_class(wait)];
	}
}

static bool has_func(const struct frame *frames, size_t nr, const char *func)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(frames[i].name, func))
			return true;
	return false;
}

bool leak_allocates(const struct frame *frames, size_t nr)
{
	return has_func(frames, nr, "runtime.mallocgc"); /* Go 1.15 to 1.27 */
}

/*
 * Go internal/poll/fd_unix.go, os/signal/signal_unix.go, net/http/server.go, h2_bundle.go: the same
 * names in Go 1.15 to 1.27.
 */
enum leak_role leak_role_of(const struct frame *frames, size_t nr)
{
	static const struct {
		const char *func, *without; /* without: not if this function is there too */
		enum leak_role role;
	} roles[] = {
		{ "internal/poll.(*FD).Accept", NULL, LEAK_ROLE_LISTENER },
		{ "os/signal.loop", NULL, LEAK_ROLE_LISTENER },
		{ "net/http.(*conn).serve", "net/http.serverHandler.ServeHTTP",
		  LEAK_ROLE_KEEPALIVE },
		{ "net/http.(*connReader).backgroundRead", NULL, LEAK_ROLE_KEEPALIVE },
		{ "net/http.(*persistConn).readLoop", NULL, LEAK_ROLE_CLIENT },
		{ "net/http.(*persistConn).writeLoop", NULL, LEAK_ROLE_CLIENT },
		{ "net/http.(*http2serverConn).serve", NULL, LEAK_ROLE_KEEPALIVE },
		{ "net/http.(*http2serverConn).readFrames", NULL, LEAK_ROLE_KEEPALIVE },
		/* Go 1.27 */
		{ "net/http/internal/http2.(*serverConn).serve", NULL, LEAK_ROLE_KEEPALIVE },
		{ "net/http/internal/http2.(*serverConn).readFrames", NULL, LEAK_ROLE_KEEPALIVE },
		{ "golang.org/x/net/http2.(*serverConn).serve", NULL, LEAK_ROLE_KEEPALIVE },
		{ "golang.org/x/net/http2.(*serverConn).readFrames", NULL, LEAK_ROLE_KEEPALIVE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (has_func(frames, nr, roles[i].func) &&
		    !(roles[i].without && has_func(frames, nr, roles[i].without)))
			return roles[i].role;
	return LEAK_ROLE_NONE;
}
