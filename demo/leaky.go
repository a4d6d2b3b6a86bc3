// SPDX-License-Identifier: BSD-2-Clause

// Command leaky is a small service that works, and leaks goroutines in three classic ways. `make demo` lets parkwatch
// watch it. It serves no network: its requests come from inside, a few hundred a second, until its input ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"sync"
	"time"
)

// A quote is what the service is asked for.
type quote struct {
	item  int
	price int
}

// store is the healthy part: a cache behind a lock, filled by a pool of workers over a shared queue.
type store struct {
	mu     sync.RWMutex
	prices map[int]int
	queue  chan int
}

func newStore(workers int) *store {
	s := &store{prices: map[int]int{}, queue: make(chan int, 64)}
	for i := 0; i < workers; i++ {
		go s.refresh()
	}
	return s
}

// refresh waits on the queue for ever: an idle worker is not a leak.
func (s *store) refresh() {
	for item := range s.queue {
		price := appraise(item)
		s.mu.Lock()
		s.prices[item] = price
		s.mu.Unlock()
	}
}

func (s *store) price(item int) (int, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.prices[item]
	return p, ok
}

// appraise is the work: some of it processor, most of it waiting for someone else.
func appraise(item int) int {
	sum := item
	for i := 0; i < 20000; i++ {
		sum = sum*31 + i
	}
	time.Sleep(time.Duration(1+rand.Intn(8)) * time.Millisecond)
	return sum & 0xffff
}

var errLate = errors.New("late")

// askWithTimeout leaks when it gives up: nobody receives from answer any more, and the send blocks for ever. A buffer of
// one would have been enough.
func askWithTimeout(ctx context.Context, item int) (quote, error) {
	answer := make(chan quote)
	go func() {
		answer <- quote{item, appraise(item)}
	}()
	select {
	case q := <-answer:
		return q, nil
	case <-ctx.Done():
		return quote{}, errLate
	}
}

// askAll takes the first of several answers, and leaves the others with no one to give theirs to.
func askAll(item int) quote {
	first := make(chan quote)
	for source := 0; source < 3; source++ {
		go func(source int) {
			first <- quote{item, appraise(item + source)}
		}(source)
	}
	return <-first
}

// watchPrice forgets to close changes when there is nothing more to come: the one who ranges over it never ends.
func watchPrice(s *store, item int) {
	changes := make(chan int)
	go logChanges(changes)
	for i := 0; i < 3; i++ {
		if p, ok := s.price(item); ok {
			changes <- p
		}
		time.Sleep(time.Millisecond)
	}
}

func logChanges(changes <-chan int) {
	for p := range changes {
		fmt.Fprintln(io.Discard, "price", p)
	}
}

// handle is one request.
func handle(s *store, item int) {
	s.queue <- item
	switch item % 10 {
	case 1:
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Millisecond)
		defer cancel()
		_, _ = askWithTimeout(ctx, item)
	case 2:
		askAll(item)
	case 3:
		watchPrice(s, item)
	default:
		s.price(item)
	}
}

func serve(s *store) {
	for range time.Tick(4 * time.Millisecond) {
		go handle(s, rand.Intn(1000))
	}
}

func main() {
	s := newStore(4)
	go serve(s)
	fmt.Println("leaky: serving")
	_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it lets go
}
