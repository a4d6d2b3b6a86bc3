// SPDX-License-Identifier: BSD-2-Clause

// Loops on a ticker with a way to end, that somebody has or nobody.
package main

import (
	"context"
	"time"
)

func loopEndless(pause time.Duration, stop <-chan struct{}) {
	t := time.NewTicker(pause)
	for {
		select {
		case <-t.C:
		case <-stop:
			return
		}
	}
}

func loopRarely(pause time.Duration, stop <-chan struct{}) { loopEndless(pause, stop) }

func loopStoppable(pause time.Duration, stop <-chan struct{}) { loopEndless(pause, stop) }

func loopUntilDone(ctx context.Context) { loopEndless(100*time.Millisecond, ctx.Done()) }

// pairs of which each has what ends the other.
func loopOfPair(stop <-chan struct{}, other chan struct{}) {
	loopEndless(100*time.Millisecond, stop)
	close(other)
}

var stops []chan struct{}

func init() {
	several := func(start func()) kind {
		return kind{func() {
			for i := 0; i < 12; i++ {
				start()
			}
		}, nil}
	}
	alone["endless-tickers"] = several(func() { go loopEndless(100*time.Millisecond, make(chan struct{})) })
	alone["rare-tickers"] = several(func() { go loopRarely(time.Hour, make(chan struct{})) })
	alone["stoppable-tickers"] = several(func() {
		stops = append(stops, make(chan struct{}))
		go loopStoppable(100*time.Millisecond, stops[len(stops)-1])
	})
	service, stop := context.WithCancel(context.Background())
	alone["tickers-of-a-context"] = several(func() { go loopUntilDone(service) })
	alone["tickers-in-pairs"] = several(func() {
		a, b := make(chan struct{}), make(chan struct{})
		go loopOfPair(a, b)
		go loopOfPair(b, a)
	})
	serviceStop = stop
}

var serviceStop func()
