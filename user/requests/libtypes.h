/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libtypes: the types of tracing libraries and routers, and where their fields lie in this program:
 * found once, by name, as those of requests/webtypes.
 *
 * Spans: go.opentelemetry.io/otel 1.0 to 1.47, its sdk/trace, go.opentelemetry.io/auto/sdk, and
 * github.com/DataDog/dd-trace-go 2.
 * Routers: github.com/go-chi/chi, github.com/gorilla/mux, github.com/gin-gonic/gin,
 * github.com/labstack/echo/v4. Metadata: google.golang.org/grpc. A type that the program does not have is NULL.
 */
#ifndef PARKWATCH_REQUESTS_LIBTYPES_H
#define PARKWATCH_REQUESTS_LIBTYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gotypes.h"
#include "requests/webtypes.h"

#define LIBTYPES_SPANS   7u
#define LIBTYPES_POOLED  2u
#define LIBTYPES_TRACE   16u /* bytes of a trace's id */
#define LIBTYPES_SPAN_ID 8u

struct libtypes_span {
	const struct gotype *type;
	uint64_t ids; /* pointer to what has its ids; WEBTYPES_NONE: it has them itself */
	const struct gotype *has_ids; /* of that */
	uint64_t trace_id, span_id;   /* arrays of bytes */
	/* the span's id is a number; start is one of nanoseconds, and end a bool: it has ended */
	bool has_numbers;
	uint64_t recorded; /* pointer to what has the rest; WEBTYPES_NONE: it does itself */
	const struct gotype *records; /* of that; NULL: nothing has the rest */
	uint64_t name;                /* string */
	uint64_t start, end;          /* time.Time; end: of one that has ended */
};

struct libtypes_pooled { /* a context of a framework, that is used again */
	const struct gotype *type;
	uint64_t request; /* *net/http.Request */
	uint64_t route;   /* string */
};

struct libtypes_context { /* a context that is Datadog's own, and never used again */
	const struct gotype *type;
	uint64_t span; /* pointer to a span, which may be used again */
	uint64_t ids;  /* and to what had its ids then */
};

struct libtypes {
	struct libtypes_span spans[LIBTYPES_SPANS];
	struct libtypes_context context;
	struct libtypes_pooled pooled[LIBTYPES_POOLED];
	const struct gotype *chi;        /* its Context */
	uint64_t chi_parent;             /* context.Context */
	uint64_t chi_patterns;           /* []string */
	const struct gotype *mux;        /* a Route of gorilla */
	uint64_t mux_path;               /* pointer to its pattern */
	const struct gotype *mux_regexp; /* of that */
	uint64_t mux_template;           /* string, in it */
	/* map[string][]string: what a call of gRPC came with is a value of its context */
	const struct gotype *metadata;
};

/* 0; errors of gotypes__find(). ret->spans[LIBTYPES_DATADOG]: the span of ret->context. */
#define LIBTYPES_DATADOG 6u
int libtypes__find(struct gotypes *types, struct libtypes *ret);

#endif
