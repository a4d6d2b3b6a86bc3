/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp_profiles: a profile of a target as a request of OTLP's profiles signal (format/otlp).
 *
 *	of its last look	goroutine/count, of each stack its state as an attribute; of a program that serves requests also
 *				route and span_name, as a recording for pprof has them
 *	of a recording of blocked time	contentions/count, delay/nanoseconds with their wait_reason, as /debug/pprof/block has them (serve/debug_pprof)
 *	of one of allocations	alloc_objects/count, alloc_space/bytes, as allocs
 */
#ifndef PARKWATCH_SERVE_OTLP_PROFILES_H
#define PARKWATCH_SERVE_OTLP_PROFILES_H

#include "base/textbuf.h"
#include "serve/watched.h"

#define OTLP_PROFILES_NS (60 * NS_PER_SEC) /* of a target, from one to the next */

/* t: has a look. now_ns: Unix time. 0, or negative errno. */
int otlp_profiles__push(const struct watched *t, uint64_t now_ns, struct textbuf *to);
/* event: PROFILE_BLOCKED or PROFILE_ALLOC; t: has a recording of it. 0, or negative errno. */
int otlp_profiles__recording(const struct watched *t, enum profile_event event, uint64_t now_ns,
			     struct textbuf *to);
#endif
