// SPDX-License-Identifier: BSD-2-Clause

// Goroutines that run all the time, and ought to have ended.
package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

func spinUntil(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
	}
}

func spinOnFlag(stopped *int32) {
	for atomic.LoadInt32(stopped) == 0 {
		runtime.Gosched()
	}
}

// spinAndAllocate keeps the collector busy too.
func spinAndAllocate(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			b := make([]byte, 1000)
			_ = append(b, byte(len(b)))
		}
	}
}

// compute is work that takes its time and ends.
func compute(until time.Time) {
	for time.Now().Before(until) {
		spin(100000)
	}
}

func init() {
	spins := func(name, start string, request func()) {
		alone[name] = kind{func() { go every(time.Second, request) }, []leak{{name, start, "running", "spins", "growing"}}}
	}
	spins("spinning", "main.spinUntil", func() { go spinUntil(make(chan struct{})) })
	spins("spinning-on-a-flag", "main.spinOnFlag", func() { go spinOnFlag(new(int32)) })
	spins("spinning-and-allocating", "main.spinAndAllocate", func() { go spinAndAllocate(make(chan struct{})) })
	alone["rising-computation"] = kind{func() {
		begin := time.Now()
		go every(100*time.Millisecond, func() {
			for i := 0; i < 1+int(time.Since(begin)/(3*time.Second)); i++ {
				go compute(time.Now().Add(1500 * time.Millisecond))
			}
		})
	}, nil}
}
