// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// Goroutines that outlive the request that they were made in. The connection serves others since.

func outlived(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("outlived"))
	ctx := r.Context()
	in := make(chan int)
	stays := func(kind string, holds bool, f func()) {
		go func() {
			g := goroutine{Case: kind, MadeIn: path}
			if holds {
				g.Holds = []string{path}
			}
			tell(g)
			f()
		}()
		<-in
	}
	stays("outlives-request", true, func() { in <- 1; <-never; use(r) })
	stays("outlives-context", true, func() { in <- 1; <-never; use(ctx) })
	stays("outlives-value", true, func() { c := context.WithValue(ctx, key("x"), r); in <- 1; <-never; use(c) })
	stays("outlives-nothing", false, func() { in <- 1; <-never })
	stays("outlives-writer", true, func() { in <- 1; <-never; use(w) })
	stays("outlives-stale", false, func() { deep(20, r); in <- 1; <-never })
	fmt.Fprint(w, "ok")
}

// state is pooled by the program.
type state struct {
	r    *http.Request
	ctx  context.Context
	path string
}

var states struct {
	sync.Mutex
	free []*state
}

func getState() *state {
	states.Lock()
	defer states.Unlock()
	if n := len(states.free); n > 0 {
		s := states.free[n-1]
		states.free = states.free[:n-1]
		return s
	}
	return new(state)
}

// returned gives its state back while a goroutine goes on with it: soon it is another request's.
func returned(w http.ResponseWriter, r *http.Request) {
	s := getState()
	s.r, s.ctx, s.path = r, r.Context(), serves(r, route("returned"))
	in := make(chan int)
	path := s.path
	go func() {
		tell(goroutine{Case: "returned-too-early", MadeIn: path})
		in <- 1
		<-never
		use(s)
	}()
	<-in
	states.Lock()
	states.free = append(states.free, s)
	states.Unlock()
}

// borrowed has the state that somebody still goes on with.
func borrowed(w http.ResponseWriter, r *http.Request) {
	s := getState()
	s.r, s.ctx, s.path = r, r.Context(), serves(r, route("borrowed"))
	<-never
	use(s)
}

// reused is a context of the program's own, which it gives to one request after another.
type reused struct {
	context.Context
	path string
}

var reusable struct {
	sync.Mutex
	free []*reused
}

func getReused(ctx context.Context, path string) *reused {
	reusable.Lock()
	defer reusable.Unlock()
	c := new(reused)
	if n := len(reusable.free); n > 0 {
		c, reusable.free = reusable.free[n-1], reusable.free[:n-1]
	}
	c.Context, c.path = ctx, path
	return c
}

// reusing leaves goroutines that go on with such a context, and with one made of it, after it was given back.
func reusing(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("reusing"))
	c := getReused(r.Context(), path)
	in := make(chan int)
	go func() {
		d := context.WithValue(c, key("made"), 1)
		tell(goroutine{Case: "made-of-reused", MadeIn: path})
		in <- 1
		<-never
		use(d)
	}()
	<-in
	go func() {
		tell(goroutine{Case: "reused", MadeIn: path})
		in <- 1
		<-never
		use(c)
	}()
	<-in
	reusable.Lock()
	reusable.free = append(reusable.free, c)
	reusable.Unlock()
}

// reuser has one that somebody still goes on with.
func reuser(w http.ResponseWriter, r *http.Request) {
	c := getReused(r.Context(), serves(r, route("reuser")))
	<-never
	use(c)
}
