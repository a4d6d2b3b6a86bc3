// SPDX-License-Identifier: BSD-2-Clause

// contended: goroutines that wait for each other, and the program's own profiles of that. It says "ready"; for a line on standard input it turns on all of
// its block and mutex profile, lets them wait, writes the profiles to the files that OWN_BLOCK and OWN_MUTEX name, and says "done". With FOREVER
// it goes on for ever, and says nothing more.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

const rounds = 60

var all sync.WaitGroup

func each(n int, f func(i int)) {
	defer all.Done()
	for i := 0; i < n; i++ {
		f(i)
	}
}

func save(name, path string) {
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	if err := pprof.Lookup(name).WriteTo(f, 0); err != nil {
		panic(err)
	}
	f.Close()
}

// --- channels ---

//go:noinline
func receives(c chan int) {
	<-c
}

//go:noinline
func sends(c chan int) {
	c <- 1
}

//go:noinline
func selects(a, b chan int) {
	select {
	case <-a:
	case b <- 1:
	}
}

//go:noinline
func ranges(c chan int) {
	for range c {
	}
	all.Done()
}

//go:noinline
func awaitsTimer() {
	<-time.After(2 * time.Millisecond)
}

// --- package sync ---

type box struct {
	mu    sync.Mutex
	rw    sync.RWMutex
	value int // of mu
	seen  int // of rw
}

//go:noinline
func (b *box) add(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.value++
	time.Sleep(d)
}

//go:noinline
func (b *box) read() int {
	b.rw.RLock()
	v := b.seen
	time.Sleep(3 * time.Millisecond)
	b.rw.RUnlock()
	time.Sleep(time.Millisecond)
	return v
}

//go:noinline
func (b *box) write() {
	b.rw.Lock()
	b.seen++
	time.Sleep(2 * time.Millisecond)
	b.rw.Unlock()
	time.Sleep(3 * time.Millisecond)
}

//go:noinline
func crowd(mu *sync.Mutex) {
	mu.Lock()
	time.Sleep(time.Millisecond)
	mu.Unlock()
	time.Sleep(500 * time.Microsecond)
}

// It waits as soon as who has been told can lock it.
//
//go:noinline
func awaits(cond *sync.Cond, tell chan bool) {
	cond.L.Lock()
	tell <- true
	cond.Wait()
	cond.L.Unlock()
}

//go:noinline
func fans() {
	var some sync.WaitGroup
	some.Add(3)
	for i := 0; i < 3; i++ {
		go func() {
			time.Sleep(2 * time.Millisecond)
			some.Done()
		}()
	}
	some.Wait()
}

func work() {
	var b box
	var mu sync.Mutex
	c, d, x, y, r := make(chan int), make(chan int), make(chan int), make(chan int), make(chan int)
	cond := sync.NewCond(&sync.Mutex{})

	all.Add(19)
	go each(rounds, func(int) { receives(c) })
	go each(rounds, func(int) { sends(d) })
	go each(rounds, func(int) { selects(x, y) })
	go ranges(r)
	go each(rounds, func(int) { awaitsTimer() })
	go each(rounds, func(int) { fans() })
	for i := 0; i < 2; i++ {
		go each(rounds, func(int) { b.add(time.Millisecond) })
		go each(rounds, func(int) { b.read() })
	}
	go each(rounds, func(int) { b.write() })
	for i := 0; i < 8; i++ {
		go each(rounds/2, func(int) { crowd(&mu) })
	}
	waits := make(chan bool)
	go func() {
		for i := 0; i < rounds; i++ {
			awaits(cond, waits)
		}
	}()
	for i := 0; i < rounds; i++ {
		time.Sleep(2 * time.Millisecond)
		c <- i
		time.Sleep(time.Millisecond)
		<-d
		time.Sleep(time.Millisecond)
		if i%2 == 0 {
			x <- i
		} else {
			<-y
		}
		r <- i
		<-waits
		time.Sleep(time.Millisecond)
		cond.L.Lock()
		cond.L.Unlock()
		cond.Signal()
	}
	close(r)
	all.Wait()
}

func main() {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	if !lines.Scan() {
		return
	}
	if os.Getenv("FOREVER") != "" {
		for {
			work()
		}
	}
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	work()
	save("block", os.Getenv("OWN_BLOCK"))
	save("mutex", os.Getenv("OWN_MUTEX"))
	fmt.Println("done")
	lines.Scan()
}
