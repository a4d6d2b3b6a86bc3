// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

var spins [64]struct {
	n    uint64
	room [56]byte
}

//go:noinline
func spin(i int) {
	for {
		spins[i].n++
	}
}

//go:noinline
func spinDeep(n, i int) {
	if n > 0 {
		spinDeep(n-1, i)
	}
	spin(i)
}

func yields() {
	for {
		runtime.Gosched()
	}
}

// busy has more goroutines that only run than there are processors for: the others are runnable, stopped in a signal.
func busy() {
	runtime.GOMAXPROCS(2)
	for i := 0; i < 4; i++ {
		go spin(i)
		go spinDeep(20, 4+i)
	}
	go yields()
	for i := 0; i < 8; i++ {
		for atomic.LoadUint64(&spins[i].n) == 0 { // it has not begun
			runtime.Gosched()
		}
	}
}

func pingpong() {
	a, b := make(chan int), make(chan int)
	go func() {
		for x := range a {
			b <- x
		}
	}()
	for {
		a <- 1
		<-b
	}
}

//go:noinline
func grow(n int, f func()) {
	var room [256]byte
	if n > 0 {
		grow(n-1, f)
	} else {
		f()
	}
	sink += room[n&255]
}

func shortLived() {
	var wg sync.WaitGroup
	for {
		for i := 0; i < 100; i++ {
			wg.Add(1)
			go func(i int) { grow(i, wg.Done) }(i)
		}
		wg.Wait()
	}
}

// churn keeps every thread at work: births, exits, wake-ups, growing stacks, garbage collections.
func churn() {
	runtime.GOMAXPROCS(4)
	for i := 0; i < 3; i++ {
		go pingpong()
		go shortLived()
	}
	go func() {
		for {
			runtime.GC()
		}
	}()
	go spin(0)
}

//go:noinline
func below(n int, c chan int) {
	if n > 0 {
		below(n-1, c)
	} else {
		<-c
	}
	sink++
}

// many: a tenth of the goroutines on one channel, the others each on its own.
func many(n int) {
	shared := make(chan int)
	for i := 0; i < n; i++ {
		c := shared
		if i%10 > 0 {
			c = make(chan int)
		}
		go below(i%16, c)
	}
}
