/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heart.h"

int master__init(struct master *m, pid_t pid, int stat_fd)
{
	*m = (struct master){ .stat_fd = -EBADF };
	if (clock_getcpuclockid(pid, &m->clock))
		return -ESRCH;
	m->stat_fd = stat_fd;
	m->seen_ns = clock_now_ns();
	master__lives(m);
	return 0;
}

void master__done(struct master *m)
{
	if (m->stat_fd >= 0)
		close(m->stat_fd);
	m->stat_fd = -EBADF;
}

void master__lives(struct master *m)
{
	m->beats = heart->beats;
	m->beat_ns = clock_now_ns();
	m->beat_cpu_ns = clock_ns(m->clock);
}

/*
 * Linux Documentation/filesystems/proc.rst: "pid (comm) state ..."; its main thread's is the
 * loop's.
 */
char master_letter(int stat_fd)
{
	char text[128];
	const ssize_t n = pread(stat_fd, text, sizeof(text) - 1, 0);
	const char *end;

	if (n <= 0)
		return 'R';
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] ? end[2] : 'R';
}

uint64_t master_allow(double slow)
{
	const double times = slow > 1 ? slow : 1;

	heart->late_ns =
		(uint64_t)((times < MASTER_SLOW_MOST ? times : MASTER_SLOW_MOST) * MASTER_LATE_NS);
	return heart->late_ns;
}

bool master_is_late(char state, uint64_t silent_ns, uint64_t cpu_ns, uint64_t late_ns)
{
	const uint64_t late = late_ns ? late_ns : MASTER_LATE_NS;

	if (state == 'R' && cpu_ns < late)
		return silent_ns >= MASTER_STARVED_NS - MASTER_LATE_NS + late;
	return silent_ns >= late;
}

enum master_state master__state(struct master *m)
{
	const uint64_t now = clock_now_ns(), away_ns = now - m->seen_ns;
	char state;

	m->seen_ns = now;
	if (heart->paused)
		return MASTER_STOPPED;
	if (heart->beats != m->beats) {
		master__lives(m);
		return MASTER_HERE;
	}
	state = master_letter(m->stat_fd);
	if (state == 'T' || state == 't')
		return MASTER_STOPPED;
	if (away_ns > MASTER_LATE_NS / 2) { /* so were we: nobody saw whether it gave a sign */
		master__lives(m);
		return MASTER_HERE;
	}
	return master_is_late(state, now - m->beat_ns, clock_ns(m->clock) - m->beat_cpu_ns,
			      heart->late_ns)
		       ? MASTER_LATE
		       : MASTER_HERE;
}
