// SPDX-License-Identifier: BSD-2-Clause

// Goroutines that wait at a channel for what one other will send, or for it to be closed; and others that only have the channel.
package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

type result struct {
	value string
	err   error
}

// answer is one call whose result many wait for, each at a channel of its own, as DoChan of golang.org/x/sync/singleflight has it.
type answer struct {
	wg    sync.WaitGroup
	value string
	err   error
	chans []chan<- result
}

type asking struct {
	mu sync.Mutex
	m  map[string]*answer
}

func (a *asking) do(key string, fn func() (string, error)) <-chan result {
	ch := make(chan result, 1)
	a.mu.Lock()
	if c, ok := a.m[key]; ok {
		c.chans = append(c.chans, ch)
		a.mu.Unlock()
		return ch
	}
	c := &answer{chans: []chan<- result{ch}}
	c.wg.Add(1)
	a.m[key] = c
	a.mu.Unlock()
	go c.call(a, key, fn)
	return ch
}

func (c *answer) call(a *asking, key string, fn func() (string, error)) {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		c.wg.Done()
		delete(a.m, key)
		for _, ch := range c.chans {
			ch <- result{c.value, c.err}
		}
	}()
	func() {
		c.value, c.err = fn()
	}()
}

var asked = &asking{m: map[string]*answer{}}

func wantAnswer(url string) { <-asked.do(url, func() (string, error) { return get(url) }) }

func wantAnswerOrEnd(ctx context.Context, url string) {
	select {
	case <-asked.do(url, func() (string, error) { return get(url) }):
	case <-ctx.Done():
	}
}

func makeReady(url string, ready chan struct{}) {
	get(url)
	close(ready)
}

func makeReadyInTheEnd(url string, ready chan struct{}) {
	defer close(ready)
	get(url)
}

func useWhenReady(ready chan struct{}) { <-ready }

func giveResult(url string, out chan string) {
	value, _ := get(url)
	out <- value
}

func takeResult(url string) {
	out := make(chan string)
	go giveResult(url, out)
	<-out
}

// hub tells all who listen what comes; they never leave.
type hub struct {
	mu     sync.Mutex
	listen []chan byte
}

func (h *hub) run(c net.Conn) {
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil {
			return
		}
		h.mu.Lock()
		for _, ch := range h.listen {
			select {
			case ch <- b[0]:
			default:
			}
		}
		h.mu.Unlock()
	}
}

func (h *hub) join() chan byte {
	ch := make(chan byte)
	h.mu.Lock()
	h.listen = append(h.listen, ch)
	h.mu.Unlock()
	return ch
}

func listenTo(ch chan byte) {
	for range ch {
	}
}

func feed(c net.Conn, jobs chan byte) {
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil {
			close(jobs)
			return
		}
		jobs <- b[0]
	}
}

func workOn(jobs chan byte, done chan struct{}) {
	for {
		select {
		case <-jobs:
		case <-done:
			return
		}
	}
}

func stopAtTheEnd(ctx context.Context, stop chan struct{}) {
	<-ctx.Done()
	close(stop)
}

func copyAll(a, b net.Conn, stop chan struct{}) {
	defer close(stop)
	io.Copy(a, b)
}

func untilStopped(stop chan struct{}) { <-stop }

func dialSilent() net.Conn {
	c, err := net.Dial("tcp", silent()[len("http://"):])
	if err != nil {
		panic(err)
	}
	return c
}

func init() {
	kinds["answers"] = func() {
		url := silent()
		go every(func() { go wantAnswer(url) })
	}
	kinds["answers-or-end"] = func() {
		url := silent()
		ctx, cancel := context.WithCancel(context.Background())
		go every(func() { go wantAnswerOrEnd(ctx, url); _ = cancel })
	}
	kinds["made-ready"] = func() {
		ready := make(chan struct{})
		go makeReady(silent(), ready)
		go every(func() { go useWhenReady(ready) })
	}
	kinds["made-ready-in-the-end"] = func() {
		ready := make(chan struct{})
		go makeReadyInTheEnd(silent(), ready)
		go every(func() { go useWhenReady(ready) })
	}
	kinds["one-result-each"] = func() {
		url := silent()
		go every(func() { go takeResult(url) })
	}
	kinds["hub"] = func() {
		h := new(hub)
		go h.run(dialSilent())
		go every(func() { go listenTo(h.join()) })
	}
	kinds["feeder"] = func() {
		jobs := make(chan byte)
		go feed(dialSilent(), jobs)
		go every(func() { go workOn(jobs, make(chan struct{})) })
	}
	kinds["end-of-context"] = func() {
		stop := make(chan struct{})
		ctx, cancel := context.WithCancel(context.Background())
		go stopAtTheEnd(ctx, stop)
		go every(func() { go untilStopped(stop); _ = cancel })
	}
	kinds["end-of-connection"] = func() {
		stop := make(chan struct{})
		go copyAll(dialSilent(), dialSilent(), stop)
		go every(func() { go untilStopped(stop) })
	}
	kinds["busy-answers"] = func() {
		times(20, func() {
			for {
				<-asked.do("key", func() (string, error) { time.Sleep(20 * time.Millisecond); return "", nil })
			}
		})
	}
}
