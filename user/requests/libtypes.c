/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/libtypes.h"

#include <stddef.h>

#include "base/cleanup.h"

static const struct {
	const char *type;
	const char *ids; /* its field that is a SpanContext of otel/trace */
	const char
		*recorded; /* its field that leads to what has the rest; NULL: it has that itself */
} spans[LIBTYPES_SPANS] = {
	{ "go.opentelemetry.io/otel/sdk/trace.recordingSpan", "spanContext", NULL },
	{ "go.opentelemetry.io/otel/sdk/trace.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/otel/trace.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/otel/internal/global.nonRecordingSpan", "sc", NULL },
	{ "go.opentelemetry.io/auto/sdk.span", "spanContext", "span" },
	{ "go.opentelemetry.io/otel/trace.autoSpan", "spanContext", "span" },
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
	s->start = find_either(types, t, "startTime", "StartTime", TIME_BYTES);
	s->end = find_either(types, t, "endTime", "EndTime", TIME_BYTES);
	s->records =
		s->name == WEBTYPES_NONE || s->start == WEBTYPES_NONE || s->end == WEBTYPES_NONE
			? NULL
			: t;
}

static void find_span(struct gotypes *types, struct libtypes_span *s, const struct gotype *t,
		      const char *ids, const char *recorded)
{
	uint64_t at = 0, trace, span;
	const struct gofield *f = t ? gotypes__field(types, t, ids, &at) : NULL;

	s->type = NULL;
	if (!f || !find(types, f->type, "traceID", LIBTYPES_TRACE, &trace) ||
	    !find(types, f->type, "spanID", LIBTYPES_SPAN_ID, &span))
		return;
	s->type = t;
	s->trace_id = at + trace;
	s->span_id = at + span;
	find_recorded(types, s, recorded);
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
				     [MUX] = "github.com/gorilla/mux.Route" };
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
	for (size_t i = 0; i < LIBTYPES_SPANS; i++)
		find_span(types, &ret->spans[i], t[SPANS + i], spans[i].ids, spans[i].recorded);
	for (size_t i = 0; i < LIBTYPES_POOLED; i++) {
		struct libtypes_pooled *p = &ret->pooled[i];

		if (find(types, t[POOLED + i], pooled[i].request, 8, &p->request) &&
		    find(types, t[POOLED + i], pooled[i].route, STRING_BYTES, &p->route))
			p->type = t[POOLED + i];
	}
	find_chi(types, ret, t[CHI] ? t[CHI] : t[CHI_WITHOUT_VERSION]);
	find_mux(types, ret, t[MUX]);
	return 0;
}
