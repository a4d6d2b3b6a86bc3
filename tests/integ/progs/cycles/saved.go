// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var (
	known   = map[string]interface{}{}
	chosen  chan int
	started int32
)

func ring(mu sync.Locker, c chan int) {
	go send(mu, c)
	go lockAndReceive(mu, c)
}

//go:noinline
func late(c chan int) {
	time.Sleep(time.Hour)
	<-c
}

//go:noinline
func spin(c chan int) {
	for atomic.LoadInt32(&started) == 0 {
		runtime.Gosched()
	}
	for i := uint64(1); i != 0; i += 2 {
		if i&0xffffff == 1 {
			runtime.Gosched()
		}
	}
	<-c
}

//go:noinline
func reads(f *os.File, c chan int) {
	f.Read(make([]byte, 1))
	<-c
}

//go:noinline
func selectsFor(mu sync.Locker, c chan int, d time.Duration) {
	mu.Lock()
	defer mu.Unlock()
	pause()
	select {
	case c <- 1:
	case <-time.After(d):
	}
}

//go:noinline
func work(mu *sync.Mutex, c chan int) {
	for i := 0; ; i++ {
		mu.Lock()
		c <- i
		mu.Unlock()
	}
}

//go:noinline
func drain(c chan int) {
	for range c {
		time.Sleep(2 * time.Millisecond)
	}
}

// saved are the same with somebody else who can end it.
var saved = map[string]func(){
	"global-channel": func() {
		chosen = make(chan int)
		ring(new(sync.Mutex), chosen)
	},
	"in-a-table": func() {
		c := make(chan int)
		known["a"] = &struct {
			n int
			c chan int
		}{1, c}
		ring(new(sync.Mutex), c)
	},
	"sleeper": func() {
		c := make(chan int)
		go late(c)
		ring(new(sync.Mutex), c)
	},
	"spinner": func() {
		c := make(chan int)
		go spin(c)
		ring(new(sync.Mutex), c)
		atomic.StoreInt32(&started, 1)
	},
	"reader-of-a-pipe": func() {
		c := make(chan int)
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		known["pipe"] = w
		go reads(r, c)
		ring(new(sync.Mutex), c)
	},
	"timeout": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go selectsFor(mu, c, time.Hour)
		go lockAndReceive(mu, c)
	},
	"deadline": func() {
		mu := new(sync.Mutex)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		go waitDone(mu, ctx)
		go lockAndCancel(mu, cancel)
	},
	"known-context": func() {
		mu := new(sync.Mutex)
		parent, stop := context.WithCancel(context.Background())
		known["stop"] = stop
		ctx, cancel := context.WithCancel(parent)
		go waitDone(mu, ctx)
		go lockAndCancel(mu, cancel)
	},
	"after-func": func() {
		c := make(chan int)
		time.AfterFunc(time.Hour, func() { <-c })
		ring(new(sync.Mutex), c)
	},
	"finalizer": func() {
		c := make(chan int)
		o := &struct{ c chan int }{c}
		runtime.SetFinalizer(o, func(o *struct{ c chan int }) { <-o.c })
		known["o"] = o
		ring(new(sync.Mutex), c)
	},
	"main-has-it": func() {
		c := make(chan int)
		ring(new(sync.Mutex), c)
		go func() { pause(); known["late"] = c }()
	},
	"known-cond": func() {
		mu, q := new(sync.Mutex), newQueue()
		known["queue"] = q
		go getLocked(mu, q)
		go lockAndPut(mu, q)
	},
	"receiver-waits-elsewhere": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go send(mu, c)
		go late(c)
		times(3, func() { behind(mu) })
	},
	"other-lock": func() {
		mu, other, c := new(sync.Mutex), new(sync.Mutex), make(chan int)
		go func() { other.Lock(); time.Sleep(time.Hour); other.Unlock() }()
		go send(mu, c)
		go func() { pause(); lockAndReceive(other, c) }()
		go behind(mu)
	},
	"unlocked-elsewhere": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go func() { mu.Lock(); c <- 1 }()
		go func() { pause(); lockAndReceive(mu, c) }()
		go func() { time.Sleep(time.Hour); mu.Unlock() }()
	},
	"group-with-others": func() {
		wg := new(sync.WaitGroup)
		wg.Add(3)
		c := make(chan int)
		times(3, func() { part(c, wg) })
		go func() { time.Sleep(time.Hour); <-c }()
		go func() { wg.Wait(); close(c) }()
	},
	"pool": func() {
		jobs := make(chan int)
		wg := new(sync.WaitGroup)
		wg.Add(4)
		times(4, func() { worker(jobs, wg) })
		go func() {
			for i := 0; ; i++ {
				jobs <- i
				time.Sleep(300 * time.Millisecond)
			}
		}()
		go func() { wg.Wait(); close(jobs) }()
	},
	"busy": func() {
		mu, c := new(sync.Mutex), make(chan int)
		times(8, func() { work(mu, c) })
		go drain(c)
	},
	"busy-hub": func() {
		h := &hub{events: make(chan int), end: make(chan struct{})}
		go func() {
			for e := range h.events {
				time.Sleep(time.Millisecond)
				h.mu.Lock()
				h.count -= e
				h.mu.Unlock()
			}
		}()
		times(8, func() {
			for {
				h.mu.Lock()
				n := h.count
				h.mu.Unlock()
				h.events <- n
			}
		})
	},
}
