// SPDX-License-Identifier: BSD-2-Clause

// ended: a server and its clients in one program. Goroutines of its requests have contexts in hand that have ended, each in a way of its
// own, and know it.
//
//	ended all	says "ready", and the truth in one line of JSON
//
// Builds with Go 1.17; files that need a newer one say so.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	each  = 2
	short = 5 * time.Millisecond
	far   = 5 * time.Hour
)

// fate is what is so of the context that a goroutine has in hand.
type fate struct {
	Goid      uint64 `json:"goid"`
	Case      string `json:"case"`
	By        string `json:"by"` // who ended it, in parkwatch's word; "": it lives, or memory cannot tell
	Ended     bool   `json:"ended"`
	CauseType string `json:"cause_type"`
	Cause     string `json:"cause"`
	Over      bool   `json:"over"` // its request is
	Left      bool   `json:"left"` // its client went away, and its handler runs
}

// way has a context end. It returns that, after its end.
type way struct {
	fate
	make func(context.Context) context.Context
}

var (
	ways  = map[string]way{}
	truth struct {
		sync.Mutex
		fates []fate
	}
	standing sync.WaitGroup // each goroutine of a case is about to wait
	never    = make(chan int)
	sink     interface{}
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

// hangs is where each of them waits, with its context in hand.
//
//go:noinline
func hangs(ctx context.Context, f fate) {
	f.Goid = goid()
	truth.Lock()
	truth.fates = append(truth.fates, f)
	truth.Unlock()
	standing.Done()
	<-never
	use(ctx)
}

func add(kind string, f fate, make func(context.Context) context.Context) {
	f.Case = kind
	ways[kind] = way{f, make}
}

// gone returns ctx when it has ended.
func gone(ctx context.Context) context.Context {
	<-ctx.Done()
	return ctx
}

func limited(ctx context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, d)
	sink = cancel
	return ctx
}

type key struct{}

// other is a context of a type of the program's own, which may end as it likes.
type other struct{ context.Context }

func (other) String() string { return "other" }

func init() {
	add("lives", fate{}, func(ctx context.Context) context.Context { return limited(ctx, far) })
	add("own-deadline", fate{By: "own deadline", Ended: true}, func(ctx context.Context) context.Context { return gone(limited(ctx, short)) })
	add("own-before-parent", fate{By: "own deadline", Ended: true}, func(ctx context.Context) context.Context {
		return gone(limited(limited(ctx, far), short))
	})
	add("own-then-parent", fate{By: "own deadline", Ended: true}, func(ctx context.Context) context.Context {
		parent, cancel := context.WithCancel(ctx)
		ctx = gone(limited(parent, short))
		cancel()
		return ctx
	})
	add("parent-deadline", fate{By: "parent's deadline", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(context.WithValue(limited(ctx, short), key{}, 1))
		sink = cancel
		return gone(ctx)
	})
	add("grandparent-deadline", fate{By: "parent's deadline", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(limited(limited(ctx, short), far))
		sink = cancel
		return gone(ctx)
	})
	add("own-cancel", fate{By: "own cancel", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return context.WithValue(ctx, key{}, 1)
	})
	add("own-cancel-in-time", fate{By: "own cancel", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, far)
		cancel()
		return ctx
	})
	// A cancel function of its own would leave the same memory.
	add("parent-cancel", fate{By: "program's cancel", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		ctx = limited(ctx, far)
		cancel()
		return gone(ctx)
	})
	add("made-after", fate{By: "program's cancel", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return limited(ctx, far)
	})
	add("below-another", fate{Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(other{limited(ctx, short)})
		sink = cancel
		return gone(ctx)
	})
}

func handler(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	to := ways[strings.Split(r.URL.Path, "/")[1]]
	ctx := to.make(r.Context())
	go hangs(ctx, to.fate)
	hangs(ctx, to.fate)
}

// after leaves a goroutine behind that has the request's own context.
func after(w http.ResponseWriter, r *http.Request) {
	go hangs(r.Context(), fate{Case: "after", By: "request's cancel", Ended: true, Over: true})
}

// late leaves one with a context that ended before its request.
func late(w http.ResponseWriter, r *http.Request) {
	go hangs(gone(limited(r.Context(), short)), fate{Case: "late", By: "own deadline", Ended: true, Over: true})
}

// deferred leaves one with a context that its cancel function and its request have ended, one after the other.
func deferred(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), far)
	defer cancel()
	go hangs(ctx, fate{Case: "deferred", Ended: true, Over: true})
}

// ends has a client that goes away while it runs.
func ends(w http.ResponseWriter, r *http.Request) {
	ctx := limited(r.Context(), far)
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	<-ctx.Done()
	go hangs(ctx, fate{Case: "left", Ended: true, Left: true})
	hangs(r.Context(), fate{Case: "left", By: "connection", Ended: true, Left: true})
}

// closes has a server that ends the context of all its requests.
func closes(w http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	hangs(r.Context(), fate{Case: "closes", By: "request's cancel", Ended: true})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func get(c *http.Client, ctx context.Context, url string) {
	q, err := http.NewRequest("GET", url, nil)
	must(err)
	r, err := c.Do(q.WithContext(ctx))
	must(err)
	sink = r
}

func ask(c *http.Client, url string) {
	for kind := range ways {
		standing.Add(2)
		get(c, context.Background(), url+"/"+kind+"/")
	}
	for _, kind := range []string{"after", "late", "deferred"} {
		standing.Add(1)
		get(c, context.Background(), url+"/"+kind)
	}
	standing.Add(2)
	ctx, cancel := context.WithCancel(context.Background())
	get(c, ctx, url+"/ends")
	cancel()
}

func mux() *http.ServeMux {
	m := http.NewServeMux()
	for kind := range ways {
		m.HandleFunc("/"+kind+"/", handler)
	}
	m.HandleFunc("/after", after)
	m.HandleFunc("/late", late)
	m.HandleFunc("/deferred", deferred)
	m.HandleFunc("/ends", ends)
	m.HandleFunc("/closes", closes)
	return m
}

func serve() {
	first, second, third := httptest.NewServer(mux()), httptest.NewUnstartedServer(mux()), httptest.NewUnstartedServer(mux())
	second.EnableHTTP2 = true
	second.StartTLS()
	base, cancel := context.WithCancel(context.Background())
	third.Config.BaseContext = func(net.Listener) context.Context { return base }
	third.Start()
	for i := 0; i < each; i++ {
		ask(&http.Client{Transport: &http.Transport{}}, first.URL)
		ask(second.Client(), second.URL)
		standing.Add(1)
		go http.Get(third.URL + "/closes")
	}
	cancel()
	standing.Wait()
}

func main() {
	serve()
	atRest()
	line, err := json.Marshal(truth.fates)
	must(err)
	fmt.Printf("ready\n%s\n", line)
	os.Stdin.Read(make([]byte, 1))
}
