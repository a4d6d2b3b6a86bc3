// SPDX-License-Identifier: BSD-2-Clause
package main

import (
	"sync"
	"time"
)

// Goroutines that wait for a lock, most of them with another one held.

//go:noinline
func crossed(first, second *sync.Mutex, done chan bool) {
	first.Lock()
	mutex(first)
	if done != nil {
		close(done)
		<-never
	}
	second.Lock()
	mutex(second)
	second.Unlock()
	first.Unlock()
}

// abba holds one and waits for the other when its peer has taken that.
//
//go:noinline
func abba(first, second *node, mine, peers chan bool) {
	first.mu.Lock()
	defer first.mu.Unlock()
	mutex(&first.mu)
	close(mine)
	<-peers
	second.mu.Lock()
	defer second.mu.Unlock()
	sink++
}

//go:noinline
func twice(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	again(m)
}

//go:noinline
func again(m *sync.Mutex) {
	m.Lock()
	sink++
	m.Unlock()
}

//go:noinline
func readAgain(n *node, read, waits chan bool) {
	n.rw.RLock()
	defer n.rw.RUnlock()
	reading(&n.rw)
	close(read)
	<-waits
	n.rw.RLock()
	sink++
	n.rw.RUnlock()
}

//go:noinline
func writeWaiting(n *node) {
	pending(&n.rw)
	n.rw.Lock()
	sink++
	n.rw.Unlock()
}

//go:noinline
func waitHolding(own *node, m *sync.Mutex) {
	own.rw.Lock()
	defer own.rw.Unlock()
	writing(&own.rw)
	m.Lock()
	defer m.Unlock()
	sink++
}

//go:noinline
func readWaitHolding(own *sync.Mutex, n *node) {
	own.Lock()
	mutex(own)
	n.rw.RLock()
	sink++
	n.rw.RUnlock()
	own.Unlock()
}

//go:noinline
func wait(m *sync.Mutex) {
	m.Lock()
	sink++
	m.Unlock()
}

//go:noinline
func waitDeferred(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
	sink++
}

//go:noinline
func (n *node) acquire() { n.mu.Lock() }

//go:noinline
func waitInHelper(n *node) {
	n.acquire()
	defer n.mu.Unlock()
	sink++
}

//go:noinline
func (n *node) acquireBoth(m *sync.Mutex) {
	m.Lock()
	n.mu.Lock()
}

// waitForBoth waits for the first of two: neither is its own.
//
//go:noinline
func waitForBoth(n *node, m *sync.Mutex) {
	n.acquireBoth(m)
	sink++
	n.mu.Unlock()
	m.Unlock()
}

func waitingShapes() {
	a, b := &node{}, &node{}
	aTaken, bTaken := make(chan bool), make(chan bool)
	startPair("AB", "BA", func() { abba(a, b, aTaken, bTaken) }, func() { abba(b, a, bTaken, aTaken) })
	start("locked twice", func() { twice(new(sync.Mutex)) })

	rwr := new(node)
	read, waits := make(chan bool), make(chan bool)
	startPair("read, then again", "write between", func() { readAgain(rwr, read, waits) },
		func() { <-read; go waitAndClose(rwr, waits); writeWaiting(rwr) })

	held := new(sync.Mutex)
	heldNode := new(node)
	start("holder", func() { plain(held) })
	start("holder of a field", func() { field(heldNode) })
	start("holder for writing", func() { writer(heldNode) })
	start("waits", func() { wait(held) })
	start("waits, deferred", func() { waitDeferred(held) })
	start("waits in a helper", func() { waitInHelper(heldNode) })
	start("waits for both", func() { waitForBoth(heldNode, held) })
	start("waits and holds", func() { waitHolding(new(node), held) })
	start("waits to read and holds", func() { readWaitHolding(new(sync.Mutex), heldNode) })
	start("waits to write", func() { writerOf(heldNode) })
	start("holds and waits plainly", func() { crossed(new(sync.Mutex), held, nil) })
}

//go:noinline
func writerOf(n *node) {
	n.rw.Lock()
	sink++
	n.rw.Unlock()
}

// waitAndClose closes the channel when a writer waits for the readers of n.
func waitAndClose(n *node, waits chan bool) {
	for !passingRLock(&n.rw) {
		time.Sleep(100 * time.Microsecond)
	}
	close(waits)
}

// startPair starts two that park only together.
func startPair(a, b string, runA, runB func()) {
	done := make(chan bool)
	go func() { start(a, runA); close(done) }()
	start(b, runB)
	<-done
}

// Goroutines that hold nothing, beside code that unlocks what somebody else has locked.

//go:noinline
func laterLocked(m *sync.Mutex) {
	<-never
	m.Lock()
	sink++
	m.Unlock()
}

//go:noinline
func laterDeferred(m *sync.Mutex) {
	<-never
	m.Lock()
	defer m.Unlock()
	sink++
}

