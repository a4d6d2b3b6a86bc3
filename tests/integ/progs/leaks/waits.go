// SPDX-License-Identifier: BSD-2-Clause

// Mistakes with locks, timers and connections.
package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

type service struct {
	sync.Mutex
	config sync.RWMutex
	ready  *sync.Cond
}

// other is like live, for those who do not grow.
var other = &service{}

var live = &service{ready: sync.NewCond(&sync.Mutex{})}

func waitForAll(wg *sync.WaitGroup) { wg.Wait() }

func lockTwice() {
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}

func useLocked()   { live.Lock(); live.Unlock() }
func readConfig()  { live.config.RLock(); live.config.RUnlock() }
func writeConfig() { live.config.Lock(); live.config.Unlock() }

func waitReady() {
	live.ready.L.Lock()
	live.ready.Wait()
	live.ready.L.Unlock()
}

func lockBoth(a, b *sync.Mutex, met *sync.WaitGroup) {
	a.Lock()
	defer a.Unlock()
	met.Done()
	met.Wait()
	b.Lock()
	defer b.Unlock()
}

func tick(t *time.Ticker) {
	for range t.C {
	}
}

func tickOrDone(t *time.Ticker, done <-chan struct{}) {
	for {
		select {
		case <-t.C:
		case <-done:
			return
		}
	}
}

func pollForever() {
	for {
		time.Sleep(80 * time.Millisecond)
	}
}

// cleaner is one of those that live until somebody stops them, and has next to nothing to do.
type cleaner struct{ stop chan struct{} }

var cleaners []*cleaner

func (c *cleaner) clean() {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.stop:
			return
		}
	}
}

func sendLocked(c chan<- int) {
	other.config.Lock()
	c <- 1
	other.config.Unlock()
}

func receiveLocked(c <-chan int) {
	other.config.RLock()
	<-c
	other.config.RUnlock()
}

func acceptAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

func readSilent(c net.Conn) { c.Read(make([]byte, 1)) }

func init() {
	grows("wait-group", "main.waitForAll", "sync.WaitGroup.Wait", "WaitGroup never done", func() {
		wg := &sync.WaitGroup{}
		wg.Add(1)
		go waitForAll(wg)
	})
	grows("double-lock", "main.lockTwice", "sync.Mutex.Lock", "", func() { go lockTwice() })
	grows("lock-of-a-live-service", "main.useLocked", "sync.Mutex.Lock", "lock never released", func() {
		go useLocked()
	})
	setUp("lock-of-a-live-service", func() { live.Lock() })
	grows("readers-of-a-live-service", "main.readConfig", "sync.RWMutex.RLock", "lock never released", func() {
		go readConfig()
	})
	setUp("readers-of-a-live-service", func() { live.config.Lock() })
	grows("lost-signal", "main.waitReady", "sync.Cond.Wait", "lost Cond signal", func() { go waitReady() })
	grows("ticker", "main.tick", "chan receive", "timer or ticker never stopped", func() {
		go tick(time.NewTicker(60 * time.Millisecond))
	})
	grows("ticker-in-select", "main.tickOrDone", "select", "timer or ticker never stopped", func() {
		go tickOrDone(time.NewTicker(60*time.Millisecond), make(chan struct{}))
	})
	grows("sleep-loop", "main.pollForever", "sleep", "timer or ticker never stopped", func() { go pollForever() })
	grows("ticker-of-a-minute", "main.(*cleaner).clean", "select", "timer or ticker never stopped", func() {
		c := &cleaner{make(chan struct{})}
		cleaners = append(cleaners, c)
		go c.clean()
	})
	grows("listener-never-closed", "main.acceptAll", "IO wait", "listener never closed", func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go acceptAll(l)
	})
	kinds["deadlock"] = kind{deadlock, []leak{{"deadlock", "main.lockBoth", "sync.Mutex.Lock", "deadlock", "deadlock"}}}
	kinds["lock-held-while-sending"] = kind{lockHeldWhileSending,
		[]leak{{"lock-held-while-sending", "main.sendLocked", "chan send", "blocked send", "stuck"},
			{"lock-held-while-sending", "main.receiveLocked", "sync.RWMutex.RLock", "blocked send", "stuck"}}}
	kinds["http-body"] = kind{func() { web(false) },
		[]leak{{"http-body", "net/http.(*persistConn).readLoop", "select", "HTTP body not closed", "growing"},
			{"http-body", "net/http.(*persistConn).writeLoop", "select", "HTTP body not closed", "growing"}}}
	kinds["http-client-per-request"] = kind{func() { web(true) },
		[]leak{{"http-client-per-request", "net/http.(*persistConn).readLoop", "IO wait", "idle HTTP connections", "growing"},
			{"http-client-per-request", "net/http.(*persistConn).writeLoop", "select", "", "growing"}}}
	kinds["read-without-deadline"] = kind{silentClients,
		[]leak{{"read-without-deadline", "main.readSilent", "IO wait", "read without deadline", "growing"}}}
}

var handOver = make(chan int)

func lockHeldWhileSending() {
	go sendLocked(handOver)
	time.Sleep(10 * time.Millisecond)
	go receiveLocked(handOver)
}

// setUp runs something before the traffic of a kind begins.
func setUp(name string, before func()) {
	run := kinds[name].run
	kinds[name] = kind{func() { before(); run() }, kinds[name].leaks}
}

func deadlock() {
	var a, b sync.Mutex
	var met sync.WaitGroup
	met.Add(2)
	go lockBoth(&a, &b, &met)
	go lockBoth(&b, &a, &met)
}

// web asks a server of its own again and again: with a new client each time, or without closing the body.
func web(newClient bool) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello"))
	}))
	client := &http.Client{Transport: &http.Transport{}}
	go every(150*time.Millisecond, func() {
		c := client
		if newClient {
			c = &http.Client{Transport: &http.Transport{}}
		}
		response, err := c.Get(server.URL)
		if err == nil && newClient {
			response.Body.Read(make([]byte, 100))
			response.Body.Close()
		}
	})
}

var held []net.Conn

func silentClients() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go readSilent(c)
		}
	}()
	go every(150*time.Millisecond, func() {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			held = append(held, c)
		}
	})
}
