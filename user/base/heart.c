/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <time.h>

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

void heart__sleep_until(uint64_t ns)
{
	uint64_t now;
	int err = 0;

	while (!err && (now = clock_now_ns()) < ns) {
		const uint64_t next =
			ns - now < HEART_MS * NS_PER_MS ? ns : now + HEART_MS * NS_PER_MS;
		const struct timespec t = { .tv_sec = (time_t)(next / NS_PER_SEC),
					    .tv_nsec = (long)(next % NS_PER_SEC) };

		heart__beat();
		err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	heart__beat();
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
