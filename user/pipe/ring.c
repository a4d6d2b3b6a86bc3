// SPDX-License-Identifier: BSD-2-Clause
#include "pipe/ring.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/heart.h"
#include "pipe/reorder.h"

#define PERF_PAGES_MIN     8 /* per processor */
#define PERF_PAGES_MAX     4096
#define PERF_WAKEUP_EVENTS 64 /* records that a perf buffer batches before it wakes us */

struct ring {
	ring_fn fn;
	void *ctx;
	struct ring_buffer *rb; /* one of the two */
	struct perf_buffer *pb;
	struct reorder *order; /* with pb */
	int handed;            /* since the call began */
	uint64_t lost;
};

static int on_ring(void *ctx, void *data, size_t len)
{
	struct ring *r = ctx;

	heart__beat();
	r->fn(r->ctx, data, len);
	r->handed++;
	return 0;
}

static void on_ordered(void *ctx, const void *data, size_t len)
{
	struct ring *r = ctx;

	heart__beat();
	r->fn(r->ctx, data, len);
	r->handed++;
}

static void on_perf(void *ctx, int cpu, void *data, __u32 len)
{
	struct ring *r = ctx;

	(void)cpu;
	heart__beat();
	if (reorder__add(r->order, data, len))
		r->lost++;
}

static size_t perf_pages(size_t bytes)
{
	int cpus = libbpf_num_possible_cpus();
	size_t want = bytes / (size_t)(cpus > 0 ? cpus : 1) / (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = PERF_PAGES_MIN;

	while (pages < want && pages < PERF_PAGES_MAX)
		pages *= 2;
	return pages;
}

static int map_type_check(int map_fd, enum pw_transport transport)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(map_fd, &info, &len);

	if (err)
		return err;
	if (transport == PW_TRANSPORT_RING)
		return info.type == BPF_MAP_TYPE_RINGBUF ? 0 : -EINVAL;
	return info.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ? 0 : -EINVAL;
}

static int open_perf(struct ring *r, int map_fd, size_t perf_bytes)
{
	LIBBPF_OPTS(perf_buffer_opts, opts, .sample_period = PERF_WAKEUP_EVENTS);
	int err = reorder__new(on_ordered, r, &r->order);

	if (err)
		return err;
	/* Lost samples are not asked for: the BPF program whose output failed has counted them. */
	r->pb = perf_buffer__new(map_fd, perf_pages(perf_bytes), on_perf, NULL, r, &opts);
	return r->pb ? 0 : -errno;
}

int ring__open(int map_fd, enum pw_transport transport, size_t perf_bytes, ring_fn fn, void *ctx,
	       struct ring **ret)
{
	int err = map_type_check(map_fd, transport);
	scoped(ring) r = NULL;

	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	if (transport == PW_TRANSPORT_RING) {
		r->rb = ring_buffer__new(map_fd, on_ring, r, NULL);
		err = r->rb ? 0 : -errno;
	} else {
		err = open_perf(r, map_fd, perf_bytes);
	}
	if (err)
		return err;
	*ret = steal(r);
	return 0;
}

void ring__free(struct ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	perf_buffer__free(r->pb);
	reorder__free(r->order);
	free(r);
}

/* Waiting ends when one buffer has something; a round is complete only when all were looked at. */
int ring__poll(struct ring *r, int timeout_ms)
{
	int err;

	r->handed = 0;
	err = r->rb ? ring_buffer__poll(r->rb, timeout_ms) : perf_buffer__poll(r->pb, timeout_ms);
	if (err < 0 && err != -EINTR)
		return err;
	err = r->rb ? ring_buffer__consume(r->rb) : perf_buffer__consume(r->pb);
	if (err < 0)
		return err;
	if (r->order)
		reorder__round(r->order);
	return r->handed;
}

int ring__drain(struct ring *r)
{
	return ring__poll(r, 0);
}

int ring__finish(struct ring *r)
{
	int err = ring__poll(r, 0);

	if (err >= 0 && r->order) {
		reorder__flush(r->order);
		err = r->handed;
	}
	return err;
}

int ring__fd(const struct ring *r)
{
	return r->rb ? ring_buffer__epoll_fd(r->rb) : perf_buffer__epoll_fd(r->pb);
}

uint64_t ring__lost(const struct ring *r)
{
	return r->lost;
}
