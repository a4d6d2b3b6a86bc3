/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spans: those of tracing libraries that a process has in memory: values of contexts, or variables.
 *
 * A span is told by address and type, proved (requests/prover), and read once: SPANS_MAX at most.
 * Its ids; of one that records also its name, when it began, and whether it has ended. Only
 * Datadog's, if a program asks for it, are used again once they have ended: of a context its span
 * counts if it is still that. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_SPANS_H
#define PARKWATCH_REQUESTS_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "requests/libtypes.h"
#include "requests/prover.h"

#define SPANS_MAX 1000000u

struct span {
	uint8_t trace_id[LIBTYPES_TRACE]; /* all 0: it has none */
	uint8_t span_id[LIBTYPES_SPAN_ID];
	uint64_t name;    /* address of the string; 0: it has none */
	int64_t start_ns; /* since 1970; 0: not known */
	bool ended;
};

struct spans;
/* All borrowed until free. -ENOMEM. */
int spans__new(struct prover *p, int minor, const struct libtypes *l, struct spans **ret);
void spans__free(struct spans *s);
DEFINE_SCOPED(spans)

/* The number of the span of this type at addr; 0: it is none, or says nothing. */
uint32_t spans__at(struct spans *s, const struct gotype *t, uint64_t addr);
/*
 * The same where nothing says what lies there but the bytes that its object has: of spans that are
 * handed on by their address.
 */
uint32_t spans__alone(struct spans *s, uint64_t object_bytes, uint64_t addr);
/*
 * Whether contexts of this type are a tracing library's, made once, and their ways those of what
 * they were made from; and the span of the one at addr, a number as above.
 */
bool spans__is_context(const struct spans *s, const struct gotype *t);
const struct gotype *spans__context_type(const struct spans *s); /* NULL: there is none */
uint32_t spans__of_context(struct spans *s, uint64_t addr);
/* n: not 0. Borrowed until the next one is looked up. */
const struct span *spans__get(const struct spans *s, uint32_t n);

#endif
