/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cleanup: who frees what. The four macros of this project; there are no others like them.
 *
 *	scoped(elf_file) f = NULL;	freed by elf_file__free() on every way out
 *	*ret = steal(f);		hands it over, f is NULL afterwards
 */
#ifndef PARKWATCH_BASE_CLEANUP_H
#define PARKWATCH_BASE_CLEANUP_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define scoped(T) __attribute__((cleanup(T##__freep))) struct T *
#define DEFINE_SCOPED(T)                                                                           \
	static inline void T##__freep(struct T **p)                                                \
	{                                                                                          \
		T##__free(*p);                                                                     \
	}
#define steal(p)                                                                                   \
	({                                                                                         \
		__typeof__(p) p_ = (p);                                                            \
		(p) = NULL;                                                                        \
		p_;                                                                                \
	})
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* For memory and descriptors that are no object of ours. */
static inline void scoped_freep(void *p)
{
	free(*(void **)p);
}
static inline void scoped_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define scoped_mem __attribute__((cleanup(scoped_freep)))
#define scoped_fd  __attribute__((cleanup(scoped_closep)))

#endif
