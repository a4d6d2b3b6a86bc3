// SPDX-License-Identifier: BSD-2-Clause

// overdue: a server and its clients in one program. Goroutines of its requests leak, or only wait; each knows whether its context has
// ended, and whether it looks at that.
//
//	overdue leaks	some leak, some do not; says "ready", and the truth in one line of JSON
//	overdue grows	a handler hangs for each request, and looks at a context that lives, while another one has ended
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const each = 12 // requests of a case

// fate is what is so of the goroutines of a case.
type fate struct {
	Start   string   `json:"start"`   // the function that they run
	At      string   `json:"at"`      // the one that should look at ctx.Done()
	Count   int      `json:"count"`   // goroutines, each of a request of its own
	Leaks   bool     `json:"leaks"`   // nothing can wake them
	Serve   bool     `json:"serve"`   // their requests are under way; else they are over, and what they have is of them
	None    bool     `json:"none"`    // they have nothing in hand
	Named   bool     `json:"named"`   // what they have says what was asked for; else it is a context only
	Ignores bool     `json:"ignores"` // their context has ended, and they do not look at it
	Ended   bool     `json:"ended"`   // a context that they have in hand has ended
	Limited bool     `json:"limited"` // by its deadline
	By      string   `json:"by"`      // who has ended the context that they ignore; "": memory cannot tell
	Route   string   `json:"route"`
	Traces  []string `json:"traces"`
	Goids   []uint64 `json:"goids"`
}

var (
	route = func(kind string) string { return "/" + kind + "/" }
	truth = struct {
		sync.Mutex
		fates map[string]*fate
	}{fates: map[string]*fate{}}
	handlers = map[string]http.HandlerFunc{}
	sink     interface{}
	standing sync.WaitGroup // each goroutine of a case is about to wait
)

func goid() uint64 {
	var b [64]byte
	s := string(b[:runtime.Stack(b[:], false)])
	id, _ := strconv.ParseUint(strings.Fields(s)[1], 10, 64)
	return id
}

// use makes what it gets live until it is called.
//
//go:noinline
func use(x ...interface{}) {
	if len(x) > 1000 {
		sink = x
	}
}

// stands is called by each goroutine of a case right before it waits.
//
//go:noinline
func stands(kind string) {
	truth.Lock()
	f := truth.fates[kind]
	f.Goids = append(f.Goids, goid())
	truth.Unlock()
	standing.Done()
}

func add(kind string, f fate, handler http.HandlerFunc) {
	f.Count = each
	truth.fates[kind] = &f
	handlers[kind] = handler
}

// ended returns a context of r that its deadline has ended.
func ended(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Millisecond)
	<-ctx.Done()
	return ctx, cancel
}

// The answer comes when nobody waits for it any more.

//go:noinline
func answersLate(ctx context.Context, r *http.Request, answer chan int) {
	<-ctx.Done()
	stands("late")
	answer <- 1
	use(ctx, r)
}

func late(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Millisecond)
	defer cancel()
	answer := make(chan int)
	go answersLate(ctx, r, answer)
	<-ctx.Done()
}

//go:noinline
func answersAfter(ctx context.Context, answer chan int) {
	stands("after")
	answer <- 1
	use(ctx)
}

// after leaves it with the request's own context, which ends with the handler.
func after(w http.ResponseWriter, r *http.Request) { go answersAfter(r.Context(), make(chan int)) }

//go:noinline
func choosesLate(ctx context.Context, a, b chan int) {
	stands("choosing")
	select {
	case a <- 1:
	case b <- 2:
	}
	use(ctx)
}

func choosing(w http.ResponseWriter, r *http.Request) {
	go choosesLate(r.Context(), make(chan int), make(chan int))
}

//go:noinline
func answersWithout(answer chan int) {
	stands("without")
	answer <- 1
}

// without gives it no context.
func without(w http.ResponseWriter, r *http.Request) { go answersWithout(make(chan int)) }

//go:noinline
func servesLate(r *http.Request) {
	ctx, cancel := ended(r)
	defer cancel()
	stands("serving")
	make(chan int) <- 1
	use(ctx)
}

