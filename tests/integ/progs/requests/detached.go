// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"net/http"
	"time"
)

// Go 1.21 and later: contexts that go on without their request, and functions that run at its end.

func detaching(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("detaching"))
	c := context.WithoutCancel(r.Context())
	in := make(chan int)
	go func() { child("detached", path); in <- 1; <-never; use(c) }()
	<-in
	<-never
}

func detachedAfter(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("detached-after"))
	c, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Hour)
	in := make(chan int)
	go func() {
		tell(goroutine{Case: "detached-over", Holds: []string{path}, MadeIn: path})
		in <- 1
		<-never
		use(c, cancel)
	}()
	<-in
}

func atItsEnd(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("at-its-end"))
	context.AfterFunc(r.Context(), func() {
		tell(goroutine{Case: "runs-at-its-end", Holds: []string{path}})
		<-never
		use(r)
	})
}

func init() {
	hanging["detaching"] = http.HandlerFunc(detaching)
	ending["detached-after"] = http.HandlerFunc(detachedAfter)
	ending["at-its-end"] = http.HandlerFunc(atItsEnd)
}
