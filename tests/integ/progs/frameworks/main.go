// SPDX-License-Identifier: BSD-2-Clause

// frameworks: the same as ../requests with the routers, gRPC and OpenTelemetry that others wrote.
//
//	frameworks routers    chi, gin, echo, gorilla, HTTP/2 of golang.org/x/net, and traces of OpenTelemetry
//	frameworks calls      gRPC, unary and streaming
//
// With PUBLISHED_NAME it publishes what it is, by that name.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
	"golang.org/x/sync/errgroup"
)

const each = 3 // of a case

var (
	never  = make(chan int)
	tracer trace.Tracer
)

// told adds the innermost span to what a goroutine tells.
func told(g goroutine, ctx context.Context) {
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		g.Trace, g.Span = s.TraceID().String(), s.SpanID().String()
		if s, ok := trace.SpanFromContext(ctx).(sdktrace.ReadOnlySpan); ok {
			g.SpanName, g.Began = s.Name(), float64(s.StartTime().UnixNano())/1e9
		} else if s, ok := autoSpans.Load(trace.SpanContextFromContext(ctx).SpanID()); ok {
			g.SpanName, g.Began = s.(autoSpan).name, float64(s.(autoSpan).began.UnixNano())/1e9
		}
	}
	tell(g)
}

func childOf(ctx context.Context, kind, path string) {
	told(goroutine{Case: kind, Holds: []string{path}, Must: true, MadeIn: path}, ctx)
}

// body is what all handlers do: it hangs, and so do the goroutines that it makes.
//
//go:noinline
func body(ctx context.Context, kind, path string) {
	told(goroutine{Case: kind, Serves: path, Holds: []string{path}, Must: true}, ctx)
	in, wait := make(chan int), make(chan int)
	go func() { childOf(ctx, kind+"-done", path); in <- 1; <-ctx.Done() }()
	go func() { childOf(ctx, kind+"-value", path); in <- 1; <-wait; use(ctx.Err()) }()
	go func() {
		c, span := tracer.Start(ctx, "step "+path)
		defer span.End()
		childOf(c, kind+"-span", path)
		in <- 1
		<-wait
		use(c)
	}()
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { childOf(ctx, kind+"-group", path); in <- 1; <-wait; return nil })
	group.Go(func() error { childOf(all, kind+"-group-context", path); in <- 1; <-all.Done(); return all.Err() })
	go nested(ctx, kind, path, in, wait)
	go func() { tell(goroutine{Case: kind + "-made", MadeIn: path}); in <- 1; <-make(chan int) }()
	for i := 0; i < 7; i++ {
		<-in
	}
	<-never
	use(ctx)
}

//go:noinline
func nested(ctx context.Context, kind, path string, in, wait chan int) {
	ctx, span := tracer.Start(ctx, "outer "+path)
	defer span.End()
	query(ctx, kind, path, in, wait)
}

//go:noinline
func query(ctx context.Context, kind, path string, in, wait chan int) {
	ctx, span := tracer.Start(ctx, "inner "+path)
	defer span.End()
	childOf(ctx, kind+"-nested", path)
	in <- 1
	select {
	case <-wait:
	case <-ctx.Done():
	}
}

// left makes a goroutine that keeps something beyond the request.
func left(kind, path string, holds bool, keep ...interface{}) {
	in := make(chan int)
	go func() {
		g := goroutine{Case: kind, MadeIn: path}
		if holds {
			g.Holds = []string{path}
		}
		tell(g)
		in <- 1
		<-never
		use(keep...)
	}()
	<-in
}

func withChi() http.Handler {
	r := chi.NewRouter()
	r.Use(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { defer use(w); h.ServeHTTP(w, q) })
	})
	r.Route("/chi", func(r chi.Router) {
		r.Get("/{id}", func(w http.ResponseWriter, q *http.Request) { body(q.Context(), "chi", serves(q, "/chi/{id}")) })
	})
	r.Get("/chi-after/{other}", func(w http.ResponseWriter, q *http.Request) { // its chi.Context is soon another's
		left("chi-over", serves(q, "/chi-after/{other}"), true, q)
	})
	return r
}

