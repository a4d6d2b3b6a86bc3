// spawn: starts a goroutine and waits for it, over and over; an op is one birth and one exit.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"../answer"
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
	answer.Lines(&ops)
}
