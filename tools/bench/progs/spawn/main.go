// spawn: starts a goroutine and waits for it, over and over; an op is one birth and one exit.
// A line on standard input is answered with {"ops":N,"wall_ns":N,"cpu_ns":N}, cumulative.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var ops uint64

func work(wg *sync.WaitGroup) {
	atomic.AddUint64(&ops, 1)
	wg.Done()
}

func main() {
	runtime.GOMAXPROCS(1)
	go func() {
		var wg sync.WaitGroup
		for {
			wg.Add(100)
			for i := 0; i < 100; i++ {
				go work(&wg)
			}
			wg.Wait()
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
