/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring: the reading end of the transport: a BPF ring buffer, or a perf event array with a buffer
 * per processor.
 *
 * Both deliver records in order of time. The ring buffer does by nature; records of the
 * per-processor buffers are held back by pipe/reorder until every buffer was drained once more;
 * ring__finish() lets the last of them go. Not thread-safe: fn runs inside poll, drain and finish.
 */
#ifndef PARKWATCH_PIPE_RING_H
#define PARKWATCH_PIPE_RING_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

#include "base/cleanup.h"

/* One record as it came, not checked, 8-byte aligned, valid during the call only. */
typedef void (*ring_fn)(void *ctx, const void *data, size_t len);

struct ring;

/*
 * map_fd: of a BPF_MAP_TYPE_RINGBUF or BPF_MAP_TYPE_PERF_EVENT_ARRAY, borrowed as long as the ring
 * lives.
 * perf_bytes: size of the perf buffers of all processors together, a power of two of pages each
 * (ring buffers have their size in the map). -EINVAL: the map is of another kind.
 */
int ring__open(int map_fd, enum pw_transport transport, size_t perf_bytes, ring_fn fn, void *ctx,
	       struct ring **ret);
void ring__free(struct ring *r);
DEFINE_SCOPED(ring)

/*
 * Waits for records at most timeout_ms, hands over all there are. Number handed over, or negative
 * errno; a signal gives 0.
 */
int ring__poll(struct ring *r, int timeout_ms);
/* the same without waiting, whatever the wake-up mark says */
int ring__drain(struct ring *r);
/* after the last producer stopped: everything, held back records too */
int ring__finish(struct ring *r);

int ring__fd(const struct ring *r); /* readable when records wait, for epoll; borrowed */
/*
 * Records that came out of a perf buffer and could not be held back for want of memory; 0 for a
 * ring buffer.
 */
uint64_t ring__lost(const struct ring *r);

#endif
