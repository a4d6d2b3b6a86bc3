// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

var global sync.Mutex

//go:noinline
func waitDone(mu sync.Locker, ctx context.Context) {
	mu.Lock()
	<-ctx.Done()
	mu.Unlock()
}

//go:noinline
func lockAndCancel(mu sync.Locker, cancel func()) {
	pause()
	mu.Lock()
	mu.Unlock()
	cancel()
}

// mainWaits says that all is ready before main itself waits.
func mainWaits(f func()) {
	go func() {
		time.Sleep(500 * time.Millisecond)
		fmt.Println("ready\nnull")
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	f()
}

// endless are the rings that nothing ends.
var endless = map[string]func(){
	"send": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go send(mu, c)
		go lockAndReceive(mu, c)
		times(3, func() { behind(mu) })
	},
	"global-lock": func() {
		c := make(chan int)
		go send(&global, c)
		go lockAndReceive(&global, c)
		times(3, func() { behind(&global) })
	},
	"full": func() {
		mu, c := new(sync.Mutex), make(chan int, 2)
		c <- 1
		c <- 2
		go send(mu, c)
		go lockAndReceive(mu, c)
	},
	"receive": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go receive(mu, c)
		go lockAndSend(mu, c)
	},
	"close": func() {
		mu, c := new(sync.Mutex), make(chan int)
		go rangeOver(mu, c)
		go lockAndClose(mu, c)
	},
	"select": func() {
		mu, c, end := new(sync.Mutex), make(chan int, 1), make(chan struct{})
		c <- 1
		go selects(mu, c, end)
		go lockAndEnd(mu, c, end)
	},
	"context": func() {
		mu := new(sync.Mutex)
		ctx, cancel := context.WithCancel(context.Background())
		go waitDone(mu, ctx)
		go lockAndCancel(mu, cancel)
	},
	"writer": func() {
		mu, c := new(sync.RWMutex), make(chan int)
		go send(mu, c)
		go lockAndReceive(mu.RLocker(), c)
	},
	"reader": func() {
		mu, c := new(sync.RWMutex), make(chan int)
		go send(mu.RLocker(), c)
		go lockAndReceive(mu, c)
		times(4, func() { behind(mu.RLocker()) })
	},
	"cond": func() {
		mu, q := new(sync.Mutex), newQueue()
		go getLocked(mu, q)
		go lockAndPut(mu, q)
	},
	"three": func() {
		mu, c, d := new(sync.Mutex), make(chan int), make(chan int)
		go send(mu, c)
		go receiveBoth(d, c)
		go lockAndSend(mu, d)
	},
	"three-with-all": func() {
		h := &hub{events: make(chan int), replies: make(chan int)}
		go h.emit()
		go h.answer()
		go h.reply()
	},
	"two-locks": func() {
		a, b, c := new(sync.Mutex), new(sync.Mutex), make(chan int)
		go sendWith(a, c)
		go receiveAfter(b, a, c)
		go behind(b)
	},
	"three-locks": func() {
		a, b, c := new(sync.Mutex), new(sync.Mutex), make(chan int)
		go sendWith(a, c)
		go bothThenOther(b, a)
		go lockBetween(b, c)
	},
	"collect":    func() { go collect(5) },
	"distribute": func() { go distribute(5) },
	"hub": func() {
		h := &hub{events: make(chan int), end: make(chan struct{})}
		times(20, h.emit) // they all have the channel, and are older than who receives from it
		pause()
		go h.loop()
	},
	"watchers": func() {
		w := &watchers{chans: map[int]chan int{1: make(chan int), 2: make(chan int)}}
		go w.tell()
		go w.stop()
	},
	"main": func() {
		mainWaits(func() {
			mu, c := new(sync.Mutex), make(chan int)
			go lockAndReceive(mu, c)
			send(mu, c)
		})
	},
	"main-collects": func() { mainWaits(func() { collect(3) }) },
}
