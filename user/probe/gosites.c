// SPDX-License-Identifier: BSD-2-Clause
#include "probe/gosites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "code/isa.h"

#define PIECE    (1u << 20) /* of code, read at once */
#define CODE_MAX (1u << 30) /* of a module */

/* Go 1.15 to 1.27 runtime/proc.go, coro.go */
static const char *const makers[] = { "runtime.newproc", "runtime.newcoro" };

struct finder {
	uint64_t targets[GOMODULES_MAX * ARRAY_SIZE(makers)];
	size_t nr_targets;
	struct gosites *to;
	const struct isa *isa;
};

static bool finder__is_maker(const struct finder *f, uint64_t addr)
{
	for (size_t i = 0; i < f->nr_targets; i++)
		if (f->targets[i] == addr)
			return true;
	return false;
}

static int finder__piece(struct finder *f, uint64_t addr, const uint8_t *bytes, size_t len)
{
	struct gosites *to = f->to;
	struct isa_call call;

	for (size_t at = 0; f->isa->next_call(bytes, len, addr, at, &call); at = call.at + 1) {
		if (!finder__is_maker(f, call.target))
			continue;
		if (to->nr == GOSITES_MAX)
			return -ENOSPC;
		if (vec__reserve(&to->v, &to->room, to->nr + 1, sizeof(*to->v)))
			return -ENOMEM;
		to->v[to->nr++] = addr + call.next;
	}
	return 0;
}

static int finder__module(struct finder *f, const struct goproc *gp, const struct gomodule *m)
{
	scoped_mem uint8_t *bytes = malloc(PIECE);
	scoped_fd int fd = -EBADF;
	struct goplace place;
	int err = bytes ? goproc__place(gp, m->text, &place) : -ENOMEM;

	if (err || m->etext <= m->text || m->etext - m->text > CODE_MAX)
		return err ? err : -E2BIG;
	fd = open(place.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (uint64_t at = m->text; at < m->etext && !err;
	     at += PIECE - (f->isa->call_bytes - 1u)) {
		const uint64_t left = m->etext - at;
		const ssize_t n = pread(fd, bytes, left < PIECE ? left : PIECE,
					(off_t)(place.offset + (at - m->text)));

		if (n <= 0) /* the file ends before it should */
			return n ? -errno : -EBADMSG;
		err = finder__piece(f, at, bytes, (size_t)n);
	}
	return err;
}

int gosites__find(struct goproc *gp, struct goruntime *rt, struct gosites *ret)
{
	struct gofunc found[ARRAY_SIZE(makers)];
	struct finder f = { .to = ret, .isa = isa_of(rt->machine) };
	int err = f.isa ? 0 : -EOPNOTSUPP;

	for (uint32_t m = 0; m < rt->nr_modules && m < GOMODULES_MAX && !err; m++) {
		err = gosym__find(rt->sym, m, makers, ARRAY_SIZE(makers), found);
		for (size_t i = 0; i < ARRAY_SIZE(makers) && !err; i++)
			if (found[i].entry)
				f.targets[f.nr_targets++] = found[i].entry;
	}
	for (uint32_t m = 0; m < rt->nr_modules && m < GOMODULES_MAX && !err; m++)
		err = finder__module(&f, gp, &rt->modules[m]);
	return err;
}

void gosites__done(struct gosites *s)
{
	free(s->v);
	*s = (struct gosites){ .nr = 0 };
}
