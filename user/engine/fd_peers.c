// SPDX-License-Identifier: BSD-2-Clause
#include "engine/fd_peers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "target/fds.h"

void fd_peers__done(struct fd_peers *p)
{
	fds__free(p->fds);
}

const char *fd_peers__text(void *peers, int fd)
{
	struct fd_peers *p = peers;

	if (!p->fds && fds__new(p->proc, &p->fds))
		return "";
	return fds__describe(p->fds, fd);
}

static int compare_fds(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The descriptors that goroutines wait for, each once. */
static int waited_fds(const struct snapshot *t, int **ret, size_t *ret_nr)
{
	size_t nr = 0, room = 0, kept = 0;
	scoped_mem int *fds = NULL;

	for (size_t rt = 0; rt < t->target.nr; rt++) {
		const struct census *c = t->censuses[rt];

		for (size_t i = 0; i < c->nr_waits; i++) {
			if (c->waits[i].kind != CENSUS_WAIT_FD)
				continue;
			if (vec__reserve(&fds, &room, nr + 1, sizeof(*fds)))
				return -ENOMEM;
			fds[nr++] = (int)c->waits[i].via;
		}
	}
	if (nr)
		qsort(fds, nr, sizeof(*fds), compare_fds);
	for (size_t i = 0; i < nr; i++)
		if (!i || fds[i] != fds[i - 1])
			fds[kept++] = fds[i];
	*ret = steal(fds);
	*ret_nr = kept;
	return 0;
}

int fd_peers__save(struct fd_peers *p, const struct snapshot *t, struct factlog *f)
{
	scoped_mem int *fds = NULL;
	size_t nr = 0;
	const int err = waited_fds(t, &fds, &nr);

	return err ? err : factlog__peers(f, fds, nr, fd_peers__text, p);
}
