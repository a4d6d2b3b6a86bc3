/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/attach_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "base/heart.h"
#include "golang/gocontention.h"
#include "golang/gosizes.h"
#include "host/cpu_clock.h"
#include "parkwatch.skel.h"
#include "probe/attach_filter.h"
#include "probe/holder_request.h"
#include "probe/probe_set.h"

#define WAKEUP_SHARE  8 /* the reader is woken for each eighth of the ring that fills */
#define TRIAL_ENTRIES 64
#define ALLOC_POINTS  (~0u << PW_POINT_ALLOCS)
#define CALL_POINTS   (~0u << PW_POINT_CALLS & ~ALLOC_POINTS)
/* stack buffers for each thread there is now, and a reserve for new ones */
#define THREAD_BUFFERS 4
#define THREAD_RESERVE 512
/* elements that a processor sets aside (Linux kernel/bpf/bpf_lru_list.c) \ */
#define LRU_PER_CPU 128

#define HOLDER_LOST "somebody killed or stopped the probe holder (pw-holder); run parkwatch again"

/*
 * Numbers in the probe set: of a part its own; then those of groups of points that come and go
 * together: all that are in no part, or, where several jobs have probes from it, some.
 */
#define GROUPS_AT ATTACH_PARTS
#define GROUPS    5
_Static_assert(GROUPS_AT + GROUPS <= HOLDER_PARTS, "a number for each");

static uint32_t attach__group(const struct attach *a, unsigned int i)
{
	const uint32_t births = pw_points_for(PW_FOR_BIRTHS), parks = pw_points_for(PW_FOR_PARKS),
		       waits = pw_points_for(PW_FOR_WAITS), sched = pw_points_for(PW_FOR_SCHED);
	const uint32_t groups[GROUPS] = { births, pw_points_for(PW_FOR_LIVES) & ~births, parks,
					  sched & ~waits, waits & ~parks };
	uint32_t points = a->points;

	for (int k = 0; k < ATTACH_PARTS; k++)
		points &= ~a->parts[k];
	if (a->apart)
		return points & groups[i];
	return i ? 0 : points;
}

static const struct {
	enum attach_method method;
	enum kfeat_id feat;
	const char *caps;
} methods[] = {
	{ ATTACH_MULTI, KFEAT_UPROBE_MULTI, "needs CAP_BPF and CAP_PERFMON, or run with sudo" },
	{ ATTACH_PERF_LINK, KFEAT_PERF_LINK,
	  "needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, or run with sudo" },
	{ ATTACH_PERF_IOCTL, KFEAT_PERF_IOCTL,
	  "needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, or run with sudo" },
};

static const char *next_step(enum attach_method method, int err)
{
	if (err != -EPERM && err != -EACCES)
		return "run 'parkwatch doctor' with the same pid";
	return methods[method - ATTACH_MULTI].caps;
}

/* The method that was asked for, or the best that works here. */
static int attach__choose_method(struct attach *a, enum attach_method wanted,
				 const struct kfeat *kf, struct cause *why)
{
	const struct cause *first = NULL;
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		enum kfeat_id id = methods[i].feat;

		if (wanted != ATTACH_AUTO && wanted != methods[i].method)
			continue;
		if (kf->f[id].ok) {
			a->method = methods[i].method;
			return 0;
		}
		if (!first) {
			first = &kf->f[id].why;
			err = kf->f[id].err ? kf->f[id].err : err;
		}
	}
	return cause__set(why, err, "cannot attach to '%s' (pid %d) by %s: %s", a->comm, a->pid,
			  attach_method_name(wanted), first ? first->text : "no such method");
}

/* Each point that is asked for must be placed, and without cookies all its sites must look alike.
 */
static int attach__check_plan(const struct attach *a, struct cause *why)
{
	for (int p = 0; p < PW_POINT_MAX; p++) {
		const struct plan_point *pt = &a->plan->points[p];
		const struct plan_site *s = &a->plan->sites[pt->first];

		if (!(a->points & (1u << p)))
			continue;
		if (pt->err)
			return cause__set(why, pt->err,
					  "cannot place the %s probe in '%s' (pid %d): %s",
					  pw_point_name((enum pw_point)p), a->comm, a->pid,
					  pt->cause.text);
		for (uint32_t i = 1; i < pt->nr && a->method == ATTACH_PERF_IOCTL; i++)
			if (memcmp(&s[0].wire, &s[i].wire, sizeof(s->wire)))
				return cause__set(why, -EOPNOTSUPP,
						  "%s differs between the modules of '%s' (pid "
						  "%d): needs uprobes with "
						  "cookies, Linux 5.15 or later",
						  s->func_name, a->comm, a->pid);
	}
	return 0;
}

