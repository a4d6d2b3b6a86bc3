// SPDX-License-Identifier: BSD-2-Clause

// routes: a server whose handlers wait, burn and leave work to others for known times. What a stack is part of tells its route: all
// of route /alpha/ goes on in functions whose names begin with alpha, and so for the others. Each client uses one connection, and asks
// for one route after the other: so does the goroutine that serves it. Trace ids of /alpha/ begin with a, those of /beta/ with b.
//
//	routes waits    handlers and goroutines of theirs wait; also workers that all routes share, and short waits
//	routes burns    handlers burn CPU time, some of them long, between short waits, and make much garbage
//
// Says "ready"; after "go" the clients work for 3 s, and then it says, in JSON, how many ns each route has waited,
// and how many bytes of garbage it has made.
// Go 1.23, for its patterns.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	clients = 6
	lasts   = 3 * time.Second
	long    = 300 * time.Millisecond
	short   = 2 * time.Millisecond
	turn    = 60_000_000 // additions, some 30 ms
	turns   = 8
	piece   = 4096
)

type route struct {
	ns     atomic.Int64 // that somebody has waited for it
	bytes  atomic.Int64 // of its garbage
	served atomic.Int64
	wait   func(time.Duration)
	burn   func(int) int
	handle http.HandlerFunc
}

var (
	alpha, beta route
	jobs        = make(chan func(), 16)
	asked       atomic.Int64
	garbage     [64][]byte
	after       = func(d time.Duration) <-chan time.Time { return time.After(d) }
)

//go:noinline
func alphaWaits(d time.Duration) { waitOn(&alpha, after(d)) }

//go:noinline
func betaWaits(d time.Duration) { waitOn(&beta, after(d)) }

func waitOn(r *route, c <-chan time.Time) {
	began := time.Now()
	<-c
	r.ns.Add(int64(time.Since(began)))
}

//go:noinline
func alphaBurns(n int) int { return burn(&alpha, n) }

//go:noinline
func betaBurns(n int) int { return burn(&beta, n) }

// burn makes garbage, so that the memory of requests that are over is used again soon.
func burn(r *route, n int) (sum int) {
	for i := range n {
		sum += i * sum
		if i%100_000 == 0 {
			garbage[i/100_000%len(garbage)] = make([]byte, piece)
			r.bytes.Add(piece)
		}
	}
	return sum
}

//go:noinline
func alphaServes(w http.ResponseWriter, q *http.Request) { serve(w, q, &alpha) }

//go:noinline
func betaServes(w http.ResponseWriter, q *http.Request) { serve(w, q, &beta) }

func serve(w http.ResponseWriter, q *http.Request, r *route) {
	if os.Args[1] == "burns" && r.served.Add(1)%8 != 0 {
		r.burn(turn / 100) // many of these are between two that last
	} else if os.Args[1] == "burns" {
		for range turns {
			r.burn(turn)
			r.wait(short)
		}
	} else {
		spread(q, r)
		r.wait(short)
		r.wait(long)
	}
	fmt.Fprintln(w, q.URL.Path)
}

// spread leaves work to a goroutine that has the request in hand, and to a worker that has it while it is at it.
func spread(q *http.Request, r *route) {
	var all sync.WaitGroup
	work := func() {
		defer all.Done()
		r.wait(long)
		_, _ = io.WriteString(io.Discard, q.Method) // it has it until then
	}
	all.Add(2)
	go work()
	jobs <- work
	all.Wait()
}

func worker() {
	for job := range jobs {
		job()
	}
}

func client(url string, i int, end time.Time, done *sync.WaitGroup) {
	defer done.Done()
	c := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	for ; time.Now().Before(end); i++ {
		side := []string{"alpha", "beta"}[i%2]
		q, _ := http.NewRequest("GET", fmt.Sprintf("%s/%s/%d", url, side, i), nil)
		q.Header.Set("traceparent", fmt.Sprintf("00-%c%031x-%016x-01", side[0], asked.Add(1), i+1))
		answer, err := c.Do(q)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}

func main() {
	alpha.wait, alpha.burn, alpha.handle = alphaWaits, alphaBurns, alphaServes
	beta.wait, beta.burn, beta.handle = betaWaits, betaBurns, betaServes
	m := http.NewServeMux()
	m.Handle("/alpha/{id}", alpha.handle)
	m.Handle("/beta/{id}", beta.handle)
	server := httptest.NewServer(m)
	for range 4 {
		go worker()
	}
	fmt.Println("ready")
	input := bufio.NewReader(os.Stdin)
	_, _ = input.ReadString('\n')
	var done sync.WaitGroup
	end := time.Now().Add(lasts)
	for i := range clients {
		done.Add(1)
		go client(server.URL, i, end, &done)
	}
	done.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]int64{"alpha": alpha.ns.Load(), "beta": beta.ns.Load(),
		"alphaBytes": alpha.bytes.Load(), "betaBytes": beta.bytes.Load()})
	_, _ = input.ReadString('\n')
}
