// SPDX-License-Identifier: BSD-2-Clause

// datadog: the same as ../requests with spans of Datadog's library, which has contexts of its own.
//
//	datadog traced
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

const each = 3 // of a case

var never = make(chan int)

// start makes a span; told adds it to what a goroutine tells.
func start(ctx context.Context, name string) (*tracer.Span, context.Context, time.Time) {
	began := time.Now()
	span, ctx := tracer.StartSpanFromContext(ctx, name, tracer.StartTime(began))
	return span, ctx, began
}

func told(g goroutine, span *tracer.Span, name string, began time.Time) {
	g.Trace, g.Span = span.Context().TraceID(), fmt.Sprintf("%016x", span.Context().SpanID())
	g.SpanName, g.Began = name, float64(began.UnixNano())/1e9
	tell(g)
}

func handle(w http.ResponseWriter, q *http.Request) {
	path := serves(q, "/traced/{id}")
	span, ctx, began := start(q.Context(), "web.request")
	defer span.Finish()
	told(goroutine{Case: "traced", Serves: path, Holds: []string{path}, Must: true}, span, "web.request", began)
	in := make(chan int)
	go func() {
		told(goroutine{Case: "value", Holds: []string{path}, Must: true, MadeIn: path}, span, "web.request", began)
		in <- 1
		<-never
		use(ctx)
	}()
	go func() {
		inner, ctx, began := start(ctx, "inner")
		defer inner.Finish()
		told(goroutine{Case: "nested", Holds: []string{path}, Must: true, MadeIn: path}, inner, "inner", began)
		in <- 1
		<-never
		use(ctx)
	}()
	go func() {
		ended, ctx, began := start(ctx, "ended")
		ended.Finish()
		told(goroutine{Case: "ended", Holds: []string{path}, Must: true, MadeIn: path}, span, "web.request", began)
		in <- 1
		<-never
		use(ctx)
	}()
	for i := 0; i < 3; i++ {
		<-in
	}
	<-never
	use(ctx)
}

func main() {
	if err := tracer.Start(tracer.WithLogStartup(false), tracer.WithHTTPClient(&http.Client{Timeout: time.Millisecond})); err != nil {
		panic(err)
	}
	m := http.NewServeMux()
	m.HandleFunc("/traced/{id}", handle)
	url := httptest.NewServer(m).URL
	for i := 0; i < each; i++ {
		path := fmt.Sprintf("/traced/%d", i)
		sends("GET", path, "")
		go func() {
			tell(goroutine{Case: "client", Calls: path})
			r, err := http.Get(url + path)
			use(r, err)
		}()
	}
	ready()
}
