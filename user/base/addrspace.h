/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addrspace: something that can be read by address: a live process, a file, a buffer in a test.
 *
 * Two layers. `struct addrspace` is the bare reader, embedded by those who implement it (target/mem
 * for a process). `struct pagecache` puts a bounded cache of 4 KiB pages over a reader, for tables
 * that do not change while the process lives (pclntab, moduledata, code): a page is read once, the
 * oldest are dropped, memory stays under the bound whatever is looked up. Never put a pagecache
 * over data that changes (g structs, stacks, allgs). Not thread-safe.
 */
#ifndef PARKWATCH_BASE_ADDRSPACE_H
#define PARKWATCH_BASE_ADDRSPACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* One piece of a batch: read whole, or err says why not. */
struct memread {
	uint64_t addr;
	void *buf;
	size_t len;
	int err; /* set by the call: 0, -EFAULT, -ESRCH, -EACCES */
};

struct addrspace {
	/*
	 * Reads exactly len bytes at addr into buf. 0, or -EFAULT if any byte is not readable,
	 * -ESRCH if the process is gone.
	 */
	int (*read)(const struct addrspace *as, uint64_t addr, void *buf, size_t len);
	/* Many pieces in few system calls, in their order; NULL: one by one. */
	void (*read_batch)(const struct addrspace *as, struct memread *reads, size_t nr);
};

static inline int addrspace__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	return as->read(as, addr, buf, len);
}

void addrspace__read_batch(const struct addrspace *as, struct memread *reads, size_t nr);

/* A reader over a buffer that stands at address `base`: unit tests, fuzz targets, mapped files. */
struct bufspace {
	struct addrspace as;
	const void *buf; /* borrowed: as long as the bufspace is used */
	size_t len;
	uint64_t base;
};
void bufspace__init(struct bufspace *b, const void *buf, size_t len, uint64_t base);

struct pagecache;
/* `as` is borrowed until free. max_bytes: bound of the pages held, at least 64 KiB is used. */
int pagecache__new(const struct addrspace *as, size_t max_bytes, struct pagecache **ret);
void pagecache__free(struct pagecache *pc);
DEFINE_SCOPED(pagecache)
int pagecache__read(struct pagecache *pc, uint64_t addr, void *buf, size_t len);
/*
 * Reads a NUL-terminated string of at most size - 1 bytes; longer ones are cut. -EFAULT as above.
 * *ret_len without the NUL.
 */
int pagecache__read_str(struct pagecache *pc, uint64_t addr, char *buf, size_t size,
			size_t *ret_len);
int pagecache__u8(struct pagecache *pc, uint64_t addr, uint8_t *ret);
/* little endian, as the machine */
int pagecache__u32(struct pagecache *pc, uint64_t addr, uint32_t *ret);
int pagecache__u64(struct pagecache *pc, uint64_t addr, uint64_t *ret);
/* the reader beneath, borrowed */
const struct addrspace *pagecache__space(const struct pagecache *pc);
size_t pagecache__bytes(const struct pagecache *pc); /* memory that its pages hold now */
void pagecache__empty(struct pagecache *pc);         /* gives that memory back */

/*
 * A window over a stretch of memory that is read once from its start to its end: whole binaries go
 * through it, in pieces of WINDOW_BYTES, and nothing is kept. window__at() may also step back, at
 * the price of a new read.
 */
#define WINDOW_BYTES (64u << 10)
struct window {
	const struct addrspace *as; /* borrowed */
	uint64_t start, end;        /* the stretch */
	uint64_t at;                /* address of buf[0] */
	size_t len;                 /* valid bytes of buf */
	uint8_t *buf;               /* owned */
};
int window__init(struct window *w, const struct addrspace *as, uint64_t start, uint64_t end);
void window__done(struct window *w);
/*
 * *ret: `need` bytes (at most WINDOW_BYTES) at addr, valid until the next call. -EFAULT: unreadable
 * or outside the stretch.
 */
int window__at(struct window *w, uint64_t addr, size_t need, const uint8_t **ret);
/*
 * As window__at() with need 1; *ret_len says how many bytes are there. 0 bytes at the end of the
 * stretch.
 */
int window__piece(struct window *w, uint64_t addr, const uint8_t **ret, size_t *ret_len);

#endif
