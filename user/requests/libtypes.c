/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/libtypes.h"

#include <stddef.h>

#include "base/cleanup.h"

#define DATADOG "github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"

static const struct {
	const char *type;
	const char *ids;      /* its field that is, or leads to, what has the ids */
	const char *recorded; /* that leads to what has the rest; NULL: it has that itself */
} spans[LIBTYPES_SPANS] = {
	{ "go.opentelemetry.io/otel/sdk/trace.recordingSpan", "spanContext", NULL },
	{ "go.opentelemetry.io/otel/sdk/trace.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/otel/trace.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/otel/internal/global.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/auto/sdk.span", "spanContext", "span" },
	{ "go.opentelemetry.io/otel/trace.autoSpan", "spanContext", "span" },
	[LIBTYPES_DATADOG] = { DATADOG ".Span", "context", NULL },
};

static const struct {
	const char *type, *request, *route;
} pooled[LIBTYPES_POOLED] = {
	{ "github.com/gin-gonic/gin.Context", "Request", "fullPath" },
	{ "github.com/labstack/echo/v4.context", "request", "path" },
};

enum {
	SPANS,
	POOLED = SPANS + LIBTYPES_SPANS,
	CHI = POOLED + LIBTYPES_POOLED,
	CHI_WITHOUT_VERSION,
	MUX,
	DATADOG_CONTEXT,
	METADATA,
	NAMES,
};

/* Where a field of a type lies. false: it has none that is so large. */
static bool find(struct gotypes *types, const struct gotype *t, const char *name, uint64_t bytes,
		 uint64_t *ret)
{
	const struct gofield *f = t ? gotypes__field(types, t, name, ret) : NULL;

	return f && f->type->size == bytes;
}

/* A string or a time, by either of the names that it has. */
static uint64_t find_either(struct gotypes *types, const struct gotype *t, const char *name,
			    const char *other, uint64_t bytes)
{
	uint64_t at;

	return find(types, t, name, bytes, &at) || find(types, t, other, bytes, &at)
		       ? at
		       : WEBTYPES_NONE;
}

#define STRING_BYTES 16
#define TIME_BYTES   24

/* Of what is recorded: t, or what a field of t points to. */
static void find_recorded(struct gotypes *types, struct libtypes_span *s, const char *field)
{
	const struct gofield *f =
		field ? gotypes__field(types, s->type, field, &s->recorded) : NULL;
	const struct gotype *t = !field ? s->type : f ? gotypes__elem(types, f->type) : NULL;

	if (!f)
		s->recorded = WEBTYPES_NONE;
	s->name = find_either(types, t, "name", "Name", STRING_BYTES);
	if (s->has_numbers) {
		s->start = find_either(types, t, "start", "Start", 8);
		s->end = find_either(types, t, "finished", "Finished", 1);
	} else {
		s->start = find_either(types, t, "startTime", "StartTime", TIME_BYTES);
		s->end = find_either(types, t, "endTime", "EndTime", TIME_BYTES);
	}
	s->records =
		s->name == WEBTYPES_NONE || s->start == WEBTYPES_NONE || s->end == WEBTYPES_NONE
			? NULL
			: t;
}

/* The bytes of a trace's id: a field of t, or in one. */
static bool find_trace_id(struct gotypes *types, const struct gotype *t, uint64_t *ret)
{
	uint64_t inner = 0;
	const struct gofield *f = t ? gotypes__field(types, t, "traceID", ret) : NULL;

	if (!f || f->type->size == LIBTYPES_TRACE)
		return f;
	if (!find(types, f->type, "value", LIBTYPES_TRACE, &inner))
		return false;
	*ret += inner;
	return true;
}

static void find_span(struct gotypes *types, struct libtypes_span *s, const struct gotype *t,
		      const char *ids, const char *recorded)
{
	const struct gofield *f = t ? gotypes__field(types, t, ids, &s->ids) : NULL;
	const bool apart = f && f->type->kind == GOKIND_POINTER;
	const uint64_t at = f && !apart ? s->ids : 0;

	s->type = NULL;
	s->has_ids = apart ? gotypes__elem(types, f->type) : f ? f->type : NULL;
	if (!find_trace_id(types, s->has_ids, &s->trace_id) ||
	    !find(types, s->has_ids, "spanID", LIBTYPES_SPAN_ID, &s->span_id))
		return;
	if (!apart)
		s->ids = WEBTYPES_NONE;
	s->type = t;
	s->trace_id += at;
	s->span_id += at;
	find_recorded(types, s, recorded);
}

static void find_context(struct gotypes *types, struct libtypes *l, const struct gotype *t)
{
	if (l->spans[LIBTYPES_DATADOG].type && find(types, t, "span", 8, &l->context.span) &&
	    find(types, t, "snapshot", 8, &l->context.ids))
		l->context.type = t;
}

static void find_chi(struct gotypes *types, struct libtypes *l, const struct gotype *t)
{
	if (find(types, t, "parentCtx", 16, &l->chi_parent) &&
	    find(types, t, "RoutePatterns", 24, &l->chi_patterns))
		l->chi = t;
}

static void find_mux(struct gotypes *types, struct libtypes *l, const struct gotype *t)
{
	uint64_t group = 0, path = 0;
	const struct gofield *f = t ? gotypes__field(types, t, "regexp", &group) : NULL;

	f = f ? gotypes__field(types, f->type, "path", &path) : NULL;
	l->mux_regexp = f ? gotypes__elem(types, f->type) : NULL;
	l->mux_path = group + path;
	if (find(types, l->mux_regexp, "template", STRING_BYTES, &l->mux_template))
		l->mux = t;
}

int libtypes__find(struct gotypes *types, struct libtypes *ret)
{
	const char *names[NAMES] = { [CHI] = "github.com/go-chi/chi/v5.Context",
				     [CHI_WITHOUT_VERSION] = "github.com/go-chi/chi.Context",
				     [MUX] = "github.com/gorilla/mux.Route",
				     [DATADOG_CONTEXT] = DATADOG ".spanCtx",
				     [METADATA] = "google.golang.org/grpc/metadata.MD" };
	const struct gotype *t[NAMES];
	int err;

	for (size_t i = 0; i < LIBTYPES_SPANS; i++)
		names[SPANS + i] = spans[i].type;
	for (size_t i = 0; i < LIBTYPES_POOLED; i++)
		names[POOLED + i] = pooled[i].type;
	err = gotypes__find(types, names, NAMES, t);
	if (err)
		return err;
	*ret = (struct libtypes){ .chi = NULL };
	ret->spans[LIBTYPES_DATADOG].has_numbers = true;
	for (size_t i = 0; i < LIBTYPES_SPANS; i++)
		find_span(types, &ret->spans[i], t[SPANS + i], spans[i].ids, spans[i].recorded);
	for (size_t i = 0; i < LIBTYPES_POOLED; i++) {
		struct libtypes_pooled *p = &ret->pooled[i];

		if (find(types, t[POOLED + i], pooled[i].request, 8, &p->request) &&
		    find(types, t[POOLED + i], pooled[i].route, STRING_BYTES, &p->route))
			p->type = t[POOLED + i];
	}
	find_context(types, ret, t[DATADOG_CONTEXT]);
	find_chi(types, ret, t[CHI] ? t[CHI] : t[CHI_WITHOUT_VERSION]);
	find_mux(types, ret, t[MUX]);
	if (t[METADATA] && t[METADATA]->kind == GOKIND_MAP)
		ret->metadata = t[METADATA];
	return 0;
}
