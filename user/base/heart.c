/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include "base/clock.h"

static struct heart own;
struct heart *heart = &own;

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