static void attach__set_knobs(struct attach *a, const struct attach_opts *o)
{
	struct pw_knobs *k = &a->skel->rodata->pw_knobs;
	const struct goarch *arch = a->plan->rt->arch;

	k->lay = a->plan->rt->layout;
	k->transport = o->transport;
	k->depth = o->depth < 1 ? 1 : o->depth > PW_STACK_MAX ? PW_STACK_MAX : o->depth;
	k->filter_goids = o->goids != NULL;
	if (o->filter)
		k->filter = o->filter->how;
	k->rt = o->rt;
	k->nr_sites = a->plan->nr_sites;
	k->alloc_root = o->alloc_root;
	k->span_classes = gosizes_span_classes(a->plan->rt->minor);
	k->heap = (struct pw_heap_layout){
		.mcache_alloc = a->plan->rt->objects.mcache_alloc,
		.mspan_nelems = a->plan->rt->objects.mspan_nelems,
		.mspan_alloccount = a->plan->rt->objects.mspan_alloccount,
		.mspan_spanclass = a->plan->rt->objects.mspan_spanclass,
	};
	k->sema = (struct pw_sema_layout){
		.root_treap = a->plan->rt->objects.semaroot_treap,
		.sudog_next = a->plan->rt->objects.sudog_next,
		.sudog_prev = a->plan->rt->objects.sudog_prev,
		.sudog_waiters = a->plan->rt->objects.sudog_waiters,
	};
	for (uint32_t i = 0; i < 64; i++)
		if (gocontention_waits(gowait_of(a->plan->rt->minor, i)))
			k->blocks |= 1ULL << i;
	if (o->cpu)
		k->cpu = o->cpu->knobs;
	k->cookies = a->method != ATTACH_PERF_IOCTL;
	k->wakeup_bytes = o->ring_bytes / WAKEUP_SHARE;
	k->wakers = o->want.wakers < 1 ? 1 : o->want.wakers;
	k->nr_modules = a->plan->nr_modules;
	k->frames_stay = arch->moves_frames && !gofacts_has(a->plan->rt->minor, arch->moves_frames);
	memcpy(k->modules, a->plan->modules, sizeof(k->modules));
	for (int p = 0; p < PW_POINT_MAX; p++)
		k->first_site[p] = (__u16)a->plan->points[p].first;
	for (uint32_t i = 0; i < a->plan->nr_sites; i++)
		k->sites[i] = a->plan->sites[i].wire;
}

static uint32_t clamp_entries(size_t n, size_t least, size_t most)
{
	return (uint32_t)(n < least ? least : n > most ? most : n);
}

