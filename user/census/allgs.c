/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/allgs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "census/census.h"

#define ALLGS_TRIES   5
#define ALLGS_LEN_MAX (1ULL << 32) /* beyond that the length is nonsense */
#define ALLGS_READ    65536        /* addresses of one read */

static int header_read(const struct addrspace *as, uint64_t addr, uint64_t *ret_ptr,
		       uint64_t *ret_len)
{
	uint64_t len, ptr;
	struct memread reads[] = {
		/* in this order */
		{ .addr = addr + 8, .buf = &len, .len = sizeof(len) },
		{ .addr = addr, .buf = &ptr, .len = sizeof(ptr) },
	};

	addrspace__read_batch(as, reads, ARRAY_SIZE(reads));
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (reads[i].err)
			return reads[i].err;
	if (len > ALLGS_LEN_MAX || ptr % 8 || (len && !ptr))
		return -EBADMSG;
	*ret_ptr = ptr;
	*ret_len = len;
	return 0;
}

static int array_read(const struct addrspace *as, uint64_t addr, uint64_t *addrs, size_t nr)
{
	for (size_t at = 0; at < nr; at += ALLGS_READ) {
		size_t n = nr - at < ALLGS_READ ? nr - at : ALLGS_READ;
		int err = addrspace__read(as, addr + at * sizeof(*addrs), addrs + at,
					  n * sizeof(*addrs));

		if (err)
			return err;
	}
	return 0;
}

/* 0, or -EAGAIN: the array moved. */
static int allgs__try(const struct addrspace *as, uint64_t header, struct allgs *ret)
{
	scoped_mem uint64_t *addrs = NULL;
	uint64_t ptr, len, ptr_after, len_after;
	size_t nr, kept = 0;
	int err;

	err = header_read(as, header, &ptr, &len);
	if (err)
		return err;
	nr = len < CENSUS_G_MAX ? len : CENSUS_G_MAX;
	addrs = calloc(nr ? nr : 1, sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	err = array_read(as, ptr, addrs, nr);
	if (err == -ESRCH)
		return err;
	if (header_read(as, header, &ptr_after, &len_after) || ptr_after != ptr || len_after < len)
		return -EAGAIN;
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) /* the last one may not be written yet */
		if (addrs[i])
			addrs[kept++] = addrs[i];
	*ret = (struct allgs){ .addrs = steal(addrs), .nr = kept, .len = len };
	return 0;
}

int allgs__read(const struct addrspace *as, const struct goruntime *rt, struct allgs *ret)
{
	int err = -EAGAIN;

	for (int i = 0; i < ALLGS_TRIES && err == -EAGAIN; i++)
		err = allgs__try(as, rt->allgs, ret);
	return err == -EAGAIN ? -EBADMSG : err;
}

void allgs__done(struct allgs *a)
{
	free(steal(a->addrs));
}
