/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfeat: what this kernel and these privileges allow, found out by trying it, never by version.
 */
#ifndef PARKWATCH_HOST_KFEAT_H
#define PARKWATCH_HOST_KFEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "host/ulink.h"

enum kfeat_id {
	KFEAT_BTF, /* /sys/kernel/btf/vmlinux is there and readable */
	KFEAT_BPF, /* a kprobe-type program loads */
	KFEAT_RINGBUF,
	KFEAT_UPROBE_MULTI, /* a link can be made, and its pid filter takes in all threads of the
			       process */
	KFEAT_PERF_LINK,    /* perf-event uprobe with bpf_link and cookie */
	KFEAT_PERF_IOCTL,   /* perf-event uprobe by ioctl */
	KFEAT_NOP5, /* a probe on a 5-byte nop is cheaper than one on an emulated instruction */
	KFEAT_MAX
};

struct kfeat {
	struct {
		bool ok;
		int err;          /* negative errno of the trial, 0 if ok */
		struct cause why; /* if not ok: what failed and the next step */
	} f[KFEAT_MAX];
	char release[65]; /* uname -r */
};

const char *kfeat_name(enum kfeat_id id);
const char *kfeat_what(enum kfeat_id id); /* one line for doctor: what it gives */
/*
 * Tries in this process and a child of its own; some 50 ms, and 200 for all methods. Never fails as a
 * whole: each feature says for itself. Of the methods to attach it tries this one; ATTACH_AUTO: the
 * best first, until one works. The others are not ok. Once in a process for each method: it lives as
 * long as the process. Not thread-safe.
 */
const struct kfeat *kfeat_for(enum attach_method method);
/* All methods, anew. */
void kfeat__probe_all(struct kfeat *kf);

#endif
