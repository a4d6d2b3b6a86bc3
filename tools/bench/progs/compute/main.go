// compute: one goroutine that never waits; an op is a thousand steps. With an argument there is one for each processor.
package main

import (
	"os"
	"runtime"
	"sync/atomic"

	"../answer"
)

var ops, state uint64

func compute() {
	x := uint64(1)
	for {
		for i := 0; i < 1000; i++ {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		atomic.StoreUint64(&state, x)
		atomic.AddUint64(&ops, 1)
	}
}

func main() {
	workers := 1
	if len(os.Args) > 1 {
		workers = runtime.NumCPU()
	}
	for i := 0; i < workers; i++ {
		go compute()
	}
	answer.Lines(&ops)
}
