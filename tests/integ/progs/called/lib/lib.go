// Package lib is a library: its go statements help nobody who looks for the leak.
package lib

import (
	"sync"
	"time"
)

//go:noinline
func wait(c chan int) int { return <-c }

// Each has a go statement of its own.

//go:noinline
func Open() { go func() { wait(make(chan int)) }() }

//go:noinline
func Early() { go func() { wait(make(chan int)) }() }

//go:noinline
func Gone() { go func() { wait(make(chan int)) }() }

// Serve does not return.
func Serve(n int) {
	for i := 0; i < n; i++ {
		go func() { wait(make(chan int)) }()
	}
	for {
		time.Sleep(time.Hour)
	}
}

// Pool makes a goroutine that makes others.
//
//go:noinline
func Pool() { go fill() }

func fill() {
	for {
		time.Sleep(200 * time.Millisecond)
		go func() { wait(make(chan int)) }()
	}
}

type watcher struct {
	mu   sync.Mutex
	more *sync.Cond
	stop chan struct{}
}

var watchers []*watcher

// New makes something that ought to be closed.
func New() {
	w := &watcher{stop: make(chan struct{})}
	w.more = sync.NewCond(&w.mu)
	watchers = append(watchers, w)
	w.start()
}

//go:noinline
func (w *watcher) start() {
	go w.tick()
	go w.tell(make(chan int))
	go w.wait()
}

func (w *watcher) tick() {
	t := time.NewTicker(100 * time.Millisecond)
	for {
		select {
		case <-t.C:
		case <-w.stop:
			return
		}
	}
}

func (w *watcher) tell(to chan int) {
	for i := 0; ; i++ {
		to <- i
	}
}

func (w *watcher) wait() {
	w.mu.Lock()
	w.more.Wait()
	w.mu.Unlock()
}
