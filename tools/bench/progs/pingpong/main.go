// pingpong: two goroutines hand a token back and forth; an op is a round trip, which is two parks.
package main

import (
	"runtime"
	"sync/atomic"

	"../answer"
)

var ops uint64

func pong(in, out chan int) {
	for v := range in {
		out <- v
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	in, out := make(chan int), make(chan int)
	go pong(in, out)
	go func() {
		for {
			in <- 1
			<-out
			atomic.AddUint64(&ops, 1)
		}
	}()
	answer.Lines(&ops)
}
