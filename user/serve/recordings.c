// SPDX-License-Identifier: BSD-2-Clause
#include "serve/recordings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/lines.h"

void recordings__init(struct recordings *r)
{
	*r = (struct recordings){ .from = { .fd = -1 } };
}

void recordings__done(struct recordings *r)
{
	frame_reader__close(&r->from);
	for (int e = 0; e < RECORDING_EVENTS; e++)
		free(r->newest[e].pw);
}

uint32_t recordings_regular(enum level level, uint32_t *ret_seconds, uint64_t *ret_every_ns)
{
	const uint32_t events = 1U << PROFILE_BLOCKED | 1U << PROFILE_BIRTHS | 1U << PROFILE_ALLOC |
				1U << PROFILE_CPU;
	const bool full = level == LEVEL_FULL;

	if (level < LEVEL_PROFILE)
		return 0;
	*ret_seconds = full ? RECORDING_FULL_S : RECORDING_PROFILE_S;
	*ret_every_ns = full ? RECORDING_FULL_EVERY_NS : RECORDING_PROFILE_EVERY_NS;
	return full ? events | 1U << PROFILE_EXITS : events;
}

void recordings__begin(struct recordings *r, uint32_t seconds, bool asked, uint64_t now_ns)
{
	recording_plan__begin(&r->plan, now_ns);
	r->seconds = seconds;
	r->asked = asked;
	r->got = 0;
	r->cpu_now_ns = 0;
	r->nr++;
}

/* Which event it is of. 0, or -EBADMSG. */
static int read_event(const struct frame_reader *from, const char *id, enum profile_event *ret)
{
	const struct frame_bytes digest = frame_reader__part(from, FRAME_DIGEST),
				 lines = frame_reader__part(from, FRAME_LINES);
	uint32_t event;

	if (digest.len != sizeof(event))
		return -EBADMSG;
	memcpy(&event, digest.v, sizeof(event));
	if (event >= RECORDING_EVENTS)
		return -EBADMSG;
	*ret = (enum profile_event)event;
	lines_pass_on(lines.v, lines.len, id);
	return 0;
}

static void count(struct recordings *r, const struct frame_figures *f)
{
	const uint64_t cpu_ns = frame_own_cpu_ns(f);

	if (cpu_ns > r->cpu_now_ns) {
		r->cpu_ns += cpu_ns - r->cpu_now_ns;
		r->cpu_now_ns = cpu_ns;
	}
	r->lost += f->lost;
	r->probes_ns += frame_probes_ns(f);
}

int recordings__read(struct recordings *r, const char *id, enum profile_event *ret_event)
{
	int got = frame_reader__read(&r->from);

	if (got <= 0)
		return got;
	got = read_event(&r->from, id, ret_event);
	if (!got && r->got >> *ret_event & 1)
		got = -EBADMSG; /* once more */
	if (got)
		return got;
	r->got |= 1U << *ret_event;
	count(r, &r->from.head.figures);
	return 1;
}

bool recordings__end(struct recordings *r)
{
	const bool failed = !r->got;

	frame_reader__close(&r->from);
	recording_plan__end(&r->plan, failed);
	r->failed += failed;
	return failed;
}

void recordings__keep(struct recordings *r, enum profile_event event, uint64_t now_ns)
{
	struct recorded *to = &r->newest[event];

	free(to->pw);
	to->pw = frame_reader__take(&r->from, &to->len);
	to->came_ns = now_ns;
}
