/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nothing: what a process that neither reads nor writes has for its standard descriptors: /dev/null.
 * Where there is no /dev, as in the root of an image, a directory: to read and to write are errors.
 */
#ifndef PARKWATCH_BASE_NOTHING_H
#define PARKWATCH_BASE_NOTHING_H

#include <fcntl.h>

/* Negative: there is none. */
static inline int open_nothing(void)
{
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#endif
