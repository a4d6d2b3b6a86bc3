// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Handlers that hang, each in its own way.

var (
	never = make(chan int)
	hang  sync.Mutex // never unlocked
)

type key string

func plain(w http.ResponseWriter, r *http.Request) {
	serves(r, route("plain"))
	<-never
	fmt.Fprint(w, r.URL)
}

// dead uses nothing afterwards.
func dead(w http.ResponseWriter, r *http.Request) {
	serves(r, route("dead"))
	<-never
}

func locked(w http.ResponseWriter, r *http.Request) {
	serves(r, route("locked"))
	hang.Lock()
	fmt.Fprint(w, "free")
}

func asleep(w http.ResponseWriter, r *http.Request) {
	serves(r, route("asleep"))
	time.Sleep(10 * time.Hour)
	use(r)
}

func selecting(w http.ResponseWriter, r *http.Request) {
	serves(r, route("selecting"))
	select {
	case <-r.Context().Done():
	case <-never:
	}
}

func reading(w http.ResponseWriter, r *http.Request) {
	serves(r, route("reading"))
	io.ReadAll(r.Body)
}

// writing hangs once nobody takes what it says.
func writing(w http.ResponseWriter, r *http.Request) {
	serves(r, route("writing"))
	for block := make([]byte, 1<<16); ; {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// panicked hangs while it panics.
func panicked(w http.ResponseWriter, r *http.Request) {
	serves(r, route("panicked"))
	defer func() {
		<-never
		recover()
	}()
	panic("on purpose")
}

func wrap(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer use(name)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key(name), name)))
	})
}

// wrapped is behind three middlewares and a mux of its own.
func wrapped() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc(route("wrapped"), func(w http.ResponseWriter, r *http.Request) {
		serves(r, route("wrapped"), "/wrapped/")
		hang.Lock()
	})
	return wrap("first", wrap("second", wrap("third", m)))
}

// stripped sees another path than the client asked for, and so does what it makes.
func stripped() http.Handler {
	return http.StripPrefix("/stripped", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := serves(r, route("stripped"))
		in := make(chan int)
		go func() {
			child("stripped-child", path)
			in <- 1
			<-never
			use(r)
		}()
		<-in
		<-never
		use(r)
	}))
}

// limited hangs beyond the deadline of its own context.
func limited(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("limited"))
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Millisecond)
	defer cancel()
	at, _ := ctx.Deadline()
	<-ctx.Done()
	tell(goroutine{Case: "limited", Serves: path, Holds: []string{path}, Must: true, Deadline: seconds(at)})
	<-never
	use(ctx)
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// patient is in time.
func patient(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("patient"))
	outer, cancel := context.WithTimeout(r.Context(), 10*time.Hour)
	defer cancel()
	ctx, cancel2 := context.WithTimeout(outer, 2*time.Hour)
	defer cancel2()
	at, _ := ctx.Deadline()
	tell(goroutine{Case: "patient", Serves: path, Holds: []string{path}, Must: true, Deadline: seconds(at)})
	<-ctx.Done()
	use(outer, ctx)
}

// timed is a handler in http.TimeoutHandler, which runs it in a goroutine of its own.
func timed() http.Handler {
	h := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := pathOf(r)
		at, _ := r.Context().Deadline()
		tell(goroutine{Case: "timed-inner", Holds: []string{path}, Must: true, MadeIn: path, Deadline: seconds(at)})
		<-never
		use(r)
	}), 3*time.Hour, "")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serves(r, route("timed"))
		h.ServeHTTP(w, r)
	})
}

// timedOut has answered for its handler, which goes on.
func timedOut() http.Handler {
	h := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := pathOf(r)
		at, _ := r.Context().Deadline()
		tell(goroutine{Case: "timedout-inner", Holds: []string{path}, MadeIn: path, Deadline: seconds(at)})
		<-never
		use(r)
	}), 50*time.Millisecond, "")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serves(r, route("timedout"))
		h.ServeHTTP(w, r)
	})
}

// hijacked has taken the connection over, and hangs with it.
func hijacked(w http.ResponseWriter, r *http.Request) {
	serves(r, route("hijacked"))
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	<-never
	use(c, rw)
}
