/* SPDX-License-Identifier: BSD-2-Clause */
/* attach_maps: what the maps of the loaded programs hold, entry by entry. */
#include "probe/attach_parts.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/heart.h"

#define BATCH_ENTRIES 1024 /* of a map, read in one call */

/* Calls each() for the entries of a hash map, some at a time. */
static int map_each(struct attach *a, const struct bpf_map *map,
		    void (*each)(void *ctx, const void *key, const void *value), void *ctx)
{
	size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	scoped_mem char *values = calloc(BATCH_ENTRIES, value_size);
	scoped_mem char *keys = calloc(BATCH_ENTRIES, key_size);
	uint32_t in = 0, out = 0, nr;
	bool begun = false;
	int err = 0;

	if (!values || !keys)
		err = -ENOMEM;
	while (!err) {
		nr = BATCH_ENTRIES;
		heart__beat();
		err = bpf_map_lookup_batch(bpf_map__fd(map), begun ? &in : NULL, &out, keys, values,
					   &nr, NULL);
		if (err && err != -ENOENT) /* -ENOENT: the last of them */
			break;
		for (uint32_t i = 0; i < nr; i++)
			each(ctx, keys + i * key_size, values + i * value_size);
		in = out;
		begun = true;
	}
	err = err == -ENOENT ? 0 : err;
	a->unread += err != 0;
	return err;
}

uint64_t attach__unread(const struct attach *a)
{
	return a->unread;
}

struct gs_visit {
	void (*fn)(void *ctx, uint64_t g, const struct pw_gstate *s);
	void *ctx;
};

static void gs_visit(void *ctx, const void *key, const void *value)
{
	const struct gs_visit *v = ctx;
	uint64_t g;

	memcpy(&g, key, sizeof(g));
	v->fn(v->ctx, g, value);
}

int attach__gs_each(struct attach *a, void (*fn)(void *ctx, uint64_t g, const struct pw_gstate *s),
		    void *ctx)
{
	struct gs_visit v = { fn, ctx };

	return map_each(a, a->skel->maps.pw_gs, gs_visit, &v);
}

struct map_drop {
	struct attach *a;
	const struct bpf_map *map;
};

static void map_drop(void *ctx, const void *key, const void *value)
{
	const struct map_drop *d = ctx;

	(void)value;
	(void)bpf_map_delete_elem(bpf_map__fd(d->map), key);
}

static void map_clear(struct attach *a, const struct bpf_map *map)
{
	struct map_drop d = { a, map };

	(void)map_each(a, map, map_drop, &d);
}

void attach__gs_clear(struct attach *a)
{
	map_clear(a, a->skel->maps.pw_gs);
	map_clear(a, a->skel->maps.pw_wakers);
	map_clear(a, a->skel->maps.pw_rounds);
	map_clear(a, a->skel->maps.pw_threads);
}

void attach__waits_clear(struct attach *a)
{
	map_clear(a, a->skel->maps.pw_waits);
	map_clear(a, a->skel->maps.pw_wakes);
}

struct park_visit {
	void (*fn)(void *ctx, const struct pw_parked *p);
	void *ctx;
};

static void park_visit(void *ctx, const void *key, const void *value)
{
	const struct park_visit *v = ctx;

	(void)key;
	v->fn(v->ctx, value);
}

int attach__parks_each(struct attach *a, void (*fn)(void *ctx, const struct pw_parked *p),
		       void *ctx)
{
	struct park_visit v = { fn, ctx };

	return map_each(a, a->skel->maps.pw_parks, park_visit, &v);
}

struct alloc_visit {
	void (*fn)(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum);
	void *ctx;
};

static void alloc_visit(void *ctx, const void *key, const void *value)
{
	const struct alloc_visit *v = ctx;

	v->fn(v->ctx, key, value);
}

int attach__allocs_each(struct attach *a,
			void (*fn)(void *ctx, const struct pw_alloc_key *key,
				   const struct pw_alloc_sum *sum),
			void *ctx)
{
	struct alloc_visit v = { fn, ctx };

	return map_each(a, a->skel->maps.pw_allocs, alloc_visit, &v);
}

struct wait_visit {
	void (*fn)(void *ctx, const struct pw_wait_key *key, const struct pw_wait_sum *sum);
	void *ctx;
};

static void wait_visit(void *ctx, const void *key, const void *value)
{
	const struct wait_visit *v = ctx;

	v->fn(v->ctx, key, value);
}

int attach__waits_each(struct attach *a,
		       void (*fn)(void *ctx, const struct pw_wait_key *key,
				  const struct pw_wait_sum *sum),
		       void *ctx)
{
	struct wait_visit v = { fn, ctx };

	return map_each(a, a->skel->maps.pw_waits, wait_visit, &v);
}

struct wake_visit {
	void (*fn)(void *ctx, const struct pw_wake_key *key, const struct pw_wait_sum *sum);
	void *ctx;
};

static void wake_visit(void *ctx, const void *key, const void *value)
{
	const struct wake_visit *v = ctx;

	v->fn(v->ctx, key, value);
}

int attach__wakes_each(struct attach *a,
		       void (*fn)(void *ctx, const struct pw_wake_key *key,
				  const struct pw_wait_sum *sum),
		       void *ctx)
{
	struct wake_visit v = { fn, ctx };

	return map_each(a, a->skel->maps.pw_wakes, wake_visit, &v);
}
