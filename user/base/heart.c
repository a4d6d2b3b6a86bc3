/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include "base/clock.h"

static struct heart own;
struct heart *heart = &own;

bool heart_lent;
static struct lent {
	void (*fn)(void *ctx);
	void *ctx;        /* borrowed */
	uint64_t done_ns; /* when it was called last */
} lent;

void heart__lend(void (*fn)(void *ctx), void *ctx)
{
	lent.fn = fn;
	lent.ctx = ctx;
	heart_lent = fn;
}

void heart__let_others(void)
{
	const struct lent now = lent;

	if (clock_now_ns() - now.done_ns < HEART_BETWEEN_MS * NS_PER_MS)
		return;
	heart__lend(NULL, NULL);
	now.fn(now.ctx);
	heart__lend(now.fn, now.ctx);
	lent.done_ns = clock_now_ns();
}

int heart__join(int fd)
{
	void *page = mmap(NULL, sizeof(*heart), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	heart = page;
	return 0;
}

int heart__share(int fd)
{
	const struct heart before = *heart;
	const int err = heart__join(fd);

	if (!err)
		*heart = before;
	return err;
}

bool heart__wait_for(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const uint64_t end = clock_now_ns() + (uint64_t)ms * NS_PER_MS;
	int n;

	do {
		heart__beat();
		n = poll(&p, 1, ms < HEART_MS ? ms : HEART_MS);
	} while (n <= 0 && clock_now_ns() < end);
	heart__beat();
	return n > 0;
}
