// SPDX-License-Identifier: BSD-2-Clause

// wakes: says "ready"; for a line on standard input it lets goroutines wait, wakes them, and prints who woke whom for what, how often:
// {"pairs":[{"waiter":"main.pong","waker":"main.ping","kind":"goroutine","reason":"chan receive","count":500}]}. On one P the one who waits
// has parked before the one who wakes goes on; a preemption in between makes one more or less. With FOREVER set
// two take turns until the program is killed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const rounds = 500

type pair struct {
	Waiter string `json:"waiter"`
	Waker  string `json:"waker,omitempty"`
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Two goroutines by turns.

//go:noinline
func ping(to, from chan int) {
	for i := 0; i < rounds; i++ {
		to <- i
		<-from
	}
}

//go:noinline
func pong(to, from chan int) {
	for i := 0; i < rounds; i++ {
		<-from
		to <- i
	}
}

// Works a little, while the other waits.
//
//go:noinline
func worker(to, from chan int) {
	for until := time.Now().Add(100 * time.Microsecond); time.Now().Before(until); {
	}
	to <- 0
	<-from
}

// They never end: a preemption between two steps does no harm.
func forever() {
	a, b := make(chan int), make(chan int)
	go func() {
		for {
			pong(a, b)
		}
	}()
	for {
		worker(b, a)
	}
}

func turns() []pair {
	a, b := make(chan int), make(chan int)
	done := make(chan bool)
	go func() {
		pong(a, b)
		done <- true
	}()
	runtime.Gosched() // it waits now
	ping(b, a)
	<-done
	return []pair{{"main.pong", "main.ping", "goroutine", "chan receive", rounds}, {"main.ping", "main.pong", "goroutine", "chan receive", rounds}}
}

// One who holds a lock, and one who wants it.

//go:noinline
func locker(mu *sync.Mutex, done *sync.WaitGroup) {
	mu.Lock()
	mu.Unlock()
	done.Done()
}

//go:noinline
func holder(mu *sync.Mutex, done *sync.WaitGroup) {
	mu.Lock()
	done.Add(1)
	go locker(mu, done)
	for atomic.LoadInt32((*int32)(unsafe.Pointer(mu)))>>3 == 0 { // sync.Mutex.state: nobody waits
		runtime.Gosched()
	}
	mu.Unlock()
	done.Wait()
}

func locks() []pair {
	var mu sync.Mutex
	var done sync.WaitGroup
	for i := 0; i < rounds; i++ {
		holder(&mu, &done)
	}
	return []pair{
		{"main.locker", "main.holder", "goroutine", "sync.Mutex.Lock", rounds},
		{"main.holder", "main.locker", "goroutine", "sync.WaitGroup.Wait", rounds},
	}
}

// Many who wait for one.

//go:noinline
func listener(c chan bool, cond *sync.Cond, heard *sync.WaitGroup) {
	<-c
	cond.L.Lock()
	heard.Done()
	cond.Wait()
	cond.L.Unlock()
	heard.Done()
}

//go:noinline
func closer(c chan bool) { close(c) }

//go:noinline
func caster(cond *sync.Cond) { cond.Broadcast() }

func many() []pair {
	c, cond := make(chan bool), sync.NewCond(&sync.Mutex{})
	var heard sync.WaitGroup
	heard.Add(rounds)
	for i := 0; i < rounds; i++ {
		go listener(c, cond, &heard)
	}
	runtime.Gosched()
	for i := 0; i < 10; i++ { // all wait now
		runtime.Gosched()
	}
	closer(c)
	heard.Wait()
	heard.Add(rounds)
	cond.L.Lock() // the last has let go of it: it is in Wait
	cond.L.Unlock()
	caster(cond)
	heard.Wait()
	return []pair{
		{"main.listener", "main.closer", "goroutine", "chan receive", rounds},
		{"main.listener", "main.caster", "goroutine", "sync.Cond.Wait", rounds},
	}
}

// Those whom no goroutine wakes.

//go:noinline
func sleeper() {
	for i := 0; i < rounds/10; i++ {
		time.Sleep(time.Millisecond)
	}
}

//go:noinline
func ticked() {
	for i := 0; i < rounds/10; i++ {
		<-time.After(time.Millisecond)
	}
}

//go:noinline
func reader(r *os.File, got chan bool) {
	buf := make([]byte, 1)
	for i := 0; i < rounds; i++ {
		if _, err := r.Read(buf); err != nil {
			panic(err)
		}
		got <- true
	}
}

func piped() []pair {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	got := make(chan bool)
	go reader(r, got)
	for i := 0; i < rounds; i++ {
		runtime.Gosched() // it waits in the poller, or is on its way
		if _, err := w.Write([]byte{1}); err != nil {
			panic(err)
		}
		<-got
	}
	return []pair{{"main.reader", "", "netpoll", "IO wait", rounds}}
}

//go:noinline
func signaled(c chan os.Signal, got chan bool) {
	for range c {
		got <- true
	}
}

func signals() []pair {
	c, got := make(chan os.Signal), make(chan bool)
	signal.Notify(c, syscall.SIGUSR1)
	go signaled(c, got)
	n := rounds / 10
	for i := 0; i < n; i++ {
		runtime.Gosched()
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			panic(err)
		}
		<-got
	}
	return []pair{{"main.signaled", "", "signal", "chan receive", n}}
}

//go:noinline
func collector() { runtime.GC() }

// A ring: each is woken by the one before.

//go:noinline
func ring0(in, out chan int) { relay(in, out) }

//go:noinline
func ring1(in, out chan int) { relay(in, out) }

//go:noinline
func ring2(in, out chan int) { relay(in, out) }

//go:noinline
func ring3(in, out chan int) { relay(in, out) }

//go:noinline
func relay(in, out chan int) {
	for v := range in {
		out <- v
	}
}

func ringed() []pair {
	var c [5]chan int
	for i := range c {
		c[i] = make(chan int)
	}
	for i, f := range []func(in, out chan int){ring0, ring1, ring2, ring3} {
		go f(c[i], c[i+1])
	}
	runtime.Gosched()
	for i := 0; i < rounds; i++ {
		c[0] <- i
		<-c[4]
	}
	return nil
}

func work() []pair {
	pairs := append(turns(), locks()...)
	pairs = append(pairs, many()...)
	sleeper()
	ticked()
	pairs = append(pairs, pair{"main.sleeper", "", "timer", "sleep", rounds / 10}, pair{"main.ticked", "", "timer", "chan receive", rounds / 10})
	pairs = append(pairs, piped()...)
	pairs = append(pairs, signals()...)
	ringed()
	collector()
	return pairs
}

func main() {
	runtime.GOMAXPROCS(1)
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	if !lines.Scan() {
		return
	}
	if os.Getenv("FOREVER") != "" {
		forever()
	}
	text, err := json.Marshal(map[string]interface{}{"pairs": work()})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	lines.Scan()
}
