// SPDX-License-Identifier: BSD-2-Clause

package main

import "sync"

//go:noinline
func readAndReceive(rw *sync.RWMutex, c <-chan bool, has chan<- bool) {
	rw.RLock()
	defer rw.RUnlock()
	has <- true
	<-c
}

func manyReaders(n int, never chan bool) {
	rw, has := new(sync.RWMutex), make(chan bool)
	var readers []uint64
	for i := 0; i < n; i++ {
		readers = append(readers, start(func() { readAndReceive(rw, never, has) }))
		<-has
	}
	aLock("rwmutex", rw, []uint64{start(func() { write(rw) })}, readers)
}

// alike has many locks and deadlocks of one kind: a person reads each kind once.
func alike() {
	told.Nobody = map[string][]uint64{}
	never, has := make(chan bool), make(chan bool)
	for i := 0; i < 40; i++ {
		mu := new(sync.Mutex)
		holder := start(func() { holdAndReceive(mu, never, has) })
		<-has
		waiters := []uint64{start(func() { inner(mu) }), start(func() { inner(mu) })}
		if i%2 == 0 {
			waiters = append(waiters, start(func() { inner(mu) }))
		}
		aLock("mutex", mu, waiters, []uint64{holder})
	}
	hot := new(sync.Mutex)
	holder := start(func() { holdAndReceive(hot, never, has) })
	<-has
	var waiters []uint64
	for i := 0; i < 60; i++ {
		waiters = append(waiters, start(func() { inner(hot) }))
	}
	aLock("mutex", hot, waiters, []uint64{holder})
	for i := 0; i < 20; i++ {
		abba(lockPlain)
	}
	for i := 0; i < 3; i++ {
		mu := new(sync.Mutex)
		ring(start(func() { lockTwice(mu) }))
	}
	manyReaders(30, never)
}
