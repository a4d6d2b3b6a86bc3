// syscalls: a goroutine calls the kernel without a pause: it reads a byte of /dev/zero; an op is a call.
package main

import (
	"os"
	"runtime"
	"sync/atomic"

	"../answer"
)

var ops uint64

func main() {
	runtime.GOMAXPROCS(1)
	zero, err := os.Open("/dev/zero")
	if err != nil {
		panic(err)
	}
	go func() {
		var b [1]byte
		for {
			if _, err := zero.Read(b[:]); err != nil {
				panic(err)
			}
			atomic.AddUint64(&ops, 1)
		}
	}()
	answer.Lines(&ops)
}
