// SPDX-License-Identifier: BSD-2-Clause

// walled: goroutines of which it is known for how long each does what.
//
//	walled N		N goroutines wait; from "go" on others come and go, in waves and one by one
//	walled states		one runs, one reads a pipe to which nobody writes; ten wait for a lock, ten for work, ten for an answer
//	walled ready		of two that run on one processor of Go's one is ready
//	walled calls		one sleeps in the kernel again and again, one reads a pipe to which nobody writes, one reads what there is
//	walled storm		one calls the system without a pause
//
// It says "ready"; after "go" on its standard input and some seconds of it {"seconds":T,"before":N,"goroutine_s":X}: for how long that was, how
// many goroutines there were before and are again after it, and the integral of their number over it, from when each was made and ended. With
// calls also how often each function called the system, and for how long: {"calls":{"main.nap":{"count":N,"seconds":T}}}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Of very many each wave lasts longer: who looks needs some time for each of them.
const many = 50000

var (
	lasts = 4 * time.Second
	every = 500 * time.Millisecond
	stays = 300 * time.Millisecond
)

var (
	never   = make(chan int)
	extraNs int64 // of those that have come and gone
	guests  sync.WaitGroup
)

//go:noinline
func handle(asked chan int) int { return <-asked }

//go:noinline
func request(asked chan int) { handle(asked) }

//go:noinline
func worker(jobs chan int) {
	for range jobs {
	}
}

//go:noinline
func guest(began time.Time, stays time.Duration) {
	time.Sleep(stays)
	atomic.AddInt64(&extraNs, int64(time.Since(began)))
	guests.Done()
}

//go:noinline
func invite(n int, stays time.Duration) {
	guests.Add(n)
	for i := 0; i < n; i++ {
		go guest(time.Now(), stays)
	}
}

// comeAndGo: waves of as many as a tenth of those that stay, and one each ten milliseconds.
func comeAndGo(n int, end time.Time) {
	next := time.Now()
	for time.Now().Before(end.Add(-every)) {
		if time.Now().After(next) {
			invite(n/10+1, stays)
			next = next.Add(every)
		}
		invite(1, 20*time.Millisecond)
		time.Sleep(10 * time.Millisecond)
	}
}

var sink uint64

//go:noinline
func spin(end *int32) {
	for atomic.LoadInt32(end) == 0 {
		for i := uint64(0); i < 100000; i++ {
			sink += i
		}
	}
}

//go:noinline
func readPipe(fd int) {
	var b [1]byte
	syscall.Read(fd, b[:])
}

//go:noinline
func lockIt(mu *sync.Mutex) {
	mu.Lock()
	mu.Unlock()
}

func states(end *int32) {
	var mu sync.Mutex
	p := make([]int, 2)

	if err := syscall.Pipe(p); err != nil {
		panic(err)
	}
	go readPipe(p[0])
	mu.Lock()
	for i := 0; i < 10; i++ {
		go lockIt(&mu)
		go worker(never)
		go request(never)
	}
	go spin(end)
}

type called struct {
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"`
}

var calls = map[string]*called{"main.nap": {}, "main.readZero": {}}

//go:noinline
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}

//go:noinline
func readZero(fd int, b []byte) {
	syscall.Read(fd, b)
}

func call(c *called, f func()) {
	began := time.Now()
	f()
	c.Seconds += time.Since(began).Seconds()
	c.Count++
}

func storm(until time.Time) {
	zero, err := syscall.Open("/dev/zero", syscall.O_RDONLY, 0)

	if err != nil {
		panic(err)
	}
	for b := make([]byte, 1); time.Now().Before(until); {
		for i := 0; i < 1000; i++ {
			call(calls["main.readZero"], func() { readZero(zero, b) })
		}
	}
}

// makeCalls: until the time is over; it says so when the last of them is done.
func makeCalls(until time.Time) {
	var wg sync.WaitGroup
	zero, err := syscall.Open("/dev/zero", syscall.O_RDONLY, 0)

	if err != nil {
		panic(err)
	}
	wg.Add(2)
	go func() {
		for i := 0; time.Now().Before(until); i++ {
			call(calls["main.nap"], func() { nap(time.Duration(i%4) * time.Millisecond) })
			time.Sleep(5 * time.Millisecond)
		}
		wg.Done()
	}()
	go func() {
		b := make([]byte, 1<<20)
		for time.Now().Before(until) {
			call(calls["main.readZero"], func() { readZero(zero, b) })
			time.Sleep(3 * time.Millisecond)
		}
		wg.Done()
	}()
	wg.Wait()
}

func main() {
	var end int32

	kind := os.Args[len(os.Args)-1]
	switch kind {
	case "states":
		states(&end)
	case "storm":
	case "calls":
		p := make([]int, 2)
		if err := syscall.Pipe(p); err != nil {
			panic(err)
		}
		go readPipe(p[0])
	case "ready":
		runtime.GOMAXPROCS(1)
		go spin(&end)
		go spin(&end)
	default:
		n, _ := strconv.Atoi(kind)
		if n >= many {
			lasts, every, stays = 8*time.Second, 2500*time.Millisecond, 1500*time.Millisecond
		}
		for i := 0; i < n; i++ {
			go request(never)
		}
	}
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("ready")
	in.Scan()
	before, began := runtime.NumGoroutine(), time.Now()
	if kind == "states" || kind == "ready" {
		time.Sleep(lasts)
	} else if kind == "calls" {
		makeCalls(began.Add(lasts))
	} else if kind == "storm" {
		storm(began.Add(lasts))
	} else {
		n, _ := strconv.Atoi(kind)
		comeAndGo(n, began.Add(lasts))
		guests.Wait()
	}
	took := time.Since(began)
	told, err := json.Marshal(calls)
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"seconds\":%g,\"before\":%d,\"goroutine_s\":%g,\"calls\":%s}\n", took.Seconds(), before,
		float64(before)*took.Seconds()+float64(atomic.LoadInt64(&extraNs))/1e9, told)
	in.Scan()
}
