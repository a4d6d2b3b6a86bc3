// SPDX-License-Identifier: BSD-2-Clause

// ways: goroutines that wait for what is held in ways which a person meets: tickers, several cases of a select, variables that
// point to what has no name, and variables of a function that goes on.
//
//	ways
//
// Says "ready" and one line of JSON: the number of each goroutine. Ends with its standard input.
package main

import (
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type poller struct {
	name string
	tick *time.Ticker
	stop chan bool
}

type pool struct {
	name  string
	conns map[string]*conn
}

type conn struct {
	id     int
	closed chan int
}

type doer interface{ do() }

type transport struct {
	limit int
	idle  chan string
	more  *pool
}

func (t *transport) do() {}

var (
	told = map[string]uint64{}

	plainPoller = &poller{name: "plain", stop: make(chan bool)}
	// As net/http.DefaultTransport is made.
	defaultTransport doer = &transport{limit: 100}
	alsoTransport         = &transport{limit: 100}
	anyOne           interface{}
	wanted           = make(chan int, 1)
	pools            = &pool{conns: map[string]*conn{}}
	pollers          []*poller
	crowd            = map[int]*conn{}
	byName           = map[string]conn{}
)

func goid() uint64 {
	var buf [64]byte
	text := string(buf[:runtime.Stack(buf[:], false)])
	id, err := strconv.ParseUint(strings.Fields(text)[1], 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// start runs f in a goroutine of its own, which is known by this name.
func start(name string, f func()) {
	id := make(chan uint64)
	go func() {
		id <- goid()
		f()
	}()
	told[name] = <-id
}

//go:noinline
func rangeTicker() {
	t := time.NewTicker(time.Second)
	for range t.C {
		runtime.KeepAlive(told)
	}
}

//go:noinline
func rangeTick() {
	for range time.Tick(time.Second) {
		runtime.KeepAlive(told)
	}
}

//go:noinline
func (p *poller) loop() {
	for {
		select {
		case <-p.tick.C:
		case <-p.stop:
			return
		}
	}
}

//go:noinline
func waitTimer(t *time.Timer) {
	<-t.C
}

//go:noinline
func stopped(t *time.Ticker) {
	<-t.C
}

// loops are of many: each has its own channels.
//
//go:noinline
func (p *poller) loops() {
	select {
	case <-p.tick.C:
	case <-p.stop:
	}
}

//go:noinline
func receive(c chan string) {
	<-c
}

//go:noinline
func receiveInt(c chan int) {
	<-c
}

//go:noinline
func selectOfThree(a, b chan int, c chan string) {
	select {
	case <-a:
	case <-b:
	case c <- "":
	}
}

// keepForAnHour has in a variable of its own what another waits for.
//
//go:noinline
func keepForAnHour(reply chan string) {
	time.Sleep(time.Hour)
	reply <- "late"
}

type session struct {
	id   int
	done chan string
}

//go:noinline
func use(s *session) { s.id++ }

// keepInStruct has it in a field.
//
//go:noinline
func keepInStruct(done chan string) {
	s := session{id: 1, done: done}
	use(&s)
	time.Sleep(time.Hour)
	use(&s)
}

//go:noinline
func keepInSlice(a, b chan string) {
	list := []chan string{a, b}
	time.Sleep(time.Hour)
	for _, c := range list {
		c <- "late"
	}
}

func inlined(kept chan string) {
	time.Sleep(time.Hour)
	kept <- "late"
}

//go:noinline
func keepInlined(outer chan string) {
	inlined(outer)
}

func tickers() {
	start("ticker", rangeTicker)
	start("tick", rangeTick)
	plainPoller.tick = time.NewTicker(time.Second)
	start("poller", plainPoller.loop)
	for i := 0; i < 20; i++ {
		p := &poller{tick: time.NewTicker(time.Hour), stop: make(chan bool)}
		pollers = append(pollers, p)
		start(fmt.Sprint("loops", i), p.loops)
	}
	timer := time.NewTimer(time.Hour)
	start("timer", func() { waitTimer(timer) })
	ticker := time.NewTicker(time.Second)
	ticker.Stop()
	called := make(chan string)
	time.AfterFunc(time.Hour, func() { called <- "late" })
	start("called", func() { receive(called) })
	start("stopped", func() { stopped(ticker); runtime.KeepAlive(ticker) })
}

func named() {
	t := defaultTransport.(*transport)
	t.idle = make(chan string)
	start("interface", func() { receive(t.idle) })
	alsoTransport.idle = make(chan string)
	start("pointer", func() { receive(alsoTransport.idle) })
	alsoTransport.more = &pool{conns: map[string]*conn{"a": {closed: make(chan int)}}}
	c := alsoTransport.more.conns["a"].closed
	start("behind", func() { receiveInt(c) })
	for i := 0; i < 100; i++ {
		crowd[i] = &conn{id: i, closed: make(chan int)}
	}
	start("crowd", func() { receiveInt(crowd[77].closed) })
	byName["x"] = conn{closed: make(chan int)}
	start("value", func() { receiveInt(byName["x"].closed) })
	any := &transport{idle: make(chan string)}
	anyOne = any
	start("any", func() { receive(any.idle) })
}

func selects() {
	pools.conns["b"] = &conn{closed: make(chan int)}
	b, dropped := pools.conns["b"].closed, make(chan string)
	start("select", func() { selectOfThree(wanted, b, dropped) })
}

func roots() {
	reply := make(chan string)
	start("holder", func() { keepForAnHour(reply) })
	start("reply", func() { receive(reply) })
	done := make(chan string)
	start("session", func() { keepInStruct(done) })
	start("done", func() { receive(done) })
	list := make(chan string)
	start("lister", func() { keepInSlice(list, list) })
	start("listed", func() { receive(list) })
	kept := make(chan string)
	start("inliner", func() { keepInlined(kept) })
	start("kept", func() { receive(kept) })
}

func main() {
	tickers()
	named()
	selects()
	roots()
	runtime.GC()
	atRest()
	text, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Printf("ready\n%s\n", text)
	ioutil.ReadAll(os.Stdin)
}
