// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"sync"
	"time"
)

// Busy with locks for ever, and never stuck.
func innocent() {
	told.Deadlocks = [][]uint64{}
	rotate()
	readersAndWriters()
	ordered()
	handOver()
	conds()
}

func rotate() {
	mu := new(sync.Mutex)
	for i := 0; i < 20; i++ {
		go func() {
			for {
				mu.Lock()
				time.Sleep(time.Millisecond)
				mu.Unlock()
			}
		}()
	}
	for i := 0; i < 4; i++ {
		go func() {
			for {
				func() {
					mu.Lock()
					defer mu.Unlock()
				}()
				time.Sleep(100 * time.Microsecond)
			}
		}()
	}
}

func readersAndWriters() {
	rw := new(sync.RWMutex)
	for i := 0; i < 20; i++ {
		go func() {
			for {
				rw.RLock()
				time.Sleep(500 * time.Microsecond)
				rw.RUnlock()
			}
		}()
	}
	for i := 0; i < 3; i++ {
		go func() {
			for {
				rw.Lock()
				time.Sleep(300 * time.Microsecond)
				rw.Unlock()
				time.Sleep(time.Millisecond)
			}
		}()
	}
}

// Two locks, by everybody in the same order; and each alone.
func ordered() {
	a, b := new(sync.Mutex), new(sync.Mutex)
	for i := 0; i < 10; i++ {
		go func() {
			for {
				a.Lock()
				time.Sleep(200 * time.Microsecond)
				b.Lock()
				time.Sleep(200 * time.Microsecond)
				b.Unlock()
				a.Unlock()
			}
		}()
		go func() {
			for {
				b.Lock()
				time.Sleep(300 * time.Microsecond)
				b.Unlock()
				a.Lock()
				time.Sleep(300 * time.Microsecond)
				a.Unlock()
			}
		}()
	}
}

// One takes a lock and another gives it back: looks like a lock taken twice.
func handOver() {
	mu := new(sync.Mutex)
	taken := make(chan bool)
	go func() {
		for {
			mu.Lock()
			taken <- true
		}
	}()
	go func() {
		for {
			<-taken
			time.Sleep(2 * time.Millisecond)
			mu.Unlock()
		}
	}()
}

func conds() {
	mu := new(sync.Mutex)
	cond := sync.NewCond(mu)
	n := 0
	for i := 0; i < 10; i++ {
		go func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				for n == 0 {
					cond.Wait()
				}
				n--
			}
		}()
	}
	go func() {
		for {
			mu.Lock()
			n++
			mu.Unlock()
			cond.Signal()
			time.Sleep(time.Millisecond)
		}
	}()
}
