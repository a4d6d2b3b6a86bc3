// SPDX-License-Identifier: BSD-2-Clause

// flows: channels that fill and drain on a schedule, and what they really did.
//
//	flows KIND
//
// Says "ready" and a line with the address of each channel. Each line of standard input is answered by a line of JSON: what each
// channel has done since the line before, by its own clock; times are CLOCK_MONOTONIC seconds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type job struct {
	next *job
	text string
}

func now() float64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

func addr(c interface{}) string {
	return fmt.Sprintf("%#x", (*[2]uintptr)(unsafe.Pointer(&c))[1])
}

// step: the length of the channel is Len from At on.
type step struct {
	At  float64
	Len int
}

// flow is a channel whose length one goroutine sets, so that it knows it at each moment.
type flow struct {
	Addr  string
	Cap   int
	Steps []step
}

var (
	toldMu sync.Mutex
	told   = map[string]*flow{}
)

func (f *flow) is(n int) {
	toldMu.Lock()
	f.Steps = append(f.Steps, step{now(), n})
	toldMu.Unlock()
}

// follow sets the length of c to each of these in turn, for so long each, again and again.
//
//go:noinline
func follow(name string, c chan *job, lens []int, each []time.Duration) {
	f := &flow{Addr: addr(c), Cap: cap(c)}
	toldMu.Lock()
	told[name] = f
	toldMu.Unlock()
	f.is(len(c))
	for i := 0; ; i++ {
		want := lens[i%len(lens)]
		for len(c) < want {
			c <- &job{text: name}
		}
		for len(c) > want {
			<-c
		}
		f.is(want)
		time.Sleep(each[i%len(each)])
	}
}

func flows() {
	go follow("bursts", make(chan *job, 64), []int{64, 3}, []time.Duration{700 * time.Millisecond, 500 * time.Millisecond})
	go follow("half", make(chan *job, 10), []int{5}, []time.Duration{time.Second})
	go follow("full", make(chan *job, 4), []int{4}, []time.Duration{time.Second})
	go follow("idle", make(chan *job, 8), []int{0}, []time.Duration{time.Second})
	go follow("quick", make(chan *job, 100), []int{90, 10, 50}, []time.Duration{7 * time.Millisecond, 11 * time.Millisecond, 5 * time.Millisecond})
}

//go:noinline
func produce(c chan int, sent *int64) {
	for i := 0; ; i++ {
		c <- i
		atomic.AddInt64(sent, 1)
	}
}

//go:noinline
func consume(c chan int) {
	for range c {
		time.Sleep(5 * time.Millisecond)
	}
}

// crowd: many send to one channel, which one slow goroutine reads; and an unbuffered one that many read.
func crowd() {
	c, sent := make(chan int, 16), new(int64)
	for i := 0; i < 12; i++ {
		go produce(c, sent)
	}
	go consume(c)
	never := make(chan string)
	for i := 0; i < 5; i++ {
		go func() { <-never }()
	}
	told["crowd"] = &flow{Addr: addr(c), Cap: 16}
	told["never"] = &flow{Addr: addr(never)}
	for atomic.LoadInt64(sent) < 40 {
		time.Sleep(time.Millisecond)
	}
	go func() { <-never; runtime.KeepAlive(c) }()
}

var made = map[string][]float64{} // when channels were made, by address

//go:noinline
func serve(n int) {
	c := make(chan int64, 4)
	at := now()
	for len(c) < n {
		c <- 7
	}
	a := addr(c)
	toldMu.Lock()
	made[a] = append(made[a], at)
	toldMu.Unlock()
	time.Sleep(120 * time.Millisecond)
	for len(c) > 0 {
		<-c
	}
}

// reuse: one channel after the other; each is freed, and many have the address of one before.
func reuse() {
	debug.SetGCPercent(-1)
	go func() {
		for i := 0; ; i++ {
			serve(i % 5)
			runtime.GC()
		}
	}()
}

// collect: one channel stays while garbage is collected all the time.
func collect() {
	go follow("kept", make(chan *job, 8), []int{8, 2}, []time.Duration{900 * time.Millisecond, 600 * time.Millisecond})
	go func() {
		for {
			runtime.GC()
			time.Sleep(2 * time.Millisecond)
		}
	}()
}

// many channels, all of one kind; and all processors busy.
func many() {
	for i := 0; i < 2000; i++ {
		c := make(chan int, 8)
		go func() { c <- 1; c <- 2; <-c; time.Sleep(time.Hour); runtime.KeepAlive(c) }()
		go func() { d := make(chan int); <-d }()
	}
	for i := 0; i < runtime.NumCPU(); i++ {
		go func() {
			for x := 0; ; x++ {
				atomic.AddInt64(new(int64), int64(x))
			}
		}()
	}
}

func main() {
	map[string]func(){"flows": flows, "crowd": crowd, "reuse": reuse, "collect": collect, "many": many}[os.Args[1]]()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		toldMu.Lock()
		text, err := json.Marshal(map[string]interface{}{"Flows": told, "Made": made, "Now": now()})
		toldMu.Unlock()
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
	ioutil.ReadAll(os.Stdin)
}
