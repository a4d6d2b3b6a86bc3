// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/room.h"

#define REASONS_MAX 512 /* DUMP_WORDS_MAX */

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
	const char *reasons[REASONS_MAX];
	size_t nr_reasons;
};

int leak_names__new(struct leak_names **ret)
{
	scoped(leak_names) n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	if (room_for(&n->places, &n->room, 1, sizeof(*n->places)))
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
	if (n->nr == LEAK_NAMES_MAX || room_for(&n->places, &n->room, n->nr + 1, sizeof(*n->places)))
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

uint32_t leak_names__reason(struct leak_names *n, const char *word)
{
	size_t i = 0;

	while (i < n->nr_reasons && strcmp(n->reasons[i], word))
		i++;
	if (i == REASONS_MAX)
		return 0;
	if (i == n->nr_reasons)
		n->reasons[n->nr_reasons++] = word;
	return (uint32_t)i;
}

const struct place *leak_names__place_at(const struct leak_names *n, uint32_t place)
{
	return &n->places[place];
}

const char *leak_names__reason_at(const struct leak_names *n, uint32_t reason)
{
	return n->reasons[reason];
}

/* golang/gostate has the words. */
enum leak_class leak_class_of(const char *word)
{
	static const struct {
		const char *word;
		enum leak_class class;
	} classes[] = {
		{ "running", LEAK_RUNS },
		{ "runnable", LEAK_RUNS },
		{ "copystack", LEAK_RUNS },
		{ "preempted", LEAK_RUNS },
		{ "syscall", LEAK_SYSCALL },
		{ "chan receive", LEAK_RECEIVE },
		{ "chan receive (durable)", LEAK_RECEIVE },
		{ "chan send", LEAK_SEND },
		{ "chan send (durable)", LEAK_SEND },
		{ "select", LEAK_SELECT },
		{ "select (durable)", LEAK_SELECT },
		{ "chan receive (nil chan)", LEAK_FOREVER },
		{ "chan send (nil chan)", LEAK_FOREVER },
		{ "select (no cases)", LEAK_FOREVER },
		{ "sync.Mutex.Lock", LEAK_LOCK },
		{ "sync.RWMutex.RLock", LEAK_LOCK },
		{ "sync.RWMutex.Lock", LEAK_LOCK },
		{ "sync.WaitGroup.Wait", LEAK_WAITGROUP },
		{ "sync.WaitGroup.Wait (durable)", LEAK_WAITGROUP },
		{ "sync.Cond.Wait", LEAK_COND },
		{ "semacquire", LEAK_SEMAPHORE },
		{ "IO wait", LEAK_IO },
		{ "sleep", LEAK_SLEEP },
		{ "coroutine", LEAK_COROUTINE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].word, word))
			return classes[i].class;
	return LEAK_OTHER;
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
		{ "net/http/internal/http2.(*serverConn).serve", NULL, LEAK_ROLE_KEEPALIVE }, /* Go 1.27 */
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