func withGin() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.Use(gin.Recovery(), func(c *gin.Context) { c.Next(); use(c) })
	g.GET("/gin/:id", func(c *gin.Context) { body(c.Request.Context(), "gin", serves(c.Request, "/gin/:id")); use(c) })
	g.GET("/gin-after/:id", func(c *gin.Context) { left("gin-context", serves(c.Request, "/gin-after/:id"), false, c) })
	return g
}

func withEcho() http.Handler {
	e := echo.New()
	e.GET("/echo/:id", func(c echo.Context) error {
		body(c.Request().Context(), "echo", serves(c.Request(), "/echo/:id"))
		return nil
	})
	e.GET("/echo-after/:id", func(c echo.Context) error {
		left("echo-context", serves(c.Request(), "/echo-after/:id"), false, c)
		return nil
	})
	return e
}

func withGorilla() http.Handler {
	m := mux.NewRouter()
	m.HandleFunc("/gorilla/{id}", func(w http.ResponseWriter, q *http.Request) { body(q.Context(), "gorilla", serves(q, "/gorilla/{id}")) })
	return m
}

func withTraces() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/traced/{id}", func(w http.ResponseWriter, q *http.Request) { body(q.Context(), "traced", serves(q, "/traced/{id}")) })
	m.HandleFunc("/traced-after/{id}", func(w http.ResponseWriter, q *http.Request) {
		path, ctx := serves(q, "/traced-after/{id}"), q.Context()
		in := make(chan int)
		go func() {
			told(goroutine{Case: "traced-over", Holds: []string{path}, MadeIn: path}, ctx)
			in <- 1
			<-never
			use(ctx)
		}()
		<-in
	})
	return otelhttp.NewHandler(m, "all that is traced")
}

func withoutTLS() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/h2c/{id}", func(w http.ResponseWriter, q *http.Request) { body(q.Context(), "h2c", serves(q, "/h2c/{id}")) })
	return h2c.NewHandler(m, &http2.Server{})
}

func requestOf(url, kind string, i int) *http.Request {
	q, err := http.NewRequest("GET", fmt.Sprintf("%s/%s/%d?token=secret", url, kind, i), nil)
	if err != nil {
		panic(err)
	}
	if i%2 == 0 {
		q.Header.Set("traceparent", fmt.Sprintf("00-%032x-%016x-01", 0xabcdef000+i, 0x123456000+i))
	}
	sends("GET", q.URL.Path, "")
	return q
}

// alone is in a span, and has no request.
func alone() {
	in := make(chan int)
	go func() {
		ctx, span := tracer.Start(context.Background(), "alone")
		defer span.End()
		told(goroutine{Case: "alone"}, ctx)
		in <- 1
		<-never
		use(ctx)
	}()
	<-in
}

func plainly(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func startRouters() {
	alone()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	second := &http.Client{Transport: &http.Transport{Protocols: &only}}
	third := &http.Client{Transport: &http2.Transport{AllowHTTP: true, DialTLSContext: plainly}}
	urls := map[string]string{}
	for kind, h := range map[string]http.Handler{"chi": withChi(), "gin": withGin(), "echo": withEcho(), "gorilla": withGorilla(),
		"traced": withTraces(), "auto": withAuto(), "h2c": withoutTLS()} {
		urls[kind] = httptest.NewServer(h).URL
	}
	for _, kind := range []string{"chi", "gin", "echo", "traced"} {
		for i := 0; i < each; i++ {
			q := requestOf(urls[kind], kind+"-after", i)
			r, err := client.Do(q)
			if err != nil {
				panic(err)
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			over(q.URL.Path)
		}
	}
	runtime.GC()
	for kind, url := range urls {
		for i := 0; i < each; i++ {
			q, c, name := requestOf(url, kind, i), client, "client"
			if kind == "h2c" {
				c = second
			}
			if kind == "h2c" && i == 1 {
				c, name = third, "x-net-client"
			}
			go func() {
				tell(goroutine{Case: name, Calls: q.URL.Path})
				r, err := c.Do(q)
				use(r, err)
			}()
		}
	}
}

func main() {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	tracer = provider.Tracer("frameworks")
	if os.Getenv("PUBLISHED_NAME") != "" {
		publish()
	}
	if os.Args[1] == "calls" {
		startCalls()
	} else {
		startRouters()
	}
	ready()
}
