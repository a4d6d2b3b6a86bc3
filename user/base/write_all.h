/* SPDX-License-Identifier: BSD-2-Clause */
/* write_all: all bytes into a file, or a pipe that blocks: who reads may take them in pieces, or be gone. */
#ifndef PARKWATCH_BASE_WRITE_ALL_H
#define PARKWATCH_BASE_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* 0 or negative errno. */
static inline int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		const ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

#endif
