// compute: one goroutine that never waits; an op is a thousand steps.
package main

import (
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
	go compute()
	answer.Lines(&ops)
}
