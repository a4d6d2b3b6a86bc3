// SPDX-License-Identifier: BSD-2-Clause

// Mistakes with channels.
package main

import (
	"context"
	"errors"
	"io"
	"time"
)

func answer(to chan<- int)             { to <- 42 }
func answerAfterTimeout(to chan<- int) { time.Sleep(5 * time.Millisecond); to <- 42 }
func answerAll(to chan<- int)          { to <- 42 }

func answerTwice(to chan<- error) {
	to <- errors.New("broken")
	to <- nil
}

func drain(from <-chan int) {
	for range from {
	}
}

func receiveNil() {
	var never chan int
	<-never
}

func sendNil() {
	var never chan<- int
	never <- 1
}

func relay(a, b <-chan int) {
	for {
		select {
		case <-a:
		case <-b:
		}
	}
}

func blockForever() { select {} }

func untilCancelled(ctx context.Context) { <-ctx.Done() }
func untilShutdown(ctx context.Context)  { <-ctx.Done() }

func workUntilDone(done <-chan struct{}, jobs <-chan int) {
	for {
		select {
		case <-done:
			return
		case <-jobs:
		}
	}
}

func writePipe(w *io.PipeWriter) { w.Write(make([]byte, 10)) }

// bus is a live table in which entries are left.
type bus struct{ subscribers chan []chan int }

func newBus() *bus {
	b := &bus{make(chan []chan int, 1)}
	b.subscribers <- nil
	return b
}

func (b *bus) subscribe() <-chan int {
	ch := make(chan int, 16)
	b.subscribers <- append(<-b.subscribers, ch)
	return ch
}

func (b *bus) publish(n int) {
	all := <-b.subscribers
	for _, ch := range all {
		ch <- n
	}
	b.subscribers <- all
}

func listen(events <-chan int) {
	for range events {
	}
}

func listenActively(events <-chan int) {
	for range events {
	}
}

var (
	silent, busy = newBus(), newBus()
	tokens       = make(chan struct{}, 3)
)

func useToken() { tokens <- struct{}{} }

func awaitTime(c <-chan time.Time) { <-c }

// foreign is a context that package context does not know: a goroutine waits for it.
type foreign struct{ context.Context }

func (foreign) Done() <-chan struct{} { return never }

var never = make(chan struct{})

func ending(to chan<- int) { to <- 1 }

func init() {
	const send = "blocked send"

	grows("early-return", "main.answer", "chan send", send+" after early return", func() {
		go answer(make(chan int))
	})
	grows("timeout", "main.answerAfterTimeout", "chan send", send+" after early return or timeout", func() {
		reply := make(chan int)
		go answerAfterTimeout(reply)
		select {
		case <-reply:
		case <-time.After(time.Millisecond):
		}
	})
	grows("first-of-three", "main.answerAll", "chan send", "blocked send", func() {
		reply := make(chan int)
		for i := 0; i < 3; i++ {
			go answerAll(reply)
		}
		<-reply
	})
	grows("double-send", "main.answerTwice", "chan send", send, func() { go answerTwice(make(chan error, 1)) })
	grows("missing-close", "main.drain", "chan receive", "missing close (range over channel)", func() {
		jobs := make(chan int)
		go drain(jobs)
		jobs <- 1
	})
	grows("nil-receive", "main.receiveNil", "chan receive (nil chan)", "nil channel", func() { go receiveNil() })
	grows("nil-send", "main.sendNil", "chan send (nil chan)", "nil channel", func() { go sendNil() })
	grows("no-exit", "main.relay", "select", "select without exit case", func() { go relay(make(chan int), make(chan int)) })
	grows("no-cases", "main.blockForever", "select (no cases)", "select without cases", func() { go blockForever() })
	grows("lost-cancel", "main.untilCancelled", "chan receive", "context never cancelled", func() {
		ctx, cancel := context.WithCancel(context.Background())
		_ = cancel
		go untilCancelled(ctx)
	})
	service, stop := context.WithCancel(context.Background())
	_ = stop
	grows("child-of-live-context", "main.untilShutdown", "chan receive", "context never cancelled", func() {
		go untilShutdown(service)
	})
	grows("done-never-closed", "main.workUntilDone", "select", "context never cancelled", func() {
		go workUntilDone(make(chan struct{}), make(chan int))
	})
	grows("pipe", "main.writePipe", "select", "io.Pipe left open", func() {
		_, w := io.Pipe()
		go writePipe(w)
	})
	grows("subscription", "main.listen", "chan receive", "missing close", func() { go listen(silent.subscribe()) })
	grows("active-subscription", "main.listenActively", "chan receive", "missing close", func() {
		go listenActively(busy.subscribe())
		busy.publish(1)
	})
	grows("tokens", "main.useToken", "chan send", "nobody receives any more: the channel is a limit", func() { go useToken() })
	grows("time-without-timer", "main.awaitTime", "chan receive", "blocked receive", func() { go awaitTime(make(chan time.Time)) })
	alone["foreign-context"] = kind{func() {
		go every(50*time.Millisecond, func() { context.WithCancel(foreign{context.Background()}) })
	}, []leak{{"foreign-context", "context.", "select", "context never cancelled", "growing"}}}
	// Of ten that are made at one place one leaks.
	requests := 0
	grows("one-of-ten", "main.ending", "chan send", send, func() {
		for i := 0; i < 10; i++ {
			reply := make(chan int)
			go ending(reply)
			if requests++; requests%10 != 0 {
				<-reply
			}
		}
	})
	slow := kind{func() { go every(2*time.Second, func() { go sendSlowly(make(chan int)) }) },
		[]leak{{"slow", "main.sendSlowly", "chan send", send, "growing"}}}
	kinds["slow"] = slow
	// One in five seconds: too slow for a short watch, so neither is among "all-leaks".
	alone["slowest"] = kind{func() { go every(5*time.Second, func() { go sendSlowly(make(chan int)) }) },
		[]leak{{"slowest", "main.sendSlowly", "chan send", send, "growing"}}}
	alone["slowest-subscription"] = kind{func() { go every(5*time.Second, func() { go listen(silent.subscribe()) }) },
		[]leak{{"slowest-subscription", "main.listen", "chan receive", "missing close", "growing"}}}
}

func sendSlowly(to chan<- int) { to <- 1 }
