// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// request is one that a server of this program got. Its path is its own: no two have the same.
type request struct {
	Kind     string   `json:"kind"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Scheme   string   `json:"scheme"`
	Host     string   `json:"host"`
	Routes   []string `json:"routes"` // each of them is true of it
	Trace    string   `json:"trace_id"`
	Parent   string   `json:"parent_span"` // of its traceparent
	ServedBy uint64   `json:"served_by"`
	Over     bool     `json:"over"`
}

// outgoing is one that a client of this program sent; For is the request whose context it has.
type outgoing struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	For    string `json:"for"`
}

// goroutine is what one of them knows of itself. Requests are told by their paths.
type goroutine struct {
	Goid     uint64   `json:"goid"`
	Case     string   `json:"case"`
	Serves   string   `json:"serves"`
	Holds    []string `json:"holds"`    // variables that it uses later lead to these, or to contexts of them
	Must     bool     `json:"must"`     // to be told
	MadeIn   string   `json:"made_in"`  // by the goroutine that served it
	Awaited  []string `json:"awaited"`  // these wait for what it does next
	Calls    string   `json:"calls"`    // the path of what it sent, and waits for
	Either   bool     `json:"either"`   // of two that it holds, one may be told
	Deadline float64  `json:"deadline"` // of the innermost context, seconds since 1970
	Trace    string   `json:"trace_id"` // of its innermost span
	Span     string   `json:"span_id"`
	SpanName string   `json:"span"`
	Began    float64  `json:"began"` // of the outermost span of its request, seconds since 1970
}

var truth struct {
	sync.Mutex
	requests   map[string]*request
	outgoing   []outgoing
	goroutines map[uint64]goroutine
	helpers    map[string][]string
}

func init() {
	truth.requests = map[string]*request{}
	truth.goroutines = map[uint64]goroutine{}
	truth.helpers = map[string][]string{}
}

func goid() uint64 {
	var b [64]byte
	s := string(b[:runtime.Stack(b[:], false)])
	id, _ := strconv.ParseUint(strings.Fields(s)[1], 10, 64)
	return id
}

var sink interface{}

// use makes what it gets live until it is called.
//
//go:noinline
func use(x ...interface{}) {
	if len(x) > 1000 {
		sink = x
	}
}

// tell is called by each goroutine before it hangs; what it told before is not so any more.
//
//go:noinline
func tell(g goroutine) {
	g.Goid = goid()
	truth.Lock()
	truth.goroutines[g.Goid] = g
	truth.Unlock()
}

// helper says that goroutines that run this function, which is not ours, may have contexts of requests of these cases: each of one.
func helper(function string, cases ...string) {
	truth.Lock()
	truth.helpers[function] = append(truth.helpers[function], cases...)
	truth.Unlock()
}

// pathOf is the path that the client asked for, whatever was cut off since.
func pathOf(r *http.Request) string {
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		panic(err)
	}
	return u.Path
}

func caseOf(path string) string { return strings.SplitN(path, "/", 3)[1] }

// serves is called first by each handler: this goroutine serves r. It returns its path.
//
//go:noinline
func serves(r *http.Request, routes ...string) string {
	q := &request{Kind: "http", Method: r.Method, Path: pathOf(r), Scheme: "http", Host: r.Host, Routes: routes, ServedBy: goid()}
	if r.TLS != nil {
		q.Scheme = "https"
	}
	if r.ProtoMajor == 2 {
		q.Kind = "http2"
	}
	if p := strings.Split(r.Header.Get("Traceparent"), "-"); len(p) == 4 {
		q.Trace, q.Parent = p[1], p[2]
	}
	begins(q)
	tell(goroutine{Case: caseOf(q.Path), Serves: q.Path, Holds: []string{q.Path}, Must: true, Trace: q.Trace})
	return q.Path
}

func begins(q *request) {
	truth.Lock()
	defer truth.Unlock()
	if truth.requests[q.Path] != nil {
		panic("twice: " + q.Path)
	}
	truth.requests[q.Path] = q
}

// over is called by the client that has the whole answer.
func over(path string) {
	truth.Lock()
	defer truth.Unlock()
	q := truth.requests[path]
	q.Over = true
	if truth.goroutines[q.ServedBy].Serves == path {
		delete(truth.goroutines, q.ServedBy)
	}
}

// child is told by a goroutine that a handler of this request made, and that holds it.
func child(kind, path string) {
	tell(goroutine{Case: kind, Holds: []string{path}, Must: true, MadeIn: path})
}

// none is told by a goroutine that holds no request.
func none(kind string) { tell(goroutine{Case: kind}) }

// sends is told before it is done, of the request whose context it has.
func sends(method, path, of string) {
	truth.Lock()
	truth.outgoing = append(truth.outgoing, outgoing{method, path, of})
	truth.Unlock()
}

// arrived: what was sent is served, or has been, and who hangs beyond a deadline, or its client, does so.
func arrived() bool {
	truth.Lock()
	defer truth.Unlock()
	for _, o := range truth.outgoing {
		if truth.requests[o.Path] == nil {
			return false
		}
	}
	for _, g := range truth.goroutines {
		if g.Case == "limited" && g.Deadline == 0 || g.Case == "deserted" {
			return false
		}
	}
	return true
}

// ready says so, and the truth, when all stand where they are to stand.
func ready() {
	for atRest(); !arrived(); atRest() {
		time.Sleep(10 * time.Millisecond)
	}
	truth.Lock()
	all := struct {
		Requests   map[string]*request `json:"requests"`
		Outgoing   []outgoing          `json:"outgoing"`
		Goroutines []goroutine         `json:"goroutines"`
		Helpers    map[string][]string `json:"helpers"`
	}{truth.requests, truth.outgoing, nil, truth.helpers}
	for _, g := range truth.goroutines {
		all.Goroutines = append(all.Goroutines, g)
	}
	line, err := json.Marshal(all)
	truth.Unlock()
	if err != nil {
		panic(err)
	}
	fmt.Printf("ready\n%s\n", line)
	os.Stdin.Read(make([]byte, 1))
}
