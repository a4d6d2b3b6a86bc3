/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach_filter: what the BPF programs of one Go runtime keep, beside goids, and the maps that say
 * so. Part of probe/attach: nobody else calls its functions.
 */
#ifndef PARKWATCH_PROBE_ATTACH_FILTER_H
#define PARKWATCH_PROBE_ATTACH_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>
#include <parkwatch/knobs.h>

struct attach_site {
	uint64_t gopc;
	bool wanted;
};

struct attach_filter { /* all borrowed while it is attached */
	struct pw_filter how;
	/* go statements that are known; PW_KEPT_MAX of them at most are told */
	const struct attach_site *sites;
	size_t nr_sites;
	const struct pw_label *labels; /* that are wanted; PW_GOIDS_MAX at most */
	size_t nr_labels;
	const uint64_t *ps; /* that are wanted; PW_PS_MAX at most */
	size_t nr_ps;
};

struct parkwatch;
/* Before it is loaded: room in the maps. f NULL: there is none. */
int attach_filter__size(const struct attach_filter *f, struct parkwatch *skel);
int attach_filter__fill(const struct attach_filter *f, struct parkwatch *skel);

#endif
