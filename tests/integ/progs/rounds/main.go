// SPDX-License-Identifier: BSD-2-Clause

// rounds: says "ready"; for a line on standard input its goroutines run, are preempted, wait, wake each other, and end, on two Ps that
// are too few for them; then it prints {"polled":[18],"called":[19]}: those whom the poller wakes, and those who call the system. Go's execution tracer writes it into the file
// named by WORK_TRACE, if there is one. With FAST set two take turns until the program is killed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Shorter than a generation of the tracer: at the seam between two its times are squeezed.
const long = 800 * time.Millisecond

func goid() int {
	buf := make([]byte, 64)
	n, err := strconv.Atoi(strings.Fields(string(buf[:runtime.Stack(buf, false)]))[1])
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

//go:noinline
func spin(d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
	}
}

//go:noinline
func ping(to, from chan int, until time.Time) {
	for time.Now().Before(until) {
		to <- 0
		<-from
		spin(100 * time.Microsecond)
	}
	close(to)
}

//go:noinline
func pong(to, from chan int) {
	for range from {
		to <- 0
	}
}

//go:noinline
func sleeper(until time.Time) {
	for time.Now().Before(until) {
		time.Sleep(3 * time.Millisecond)
	}
}

//go:noinline
func locker(mu *sync.Mutex, until time.Time) {
	for time.Now().Before(until) {
		mu.Lock()
		spin(200 * time.Microsecond)
		runtime.Gosched() // the other one comes, and waits
		mu.Unlock()
	}
}

//go:noinline
func parent(until time.Time) {
	for time.Now().Before(until) {
		var all sync.WaitGroup
		for i := 0; i < 10; i++ {
			all.Add(1)
			go child(&all)
		}
		all.Wait()
		time.Sleep(time.Millisecond)
	}
}

//go:noinline
func child(all *sync.WaitGroup) {
	spin(50 * time.Microsecond)
	all.Done()
}

//go:noinline
func reader(r *os.File, ids chan int) {
	ids <- goid()
	buf := make([]byte, 1)
	for {
		if n, _ := r.Read(buf); n == 0 {
			return
		}
	}
}

//go:noinline
func writer(w *os.File, ids chan int, until time.Time) {
	ids <- goid()
	for time.Now().Before(until) {
		_, err := w.Write([]byte{1})
		check(err)
		time.Sleep(2 * time.Millisecond)
	}
	check(w.Close())
}

// In a system call: to the tracer too it is not waiting.
//
//go:noinline
func caller(ids chan int, until time.Time) {
	ids <- goid()
	for time.Now().Before(until) {
		ts := syscall.NsecToTimespec(int64(2 * time.Millisecond))
		_ = syscall.Nanosleep(&ts, nil)
	}
}

func work() map[string][]int {
	until := time.Now().Add(long)
	a, b, polled, called := make(chan int), make(chan int), make(chan int, 1), make(chan int, 2)
	r, w, err := os.Pipe()
	check(err)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, f := range []func(){
		func() { spin(long) }, func() { spin(long) }, func() { ping(a, b, until) }, func() { pong(b, a) }, func() { sleeper(until) },
		func() { locker(&mu, until) }, func() { locker(&mu, until) }, func() { parent(until) }, func() { reader(r, polled) },
		func() { writer(w, called, until) }, func() { caller(called, until) },
	} {
		all.Add(1)
		go func(f func()) {
			defer all.Done()
			pprof.Do(context.Background(), pprof.Labels("rounds", "yes"), func(context.Context) { f() })
		}(f)
	}
	told := map[string][]int{"polled": {<-polled}, "called": {<-called, <-called}}
	all.Wait()
	return told
}

// Two that take turns as fast as they can.

//go:noinline
func left(to, from chan int) {
	for {
		to <- 0
		<-from
	}
}

//go:noinline
func right(to, from chan int) {
	for {
		<-from
		to <- 0
	}
}

func main() {
	runtime.GOMAXPROCS(2)
	if os.Getenv("FAST") != "" {
		runtime.GOMAXPROCS(1)
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	if !lines.Scan() {
		return
	}
	if os.Getenv("FAST") != "" {
		a, b := make(chan int), make(chan int)
		go right(b, a)
		left(a, b)
	}
	if path := os.Getenv("WORK_TRACE"); path != "" {
		out, err := os.Create(path)
		check(err)
		check(trace.Start(out))
		defer func() { check(out.Close()) }()
	}
	told := work()
	trace.Stop()
	text, err := json.Marshal(told)
	check(err)
	fmt.Println(string(text))
	lines.Scan()
}
