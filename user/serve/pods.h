/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pods: when the kubelet is asked, and who gets what it says: for each target in a pod a struct pod, by its container's ID.
 *
 * Asked when a target is there whose container the kubelet has not named yet, soon, then less often; else once a minute,
 * for labels and annotations may change. One question at a time, each by a process of its own (serve/kubelet). Supervisor
 * only; nothing here waits. What the pipe brings is hostile input.
 */
#ifndef PARKWATCH_SERVE_PODS_H
#define PARKWATCH_SERVE_PODS_H

#include "base/clock.h"
#include "serve/config.h"
#include "serve/kubelet.h"

#define PODS_SOON_NS (2 * NS_PER_SEC) /* after the last answer; then twice as long, up to */
#define PODS_LATE_NS (60 * NS_PER_SEC)

struct watched;
struct json_writer;

/* What is known of a target by the kubelet. */
struct pod {
	struct pod_facts facts;
	struct pod_labels named; /* of its labels those that the configuration names */
};

struct pods {
	bool enabled;
	bool running;                       /* it is asked, and has not ended */
	int fd;                             /* its pipe; negative: none */
	size_t lacking;                     /* targets that it did not know, at the last question */
	uint64_t soon_ns, late_ns, wait_ns; /* late_ns 0: it is to be asked at once */
	uint64_t asked, failed;
	struct cause why; /* why it failed, the last time; "": it did not */
	size_t got;       /* bytes of said */
	struct kubelet_said said;
};

void pods__open(struct pods *p, bool enabled);
void pods__close(struct pods *p);
/* To be asked now. */
bool pods__due(struct pods *p, struct watched *const *targets, size_t nr, uint64_t now_ns);
void pods__begin(struct pods *p, uint64_t now_ns);
/* Takes the pipe over; negative: it could not be started. */
void pods__attach(struct pods *p, int fd);
/* What the pipe has now. config: names labels. True: the answer is whole. */
bool pods__read(struct pods *p, struct watched *const *targets, size_t nr, const struct config *c,
		uint64_t now_ns);
/* The configuration names others now. */
void pod__name_labels(struct pod *p, const struct config *c);

/* Members of a target in JSON: node, image, workload, labels; null where nothing is known. */
void pod__json(struct json_writer *w, const struct pod *p);

#endif