/* Sizes maps, turns off what is not used. */
static int attach__set_maps(struct attach *a, const struct proc *p, const struct attach_opts *o)
{
	const uint32_t gs =
		o->trial ? TRIAL_ENTRIES : clamp_entries(2 * o->allglen, PW_GS_DEFAULT, PW_GS_MAX);
	const bool wakes = o->want.want & PW_WANT_WAKE, rounds = o->want.want & PW_WANT_ROUND,
		   waits = wakes || o->want.want & (PW_WANT_WAIT | PW_WANT_SCHED | PW_WANT_BLOCK |
						    PW_WANT_CALL);
	bool ring = o->transport == PW_TRANSPORT_RING;
	struct bpf_map *events = ring ? a->skel->maps.pw_ring : a->skel->maps.pw_perf;
	size_t threads = THREAD_BUFFERS * (size_t)proc__threads(p) + THREAD_RESERVE;
	int err, cpus = libbpf_num_possible_cpus();

	if (cpus > 0)
		threads += LRU_PER_CPU * (size_t)cpus;

	err = bpf_map__set_autocreate(ring ? a->skel->maps.pw_perf : a->skel->maps.pw_ring, false);
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_gs, waits ? gs : 1);
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_parks,
					       o->want.want & PW_WANT_PARK ? gs : 1);
	if (!err && (o->trial || !o->want.sums))
		err = bpf_map__set_max_entries(a->skel->maps.pw_waits,
					       o->want.sums ? TRIAL_ENTRIES : 1);
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_wakers, wakes && !rounds ? gs : 1);
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_rounds, rounds ? gs : 1);
	if (!err && !rounds)
		err = bpf_map__set_max_entries(a->skel->maps.pw_threads, 1);
	if (!err && (o->trial || !o->want.sums || !wakes))
		err = bpf_map__set_max_entries(a->skel->maps.pw_wakes,
					       o->want.sums && wakes ? TRIAL_ENTRIES : 1);
	if (!err && !(o->want.want & PW_WANT_MUTEX))
		err = bpf_map__set_max_entries(a->skel->maps.pw_semas, 1);
	if (!err && (o->trial || !(a->points & ALLOC_POINTS)))
		err = bpf_map__set_max_entries(a->skel->maps.pw_allocs,
					       a->points & ALLOC_POINTS ? TRIAL_ENTRIES : 1);
	if (!err && o->trial)
		err = bpf_map__set_max_entries(a->skel->maps.pw_seen, PW_SCRATCH_DEFAULT);
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_scratch,
					       clamp_entries(threads, PW_SCRATCH_DEFAULT,
							     PW_GS_MAX));
	if (!err)
		err = bpf_map__set_max_entries(a->skel->maps.pw_goids,
					       clamp_entries(o->nr_goids, 1, PW_GOIDS_MAX));
	if (!err)
		err = attach_filter__size(o->filter, a->skel);
	if (err)
		return err;
	if (o->ring_fd >= 0)
		return bpf_map__reuse_fd(events, o->ring_fd);
	return ring ? bpf_map__set_max_entries(events, o->ring_bytes) : 0;
}

static struct bpf_program *attach__program(const struct attach *a, int point)
{
	struct bpf_program *const programs[PW_POINT_MAX] = {
#define PW_POINT(NAME, name, ...) [PW_POINT_##NAME] = a->skel->progs.pw_##name,
		PW_POINTS(PW_POINT)
#undef PW_POINT
	};

	if (a->method != ATTACH_MULTI)
		return programs[point];
	if (CALL_POINTS & 1u << point)
		return a->skel->progs.pw_multi_call;
	return ALLOC_POINTS & 1u << point ? a->skel->progs.pw_multi_alloc : a->skel->progs.pw_multi;
}

static void attach__set_programs(struct attach *a)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, a->skel->obj) bpf_program__set_autoload(prog, false);
	for (int p = 0; p < PW_POINT_MAX; p++)
		if (a->points & (1u << p))
			bpf_program__set_autoload(attach__program(a, p), true);
	bpf_program__set_autoload(a->skel->progs.pw_clock, a->hz != 0);
}

static int attach__fill_goids(struct attach *a, const struct attach_opts *o)
{
	uint8_t one = 1;
	int err = 0;

	if (o->nr_goids > PW_GOIDS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < o->nr_goids && !err; i++)
		err = bpf_map_update_elem(bpf_map__fd(a->skel->maps.pw_goids), &o->goids[i], &one,
					  BPF_ANY);
	return err;
}

static int attach__share(struct attach *a, struct cause *why)
{
	int err = probe_set__share(a->probes, bpf_map__fd(a->skel->maps.bss),
				   (volatile uint64_t *)&a->skel->bss->pw_beat_ns);

	if (err == -EOWNERDEAD)
		return cause__set(why, err, "cannot attach to '%s' (pid %d): " HOLDER_LOST, a->comm,
				  a->pid);
	return err;
}

