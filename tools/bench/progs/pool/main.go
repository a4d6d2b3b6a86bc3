// pool: four workers take jobs of some microseconds from one channel; an op is a job.
// A line on standard input is answered with {"ops":N,"wall_ns":N,"cpu_ns":N}, cumulative.
package main

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

var ops, sum uint64

func work(jobs chan []byte) {
	for j := range jobs {
		atomic.AddUint64(&sum, uint64(crc32.Update(0, crc32.IEEETable, j)))
		atomic.AddUint64(&ops, 1)
	}
}

func main() {
	jobs := make(chan []byte)
	for i := 0; i < 4; i++ {
		go work(jobs)
	}
	go func() {
		job := make([]byte, 64<<10)
		for {
			jobs <- job
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