// serving hangs beyond its deadline.
func serving(w http.ResponseWriter, r *http.Request) { servesLate(r) }

//go:noinline
func servesInTime(r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Hour)
	defer cancel()
	stands("in-time")
	make(chan int) <- 1
	use(ctx)
}

func inTime(w http.ResponseWriter, r *http.Request) { servesInTime(r) }

//go:noinline
func rests(ctx context.Context) {
	stands("resting")
	time.Sleep(10 * time.Hour)
	use(ctx)
}

// resting does not leak, though its context has ended: a timer wakes it.
func resting(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := ended(r)
	defer cancel()
	go rests(ctx)
}

// looks has a context that has ended, and looks at one that lives: the client may go.
//
//go:noinline
func looks(r *http.Request) {
	ctx, cancel := ended(r)
	defer cancel()
	select {
	case <-r.Context().Done():
	case <-make(chan int):
	}
	use(ctx)
}

func looking(w http.ResponseWriter, r *http.Request) { looks(r) }

func init() {
	add("late", fate{Start: "main.answersLate", By: "own deadline", Leaks: true, Named: true, Ignores: true, Ended: true, Limited: true}, late)
	add("after", fate{Start: "main.answersAfter", By: "request's cancel", Leaks: true, Ignores: true, Ended: true}, after)
	add("choosing", fate{Start: "main.choosesLate", By: "request's cancel", Leaks: true, Ignores: true, Ended: true}, choosing)
	add("without", fate{Start: "main.answersWithout", Leaks: true, None: true}, without)
	add("serving", fate{At: "main.servesLate", By: "own deadline", Leaks: true, Serve: true, Named: true, Ignores: true, Ended: true, Limited: true}, serving)
	add("in-time", fate{At: "main.servesInTime", Leaks: true, Serve: true, Named: true}, inTime)
	add("resting", fate{Start: "main.rests", Ended: true, Limited: true}, resting)
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}

// ask sends one request, whose query is nobody's business, and goes on when it is answered.
func ask(url, kind string, i int) {
	trace := fmt.Sprintf("%032x", 0xabcdef000000+len(kind)<<16+int(kind[0])<<8+i)
	q, err := http.NewRequest("GET", url+"/"+kind+"/id-"+strconv.Itoa(i)+"?token=secret", nil)
	if err != nil {
		panic(err)
	}
	q.Header.Set("traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if f := truth.fates[kind]; f != nil {
		truth.Lock()
		f.Traces = append(f.Traces, trace)
		truth.Unlock()
	}
	r, err := client.Do(q)
	if err != nil {
		panic(err)
	}
	r.Body.Close()
}

func serve() string {
	m := http.NewServeMux()
	m.HandleFunc(route("looking"), looking)
	for kind, h := range handlers {
		m.HandleFunc(route(kind), h)
		truth.fates[kind].Route = route(kind)
		if f := truth.fates[kind]; f.At == "" {
			f.At = f.Start
		} else {
			f.Start = "net/http.(*conn).serve"
		}
	}
	return httptest.NewServer(m).URL
}

func leak(url string) {
	standing.Add(each * len(handlers))
	for kind, f := range truth.fates {
		for i := 0; i < each; i++ {
			if f.Serve {
				go ask(url, kind, i)
			} else {
				ask(url, kind, i)
			}
		}
	}
	standing.Wait()
	atRest()
	for i := 0; i < 3; i++ { // since when they wait, is noted by the collector
		runtime.GC()
	}
	atRest()
}

func main() {
	url := serve()
	if os.Args[1] == "grows" {
		go func() {
			for i := 0; ; i++ {
				go ask(url, "looking", i)
				time.Sleep(150 * time.Millisecond)
			}
		}()
	} else {
		leak(url)
	}
	line, err := json.Marshal(truth.fates)
	if err != nil {
		panic(err)
	}
	fmt.Printf("ready\n%s\n", line)
	os.Stdin.Read(make([]byte, 1))
}
