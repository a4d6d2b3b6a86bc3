/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_read: what a store (serve/store) has of a target and a time, as one recording in memory.
 *
 * The daemon may write meanwhile, or may have been killed: of each file the whole segments count.
 * Files are hostile input; what is not whole or not ours ends its file, and is counted.
 */
#ifndef PARKWATCH_SERVE_STORE_READ_H
#define PARKWATCH_SERVE_STORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"

#define STORE_READ_BYTES_MAX (256u << 20)

struct store_asked {
	const char *dir, *target;
	const char *view; /* recordings of this command */
	uint64_t from_unix_ns, to_unix_ns;
	bool newest;      /* only the last one; else all, one after the other */
	uint64_t step_ns; /* of all: only those that are this far apart, or further */
};

struct store_found {
	char *pw; /* owned: a recording that was cut off */
	size_t len;
	uint64_t recordings, first_unix_ns, last_unix_ns;
	uint64_t damaged; /* files that end before their end */
};
void store_found__done(struct store_found *f);

/*
 * -ENOENT: there is nothing of that time, or that target; -E2BIG: too much; -ENOMEM, an errno of
 * reading; each with a cause.
 */
int store_read(const struct store_asked *a, struct store_found *ret, struct cause *why);
/* fd: of the segments' folder; a->dir is only told. */
int store_read_at(int fd, const struct store_asked *a, struct store_found *ret, struct cause *why);

#endif
