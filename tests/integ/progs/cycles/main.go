// SPDX-License-Identifier: BSD-2-Clause

// cycles: goroutines that wait for each other at locks and at channels, Conds or WaitGroups, one kind each; and the same with
// somebody else who can end it.
//
//	cycles KIND
//
// Says "ready" and a line of JSON: null. Ends with its standard input.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

func pause() { time.Sleep(100 * time.Millisecond) }

func times(n int, f func()) {
	for i := 0; i < n; i++ {
		go f()
	}
}

//go:noinline
func send(mu sync.Locker, c chan int) {
	mu.Lock()
	defer mu.Unlock()
	pause()
	c <- 1
}

//go:noinline
func receive(mu sync.Locker, c chan int) {
	mu.Lock()
	pause()
	<-c
	mu.Unlock()
}

//go:noinline
func rangeOver(mu sync.Locker, c chan int) {
	mu.Lock()
	for range c {
	}
	mu.Unlock()
}

//go:noinline
func lockAndReceive(mu sync.Locker, c chan int) {
	pause()
	mu.Lock()
	mu.Unlock()
	<-c
}

//go:noinline
func lockAndSend(mu sync.Locker, c chan int) {
	pause()
	mu.Lock()
	mu.Unlock()
	c <- 1
}

//go:noinline
func lockAndClose(mu sync.Locker, c chan int) {
	pause()
	mu.Lock()
	defer mu.Unlock()
	close(c)
}

func behind(mu sync.Locker) {
	pause()
	pause()
	mu.Lock()
	mu.Unlock()
}

//go:noinline
func selects(mu sync.Locker, c chan int, end chan struct{}) {
	mu.Lock()
	defer mu.Unlock()
	pause()
	select {
	case c <- 1:
	case <-end:
	}
}

//go:noinline
func lockAndEnd(mu sync.Locker, c chan int, end chan struct{}) {
	pause()
	mu.Lock()
	mu.Unlock()
	if len(c) > 0 {
		<-c
	}
	close(end)
}

// queue has a lock of its own for its Cond.
type queue struct {
	mu    sync.Mutex
	cond  *sync.Cond
	items int
}

func newQueue() *queue {
	q := &queue{}
	q.cond = sync.NewCond(&q.mu)
	return q
}

func (q *queue) get() {
	q.mu.Lock()
	for q.items == 0 {
		q.cond.Wait()
	}
	q.items--
	q.mu.Unlock()
}

func (q *queue) put() {
	q.mu.Lock()
	q.items++
	q.mu.Unlock()
	q.cond.Signal()
}

//go:noinline
func getLocked(mu sync.Locker, q *queue) {
	mu.Lock()
	q.get()
	mu.Unlock()
}

//go:noinline
func lockAndPut(mu sync.Locker, q *queue) {
	pause()
	mu.Lock()
	q.put()
	mu.Unlock()
}

//go:noinline
func receiveBoth(first, second chan int) {
	<-first
	<-second
}

//go:noinline
func part(c chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	c <- 1
}

//go:noinline
func collect(n int) {
	c := make(chan int)
	wg := new(sync.WaitGroup)
	wg.Add(n)
	times(n, func() { part(c, wg) })
	wg.Wait()
	close(c)
	for range c {
	}
}

//go:noinline
func worker(jobs chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	for range jobs {
	}
}

//go:noinline
func distribute(n int) {
	jobs := make(chan int, n)
	wg := new(sync.WaitGroup)
	wg.Add(n)
	times(n, func() { worker(jobs, wg) })
	for i := 0; i < n; i++ {
		jobs <- i
	}
	wg.Wait()
	close(jobs)
}

// hub is one object with all that its goroutines share, as servers have it.
type hub struct {
	mu      sync.Mutex
	events  chan int
	replies chan int
	end     chan struct{}
	count   int
}

func (h *hub) emit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	h.events <- h.count
}

// answer waits for a reply before it takes an event.
func (h *hub) answer() {
	<-h.replies
	<-h.events
}

func (h *hub) reply() {
	pause()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replies <- h.count
}

func (h *hub) loop() {
	for {
		select {
		case e := <-h.events:
			h.handle(e)
		case <-h.end:
			return
		}
	}
}

func (h *hub) handle(int) {
	pause()
	h.mu.Lock()
	h.count--
	h.mu.Unlock()
}

// watchers are told one after the other, with the lock that they need to go away.
type watchers struct {
	mu    sync.Mutex
	chans map[int]chan int
}

func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, c := range w.chans {
		c <- i
	}
}

func (w *watchers) stop() {
	pause()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, c := range w.chans {
		delete(w.chans, i)
		close(c)
	}
}

//go:noinline
func sendWith(mu *sync.Mutex, c chan int) { send(mu, c) }

//go:noinline
func receiveAfter(mine, other *sync.Mutex, c chan int) {
	mine.Lock()
	pause()
	pause()
	other.Lock()
	other.Unlock()
	mine.Unlock()
	<-c
}

//go:noinline
func lockBetween(mu *sync.Mutex, c chan int) {
	pause()
	mu.Lock()
	mu.Unlock()
	<-c
}

//go:noinline
func bothThenOther(mine, other *sync.Mutex) {
	mine.Lock()
	pause()
	pause()
	other.Lock()
	other.Unlock()
	mine.Unlock()
}

func main() {
	kind := os.Args[1]
	if f, ok := endless[kind]; ok {
		f()
	} else {
		saved[kind]()
	}
	if strings.HasPrefix(kind, "busy") || kind == "spinner" {
		time.Sleep(500 * time.Millisecond) // it never is at rest
	} else {
		atRest()
	}
	fmt.Println("ready\nnull")
	os.Stdin.Read(make([]byte, 1))
	os.Exit(0)
}
