// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"net/http"
)

// Workers that get requests over channels, from many handlers. Those that are idle have had many.

const workers = 9 // of each pool: more than hang with a request at the end

type task struct {
	ctx  context.Context
	r    *http.Request
	path string
	stay bool // hang with it
	done chan int
}

// do must be told where the caller has the task itself; of one that lies elsewhere only its address is in hand.
//
//go:noinline
func (t *task) do(kind string, own bool) {
	if t.stay {
		tell(goroutine{Case: kind, Holds: []string{t.path}, Must: own})
		close(t.done)
		<-never
		use(t.ctx)
		return
	}
	deep(20, t.r)
	close(t.done)
}

// deep leaves the request in words of the stack that nobody uses any more.
//
//go:noinline
func deep(n int, r *http.Request) int {
	if n == 0 {
		return len(r.URL.Path)
	}
	m := deep(n-1, r) + len(r.Method)
	use(r, m)
	return m
}

var (
	byValue    = make(chan task)
	bySelect   = make(chan task)
	byPointer  = make(chan *task)
	intoOne    = make(chan task)
	lastTasks  = make(chan *task)
	lastCtx    = make(chan context.Context)
	throughAny = make(chan interface{})
	calls      = make(chan func())
	pipeIn     = make(chan *task)
	pipeOut    = make(chan *task)
)

func valueWorker() {
	for {
		none("idle-value")
		t := <-byValue
		t.do("busy-value", true)
	}
}

func selectWorker() {
	for {
		none("idle-select")
		select {
		case t := <-bySelect:
			t.do("busy-select", true)
			use(t.r)
		case <-never:
			return
		}
	}
}

func pointerWorker() {
	none("idle-pointer")
	for t := range byPointer {
		t.do("busy-pointer", false)
		none("idle-pointer")
	}
}

// oneWorker gets all into one variable: the next overwrites it.
func oneWorker() {
	var t task
	for {
		none("idle-one")
		t = <-intoOne
		t.do("busy-one", true)
	}
}

func anyWorker() {
	for {
		none("idle-any")
		switch t := (<-throughAny).(type) {
		case *task:
			t.do("busy-any", false)
		case *http.Request:
			use(t)
		}
	}
}

func callWorker() {
	for {
		none("idle-call")
		(<-calls)()
	}
}

// pipe hands on what it gets, and waits for somebody who takes it.
func pipe() {
	for {
		none("pipe")
		t := <-pipeIn
		tell(goroutine{Case: "pipe-full", Holds: []string{t.path}})
		pipeOut <- t
	}
}

// lastWorker keeps its last task, and uses it at the next.
func lastWorker() {
	var last *task
	none("keeps-task")
	for {
		t := <-lastTasks
		if last != nil {
			use(last.r)
		}
		last = t
		tell(goroutine{Case: "keeps-task", Holds: []string{t.path}})
		close(t.done)
	}
}

type told struct {
	ctx  context.Context
	path string
	done chan int
}

func contextWorker() {
	var last context.Context
	none("keeps-context")
	for {
		c := <-lastCtx
		if last != nil {
			use(last.Err())
		}
		last = c
		mine := c.Value(key("told")).(told)
		tell(goroutine{Case: "keeps-context", Holds: []string{mine.path}})
		close(mine.done)
	}
}

func startPools() {
	for _, f := range []func(){valueWorker, selectWorker, pointerWorker, oneWorker, anyWorker, callWorker, lastWorker, contextWorker, pipe} {
		for i := 0; i < workers; i++ {
			go f()
		}
	}
}

// through gives the request to each pool, and ends: what they did with it is over.
func through(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("through"))
	for i := 0; i < 8; i++ {
		t := &task{r.Context(), r, path, false, make(chan int)}
		switch i {
		case 0:
			byValue <- *t
		case 1:
			bySelect <- *t
		case 2:
			byPointer <- t
		case 3:
			intoOne <- *t
		case 4:
			throughAny <- t
		case 5:
			calls <- func() { use(r); close(t.done) }
		case 6:
			lastTasks <- t
		case 7:
			lastCtx <- context.WithValue(r.Context(), key("told"), told{r.Context(), path, t.done})
		}
		<-t.done
	}
}

// pooled gives the request to one worker of a pool, which hangs with it.
func pooled(kind string, give func(t *task)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := &task{r.Context(), r, serves(r, route(kind)), true, make(chan int)}
		give(t)
		<-t.done
		<-never
		use(r)
	}
}

func pools(handle func(string, http.Handler)) {
	for kind, give := range map[string]func(t *task){
		"pool-value":   func(t *task) { byValue <- *t },
		"pool-select":  func(t *task) { bySelect <- *t },
		"pool-pointer": func(t *task) { byPointer <- t },
		"pool-one":     func(t *task) { intoOne <- *t },
		"pool-any":     func(t *task) { throughAny <- t },
		"pool-call":    func(t *task) { calls <- func() { t.do("busy-call", false) } },
		"pool-pipe":    func(t *task) { close(t.done); pipeIn <- t },
		"pool-keeps":   func(t *task) { lastTasks <- t },
	} {
		handle(kind, pooled(kind, give))
	}
}
