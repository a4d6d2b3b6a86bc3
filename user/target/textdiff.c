// SPDX-License-Identifier: BSD-2-Clause
#include "target/textdiff.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/heart.h"
#include "code/native.h"

#define PIECE   4096u /* of a page, which may have 4, 16 or 64 KiB */
#define PAGES   512u  /* entries of pagemap in one read */
#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)

static void textdiff__add(struct textdiff *d, uint64_t addr)
{
	if (d->nr == TEXTDIFF_MAX)
		d->refused++;
	else
		d->addrs[d->nr++] = addr;
}

int textdiff__has(const struct textdiff *d, uint64_t addr)
{
	for (size_t i = 0; i < d->nr; i++)
		if (d->addrs[i] == addr)
			return 1;
	return 0;
}

static void textdiff__piece(struct textdiff *d, uint64_t addr, const uint8_t *now,
			    const uint8_t *file, size_t len)
{
	for (size_t i = 0; i < len;) {
		const size_t n = native_breakpoint(now + i, file + i, len - i);

		if (n)
			textdiff__add(d, addr + i);
		i += n ? n : native_align;
	}
}

/* len bytes from addr on, at offset of the file. */
static int textdiff__compare(struct textdiff *d, const struct proc *p, const struct goimage *img,
			     uint64_t addr, uint64_t offset, uint64_t len)
{
	uint8_t now[PIECE], file[PIECE];

	for (uint64_t done = 0; done < len; done += PIECE) {
		const int err = addrspace__read(proc__mem(p), addr + done, now, PIECE);
		ssize_t n;

		if (err && err != -EFAULT)
			return err;
		n = err ? 0 : pread(img->fd, file, PIECE, (off_t)(offset + done));
		if (n > 0)
			textdiff__piece(d, addr + done, now, file, (size_t)n);
	}
	return 0;
}

static int textdiff__segment(struct textdiff *d, const struct proc *p, int pagemap,
			     const struct goimage *img, const struct goseg *seg)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t entries[PAGES];
	int err = 0;

	for (uint64_t at = seg->start; at < seg->end && !err; at += PAGES * page) {
		const uint64_t left = (seg->end - at) / page, nr = left < PAGES ? left : PAGES;
		const ssize_t n = pread(pagemap, entries, nr * sizeof(*entries),
					(off_t)(at / page * sizeof(*entries)));

		heart__beat(); /* another job of this process may have probes in */
		if (n < 0)
			return -errno;
		if (!n)
			return -ESRCH;
		for (size_t i = 0; i < (size_t)n / sizeof(*entries) && !err; i++)
			if (entries[i] & (PRESENT | SWAPPED) && !(entries[i] & OF_FILE))
				err = textdiff__compare(d, p, img, at + i * page,
							seg->file_off + (at - seg->start) +
								i * page,
							page);
	}
	return err;
}

int textdiff__find(const struct goproc *gp, const struct proc *p, struct textdiff *ret)
{
	scoped_fd int pagemap = openat(proc__dirfd(p), "pagemap", O_RDONLY | O_CLOEXEC);
	const struct goimage *images[GOPROC_IMAGES_MAX];
	const size_t nr = goproc__images(gp, images, ARRAY_SIZE(images));
	int err = pagemap < 0 ? -errno : 0;

	ret->nr = ret->refused = 0;
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < images[i]->nr_segs && !err; k++) {
			const struct goseg *seg = &images[i]->segs[k];

			if (seg->prot & GOSEG_X && !seg->anon)
				err = textdiff__segment(ret, p, pagemap, images[i], seg);
		}
	return err;
}
