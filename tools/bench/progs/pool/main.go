// pool: four workers take jobs of some microseconds from one channel; an op is a job.
package main

import (
	"hash/crc32"
	"sync/atomic"

	"../answer"
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
	answer.Lines(&ops)
}
