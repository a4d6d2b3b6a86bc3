// SPDX-License-Identifier: BSD-2-Clause

// tickers: goroutines that wait for tickers and timers which are made in all the ways that a person meets: one place, or several;
// a period that is written there, or that somebody else gives.
//
//	tickers
//
// Says "ready" and one line of JSON: of each goroutine its number, and the function and line where its ticker was made. Ends with
// its standard input.
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

type told struct {
	Goid uint64 `json:"goid"`
	Func string `json:"func"`
	Line int    `json:"line"`
}

type poller struct {
	tick *time.Ticker
	stop chan bool
}

var (
	all     = map[string]*told{}
	pollers []*poller
	sum     int
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

// next says that the line behind this one makes the ticker of that name.
//
//go:noinline
func next(name string) {
	pc, _, line, _ := runtime.Caller(1)
	all[name] = &told{Func: runtime.FuncForPC(pc).Name(), Line: line + 1}
}

// start runs f in a goroutine of its own, and waits until it has made what it makes.
func start(name string, f func(ready chan bool)) {
	ready := make(chan bool, 1)
	id := make(chan uint64)
	go func() {
		id <- goid()
		f(ready)
	}()
	at := <-id
	<-ready
	all[name].Goid = at
}

//go:noinline
func (p *poller) loop() {
	for {
		select {
		case <-p.tick.C:
			sum++
		case <-p.stop:
			return
		}
	}
}

//go:noinline
func startPoller() *poller {
	next("poller")
	tick := time.NewTicker(50 * time.Minute)
	return &poller{tick: tick, stop: make(chan bool)}
}

//go:noinline
func oneOfTwo() *poller {
	next("one of two")
	tick := time.NewTicker(30 * time.Minute)
	return &poller{tick: tick, stop: make(chan bool)}
}

//go:noinline
func otherOfTwo() *poller {
	tick := time.NewTicker(30 * time.Minute)
	return &poller{tick: tick, stop: make(chan bool)}
}

func hold(p *poller) func(chan bool) {
	pollers = append(pollers, p)
	return func(ready chan bool) {
		ready <- true
		p.loop()
	}
}

//go:noinline
func rangeTicker(ready chan bool) {
	next("ranged")
	t := time.NewTicker(40 * time.Minute)
	ready <- true
	for range t.C {
		sum++
	}
}

//go:noinline
func rangeTick(ready chan bool) {
	next("tick")
	c := time.Tick(40 * time.Minute)
	ready <- true
	for range c {
		sum++
	}
}

// stopped has it in a frame with a deferred call, and waits for more.
//
//go:noinline
func stopped(ready, stop chan bool) {
	next("stopped")
	t := time.NewTicker(40 * time.Minute)
	defer t.Stop()
	ready <- true
	for {
		select {
		case <-t.C:
			sum++
		case <-stop:
			return
		}
	}
}

// given waits for another's ticker, and has one of its own with the same period.
//
//go:noinline
func given(ready chan bool, t *time.Ticker) {
	own := time.NewTicker(40 * time.Minute)
	ready <- true
	for range t.C {
		own.Reset(40 * time.Minute)
	}
}

//go:noinline
func after(ready chan bool) {
	next("after")
	c := time.After(time.Hour)
	ready <- true
	<-c
	sum++
}

// every gets its period from somebody else: it may be any.
//
//go:noinline
func every(d time.Duration, ready chan bool) {
	next("every")
	t := time.NewTicker(d)
	ready <- true
	for range t.C {
		sum++
	}
}

func main() {
	start("poller", hold(startPoller()))
	start("one of two", hold(oneOfTwo()))
	hold(otherOfTwo())
	start("ranged", rangeTicker)
	start("tick", rangeTick)
	stop := make(chan bool)
	start("stopped", func(ready chan bool) { stopped(ready, stop) })
	next("given")
	t := time.NewTicker(45 * time.Minute)
	start("given", func(ready chan bool) { given(ready, t) })
	start("after", after)
	start("every", func(ready chan bool) { every(time.Duration(len(os.Args))*time.Hour, ready) })
	atRest()
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	fmt.Printf("ready\n%s\n", text)
	ioutil.ReadAll(os.Stdin)
}
