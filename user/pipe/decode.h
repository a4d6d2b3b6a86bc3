/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decode: bytes that came through the ring or perf buffer, to checked records.
 *
 * The one place that believes nothing about a record: what passes here has a known kind, the size
 * of that kind, and
 * (PW_STACK) exactly as many pcs as it says. Called by the session for each record; not thread-safe;
 * allocates nothing.
 */
#ifndef PARKWATCH_PIPE_DECODE_H
#define PARKWATCH_PIPE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

/* in = out + malformed + unknown, always. */
struct pipe_stats {
	uint64_t in;        /* records that the transport gave us */
	uint64_t out;       /* passed on */
	uint64_t malformed; /* -EBADMSG */
	uint64_t unknown;   /* -EOPNOTSUPP */
};

/*
 * 0 and *ret, which points into buf (8-byte aligned, as ring__open() gives it). -EBADMSG: no room
 * for the header, a size past the end or not that of its kind, a stack whose nr does not fit;
 * -EOPNOTSUPP: a kind that we do not know. Bytes after hdr.size are padding of the transport and
 * ignored.
 */
int pw_decode(const void *buf, size_t len, const struct pw_hdr **ret);

/* The same, counted. */
int pipe_stats__decode(struct pipe_stats *ps, const void *buf, size_t len,
		       const struct pw_hdr **ret);

#endif
