// locked: N goroutines beside a mutex that a parked one holds and somebody waits for.
//
//	locked N mutex|defers|own
//
// mutex: all wait for it. defers: all are parked on channels, deep in functions that have deferred something. own: the same,
// and each holds mutexes of its own. It prints "ready".
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var (
	contended sync.Mutex
	sink      int
)

type account struct {
	sync.Mutex
	inner struct {
		sync.RWMutex
		n int
	}
	done chan int
}

//go:noinline
func hold(c chan int) {
	contended.Lock()
	defer contended.Unlock()
	<-c
}

//go:noinline
func wait() {
	contended.Lock()
	sink++
	contended.Unlock()
}

//go:noinline
func (a *account) leave(depth int) {
	a.inner.n -= depth
	sink++
}

//go:noinline
func (a *account) below(depth int) {
	defer a.leave(depth)
	defer func() {
		if depth > 1000 {
			a.leave(depth)
		}
	}()
	if depth > 0 {
		a.below(depth - 1)
	} else {
		<-a.done
	}
	sink++
}

//go:noinline
func (a *account) belowLocked(depth int) {
	a.inner.RLock()
	defer a.inner.RUnlock()
	if depth > 0 {
		a.belowLocked(depth - 1)
	} else {
		<-a.done
	}
	sink++
}

//go:noinline
func (a *account) runLocked() {
	a.Lock()
	defer a.Unlock()
	a.belowLocked(4)
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	shape := os.Args[2]
	go hold(make(chan int))
	time.Sleep(50 * time.Millisecond)
	go wait()
	for i := 0; i < n; i++ {
		a := &account{done: make(chan int)}
		switch shape {
		case "mutex":
			go wait()
		case "defers":
			go a.below(4)
		case "own":
			go a.runLocked()
		}
	}
	time.Sleep(time.Second)
	runtime.GC()
	fmt.Println("ready")
	for {
		time.Sleep(time.Hour) // as long as it does, the runtime sees no deadlock
	}
}
