// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Requests that no server has, copies that know nothing of their server any more, clients that go away, and a server that exists
// for one request of another.

// madeUp has requests that look as if a server had got them.
func madeUp() {
	q, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /made/up HTTP/1.1\r\nHost: nobody\r\n\r\n")))
	if err != nil {
		panic(err)
	}
	go func() { none("read-request"); <-never; use(q) }()
	p := httptest.NewRequest("GET", "/made/up/too", nil)
	go func() { none("test-request"); <-never; use(p) }()
	go func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		none("cancelled-request")
		<-never
		use(p.WithContext(ctx))
	}()
}

// cut gives a goroutine a copy of the request without its context.
func cut(kind, path string, r *http.Request) {
	in := make(chan int)
	go func() {
		q := r.Clone(context.Background())
		tell(goroutine{Case: kind, Holds: []string{path}, MadeIn: path})
		in <- 1
		<-never
		use(q)
	}()
	<-in
}

func cutting(w http.ResponseWriter, r *http.Request) {
	cut("cut", serves(r, route("cutting")), r)
	<-never
}

func cutAfter(w http.ResponseWriter, r *http.Request) {
	cut("cut-after", serves(r, route("cut-after")), r)
}

// deserters are the cancel functions of clients that leave once they are served.
var deserters sync.Map

func (s side) deserts(kind string, i int) {
	q := s.request(kind, i)
	ctx, cancel := context.WithCancel(context.Background())
	deserters.Store(q.URL.Path, cancel)
	sends(q.Method, q.URL.Path, "")
	go func() {
		r, err := s.client.Do(q.WithContext(ctx))
		none("deserter")
		<-never
		use(r, err)
	}()
}

// deserted is served on: its client does not listen any more, and its context is cancelled.
func deserted(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("deserted"))
	in := make(chan int)
	ctx := r.Context()
	go func() {
		<-ctx.Done()
		child("deserted-child", path)
		in <- 1
		<-never
		use(ctx)
	}()
	cancel, _ := deserters.Load(path)
	cancel.(context.CancelFunc)()
	<-in
	tell(goroutine{Case: "deserted-on", Serves: path, Holds: []string{path}, Must: true})
	<-never
	use(r)
}

// leaving has taken the connection over, and a goroutine reads it when the handler has returned.
func leaving(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("leaving"))
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	go func() {
		tell(goroutine{Case: "reads-on", MadeIn: path})
		over(path)
		rw.Reader.ReadByte()
		use(c)
	}()
}

// leave asks for that, and keeps the connection.
func leave(s side, i int) {
	path := fmt.Sprintf("/leaving/%s-%d", s.name, i)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		panic(err)
	}
	sends("GET", path, "")
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: leaves\r\n\r\n", path)
	go func() { none("left"); c.Read(make([]byte, 1)) }()
}

// nesting has a server whose contexts are all made of the one of this request; it asks that server.
func nesting(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("nesting"))
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	inner := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := serves(r, "/")
		in := make(chan int)
		ctx := r.Context()
		go func() { child("nested-child", path); in <- 1; <-never; use(ctx) }()
		<-in
		<-never
		use(r)
	}))
	inner.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	inner.Start()
	in := make(chan int)
	go func() { child("nesting-child", path); in <- 1; <-ctx.Done() }()
	<-in
	q, err := http.NewRequest("GET", inner.URL+"/nested"+path, nil)
	if err != nil {
		panic(err)
	}
	sends("GET", "/nested"+path, "")
	tell(goroutine{Case: "nesting", Serves: path, Holds: []string{path}, Must: true, Calls: "/nested" + path})
	answer, err := http.DefaultClient.Do(q)
	use(answer, err)
}
