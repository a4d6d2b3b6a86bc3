// pingpong: two goroutines hand a token back and forth; an op is a round trip, which is two parks.
// A line on standard input is answered with {"ops":N,"wall_ns":N,"cpu_ns":N}, cumulative.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
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
