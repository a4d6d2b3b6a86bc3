// SPDX-License-Identifier: BSD-2-Clause

// requests: servers and their clients in one program, in which every goroutine of ours knows its request and tells it.
//
//	requests hang    all hang; says "ready", and the truth in one line of JSON
//	requests load    thousands of requests a second; see load.go
//
// Builds with Go 1.17; files that need a newer one say so.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"time"
)

const (
	each    = 2  // of a case, by each client
	grouped = 6  // where two or three of them are together in one hand
	past    = 12 // that went through the pools before
)

// side is a client, and the server that it asks.
type side struct {
	name   string
	client *http.Client
	url    string
}

var (
	route = func(kind string) string { return "/" + kind + "/" }
	more  []func(http.Handler) side

	// Cases whose requests hang, and those whose requests end.
	hanging = map[string]http.Handler{
		"plain": http.HandlerFunc(plain), "dead": http.HandlerFunc(dead), "locked": http.HandlerFunc(locked),
		"asleep": http.HandlerFunc(asleep), "selecting": http.HandlerFunc(selecting), "reading": http.HandlerFunc(reading),
		"writing": http.HandlerFunc(writing), "panicked": http.HandlerFunc(panicked), "limited": http.HandlerFunc(limited),
		"patient": http.HandlerFunc(patient), "hijacked": http.HandlerFunc(hijacked), "spawning": http.HandlerFunc(spawning),
		"gathering": http.HandlerFunc(gathering), "expecting": http.HandlerFunc(expecting), "rivals": http.HandlerFunc(rivals),
		"customised": http.HandlerFunc(customised), "calling": http.HandlerFunc(calling), "sending": http.HandlerFunc(sending),
		"calling-beside": http.HandlerFunc(callingBeside), "hurried": http.HandlerFunc(hurried),
		"querying": http.HandlerFunc(querying), "querying-beside": http.HandlerFunc(queryingBeside),
		"transaction": http.HandlerFunc(transaction), "known": http.HandlerFunc(known), "flying": http.HandlerFunc(flying),
		"borrowed": http.HandlerFunc(borrowed), "batch": given("batch", batches), "pair": given("pair", pairs), "copy": given("copy", copies),
		"cutting": http.HandlerFunc(cutting), "deserted": http.HandlerFunc(deserted), "nesting": http.HandlerFunc(nesting),
		"reuser": http.HandlerFunc(reuser), "leaving": http.HandlerFunc(leaving),
	}
	ending = map[string]http.Handler{
		"outlived": http.HandlerFunc(outlived), "returned": http.HandlerFunc(returned), "lazy": http.HandlerFunc(lazy),
		"cut-after": http.HandlerFunc(cutAfter), "reusing": http.HandlerFunc(reusing),
	}
)

func startServers() []side {
	up = httptest.NewServer(http.HandlerFunc(upstream))
	hanging["wrapped"], hanging["stripped"], hanging["timed"], hanging["proxied"] = wrapped(), stripped(), timed(), proxied()
	ending["timedout"] = timedOut()
	pools(func(kind string, h http.Handler) { hanging[kind] = h })
	m := http.NewServeMux()
	m.HandleFunc(route("through"), through)
	for kind, h := range hanging {
		if kind == "wrapped" {
			m.Handle("/wrapped/", h)
		} else {
			m.Handle(route(kind), h)
		}
	}
	for kind, h := range ending {
		m.Handle(route(kind), h)
	}
	first := httptest.NewUnstartedServer(m)
	first.Config.ConnContext, first.Config.BaseContext = ofConnection, ofServer
	first.Start()
	second := httptest.NewUnstartedServer(m)
	second.Config.ConnContext = ofConnection
	second.EnableHTTP2 = true
	second.StartTLS()
	sides := []side{
		{"h1", &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}, first.URL},
		{"h2", second.Client(), second.URL},
	}
	for _, make := range more {
		sides = append(sides, make(m))
	}
	return sides
}

// request is one of a case. Its query is nobody's business.
func (s side) request(kind string, i int) *http.Request {
	id := fmt.Sprintf("%s-%d", s.name, i)
	if kind == "plain" && i == 1 {
		id += "%20%C3%BC%0A%22"
	}
	method, body := []string{"GET", "DELETE"}[i%2], io.Reader(nil)
	if kind == "reading" {
		body, _ = io.Pipe()
		method = "POST"
	}
	q, err := http.NewRequest(method, s.url+"/"+kind+"/"+id+"?token=secret", body)
	if err != nil {
		panic(err)
	}
	if i%2 == 0 {
		q.Header.Set("traceparent", fmt.Sprintf("00-%032x-%016x-01", traces.next(), traces.next()))
	}
	return q
}

type counter uint64

var traces counter = 0x1234567890abcd

func (c *counter) next() uint64 { *c += 0x10001; return uint64(*c) }

// ask returns when it has the whole answer.
func (s side) ask(kind string, i int) {
	q := s.request(kind, i)
	sends(q.Method, q.URL.Path, "")
	r, err := s.client.Do(q)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
	over(q.URL.Path)
}

// asks leaves a goroutine that waits for the answer, or, once it has begun, does not read it.
func (s side) asks(kind string, i int) {
	q := s.request(kind, i)
	sends(q.Method, q.URL.Path, "")
	go func() {
		tell(goroutine{Case: "client", Calls: q.URL.Path})
		r, err := s.client.Do(q)
		<-never
		use(r, err)
	}()
}

// churn has the collector give what is over to others.
func churn() {
	for i := 0; i < 3; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func hangAll(sides []side) {
	for _, s := range sides {
		for i := 0; i < past; i++ {
			s.ask("through", i)
		}
		for kind := range ending {
			for i := 0; i < each; i++ {
				s.ask(kind, i)
			}
		}
	}
	churn()
	for _, s := range sides { // these have what the collector freed
		for i := past; i < 2*past; i++ {
			s.ask("through", i)
		}
	}
	for _, s := range sides {
		for kind := range hanging {
			if (kind == "hijacked" || kind == "leaving") && strings.HasPrefix(s.name, "h2") {
				continue
			}
			n := each
			if kind == "batch" || kind == "pair" || kind == "copy" {
				n = grouped
			}
			for i := 0; i < n; i++ {
				switch kind {
				case "deserted":
					s.deserts(kind, i)
				case "leaving":
					leave(s, i)
				default:
					s.asks(kind, i)
				}
			}
		}
	}
}

func main() {
	hang.Lock()
	startDatabase()
	startPools()
	startTraps()
	if os.Args[1] == "load" {
		load()
		return
	}
	helper("context.propagateCancel.func", "customised")
	helper("context.(*cancelCtx).propagateCancel.func", "customised")
	helper("net/http/httputil.(*ReverseProxy).ServeHTTP.func", "proxied")
	helper("net/http/httptest.(*Server).goServe.func", "nesting")
	hangAll(startServers())
	ready()
}
