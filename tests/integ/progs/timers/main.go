// SPDX-License-Identifier: BSD-2-Clause

// timers: callbacks that timers start. It says "ready", begins at "go", and then says how many it started. Meanwhile other
// goroutines park, for a timer runs on the thread that they leave.
//
//	timers chains	each callback starts the next
//	timers stuck	callbacks that wait for ever
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chains = 20
	each   = 30
	every  = 3 * time.Millisecond
)

var (
	started int64
	ends    sync.WaitGroup
)

//go:noinline
func chain(left int) {
	time.AfterFunc(every, func() { // main.chain.func1
		atomic.AddInt64(&started, 1)
		if left > 1 {
			chain(left - 1)
			return
		}
		ends.Done()
	})
}

//go:noinline
func tick() {
	time.Sleep(time.Millisecond)
}

func ticker() {
	for {
		tick()
	}
}

func yielder(c chan int) {
	for range c {
		tick()
	}
}

// stuck starts callbacks that wait for what never comes.
func stuck() {
	c := make(chan int)
	ends.Add(chains)
	for i := 0; i < chains; i++ {
		time.AfterFunc(every, func() { // main.stuck.func1
			atomic.AddInt64(&started, 1)
			ends.Done()
			<-c
		})
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	c := make(chan int)
	for i := 0; i < 4; i++ {
		go ticker()
		go yielder(c)
	}
	fmt.Println("ready")
	in.ReadString('\n')
	if os.Args[1] == "stuck" {
		stuck()
	} else {
		ends.Add(chains)
		for i := 0; i < chains; i++ {
			chain(each)
		}
	}
	for i := 0; i < 200; i++ {
		c <- i
	}
	ends.Wait()
	fmt.Println(started)
	in.ReadString('\n')
}
