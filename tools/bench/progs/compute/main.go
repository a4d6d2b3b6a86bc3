// compute: one goroutine that never waits; an op is a thousand steps.
// A line on standard input is answered with {"ops":N,"wall_ns":N,"cpu_ns":N}, cumulative.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
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
	start := time.Now()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var ru syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		fmt.Printf("{\"ops\":%d,\"wall_ns\":%d,\"cpu_ns\":%d}\n", atomic.LoadUint64(&ops),
			time.Since(start).Nanoseconds(), ru.Utime.Nano()+ru.Stime.Nano())
	}
}
