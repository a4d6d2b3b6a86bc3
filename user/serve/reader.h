/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader: the processes that make readings (serve/reading) into answers, each in one of its own, out of one that
 * was started before the supervisor knew a secret or had a client.
 *
 * They have no capability, no descriptor but what they read, where they write and the store's folder, READER_BYTES_MAX of memory
 * and READER_S of time. What they read is hostile input. Who reads no more what one writes ends it.
 *
 * An answer goes through a pipe: a reader_head, then pieces, each its length and its bytes; a length of 0 says that it
 * is whole.
 */
#ifndef PARKWATCH_SERVE_READER_H
#define PARKWATCH_SERVE_READER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"

#define READERS_MAX      16
#define READER_S         60 /* a million goroutines, and a client that takes them */
#define READER_BYTES_MAX (1ULL << 30)
#define READER_MAGIC     0x72656164u

struct reader_head {
	uint32_t magic, status, go_pprof, retry_s;
	char type[64], interval[48]; /* as of http_answer */
};

/*
 * Forks what starts readers. *ret_fd: a SOCK_SEQPACKET to it: a message of one byte, and with it the reading, the pipe's end to
 * write to, and the store's folder, if there is one. It ends when that is closed. 0, or negative errno with a cause.
 */
int reader__start(pid_t *ret, int *ret_fd, struct cause *why);

#endif
