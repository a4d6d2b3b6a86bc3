// SPDX-License-Identifier: BSD-2-Clause

// traced is a service as OpenTelemetry's documentation has it: its spans go to OTEL_EXPORTER_OTLP_ENDPOINT when they end.
//
// It asks itself for /quote/{id}, and each handler waits, as do goroutines that it makes. It says "ready" when they do, and in one line
// which span each goroutine is in. With a line on standard input they go on; when all is sent it says "done".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const quotes = 3

// place is where a goroutine waits: it tells its innermost span.
type place struct {
	Goid  uint64 `json:"goid"`
	Func  string `json:"func"`
	Wait  string `json:"wait"`
	Trace string `json:"trace_id"`
	Span  string `json:"span_id"`
	Name  string `json:"span"`
}

var (
	tracer  trace.Tracer
	goOn    = make(chan int)
	stands  = make(chan place)
	mayPass sync.WaitGroup
)

func goid() uint64 {
	var b [64]byte
	id, _ := strconv.ParseUint(strings.Fields(string(b[:runtime.Stack(b[:], false)]))[1], 10, 64)
	return id
}

func tell(ctx context.Context, function, wait string) {
	s := trace.SpanFromContext(ctx)
	stands <- place{goid(), function, wait, s.SpanContext().TraceID().String(), s.SpanContext().SpanID().String(), s.(sdktrace.ReadOnlySpan).Name()}
}

//go:noinline
func price(ctx context.Context) {
	ctx, span := tracer.Start(ctx, "price")
	defer span.End()
	tell(ctx, "main.price", "chan receive")
	<-goOn
}

//go:noinline
func stock(ctx context.Context, in *sync.WaitGroup) {
	defer in.Done()
	ctx, span := tracer.Start(ctx, "stock")
	defer span.End()
	tell(ctx, "main.stock", "sync.WaitGroup.Wait")
	mayPass.Wait()
}

// quote has no span of its own for what it waits for at last.
//
//go:noinline
func quote(w http.ResponseWriter, r *http.Request) {
	var in sync.WaitGroup
	in.Add(1)
	go stock(r.Context(), &in)
	price(r.Context())
	in.Wait()
}

func newProvider() *sdktrace.TracerProvider {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		panic(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	tracer = provider.Tracer("traced")
	return provider
}

func ask(url string, id int, done *sync.WaitGroup) {
	defer done.Done()
	client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
	r, err := client.Get(fmt.Sprintf("%s/quote/%d", url, id))
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
}

// places are those of all who wait, or soon will.
func places() []byte {
	var all []place
	for len(all) < 2*quotes {
		all = append(all, <-stands)
	}
	line, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return line
}

// collects notes since when goroutines wait: that is done by Go's collector.
func collects() {
	for range time.Tick(100 * time.Millisecond) {
		runtime.GC()
	}
}

func main() {
	go collects()
	var asked sync.WaitGroup
	provider := newProvider()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /quote/{id}", quote)
	server := httptest.NewServer(otelhttp.NewHandler(routes, "server"))
	mayPass.Add(1)
	for id := 0; id < quotes; id++ {
		asked.Add(1)
		go ask(server.URL, id, &asked)
	}
	fmt.Printf("ready\n%s\n", places())
	bufio.NewReader(os.Stdin).ReadString('\n')
	close(goOn)
	mayPass.Done()
	asked.Wait()
	if err := provider.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println("done")
	os.Stdin.Read(make([]byte, 1))
}
