// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"sync"
)

// meeting lets a number of goroutines go on together.
type meeting struct{ wg sync.WaitGroup }

func newMeeting(n int) *meeting {
	m := &meeting{}
	m.wg.Add(n)
	return m
}

func (m *meeting) meet() {
	m.wg.Done()
	m.wg.Wait()
}

type account struct {
	name    [3]string
	mu      sync.Mutex
	balance int
}

var (
	globalA, globalB sync.Mutex
	globalRW         sync.RWMutex
)

//go:noinline
func lockPlain(first, second *sync.Mutex, m *meeting) {
	first.Lock()
	m.meet()
	second.Lock()
	second.Unlock()
	first.Unlock()
}

//go:noinline
func lockDeferred(first, second *sync.Mutex, m *meeting) {
	first.Lock()
	defer first.Unlock()
	m.meet()
	second.Lock()
	defer second.Unlock()
}

//go:noinline
func transfer(from, to *account, m *meeting) {
	from.mu.Lock()
	defer from.mu.Unlock()
	m.meet()
	to.mu.Lock()
	to.balance += from.balance
	to.mu.Unlock()
}

func globalAB(m *meeting) {
	globalA.Lock()
	m.meet()
	globalB.Lock()
	globalB.Unlock()
	globalA.Unlock()
}

func globalBA(m *meeting) {
	globalB.Lock()
	m.meet()
	globalA.Lock()
	globalA.Unlock()
	globalB.Unlock()
}

//go:noinline
func inner(mu *sync.Mutex) {
	mu.Lock()
	mu.Unlock()
}

//go:noinline
func nested(first, second *sync.Mutex, m *meeting) {
	first.Lock()
	m.meet()
	inner(second)
	first.Unlock()
}

//go:noinline
func lockTwice(mu *sync.Mutex) {
	mu.Lock()
	mu.Lock()
	mu.Unlock()
	mu.Unlock()
}

//go:noinline
func readTwice(rw *sync.RWMutex, hasRead chan<- bool, writerWaits <-chan bool) {
	rw.RLock()
	hasRead <- true
	<-writerWaits
	rw.RLock()
	rw.RUnlock()
	rw.RUnlock()
}

//go:noinline
func write(rw *sync.RWMutex) {
	rw.Lock()
	rw.Unlock()
}

//go:noinline
func upgrade(rw *sync.RWMutex) {
	rw.RLock()
	rw.Lock()
	rw.Unlock()
	rw.RUnlock()
}

//go:noinline
func writeThenLock(rw *sync.RWMutex, mu *sync.Mutex, m *meeting) {
	rw.Lock()
	defer rw.Unlock()
	m.meet()
	mu.Lock()
	mu.Unlock()
}

//go:noinline
func lockThenRead(rw *sync.RWMutex, mu *sync.Mutex, m *meeting) {
	mu.Lock()
	m.meet()
	rw.RLock()
	rw.RUnlock()
	mu.Unlock()
}

//go:noinline
func holdAndReceive(mu *sync.Mutex, c <-chan bool, has chan<- bool) {
	mu.Lock()
	defer mu.Unlock()
	has <- true
	<-c
}

//go:noinline
func lockAndLeave(mu *sync.Mutex, has chan<- bool) {
	mu.Lock()
	has <- true
}

func ring(goids ...uint64) {
	told.Deadlocks = append(told.Deadlocks, goids)
}

func aLock(kind string, addr interface{}, waiters, holders []uint64) {
	told.Locks = append(told.Locks, &lock{fmt.Sprintf("%p", addr), kind, waiters, holders})
}

type locker func(first, second *sync.Mutex, m *meeting)

func abba(f locker) {
	a, b, m := new(sync.Mutex), new(sync.Mutex), newMeeting(2)
	one := start(func() { f(a, b, m) })
	two := start(func() { f(b, a, m) })
	ring(one, two)
	aLock("mutex", a, []uint64{two}, []uint64{one})
	aLock("mutex", b, []uint64{one}, []uint64{two})
}

func abbaGlobals() {
	m := newMeeting(2)
	ring(start(func() { globalAB(m) }), start(func() { globalBA(m) }))
}

func abbaFields() {
	a, b, m := &account{balance: 1}, &account{balance: 2}, newMeeting(2)
	one := start(func() { transfer(a, b, m) })
	two := start(func() { transfer(b, a, m) })
	ring(one, two)
	aLock("mutex", &a.mu, []uint64{two}, []uint64{one})
}

func ringOfThree() {
	locks, m := []*sync.Mutex{{}, {}, {}}, newMeeting(3)
	var goids []uint64
	for i := range locks {
		first, second := locks[i], locks[(i+1)%3]
		goids = append(goids, start(func() { lockPlain(first, second, m) }))
	}
	ring(goids...)
	for i := 0; i < 5; i++ { // behind the ring, in no ring
		start(func() { inner(locks[0]) })
	}
}

func readWriteRead() {
	rw, hasRead, writerWaits := new(sync.RWMutex), make(chan bool), make(chan bool)
	reader := start(func() { readTwice(rw, hasRead, writerWaits) })
	<-hasRead
	writer := start(func() { write(rw) })
	settle()
	writerWaits <- true
	ring(reader, writer)
	aLock("rwmutex", rw, []uint64{writer, reader}, []uint64{reader})
}

func writerAndMutex() {
	rw, mu, m := &globalRW, new(sync.Mutex), newMeeting(2)
	one := start(func() { writeThenLock(rw, mu, m) })
	two := start(func() { lockThenRead(rw, mu, m) })
	ring(one, two)
	aLock("rwmutex", rw, []uint64{two}, []uint64{one})
	aLock("mutex", mu, []uint64{one}, []uint64{two})
}

func deadlocks() {
	told.Nobody = map[string][]uint64{}
	abba(lockPlain)
	abba(lockDeferred)
	abba(nested)
	abbaGlobals()
	abbaFields()
	ringOfThree()
	mu := new(sync.Mutex)
	ring(start(func() { lockTwice(mu) }))
	rw := new(sync.RWMutex)
	ring(start(func() { upgrade(rw) }))
	readWriteRead()
	writerAndMutex()

	// No deadlocks: the holder waits for what anybody may send, or is gone.
	held, never, has := new(sync.Mutex), make(chan bool), make(chan bool)
	holder := start(func() { holdAndReceive(held, never, has) })
	<-has
	aLock("mutex", held, []uint64{start(func() { inner(held) }), start(func() { inner(held) })}, []uint64{holder})
	left := new(sync.Mutex)
	start(func() { lockAndLeave(left, has) })
	<-has
	aLock("mutex", left, []uint64{start(func() { inner(left) })}, []uint64{})

	// And those of package sync that nobody holds.
	wg, cond := new(sync.WaitGroup), sync.NewCond(new(sync.Mutex))
	wg.Add(3)
	aLock("waitgroup", wg, []uint64{start(wg.Wait)}, []uint64{})
	aLock("cond", cond, []uint64{start(func() { cond.L.Lock(); cond.Wait() })}, []uint64{})
}