int attach__new(const struct plan *plan, const struct kfeat *kf, const struct proc *p,
		const struct attach_opts *o, struct attach **ret, struct cause *why)
{
	scoped(attach) a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->plan = plan;
	a->points = o->points;
	memcpy(a->parts, o->parts, sizeof(a->parts));
	a->transport = o->transport;
	a->apart = o->apart;
	a->pid = proc__pid(p);
	snprintf(a->comm, sizeof(a->comm), "%s", proc__comm(p));
	a->nr_cpus = libbpf_num_possible_cpus();
	if (a->nr_cpus < 0)
		return cause__set(why, a->nr_cpus,
				  "cannot count events: /sys/devices/system/cpu/possible says how "
				  "many processors there are, "
				  "and cannot be read: %s; mount /sys",
				  strerror(-a->nr_cpus));
	a->hz = o->cpu ? o->cpu->hz : 0;
	a->method = ATTACH_MULTI;
	err = a->points ? attach__choose_method(a, o->method, kf, why) : 0;
	if (!err)
		err = attach__check_plan(a, why);
	if (err)
		return err;
	if (o->quiet_libbpf)
		libbpf_set_print(NULL);
	a->skel = parkwatch__open();
	if (!a->skel)
		return cause__set(why, -errno, "cannot open the built-in BPF object: %s",
				  strerror(errno));
	attach__set_knobs(a, o);
	attach__want(a, &o->want);
	attach__set_programs(a);
	err = attach__set_maps(a, p, o);
	if (!err) /* it starts while the programs are loaded */
		err = probe_set__new(&a->probes, why);
	if (!err)
		err = parkwatch__load(a->skel);
	if (!err)
		err = attach__fill_goids(a, o);
	if (!err && o->filter)
		err = attach_filter__fill(o->filter, a->skel);
	if (!err)
		err = attach__share(a, why);
	if (err)
		return cause__set(why, err,
				  "cannot load the BPF programs for '%s' (pid %d): %s; %s", a->comm,
				  a->pid, strerror(-err),
				  err == -EACCES /* not of privilege: kfeat's trial was let in */
					  ? "this kernel's verifier refuses them, -v shows why"
					  : next_step(a->method, err));
	*ret = steal(a);
	return 0;
}

void attach__free(struct attach *a)
{
	if (!a)
		return;
	cpu_clock__free(a->clock);
	probe_set__free(a->probes); /* and its links */
	parkwatch__destroy(a->skel);
	free(a);
}

/* Links nr sites of one file; by the perf methods nr is 1. */
static int attach__link(struct attach *a, unsigned int set, const struct plan_site *first,
			const unsigned long *offsets, const __u64 *cookies, uint32_t nr,
			struct cause *why)
{
	struct uplace where = { first->place.path, offsets, cookies, nr };
	int fd = bpf_program__fd(attach__program(a, first->wire.point));
	int err = probe_set__open(a->probes, set, a->method, fd, a->pid, &where);

	if (err == -EOWNERDEAD)
		return cause__set(why, err, "cannot attach %s in '%s' (pid %d): " HOLDER_LOST,
				  first->func_name, a->comm, a->pid);
	if (err)
		return cause__set(why, err, "cannot attach %s in '%s' (pid %d): %s; %s",
				  first->func_name, a->comm, a->pid, strerror(-err),
				  next_step(a->method, err));
	return 0;
}

static bool same_link(const struct attach *a, const struct plan_site *x, const struct plan_site *y)
{
	return x->place.image == y->place.image &&
	       attach__program(a, x->wire.point) == attach__program(a, y->wire.point);
}

/* All sites of these points with the image and the program of site `first`, if that is the first of
 * them. */
static int attach__link_image(struct attach *a, unsigned int set, uint32_t points, uint32_t first,
			      struct cause *why)
{
	const struct plan_site *sites = a->plan->sites;
	unsigned long offsets[PW_SITES_MAX];
	__u64 cookies[PW_SITES_MAX];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < a->plan->nr_sites; i++) {
		if (!(points & (1u << sites[i].wire.point)) ||
		    !same_link(a, &sites[i], &sites[first]))
			continue;
		if (i < first)
			return 0; /* done with that one */
		offsets[nr] = sites[i].place.offset;
		cookies[nr++] = i;
	}
	return attach__link(a, set, &sites[first], offsets, cookies, nr, why);
}

static int attach__link_points(struct attach *a, unsigned int set, uint32_t points,
			       struct cause *why)
{
	int err = 0;

	for (uint32_t i = 0; i < a->plan->nr_sites && !err; i++) {
		const struct plan_site *s = &a->plan->sites[i];
		unsigned long offset = s->place.offset;
		__u64 cookie = i;

		if (!(points & (1u << s->wire.point)))
			continue;
		err = a->method == ATTACH_MULTI ? attach__link_image(a, set, points, i, why)
						: attach__link(a, set, s, &offset, &cookie, 1, why);
	}
	if (err)
		(void)probe_set__close(a->probes, set);
	return err;
}

