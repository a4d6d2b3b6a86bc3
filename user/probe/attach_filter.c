// SPDX-License-Identifier: BSD-2-Clause
#include "probe/attach_filter.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "parkwatch.skel.h"

#define SITES_RESERVE 1024 /* for those that come to be known */

static size_t most(size_t n, size_t max)
{
	return n < max ? n : max;
}

static int set_room(struct bpf_map *map, bool used, size_t entries)
{
	return bpf_map__set_max_entries(map, used && entries ? (uint32_t)entries : 1);
}

int attach_filter__size(const struct attach_filter *f, struct parkwatch *skel)
{
	static const struct attach_filter none;
	const uint32_t on = f ? f->how.on : 0;
	int err;

	f = f ? f : &none;
	err = set_room(skel->maps.pw_kept_sites, on & PW_FILTER_SITES,
		       most(f->nr_sites + SITES_RESERVE, PW_KEPT_MAX));
	if (!err)
		err = set_room(skel->maps.pw_kept_stacks, on & PW_FILTER_STACKS, PW_KEPT_MAX);
	if (!err)
		err = set_room(skel->maps.pw_kept_labels, on & PW_FILTER_LABELS, f->nr_labels);
	return err ? err : set_room(skel->maps.pw_kept_ps, on & PW_FILTER_PS, f->nr_ps);
}

int attach_filter__fill(const struct attach_filter *f, struct parkwatch *skel)
{
	const size_t sites = f->how.on & PW_FILTER_SITES ? most(f->nr_sites, PW_KEPT_MAX) : 0;
	int err = 0;

	for (size_t i = 0; i < sites && !err; i++) {
		const uint8_t value = f->sites[i].wanted;

		err = bpf_map_update_elem(bpf_map__fd(skel->maps.pw_kept_sites), &f->sites[i].gopc,
					  &value, BPF_ANY);
	}
	for (size_t i = 0; i < f->nr_labels && f->how.on & PW_FILTER_LABELS && !err; i++) {
		const uint8_t value = 1;

		err = bpf_map_update_elem(bpf_map__fd(skel->maps.pw_kept_labels), &f->labels[i],
					  &value, BPF_ANY);
	}
	for (size_t i = 0; i < f->nr_ps && f->how.on & PW_FILTER_PS && !err; i++) {
		const uint32_t id = (uint32_t)f->ps[i];
		const uint8_t value = 1;

		err = bpf_map_update_elem(bpf_map__fd(skel->maps.pw_kept_ps), &id, &value, BPF_ANY);
	}
	return err;
}
