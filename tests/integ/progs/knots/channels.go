// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type job struct {
	id   int
	name string
}

// timersAreMarked: from Go 1.23 on a channel knows that a timer feeds it.
func timersAreMarked() bool {
	minor, _ := strconv.Atoi(strings.Split(strings.TrimPrefix(runtime.Version(), "go"), ".")[1])
	return minor >= 23
}

func tell(c interface{}, typ string, size, length, capacity int) *channel {
	told.Channels = append(told.Channels, &channel{Addr: fmt.Sprintf("%p", c), Type: typ, Size: size, Len: length,
		Cap: capacity, Senders: []uint64{}, Receivers: []uint64{}})
	return told.Channels[len(told.Channels)-1]
}

//go:noinline
func receiveInt(c <-chan int) { <-c }

//go:noinline
func sendInt(c chan<- int, v int) { c <- v }

//go:noinline
func selectMany(in <-chan string, out chan<- job, done <-chan struct{}) {
	select {
	case <-in:
	case out <- job{1, "one"}:
	case <-done:
	}
}

func manyOnOne() {
	c := make(chan int)
	t := tell(c, "int", 8, 0, 0)
	for i := 0; i < 200; i++ {
		t.Receivers = append(t.Receivers, start(func() { receiveInt(c) }))
	}
}

func manyOnMany() {
	for i := 0; i < 200; i++ {
		c := make(chan int, 1)
		t := tell(c, "int", 8, 0, 1)
		t.Receivers = append(t.Receivers, start(func() { receiveInt(c) }))
	}
}

func full() {
	c := make(chan int, 5)
	for _, v := range []int{1, 2, 10, 11, 12} {
		c <- v
	}
	<-c
	<-c
	c <- 13 // the ring has gone round
	c <- 14
	t := tell(c, "int", 8, 5, 5)
	for i := 0; i < 3; i++ {
		t.Senders = append(t.Senders, start(func() { sendInt(c, 99) }))
	}
	t.Elements = []string{"0xa", "0xb", "0xc", "0xd"}

	b := make(chan byte, 2)
	b <- 7
	b <- 8
	t = tell(b, "uint8", 1, 2, 2)
	t.Senders = append(t.Senders, start(func() { b <- 9 }))
	t.Elements = []string{"0x7", "0x8"}

	j := make(chan *job, 1)
	one := &job{1, "one"}
	j <- one
	t = tell(j, "*main.job", 8, 1, 1)
	t.Senders = append(t.Senders, start(func() { j <- nil }))
	t.Elements = []string{fmt.Sprintf("%p", one)}

	big := make(chan [5]uint64, 1)
	big <- [5]uint64{1, 2, 3, 4, 5}
	t = tell(big, "[5]uint64", 40, 1, 1)
	t.Senders = append(t.Senders, start(func() { big <- [5]uint64{} }))
	t.Elements = []string{"0x1,0x2,0x3,0x4"}
}

func selects() {
	in, out, done := make(chan string), make(chan job), make(chan struct{})
	ti, to, td := tell(in, "string", 16, 0, 0), tell(out, "main.job", 24, 0, 0), tell(done, "struct {}", 0, 0, 0)
	for i := 0; i < 2; i++ {
		id := start(func() { selectMany(in, out, done) })
		ti.Receivers = append(ti.Receivers, id)
		to.Senders = append(to.Senders, id)
		td.Receivers = append(td.Receivers, id)
	}
	// The same channel both ways, beside a plain waiter.
	both := make(chan error)
	t := tell(both, "error", 16, 0, 0)
	t.Receivers = append(t.Receivers, start(func() { <-both }))
	alone := make(chan func())
	ta := tell(alone, "func()", 8, 0, 0)
	id := start(func() {
		select {
		case alone <- nil:
		case <-alone:
		}
	})
	ta.Senders, ta.Receivers = append(ta.Senders, id), append(ta.Receivers, id)
}

func timers() {
	ticker := time.NewTicker(24 * time.Hour)
	t := tell(ticker.C, "time.Time", 24, 0, 1)
	t.Timer = timersAreMarked()
	t.Receivers = append(t.Receivers, start(func() { <-ticker.C }))
}

func nobody() {
	var none chan int
	told.Nobody = map[string][]uint64{
		"receivers": {start(func() { <-none })},
		"senders":   {start(func() { none <- 1 })},
		"selects":   {start(func() { select {} })},
	}
}

func channels() {
	told.Deadlocks, told.Locks = [][]uint64{}, []*lock{}
	manyOnOne()
	manyOnMany()
	full()
	selects()
	timers()
	nobody()
}
