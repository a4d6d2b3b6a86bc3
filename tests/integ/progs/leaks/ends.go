// SPDX-License-Identifier: BSD-2-Clause

// Loops on a ticker with a way to end, that somebody has or nobody.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
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

// cleanUp is not seen to wake, but its code has no way to end.
func cleanUp(m map[string]time.Time) {
	for {
		time.Sleep(time.Hour)
		for k, last := range m {
			if time.Since(last) > time.Hour {
				delete(m, k)
			}
		}
	}
}

// scheduler could be stopped, if somebody had it.
type scheduler struct {
	add  chan func()
	stop chan struct{}
}

func (s *scheduler) run() {
	var jobs []func()
	for {
		t := time.NewTimer(time.Hour)
		select {
		case <-t.C:
			for _, job := range jobs {
				job()
			}
		case job := <-s.add:
			jobs = append(jobs, job)
		case <-s.stop:
			t.Stop()
			return
		}
	}
}

// session ends some day, or when somebody logs out.
type session struct{ logout chan struct{} }

var sessions = map[int]*session{}

func (s *session) expire() {
	select {
	case <-time.After(time.Hour):
	case <-s.logout:
	}
}

func waitForSignal(c chan os.Signal) { <-c }

func sendLater(f func()) {
	time.Sleep(time.Hour)
	f()
}

func init() {
	grows("clean-ups-once-an-hour", "main.cleanUp", "sleep", "timer or ticker never stopped", func() { go cleanUp(map[string]time.Time{}) })
	grows("schedulers-never-stopped", "main.(*scheduler).run", "select", "timer or ticker never stopped", func() {
		s := &scheduler{make(chan func()), make(chan struct{})}
		go s.run()
		s.add <- func() {}
	})
	grows("signals-never-stopped", "main.waitForSignal", "chan receive", "signal.Notify never stopped", func() {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGHUP)
		go waitForSignal(c)
	})
	control("sessions-that-expire", func() {
		go every(200*time.Millisecond, func() {
			s := &session{make(chan struct{})}
			sessions[len(sessions)] = s
			go s.expire()
		})
	})
	control("delayed-messages", func() { go every(200*time.Millisecond, func() { go sendLater(func() {}) }) })
}