static int attach__clock_on(struct attach *a, struct cause *why)
{
	int err;

	a->skel->bss->pw_cpu_ns = NS_PER_SEC / a->hz;
	err = cpu_clock__open(bpf_program__fd(a->skel->progs.pw_clock), a->hz, &a->clock);
	return err ? cause__set(why, err, "cannot sample '%s' (pid %d): %s; %s", a->comm, a->pid,
				strerror(-err), next_step(ATTACH_MULTI, err))
		   : 0;
}

void attach__sample(struct attach *a, uint32_t hz)
{
	a->hz = hz;
	if (!a->clock)
		return;
	__atomic_store_n(&a->skel->bss->pw_cpu_ns, NS_PER_SEC / hz, __ATOMIC_SEQ_CST);
	cpu_clock__set(a->clock, hz);
}

int attach__on(struct attach *a, uint32_t points, struct cause *why)
{
	bool any = a->clock != NULL, made[GROUPS] = { false };
	int err = 0;

	for (unsigned int i = 0; i < GROUPS; i++)
		any |= a->group_on[GROUPS_AT + i];
	if (!any)
		a->linked_ns = clock_now_ns();
	if (a->hz && !a->clock)
		err = attach__clock_on(a, why);
	for (unsigned int i = 0; i < GROUPS && !err; i++) {
		const uint32_t group = attach__group(a, i);

		if (!(group & points) || a->group_on[GROUPS_AT + i])
			continue;
		err = attach__link_points(a, GROUPS_AT + i, group, why);
		made[i] = a->group_on[GROUPS_AT + i] = !err;
	}
	for (unsigned int i = 0; i < GROUPS && err; i++)
		if (made[i])
			attach__off(a, attach__group(a, i));
	return err;
}

int attach__part_on(struct attach *a, enum attach_part part, struct cause *why)
{
	uint32_t points = a->points & a->parts[part];
	int err;

	if (!points || a->part_on[part])
		return 0;
	err = attach__link_points(a, part, points, why);
	a->part_on[part] = !err;
	if (!err && part == ATTACH_SINGLES)
		attach__exact(a, true);
	return err;
}

void attach__part_off(struct attach *a, enum attach_part part)
{
	if (!a->part_on[part])
		return;
	if (part == ATTACH_SINGLES)
		attach__exact(a, false);
	(void)probe_set__close(a->probes, part);
	a->part_on[part] = false;
}

void attach__start(struct attach *a)
{
	__atomic_store_n(&a->skel->bss->pw_beat_ns, clock_now_ns(), __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_on, 1, __ATOMIC_SEQ_CST);
}

void attach__stop(struct attach *a)
{
	__atomic_store_n(&a->skel->bss->pw_on, 0, __ATOMIC_SEQ_CST);
}

void attach__count_from(struct attach *a, uint64_t begin_ns, bool window)
{
	__atomic_store_n(&a->skel->bss->pw_begin_ns, begin_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_window, window, __ATOMIC_SEQ_CST);
}

/* A program that is about to see the old limit used up must not take the new one for it. */
void attach__limit(struct attach *a, int64_t hits, uint32_t points)
{
	__atomic_store_n(&a->skel->bss->pw_left, hits < 0 ? INT64_MAX : hits, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_limited, hits < 0 ? 0 : points, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_cut_ns, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_spent_ns, 0, __ATOMIC_SEQ_CST);
}

void attach__goes_on(struct attach *a, uint32_t points)
{
	__atomic_store_n(&a->skel->bss->pw_goes_on, points, __ATOMIC_SEQ_CST);
}

/* The probe holder may have ended it just before recording began, too. */
uint64_t attach__cut_ns(const struct attach *a)
{
	const uint64_t cut = __atomic_load_n(&a->skel->bss->pw_cut_ns, __ATOMIC_SEQ_CST),
		       spent = __atomic_load_n(&a->skel->bss->pw_spent_ns, __ATOMIC_SEQ_CST);
	bool stopped;
	const uint64_t absent = attach__absent_ns(a, &stopped);

	if (spent && (!cut || spent < cut))
		return spent;
	return cut || absent < a->linked_ns ? cut : absent;
}

