/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/addrspace.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* no memory for the table: hh.tbl stays NULL and we say -ENOMEM */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define PAGE_BYTES    4096u
#define PAGECACHE_MIN (64u << 10)
#define STR_PIECE_MAX 256u

void addrspace__read_batch(const struct addrspace *as, struct memread *reads, size_t nr)
{
	if (as->read_batch) {
		as->read_batch(as, reads, nr);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		reads[i].err = addrspace__read(as, reads[i].addr, reads[i].buf, reads[i].len);
}

static int bufspace__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct bufspace *b = (const struct bufspace *)as;

	if (addr < b->base || addr - b->base > b->len || len > b->len - (addr - b->base))
		return -EFAULT;
	memcpy(buf, (const char *)b->buf + (addr - b->base), len);
	return 0;
}

void bufspace__init(struct bufspace *b, const void *buf, size_t len, uint64_t base)
{
	*b = (struct bufspace){ .as.read = bufspace__read, .buf = buf, .len = len, .base = base };
}

struct page {
	uint64_t nr; /* address / PAGE_BYTES */
	bool used;   /* since the clock hand passed last */
	UT_hash_handle hh;
	uint8_t data[PAGE_BYTES];
};

struct pagecache {
	const struct addrspace *as; /* borrowed: caller keeps it until free */
	struct page *pages;
	struct page *last; /* the page of the previous read: most reads stay on one */
	size_t max_pages, nr_pages;
};

int pagecache__new(const struct addrspace *as, size_t max_bytes, struct pagecache **ret)
{
	struct pagecache *pc = calloc(1, sizeof(*pc));

	if (!pc)
		return -ENOMEM;
	pc->as = as;
	pc->max_pages =
		(max_bytes < PAGECACHE_MIN ? PAGECACHE_MIN : max_bytes) / sizeof(struct page);
	*ret = pc;
	return 0;
}

void pagecache__empty(struct pagecache *pc)
{
	struct page *p, *next;

	HASH_ITER(hh, pc->pages, p, next)
	{
		HASH_DEL(pc->pages, p);
		free(p);
	}
	pc->last = NULL;
	pc->nr_pages = 0;
}

void pagecache__free(struct pagecache *pc)
{
	if (!pc)
		return;
	pagecache__empty(pc);
	free(pc);
}

/*
 * Second chance in order of insertion: a used page goes to the end of uthash's list, an unused
 * one goes out.
 */
static struct page *pagecache__evict(struct pagecache *pc)
{
	struct page *p;

	for (;;) {
		p = pc->pages;
		HASH_DEL(pc->pages, p);
		if (!p->used)
			break;
		p->used = false;
		HASH_ADD(hh, pc->pages, nr, sizeof(p->nr), p);
		if (!p->hh.tbl) /* no longer a member */
			break;
	}
	pc->nr_pages--;
	if (pc->last == p)
		pc->last = NULL;
	return p;
}

static int pagecache__page(struct pagecache *pc, uint64_t nr, struct page **ret)
{
	struct page *p;
	int err;

	if (pc->last && pc->last->nr == nr) {
		*ret = pc->last;
		return 0;
	}
	HASH_FIND(hh, pc->pages, &nr, sizeof(nr), p);
	if (!p) {
		p = pc->nr_pages < pc->max_pages ? malloc(sizeof(*p)) : pagecache__evict(pc);
		if (!p)
			return -ENOMEM;
		err = addrspace__read(pc->as, nr * PAGE_BYTES, p->data, PAGE_BYTES);
		if (err) {
			free(p);
			return err;
		}
		p->nr = nr;
		HASH_ADD(hh, pc->pages, nr, sizeof(p->nr), p);
		if (!p->hh.tbl) {
			free(p);
			return -ENOMEM;
		}
		pc->nr_pages++;
	}
	p->used = true;
	pc->last = p;
	*ret = p;
	return 0;
}

