/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outplace: the folder in which a file will be written, opened once, and the file's name in it.
 *
 * A path is walked part by part, as the kernel does, with the care of its protected_symlinks and
 * protected_regular, but always and in every folder that others may write. A link or a fifo of
 * another user (neither root nor ours) is refused there, and of a file of such a user only the
 * name is taken. After that nothing is looked up again.
 */
#ifndef PARKWATCH_BASE_OUTPLACE_H
#define PARKWATCH_BASE_OUTPLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/cause.h"

struct outplace {
	int dir;                 /* the folder (O_PATH) */
	int file;                /* what is there now (O_PATH); -EBADF: nothing */
	char name[NAME_MAX + 1]; /* in dir, no link */
	struct stat st;          /* of file */
	bool nameless;           /* only the kernel can name it: /proc/self/fd/1 */
	/* a file that somebody else put into a folder that others may write */
	bool foreign;
};

/*
 * Links are followed, so that the file they point to is meant. The path may be that of a new file.
 * 0 or negative errno.
 */
int outplace__open(const char *path, struct outplace *ret, struct cause *why);
void outplace__close(struct outplace *p);
/* Opens what is there now for writing: the descriptor, or negative errno. */
int outplace__write(const struct outplace *p);

#endif
