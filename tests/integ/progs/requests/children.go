// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Goroutines that handlers make, and that hang while the request is served.

type job struct {
	ctx  context.Context
	path string
	in   chan int
	wait chan int
}

func (j *job) run(kind string) {
	tell(goroutine{Case: kind, Holds: []string{j.path}, MadeIn: j.path}) // only its address is in hand
	j.in <- 1
	<-j.wait
	use(j.ctx)
}

//go:noinline
func workFor(ctx context.Context, path string, in, wait chan int) {
	child("spawned-argument", path)
	in <- 1
	<-wait
	use(ctx.Err())
}

//go:noinline
func selectFor(ctx context.Context, path string, in, wait chan int) error {
	child("spawned-select", path)
	in <- 1
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait:
		return nil
	}
}

func spawning(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("spawning"))
	ctx := r.Context()
	in, wait := make(chan int), make(chan int)
	go func() { child("spawned-done", path); in <- 1; <-ctx.Done() }()
	go func() {
		child("spawned-value", path)
		in <- 1
		select {
		case <-ctx.Done():
		case <-wait:
		}
		use(ctx.Value(key("a")))
	}()
	go workFor(ctx, path, in, wait)
	go selectFor(ctx, path, in, wait)
	go func() {
		c, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		at, _ := c.Deadline()
		<-c.Done()
		tell(goroutine{Case: "spawned-expired", Holds: []string{path}, Must: true, MadeIn: path, Deadline: seconds(at)})
		in <- 1
		<-wait
		use(c)
	}()
	go func() {
		c, cancel := context.WithCancel(ctx)
		cancel()
		child("spawned-cancelled", path)
		in <- 1
		<-wait
		use(c)
	}()
	go func() {
		_, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		child("spawned-defer", path)
		in <- 1
		<-wait
	}()
	go func() { child("spawned-request", path); in <- 1; <-wait; use(r.URL) }()
	go func() { child("spawned-writer", path); in <- 1; hang.Lock(); fmt.Fprint(w, "x") }()
	go func() {
		child("spawned-clone", path)
		q := r.Clone(context.WithValue(ctx, key("clone"), 1))
		in <- 1
		<-wait
		use(q)
	}()
	go func() { // of a goroutine of it
		go func() { child("spawned-grandchild", path); in <- 1; <-wait; use(ctx) }()
		tell(goroutine{Case: "spawned-nothing", MadeIn: path})
		in <- 1
		<-never
	}()
	j := &job{ctx, path, in, wait}
	go j.run("spawned-method")
	for i := 0; i < 13; i++ {
		<-in
	}
	<-wait
}

// gathering waits for goroutines that have nothing of the request.
func gathering(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("gathering"))
	var wg sync.WaitGroup
	wg.Add(3)
	for i := 0; i < 3; i++ {
		go func() {
			defer wg.Done()
			tell(goroutine{Case: "gathered", MadeIn: path, Awaited: []string{path}})
			<-never
		}()
	}
	wg.Wait()
}

// expecting waits for one answer.
func expecting(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("expecting"))
	answer := make(chan int)
	go func() {
		tell(goroutine{Case: "expected", MadeIn: path, Awaited: []string{path}})
		hang.Lock()
		answer <- 1
	}()
	<-answer
}

// rivals is about one that waits for the same as the handler does, and will never say anything to it.
func rivals(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("rivals"))
	words := make(chan int)
	in := make(chan int)
	go func() {
		tell(goroutine{Case: "rival", MadeIn: path})
		in <- 1
		<-words
	}()
	<-in
	<-words
	use(r)
}

// custom is a context of a type of the program's own; who derives from it gets a goroutine of package context.
type custom struct {
	context.Context
	done chan struct{}
}

func (c custom) Done() <-chan struct{} { return c.done }

func customised(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("customised"))
	c, cancel := context.WithCancel(custom{r.Context(), make(chan struct{})})
	defer cancel()
	in := make(chan int)
	go func() { child("customised-child", path); in <- 1; <-never; use(c) }()
	<-in
	<-c.Done()
}