int pagecache__read(struct pagecache *pc, uint64_t addr, void *buf, size_t len)
{
	char *out = buf;

	if (len && addr > UINT64_MAX - (len - 1))
		return -EFAULT;
	while (len) {
		size_t off = addr % PAGE_BYTES;
		size_t part = PAGE_BYTES - off < len ? PAGE_BYTES - off : len;
		struct page *p;
		int err = pagecache__page(pc, addr / PAGE_BYTES, &p);

		/*
		 * A page of which only a part is readable (end of a test's buffer): read what was
		 * asked.
		 */
		if (err == -EFAULT)
			err = addrspace__read(pc->as, addr, out, part);
		else if (!err)
			memcpy(out, p->data + off, part);
		if (err)
			return err;
		out += part;
		addr += part;
		len -= part;
	}
	return 0;
}

int pagecache__read_str(struct pagecache *pc, uint64_t addr, char *buf, size_t size,
			size_t *ret_len)
{
	size_t len = 0;

	if (!size)
		return -EINVAL;
	while (len < size - 1) {
		/* Never across a page: the string may end just before an unreadable one. */
		size_t part = PAGE_BYTES - (addr + len) % PAGE_BYTES;
		char *nul;
		int err;

		if (part > STR_PIECE_MAX)
			part = STR_PIECE_MAX;
		if (part > size - 1 - len)
			part = size - 1 - len;
		err = pagecache__read(pc, addr + len, buf + len, part);
		for (; err == -EFAULT && part > 1;
		     err = pagecache__read(pc, addr + len, buf + len, part))
			part /= 2;
		if (err)
			return err;
		nul = memchr(buf + len, '\0', part);
		if (nul) {
			*ret_len = (size_t)(nul - buf);
			return 0;
		}
		len += part;
	}
	buf[len] = '\0';
	*ret_len = len;
	return 0;
}

int pagecache__u8(struct pagecache *pc, uint64_t addr, uint8_t *ret)
{
	return pagecache__read(pc, addr, ret, sizeof(*ret));
}

int pagecache__u32(struct pagecache *pc, uint64_t addr, uint32_t *ret)
{
	uint32_t v;
	int err = pagecache__read(pc, addr, &v, sizeof(v));

	if (!err)
		*ret = v;
	return err;
}

int pagecache__u64(struct pagecache *pc, uint64_t addr, uint64_t *ret)
{
	uint64_t v;
	int err = pagecache__read(pc, addr, &v, sizeof(v));

	if (!err)
		*ret = v;
	return err;
}

const struct addrspace *pagecache__space(const struct pagecache *pc)
{
	return pc->as;
}

size_t pagecache__bytes(const struct pagecache *pc)
{
	return pc->nr_pages * sizeof(struct page);
}

int window__init(struct window *w, const struct addrspace *as, uint64_t start, uint64_t end)
{
	*w = (struct window){ .as = as, .start = start, .end = end };
	w->buf = malloc(WINDOW_BYTES);
	return w->buf ? 0 : -ENOMEM;
}

void window__done(struct window *w)
{
	free(w->buf);
	w->buf = NULL;
}

int window__at(struct window *w, uint64_t addr, size_t need, const uint8_t **ret)
{
	size_t len;
	int err;

	if (addr >= w->at && addr - w->at <= w->len && need <= w->len - (addr - w->at)) {
		*ret = w->buf + (addr - w->at);
		return 0;
	}
	if (addr < w->start || addr > w->end || need > w->end - addr || need > WINDOW_BYTES)
		return -EFAULT;
	len = w->end - addr < WINDOW_BYTES ? w->end - addr : WINDOW_BYTES;
	w->len = 0;
	err = addrspace__read(w->as, addr, w->buf, len);
	if (err == -EFAULT && need < len) { /* a hole further on: take no more than is asked */
		len = need;
		err = addrspace__read(w->as, addr, w->buf, len);
	}
	if (err)
		return err;
	w->at = addr;
	w->len = len;
	*ret = w->buf;
	return 0;
}

int window__piece(struct window *w, uint64_t addr, const uint8_t **ret, size_t *ret_len)
{
	int err;

	if (addr >= w->end) {
		*ret_len = 0;
		return 0;
	}
	err = window__at(w, addr, 1, ret);
	if (!err)
		*ret_len = w->len - (size_t)(*ret - w->buf);
	return err;
}
