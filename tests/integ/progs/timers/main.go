// SPDX-License-Identifier: BSD-2-Clause

// timers: callbacks that timers start, each of which starts the next. It says "ready", begins at "go", and then says how many
// it started. In between other goroutines park, for a timer runs on the thread that they leave.
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

func main() {
	in := bufio.NewReader(os.Stdin)
	c := make(chan int)
	for i := 0; i < 4; i++ {
		go ticker()
		go yielder(c)
	}
	fmt.Println("ready")
	in.ReadString('\n')
	ends.Add(chains)
	for i := 0; i < chains; i++ {
		chain(each)
	}
	for i := 0; i < 200; i++ {
		c <- i
	}
	ends.Wait()
	fmt.Println(started)
	in.ReadString('\n')
}
