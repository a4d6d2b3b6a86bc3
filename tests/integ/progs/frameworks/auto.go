// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"time"
	_ "unsafe"

	"go.opentelemetry.io/auto/sdk"
	"go.opentelemetry.io/otel/trace"
)

// What an agent does that instruments the SDK of go.opentelemetry.io/auto from outside: each span gets its ids.
//
//go:linkname startOfAuto go.opentelemetry.io/auto/sdk.start
var startOfAuto func(context.Context, *struct{}, *trace.SpanContext, *bool, *trace.SpanContext)

func init() {
	startOfAuto = func(ctx context.Context, _ *struct{}, parent *trace.SpanContext, _ *bool, own *trace.SpanContext) {
		*parent = trace.SpanContextFromContext(ctx)
		c := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: trace.FlagsSampled}
		if !parent.IsValid() {
			rand.Read(c.TraceID[:])
		}
		rand.Read(c.SpanID[:])
		*own = trace.NewSpanContext(c)
	}
}

// These spans do not tell what they are called.
var autoSpans sync.Map

type autoSpan struct {
	name  string
	began time.Time
}

func startAuto(ctx context.Context, name string) (context.Context, trace.Span) {
	s := autoSpan{name, time.Now()}
	ctx, span := sdk.TracerProvider().Tracer("frameworks").Start(ctx, name, trace.WithTimestamp(s.began))
	autoSpans.Store(span.SpanContext().SpanID(), s)
	return ctx, span
}

func withAuto() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/auto/{id}", func(w http.ResponseWriter, q *http.Request) {
		path := serves(q, "/auto/{id}")
		ctx, span := startAuto(q.Context(), "auto "+path)
		defer span.End()
		body(ctx, "auto", path)
	})
	return m
}