//go:noinline
func laterHelper(n *node) {
	<-never
	n.acquire()
	sink++
	n.mu.Unlock()
}

//go:noinline
func (n *node) acquireUnless(stop bool) bool {
	n.mu.Lock()
	if stop {
		n.mu.Unlock()
		return false
	}
	return true
}

//go:noinline
func laterConditional(n *node) {
	stop := <-never == 1
	if !n.acquireUnless(stop) {
		return
	}
	sink++
	n.mu.Unlock()
}

//go:noinline
func looping(m *sync.Mutex) {
	for v := range never {
		m.Lock()
		sink += v
		m.Unlock()
	}
}

//go:noinline
func alreadyUnlocked(m *sync.Mutex, n *node) {
	n.rw.Lock()
	sink++
	n.rw.Unlock()
	<-never
	m.Lock()
	m.Unlock()
}

//go:noinline
func conditionFalse(m *sync.Mutex, locked bool) {
	if locked {
		m.Lock()
	}
	<-never
	if locked {
		m.Unlock()
	}
}

//go:noinline
func conditionReceived(m *sync.Mutex, locked chan bool) {
	if <-locked {
		m.Unlock()
	}
}

//go:noinline
func deferredIf(m *sync.Mutex, locked bool) {
	if locked {
		m.Lock()
		defer m.Unlock()
	}
	<-never
}

// gives back the lock of its caller while it waits.
//
//go:noinline
func gives(m *sync.Mutex) {
	m.Unlock()
	<-never
	m.Lock()
}

//go:noinline
func callsGives(m *sync.Mutex, given chan bool) {
	m.Lock()
	defer m.Unlock()
	close(given)
	gives(m)
}

//go:noinline
func takesAndParks(m *sync.Mutex, given chan bool) {
	<-given
	m.Lock()
	mutex(m)
	<-never
	m.Unlock()
}

//go:noinline
func condWait(c *sync.Cond, waiting chan bool) {
	c.L.Lock()
	defer c.L.Unlock()
	close(waiting)
	for sink >= 0 {
		c.Wait()
	}
}

//go:noinline
func condWaitPlain(c *sync.Cond, m *sync.Mutex, waiting chan bool) {
	m.Lock()
	close(waiting)
	c.Wait()
	m.Unlock()
}

//go:noinline
func laterReader(n *node) {
	<-never
	n.rw.RLock()
	sink++
	n.rw.RUnlock()
}

//go:noinline
func chosen(a, b *sync.Mutex, which chan bool) {
	m := a
	if <-which {
		m = b
	}
	m.Lock()
	sink++
	m.Unlock()
}

// unlocksOfMany ends the critical section of whoever sends to it: nobody can say that it holds the lock.
//
//go:noinline
func received(ms chan *sync.Mutex) {
	m := <-ms
	m.Unlock()
}

func freeShapes() {
	held, heldNode := new(sync.Mutex), new(node)
	start("holder of what others want", func() { plain(held) })
	start("holder of their field", func() { deferredField2(heldNode) })
	start("free: locks later", func() { laterLocked(held) })
	start("free: locks later, deferred", func() { laterDeferred(held) })
	start("free: locks later by a helper", func() { laterHelper(heldNode) })
	start("free: locks later if", func() { laterConditional(heldNode) })
	start("free: range over a channel", func() { looping(held) })
	start("free: unlocked before", func() { alreadyUnlocked(held, heldNode) })
	start("free: if locked: it is not", func() { conditionFalse(held, !yes) })
	start("free: if received", func() { conditionReceived(held, make(chan bool)) })
	start("free: deferred if", func() { deferredIf(held, !yes) })
	start("free: reads later", func() { laterReader(heldNode) })
	start("free: chosen later", func() { chosen(held, &heldNode.mu, make(chan bool)) })
	start("free: received", func() { received(make(chan *sync.Mutex)) })

	m, given := new(sync.Mutex), make(chan bool)
	start("free: gave it back", func() { callsGives(m, given) })
	start("took what was given back", func() { takesAndParks(m, given) })

	c, waiting := sync.NewCond(new(sync.Mutex)), make(chan bool)
	start("free: sync.Cond", func() { condWait(c, waiting) })
	start("holder of the Cond's lock", func() { takesAndParks(c.L.(*sync.Mutex), waiting) })
	m2 := new(sync.Mutex)
	c2, waiting2 := sync.NewCond(m2), make(chan bool)
	start("free: sync.Cond, plain", func() { condWaitPlain(c2, m2, waiting2) })
	start("holder of the second Cond's lock", func() { takesAndParks(m2, waiting2) })
}

//go:noinline
func deferredField2(n *node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rw.Lock()
	defer n.rw.Unlock()
	mutex(&n.mu)
	writing(&n.rw)
	<-never
}
