// SPDX-License-Identifier: BSD-2-Clause

// Work that a deadline ends: more of it while the program has not run for that long, and no leak.
package main

import (
	"context"
	"time"
)

//go:noinline
func untilDeadline(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	below, cancelBelow := context.WithCancel(ctx)
	defer cancelBelow()
	<-below.Done()
}

// untilClosed waits for what a timer closes.
//
//go:noinline
func untilClosed() {
	c := make(chan int)
	time.AfterFunc(45*time.Second, func() { close(c) })
	<-c
}

// untilPutOff waits for a watchdog that somebody feeds.
//
//go:noinline
func untilPutOff() {
	c := make(chan int)
	watchdog := time.AfterFunc(45*time.Second, func() { close(c) })
	keptLock.Lock()
	kept = append(kept, watchdog)
	keptLock.Unlock()
	<-c
}

func putOff() {
	keptLock.Lock()
	defer keptLock.Unlock()
	for _, watchdog := range kept {
		watchdog.(*time.Timer).Reset(45 * time.Second)
	}
}

func often(f func()) func() {
	return func() { go every(150*time.Millisecond, func() { go f() }) }
}

func init() {
	alone["deadlines"] = kind{often(func() { untilDeadline(40 * time.Second) }), nil}
	alone["delayed-calls"] = kind{often(untilClosed), nil}
	alone["far-deadlines"] = kind{often(func() { untilDeadline(time.Hour) }), nil}
	alone["watchdogs"] = kind{func() { often(untilPutOff)(); go every(500*time.Millisecond, putOff) }, nil}
}