bool attach__spent(const struct attach *a)
{
	return __atomic_load_n(&a->skel->bss->pw_spent_ns, __ATOMIC_SEQ_CST);
}

void attach__off(struct attach *a, uint32_t points)
{
	for (int i = 0; i < ATTACH_PARTS && points == ATTACH_ALL; i++)
		attach__part_off(a, (enum attach_part)i);
	if (points == ATTACH_ALL)
		cpu_clock__free(steal(a->clock));
	for (unsigned int i = 0; i < GROUPS; i++) {
		if (!a->group_on[GROUPS_AT + i] || !(attach__group(a, i) & points))
			continue;
		(void)probe_set__close(a->probes, GROUPS_AT + i);
		a->group_on[GROUPS_AT + i] = false;
	}
}

void attach__mute(struct attach *a, uint32_t points)
{
	__atomic_store_n(&a->skel->bss->pw_muted, points, __ATOMIC_SEQ_CST);
}

/* What waits are to be like comes before they are wanted. */
void attach__want(struct attach *a, const struct attach_want *w)
{
	__atomic_store_n(&a->skel->bss->pw_sums, w->sums, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_min_wait_ns, w->min_wait_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->skel->bss->pw_want, w->want, __ATOMIC_SEQ_CST);
}

void attach__turn(struct attach *a)
{
	__atomic_store_n(&a->skel->bss->pw_turn, a->skel->bss->pw_turn + 1, __ATOMIC_SEQ_CST);
}

bool attach__held(const struct attach *a)
{
	return probe_set__alive(a->probes);
}

uint64_t attach__absent_ns(const struct attach *a, bool *ret_stopped)
{
	const uint64_t ns = __atomic_load_n(&a->skel->bss->pw_absent_ns, __ATOMIC_SEQ_CST);

	*ret_stopped = a->skel->bss->pw_absent_stopped;
	return ns;
}

uint64_t attach__absent_cpu_ns(const struct attach *a)
{
	return a->skel->bss->pw_absent_cpu_ns;
}

enum attach_method attach__method(const struct attach *a)
{
	return a->method;
}

enum pw_transport attach__transport(const struct attach *a)
{
	return a->transport;
}

int attach__ring_fd(const struct attach *a)
{
	return bpf_map__fd(a->transport == PW_TRANSPORT_RING ? a->skel->maps.pw_ring
							     : a->skel->maps.pw_perf);
}

int attach__stats(struct attach *a, uint64_t *stats)
{
	int fd = bpf_map__fd(a->skel->maps.pw_stats), err = 0;
	scoped_mem uint64_t *per_cpu = NULL;

	memset(stats, 0, PW_STAT_MAX * sizeof(*stats));
	per_cpu = calloc((size_t)a->nr_cpus, sizeof(*per_cpu));
	err = per_cpu ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < PW_STAT_MAX && !err; i++) {
		err = bpf_map_lookup_elem(fd, &i, per_cpu);
		for (int cpu = 0; cpu < a->nr_cpus && !err; cpu++)
			stats[i] += per_cpu[cpu];
	}
	a->unread += err != 0;
	return err;
}

/* Where there is no room user space decides. */
static void keep(const struct bpf_map *map, uint64_t key, bool wanted)
{
	const uint8_t value = wanted;

	(void)bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY);
}

void attach__keep_site(struct attach *a, uint64_t gopc, bool wanted)
{
	keep(a->skel->maps.pw_kept_sites, gopc, wanted);
}

void attach__keep_stack(struct attach *a, uint64_t stack_id, bool wanted)
{
	keep(a->skel->maps.pw_kept_stacks, stack_id, wanted);
}

bool attach__gs_was_full(struct attach *a)
{
	uint64_t stats[PW_STAT_MAX];

	return attach__stats(a, stats) || stats[PW_STAT_LOST_GMAP];
}

void attach__exact(struct attach *a, bool on)
{
	__atomic_store_n(&a->skel->bss->pw_exact, on, __ATOMIC_SEQ_CST);
}

int attach__given_back(struct attach *a, uint64_t ret[PW_SPAN_CLASSES])
{
	int fd = bpf_map__fd(a->skel->maps.pw_given_back), err = 0;

	for (uint32_t i = 0; i < PW_SPAN_CLASSES && !err; i++)
		err = bpf_map_lookup_elem(fd, &i, &ret[i]);
	return err;
}
