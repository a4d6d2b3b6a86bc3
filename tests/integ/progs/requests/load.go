// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strconv"
	"sync"
	"time"
)

// Thousands of requests a second, of which none hangs: each goroutine writes down from when to when it had which. "ready" is said
// when they go on; when something is written to standard input they end, and all that was written down is told.

const (
	everyTick = 50  // requests in 10 ms
	clients   = 400 // of each side
)

// stays is how long a request takes: most are over before a look is, some are not.
func stays(n int) time.Duration {
	switch {
	case n%500 == 0:
		return 20 * time.Second
	case n%50 == 0:
		return 2 * time.Second
	}
	return 20 * time.Millisecond
}

// stay is ended by the end of the program, too.
func stay(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	case <-letGo:
	}
}

// life is a request, times in ns since 1970: the client sent it, the handler was about to return, the client had the answer.
type life struct{ sent, left, done int64 }

// hold is a time in which a goroutine had a request: told after it had it, and before it had no more.
type hold struct {
	goid     uint64
	n        int
	relation string
	at, left int64
}

var lives struct {
	sync.Mutex
	requests []life
	holds    []*hold
}

func now() int64 { return time.Now().UnixNano() }

func has(n int, relation string) *hold {
	h := &hold{goid: goid(), n: n, relation: relation, at: now()}
	lives.Lock()
	lives.holds = append(lives.holds, h)
	lives.Unlock()
	return h
}

func (h *hold) no() {
	lives.Lock()
	h.left = now()
	lives.Unlock()
}

type quick struct {
	ctx  context.Context
	n    int
	done chan int
}

var quicks = make(chan *quick)

func quickWorker() {
	for q := range quicks {
		h := has(q.n, "of")
		stay(q.ctx, stays(q.n)/2)
		h.no()
		q.done <- 1
	}
}

func loaded(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(path.Base(r.URL.Path))
	if err != nil {
		panic(err)
	}
	h := has(n, "serves")
	ctx, done := r.Context(), make(chan int, 2)
	go func() { // one of three outlives its request
		h := has(n, "of")
		stay(ctx, stays(n)/2)
		if n%3 == 0 {
			done <- 1
			stay(context.Background(), 20*time.Millisecond)
		}
		use(r)
		h.no()
		if n%3 != 0 {
			done <- 1
		}
	}()
	quicks <- &quick{ctx, n, done}
	stay(ctx, stays(n))
	<-done
	<-done
	fmt.Fprint(w, n)
	lives.Lock()
	lives.requests[n].left = now()
	lives.Unlock()
	h.no()
}

func loadClient(s side, numbers chan int) {
	for n := range numbers {
		h := has(n, "calls")
		q, err := http.NewRequest("GET", fmt.Sprintf("%s/load/%d?token=secret", s.url, n), nil)
		if err != nil {
			panic(err)
		}
		q.Header.Set("traceparent", fmt.Sprintf("00-%032x-%016x-01", n+1, n+1))
		r, err := s.client.Do(q)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		h.no()
		lives.Lock()
		lives.requests[n].done = now()
		lives.Unlock()
	}
}

func loadSides() []side {
	m := http.NewServeMux()
	m.HandleFunc(route("load"), loaded)
	first := httptest.NewServer(m)
	second := httptest.NewUnstartedServer(m)
	second.EnableHTTP2 = true
	second.StartTLS()
	return []side{
		{"h1", &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * clients}}, first.URL},
		{"h2", second.Client(), second.URL},
	}
}

func load() {
	var wg sync.WaitGroup
	numbers := make(chan int)
	for _, s := range loadSides() {
		for i := 0; i < clients; i++ {
			wg.Add(1)
			go func(s side) { defer wg.Done(); loadClient(s, numbers) }(s)
		}
	}
	for i := 0; i < 2*clients; i++ {
		go quickWorker()
	}
	stop := make(chan int)
	go func() { os.Stdin.Read(make([]byte, 1)); close(stop) }()
	began := time.Now()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-stop:
			close(numbers)
			close(letGo)
			wg.Wait()
			tellLoad(time.Since(began))
			return
		case <-tick.C:
		}
		for i := 0; i < everyTick; i++ {
			lives.Lock()
			n := len(lives.requests)
			lives.requests = append(lives.requests, life{sent: now()})
			lives.Unlock()
			numbers <- n
			if n == 20*everyTick {
				fmt.Println("ready")
			}
		}
	}
}

func tellLoad(took time.Duration) {
	var all struct {
		Seconds  float64          `json:"seconds"`
		Requests [][3]int64       `json:"requests"`
		Holds    [][5]interface{} `json:"holds"`
	}
	all.Seconds = took.Seconds()
	lives.Lock()
	for _, l := range lives.requests {
		all.Requests = append(all.Requests, [3]int64{l.sent, l.left, l.done})
	}
	for _, h := range lives.holds {
		all.Holds = append(all.Holds, [5]interface{}{h.goid, h.n, h.relation, h.at, h.left})
	}
	lives.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		panic(err)
	}
}
