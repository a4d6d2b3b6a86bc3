// SPDX-License-Identifier: BSD-2-Clause
#include "format/tracks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tracks__done(struct tracks *k)
{
	timeline_words__free(k->words);
	free(k->site);
	free(k->told);
	*k = (struct tracks){ .timeline = NULL };
}

int tracks__init(struct tracks *k, const struct report *r, struct cause *why)
{
	const size_t nr = r->timeline ? timeline__nr(r->timeline) : 0;
	int err;

	*k = (struct tracks){ .timeline = r->timeline };
	if (!r->timeline)
		return cause__set(
			why, -EOPNOTSUPP,
			"no timeline was recorded: it has when goroutines were ready, and who "
			"woke them; 'parkwatch record -f trace' does that, and keeps it with "
			"--save FILE.pw or -o FILE.pw");
	timeline__span(r->timeline, &k->span);
	snprintf(k->process, sizeof(k->process), "%s (pid %d)", r->meta->comm, r->meta->pid);
	err = timeline_words__new(r->namers, r->nr_namers, r->stacks, &k->words);
	k->site = calloc(nr + 1, sizeof(*k->site));
	k->told = calloc(SITES_MAX + 1, sizeof(*k->told));
	if (!err && (!k->site || !k->told))
		err = -ENOMEM;
	for (size_t i = 0; i < nr && !err; i++) {
		const struct timeline_goroutine *g = timeline__goroutine(r->timeline, i);
		const uint32_t site = timeline_words__site(k->words, g->rt, g->gopc);

		k->site[i] = site == SITES_NONE ? SITES_MAX : site;
	}
	if (!err)
		return 0;
	tracks__done(k);
	return cause__set(why, err, "cannot put the timeline together: %s", strerror(-err));
}

const char *tracks__site(struct tracks *k, size_t i)
{
	const uint32_t site = k->site[i];

	if (k->told[site])
		return NULL;
	k->told[site] = 1;
	return timeline_words__made(k->words, site == SITES_MAX ? SITES_NONE : site);
}

void tracks__mark(const struct timeline_mark *m, char *text, size_t size)
{
	if (m->lost)
		snprintf(text, size, "%llu events were lost", (unsigned long long)m->lost);
	else
		snprintf(text, size, "not recorded");
}

const char *tracks__full(const struct tracks *k)
{
	return k->span.full ? "the window is shorter than asked for: its bytes were used up" : "";
}

const char *tracks__state(enum timeline_state s)
{
	static const char *const words[TIMELINE_STATES] = { "running", "ready", "waiting" };

	return words[s];
}
