/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp: a profile as a request of OTLP's profiles signal (format/otlp_profiles.proto), in protobuf. It is a pprof in other
 * tables; a pprof of two sample types is two profiles, which share the tables. Labels trace_id and span_id, where
 * there are both, are a sample's link.
 */
#ifndef PARKWATCH_FORMAT_OTLP_H
#define PARKWATCH_FORMAT_OTLP_H

#include <stddef.h>
#include <stdint.h>

#include "base/textbuf.h"
#include "format/profile.pb-c.h"

/* Of the resource: what the process is. */
struct otlp_attribute {
	const char *key;
	const char *text; /* borrowed; NULL: it is a number */
	int64_t number;
};

/*
 * The process says this of itself: of a service it knows best who it is, so that it is the same one in its own
 * telemetry; of all else what is there already counts. v has room for `most`. Returns how many there are.
 */
size_t otlp_attribute__said(struct otlp_attribute *v, size_t nr, size_t most, const char *key,
			    const char *value);

/* p: of ours (format/pprof). now_ns: Unix time; when it was, if it is of a moment. 0 or -ENOMEM. */
int otlp__profiles(const Pprof__Profile *p, const struct otlp_attribute *of, size_t nr,
		   uint64_t now_ns, struct textbuf *to);

#endif
