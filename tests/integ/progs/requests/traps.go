// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// What misleads: requests in hands of goroutines that do not work for them, two in one hand, and old ones.

// hub knows requests, and serves none.
type hub struct {
	sync.Mutex
	last *http.Request
	ctx  context.Context
	all  []*http.Request
	by   map[string]*http.Request
	wake chan int
}

var (
	theHub     = &hub{by: map[string]*http.Request{}, wake: make(chan int)}
	theRequest *http.Request
	queued     = make(chan *http.Request, 100)
	letGo      = make(chan struct{})
)

func (h *hub) run() {
	none("hub")
	for range h.wake {
		use(h.last)
	}
	use(h)
}

func globalUser() {
	none("global")
	<-never
	use(theRequest)
}

// queueKeeper waits while requests are in the buffer of a channel that it has.
func queueKeeper(q chan *http.Request) {
	none("queue")
	<-never
	use(<-q)
}

func known(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("known"))
	h := theHub
	h.Lock()
	h.last, h.ctx, theRequest = r, r.Context(), r
	h.all = append(h.all, r)
	h.by[path] = r
	h.Unlock()
	queued <- r
	<-never
	use(h)
}

type item struct {
	ctx  context.Context
	r    *http.Request
	path string
}

var (
	batches = make(chan item)
	pairs   = make(chan item)
	copies  = make(chan item)
)

// batcher works for three at a time.
func batcher() {
	for {
		none("batcher")
		a := []item{<-batches, <-batches, <-batches}
		go func(x, y, z item) {
			tell(goroutine{Case: "batch", Holds: []string{x.path, y.path, z.path}})
			<-never
			use(x, y, z)
		}(a[0], a[1], a[2])
	}
}

// pairer has a context of one and the request of another.
func pairer() {
	for {
		none("pairer")
		x, y := <-pairs, <-pairs
		go func(ctx context.Context, r *http.Request) {
			tell(goroutine{Case: "pair", Holds: []string{x.path, y.path}})
			<-never
			use(ctx, r)
		}(x.ctx, y.r)
	}
}

// copier has one's request with another's context: both are in hand, and what is said must be of one of them alone.
func copier() {
	for {
		none("copier")
		x, y := <-copies, <-copies
		go func(r *http.Request) {
			tell(goroutine{Case: "copy", Holds: []string{x.path, y.path}, Either: true})
			<-never
			use(r)
		}(x.r.WithContext(y.ctx))
	}
}

func given(kind string, to chan item) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := serves(r, route(kind))
		to <- item{r.Context(), r, path}
		<-never
	}
}

// lazy starts workers for all: the first request does. Later ones use them, over the same connection.
var (
	lazyOnce  [2]sync.Once
	lazyTasks [2]chan *http.Request
)

func lazyWorker(tasks chan *http.Request, in chan int, path string) {
	tell(goroutine{Case: "lazy", MadeIn: path})
	in <- 1
	for r := range tasks {
		use(r.URL)
	}
}

func lazy(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("lazy"))
	i := 0
	if r.ProtoMajor == 2 {
		i = 1
	}
	lazyOnce[i].Do(func() {
		in := make(chan int)
		lazyTasks[i] = make(chan *http.Request)
		go lazyWorker(lazyTasks[i], in, path)
		<-in
	})
	lazyTasks[i] <- r
}

// flight is one goroutine for all that ask for the same meanwhile; it has the context of the first.
type flight struct {
	sync.Mutex
	done chan int
}

var flights [2]flight

func flying(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("flying"))
	f := &flights[0]
	if r.ProtoMajor == 2 {
		f = &flights[1]
	}
	f.Lock()
	if f.done == nil {
		f.done = make(chan int)
		ctx, done := r.Context(), f.done
		go func() { child("flight", path); <-never; use(ctx); close(done) }()
	}
	done := f.done
	f.Unlock()
	<-done
}

// ofConnection has the context of a connection, of which those of all its requests are made.
func ofConnection(ctx context.Context, _ net.Conn) context.Context {
	c, cancel := context.WithCancel(context.WithValue(ctx, key("connection"), 1))
	go func() { none("of-connection"); <-letGo; cancel() }()
	go func() { none("waits-for-connection"); <-c.Done() }()
	return c
}

func ofServer(net.Listener) context.Context {
	c, cancel := context.WithCancel(context.WithValue(context.Background(), key("server"), 1))
	go func() { none("of-server"); <-letGo; cancel() }()
	go func() { none("waits-for-server"); <-c.Done() }()
	return c
}

func startTraps() {
	go theHub.run()
	go globalUser()
	go queueKeeper(queued)
	go batcher()
	go pairer()
	go copier()
	madeUp()
}
