/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shim: stands in for the kernel, so that bpf/ compiles as host C and its programs run in a unit
 * test, under sanitizers.
 *
 * Included before the BPF sources; the test that has these in it defines struct shim_kernel shim,
 * too. The target's memory is whatever shim_map_memory() was told; everything else faults. Maps
 * hold what their definitions say, at most; the ring takes shim.ring_room bytes.
 */
#ifndef PARKWATCH_TESTS_SHIM_H
#define PARKWATCH_TESTS_SHIM_H

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Programs are called by nobody but the test, and pragmas of clang mean nothing here. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"

#define PW_HOST_SHIM
#define PW_RODATA volatile
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY, BPF_NOEXIST };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };
#define BPF_F_CURRENT_CPU 0xffffffffULL

struct task_struct;
struct bpf_pidns_info {
	__u32 pid, tgid;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};

#define SHIM_ENTRIES   64  /* of a map, at most */
#define SHIM_KEY_BYTES 136 /* of a key, at most */
#define SHIM_MEMORY    16  /* pieces of the target's memory */
#define SHIM_RECORDS   4096

struct shim_map {
	const void *id;
	size_t key_size, value_size, max, nr;
	unsigned char keys[SHIM_ENTRIES][SHIM_KEY_BYTES];
	unsigned char *values;
};

extern struct shim_kernel {
	struct shim_map maps[24];
	size_t nr_maps;
	struct {
		uint64_t at;
		size_t len;
	} memory[SHIM_MEMORY];
	size_t nr_memory;
	uint64_t now, cookie, tgid_tid;
	uint64_t ns_ino;  /* of the PID namespace that the current thread is in */
	const void *task; /* its kernel's struct; memory of the kernel is the test's own */
	struct pt_regs *user_regs;
	size_t ring_room, ring_used, wakeups; /* bytes, bytes, count */
	void *records[SHIM_RECORDS];
	size_t nr_records;
} shim;

static inline void shim_map_memory(const void *p, size_t len)
{
	shim.memory[shim.nr_memory].at = (uint64_t)(uintptr_t)p;
	shim.memory[shim.nr_memory++].len = len;
}

static inline struct shim_map *shim_map_of(const void *id)
{
	for (size_t i = 0; i < shim.nr_maps; i++)
		if (shim.maps[i].id == id)
			return &shim.maps[i];
	abort();
}

static inline void shim_map_new(const void *id, size_t key_size, size_t value_size, size_t max)
{
	struct shim_map *m = &shim.maps[shim.nr_maps++];

	m->id = id;
	m->key_size = key_size;
	m->value_size = value_size;
	m->max = max;
	m->values = calloc(SHIM_ENTRIES, value_size);
}
#define shim_map_hash(map, max) shim_map_new(&(map), sizeof(*(map).key), sizeof(*(map).value), max)

static inline void shim_done(void)
{
	for (size_t i = 0; i < shim.nr_maps; i++)
		free(shim.maps[i].values);
	for (size_t i = 0; i < shim.nr_records; i++)
		free(shim.records[i]);
	memset(&shim, 0, sizeof(shim));
}

static inline void *bpf_map_lookup_elem(const void *map, const void *key)
{
	struct shim_map *m = shim_map_of(map);

	for (size_t i = 0; i < m->nr; i++)
		if (!memcmp(m->keys[i], key, m->key_size))
			return m->values + i * m->value_size;
	return NULL;
}

static inline long bpf_map_update_elem(const void *map, const void *key, const void *value,
				       uint64_t flags)
{
	struct shim_map *m = shim_map_of(map);
	void *old = bpf_map_lookup_elem(map, key);

	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!old) {
		if (m->nr == m->max)
			return -E2BIG;
		memcpy(m->keys[m->nr], key, m->key_size);
		old = m->values + m->nr++ * m->value_size;
	}
	memcpy(old, value, m->value_size);
	return 0;
}

static inline long bpf_map_delete_elem(const void *map, const void *key)
{
	struct shim_map *m = shim_map_of(map);
	char *value = bpf_map_lookup_elem(map, key);
	size_t i;

	if (!value)
		return -ENOENT;
	i = (size_t)(value - (char *)m->values) / m->value_size;
	m->nr--;
	memmove(m->keys[i], m->keys[m->nr], m->key_size);
	memmove(value, (char *)m->values + m->nr * m->value_size, m->value_size);
	return 0;
}

static inline long bpf_probe_read_user(void *dst, uint64_t size, const void *src)
{
	uint64_t at = (uint64_t)(uintptr_t)src;

	for (size_t i = 0; i < shim.nr_memory; i++)
		if (at >= shim.memory[i].at && size <= shim.memory[i].len &&
		    at - shim.memory[i].at <= shim.memory[i].len - size) {
			memcpy(dst, src, size);
			return 0;
		}
	return -EFAULT;
}

static inline long shim_send(const void *data, uint64_t size)
{
	if (shim.ring_used + size > shim.ring_room || shim.nr_records == SHIM_RECORDS)
		return -ENOSPC;
	shim.ring_used += size;
	shim.records[shim.nr_records] = malloc(size);
	memcpy(shim.records[shim.nr_records++], data, size);
	return 0;
}

static inline long bpf_ringbuf_output(void *ring, const void *data, uint64_t size, uint64_t flags)
{
	(void)ring;
	shim.wakeups += flags == BPF_RB_FORCE_WAKEUP;
	return shim_send(data, size);
}

static inline uint64_t bpf_ringbuf_query(void *ring, uint64_t what)
{
	(void)ring;
	(void)what;
	return shim.ring_used;
}

static inline long bpf_perf_event_output(void *ctx, void *map, uint64_t flags, const void *data,
					 uint64_t size)
{
	(void)ctx;
	(void)map;
	(void)flags;
	return shim_send(data, size);
}

static inline uint64_t bpf_ktime_get_ns(void)
{
	return shim.now;
}

static inline uint64_t bpf_get_current_pid_tgid(void)
{
	return shim.tgid_tid;
}

static inline long bpf_get_ns_current_pid_tgid(uint64_t dev, uint64_t ino,
					       struct bpf_pidns_info *ret, uint32_t size)
{
	(void)dev;
	(void)size;
	if (ino != shim.ns_ino)
		return -EINVAL;
	ret->pid = (__u32)shim.tgid_tid;
	ret->tgid = (__u32)(shim.tgid_tid >> 32);
	return 0;
}

static inline uint64_t bpf_get_current_task(void)
{
	return (uint64_t)(uintptr_t)shim.task;
}

static inline struct task_struct *bpf_get_current_task_btf(void)
{
	return (struct task_struct *)(uintptr_t)shim.task;
}

static inline long bpf_task_pt_regs(struct task_struct *task)
{
	(void)task;
	return (long)(uintptr_t)shim.user_regs;
}

static inline long bpf_probe_read_kernel(void *dst, uint32_t size, const void *src)
{
	memcpy(dst, src, size);
	return 0;
}

static inline long bpf_tail_call(void *ctx, void *programs, uint32_t index)
{
	(void)ctx;
	(void)programs;
	(void)index;
	abort(); /* nothing calls it */
}

static inline uint64_t bpf_get_attach_cookie(void *ctx)
{
	(void)ctx;
	return shim.cookie;
}

#endif
