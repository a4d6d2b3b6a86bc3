/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: history on disk: one .pw file (facts/pw_file) for each target and hour.
 *
 *	0001795996235-api-812-3f2a.pw		when it begins, seconds since 1970; the target's id
 *
 * A whole recording that fits in one segment is appended, as that segment, in one write. So a file is
 * readable at each moment, also after a kill: it is a recording that was cut off. A write that fails
 * is taken back. Files of an earlier daemon are never appended to. In the heads of these segments
 * first_ns and last_ns are the wall clock, ns since 1970.
 *
 * Bounded: bytes, age and number of files; the oldest go first. What cannot be written is lost and
 * counted, and nobody waits for it. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_STORE_H
#define PARKWATCH_SERVE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define STORE_BYTES_MAX  (1u << 30) /* in all */
#define STORE_AGE_MAX_S  (7u * 24 * 3600)
#define STORE_FILES_MAX  10000
#define STORE_FILE_BYTES (8u << 20) /* then another one begins */
#define STORE_FILE_S     3600
#define STORE_NAME_MAX   96

struct store_opts {
	uint64_t bytes_max, age_max_s;
	size_t files_max;
};

struct store_counts {
	uint64_t bytes, files; /* that there are */
	uint64_t kept, lost;   /* recordings, since the start */
	uint64_t too_large;    /* of the lost: longer than a segment */
	int err;               /* the last one was lost: why, negative errno; 0: it was not */
};

struct store;
/* fd: of its folder; taken over, also if it fails. 0, -ENOMEM, an errno of reading. */
int store__new(int fd, const struct store_opts *o, struct store **ret);
void store__free(struct store *s);
DEFINE_SCOPED(store)

/*
 * pw: a whole recording, in memory. id: of its target, letters, digits and '-'. 0; -E2BIG: it has not
 * one segment; -EBADMSG: it is none; an errno of writing. Each but 0 is counted.
 */
int store__append(struct store *s, const char *id, const char *pw, size_t len, uint64_t unix_ns);
struct store_counts store__counts(const struct store *s);
int store__fd(const struct store *s);                   /* of its folder */
bool store__has(const struct store *s, const char *id); /* something of this target */

/* "0001795996235-api-812-3f2a.pw" in its parts; false: it is no file of a store. */
bool store_name__read(const char *name, uint64_t *ret_begin_s, char ret_id[STORE_NAME_MAX]);

#endif
