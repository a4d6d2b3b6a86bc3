/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp_profiles: the goroutines of a target at its last look, counted by stack, as a request of OTLP's
 * profiles signal (serve/otlp_profiles.proto), in protobuf: sample type goroutine/count, of each stack
 * its state as an attribute. It is the pprof of the look, in other tables.
 */
#ifndef PARKWATCH_SERVE_OTLP_PROFILES_H
#define PARKWATCH_SERVE_OTLP_PROFILES_H

#include "base/textbuf.h"
#include "format/profile.pb-c.h"
#include "serve/otlp_resource.h"

#define OTLP_PROFILES_NS (60 * NS_PER_SEC) /* of a target, from one to the next */

/* t: has a look of at most LOOK_PPROF_MAX. now_ns: Unix time. 0, or negative errno. */
int otlp_profiles__push(const struct watched *t, uint64_t now_ns, struct textbuf *to);
/* p: of ours (format/pprof), with one value a sample. 0 or -ENOMEM. */
int otlp_profiles__of(const Pprof__Profile *p, const struct otlp_resource *r, uint64_t now_ns,
		      struct textbuf *to);

#endif
