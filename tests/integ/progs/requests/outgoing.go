// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// Handlers that wait for another server, which is in this program too.

var (
	up     *httptest.Server
	caller = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
)

func upstream(w http.ResponseWriter, r *http.Request) {
	serves(r, route("up"), "/")
	<-never
	use(r)
}

func outgoingRequest(ctx context.Context, method, path, of string) *http.Request {
	sends(method, path, of)
	q, err := http.NewRequest(method, up.URL+path, nil)
	if err != nil {
		panic(err)
	}
	return q.WithContext(ctx)
}

func calling(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("calling"))
	answer, err := caller.Do(outgoingRequest(r.Context(), "GET", "/up"+path, path))
	use(answer, err)
}

// sending calls for a request, and not in its context.
func sending(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("sending"))
	in := make(chan int)
	go func() {
		q := outgoingRequest(context.Background(), "PUT", "/up"+path, "")
		tell(goroutine{Case: "sender", MadeIn: path, Calls: "/up" + path, Awaited: []string{path}})
		answer, err := caller.Do(q)
		use(answer, err)
		in <- 1
	}()
	<-in
}

func callingBeside(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("calling-beside"))
	ctx := r.Context()
	in := make(chan error)
	go func() {
		q, err := http.NewRequest("POST", up.URL+"/up"+path, strings.NewReader("x"))
		if err != nil {
			panic(err)
		}
		sends("POST", "/up"+path, path)
		tell(goroutine{Case: "caller-beside", Holds: []string{path}, Must: true, MadeIn: path, Calls: "/up" + path})
		answer, err := caller.Do(q.WithContext(ctx))
		use(answer, ctx)
		in <- err
	}()
	<-in
}

// hurried gives its client a deadline, for which old Go has a goroutine of its own.
func hurried(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("hurried"))
	client := *caller
	client.Timeout = 5 * time.Hour
	tell(goroutine{Case: "hurried", Serves: path, Holds: []string{path}, Must: true, Deadline: seconds(time.Now().Add(client.Timeout))})
	answer, err := client.Do(outgoingRequest(r.Context(), "GET", "/up"+path, path))
	use(answer, err)
}

func proxied() http.Handler {
	u, err := url.Parse(up.URL + "/up")
	if err != nil {
		panic(err)
	}
	p := httputil.NewSingleHostReverseProxy(u)
	p.Transport = caller.Transport
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := serves(r, route("proxied"))
		sends(r.Method, "/up"+path, path)
		p.ServeHTTP(w, r)
	})
}
