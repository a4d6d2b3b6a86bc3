// SPDX-License-Identifier: BSD-2-Clause
package main

import "sync"

// Shapes that are harder to follow.

//go:noinline
func deferredArgument(m *sync.Mutex) {
	m.Lock()
	defer func(l *sync.Mutex, n int) {
		sink += n
		l.Unlock()
	}(m, sink)
	mutex(m)
	<-never
}

// deferredIfLocked has a variable that the deferred closure shares with it.
//
//go:noinline
func deferredIfLocked(m *sync.Mutex, lock bool) {
	locked := false
	defer func() {
		if locked {
			m.Unlock()
		}
	}()
	if lock {
		m.Lock()
		locked = true
		mutex(m)
	}
	<-never
}

//go:noinline
func endless(ch chan int) {
	for {
		sink += <-ch
	}
}

//go:noinline
func aroundEndless(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	endless(never)
}

//go:noinline
func panicking(n *node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	mutex(&n.mu)
	panicsInside()
}

//go:noinline
func panicsInside() {
	defer func() {
		<-never
		recover()
	}()
	panic("on purpose")
}

//go:noinline
func counted(ms []*sync.Mutex, n int) {
	for i := 0; i < n; i++ {
		ms[i].Lock()
		mutex(ms[i])
	}
	<-never
	for i := n - 1; i >= 0; i-- {
		ms[i].Unlock()
	}
}

//go:noinline
func switching(m *sync.Mutex, kind int) int {
	m.Lock()
	mutex(m)
	v := <-never
	switch kind + v {
	case 0:
		sink++
	case 1:
		sink += 2
	case 2:
		sink += 4
	case 3:
		m.Unlock()
		return 3
	case 4:
		sink -= 3
	case 5:
		sink *= 2
	case 6:
		sink /= 3
	case 7:
		sink ^= 9
	case 8:
		sink |= 1
	}
	m.Unlock()
	return sink
}

//go:noinline
func (n *node) unlockAll() {
	n.rw.Unlock()
	n.mu.Unlock()
}

//go:noinline
func (n *node) lockAll() *node {
	n.mu.Lock()
	n.rw.Lock()
	mutex(&n.mu)
	writing(&n.rw)
	return n
}

//go:noinline
func chainedDefer(n *node) {
	defer n.lockAll().unlockAll()
	<-never
}

//go:noinline
func appended(m *sync.Mutex, list []int) []int {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	for v := range never {
		list = append(list, v, len(table))
		table["b"] = &node{ok: v > 3}
	}
	return list
}

//go:noinline
func readTwice(n *node) {
	n.rw.RLock()
	reading(&n.rw)
	defer n.rw.RUnlock()
	readOnce(n)
}

//go:noinline
func readOnce(n *node) {
	n.rw.RLock()
	reading(&n.rw)
	defer n.rw.RUnlock()
	<-never
}

//go:noinline
func condReading(c *sync.Cond, waiting chan bool) {
	c.L.Lock()
	defer c.L.Unlock()
	close(waiting)
	c.Wait()
}

//go:noinline
func takesToRead(n *node, given chan bool) {
	<-given
	n.rw.RLock()
	reading(&n.rw)
	<-never
	n.rw.RUnlock()
}

//go:noinline
func stateMachine(m *sync.Mutex, lock, unlock chan bool) {
	locked := false
	for {
		select {
		case <-lock:
			m.Lock()
			locked = true
		case <-unlock:
			if locked {
				m.Unlock()
				locked = false
			}
		}
	}
}

//go:noinline
func (n *node) acquireLater(m *sync.Mutex) { n.relay(m) }

//go:noinline
func (n *node) relay(m *sync.Mutex) { m.Lock(); n.ok = true }

//go:noinline
func laterFarHelper(m *sync.Mutex, n *node) {
	<-never
	n.acquireLater(m)
	sink++
	m.Unlock()
}

//go:noinline
func laterLocker(l sync.Locker, m *sync.Mutex) {
	<-never
	l.Lock()
	sink++
	m.Unlock()
}

//go:noinline
func laterInClosure(m *sync.Mutex) {
	lock := func() { m.Lock() }
	if !yes {
		lock = park
	}
	<-never
	lock()
	sink++
	m.Unlock()
}

//go:noinline
func laterInLoop(ms []*sync.Mutex) {
	<-never
	for _, m := range ms {
		m.Lock()
	}
	sink++
	for _, m := range ms {
		m.Unlock()
	}
}

//go:noinline
func choosing(a, b *sync.Mutex) *sync.Mutex {
	if <-never == 1 {
		a.Lock()
		return a
	}
	b.Lock()
	return b
}

//go:noinline
func laterOfTwo(a, b *sync.Mutex) {
	m := choosing(a, b)
	sink++
	m.Unlock()
}

// laterByReference has its lock written by the function that it waits in, over one that somebody else holds.
//
//go:noinline
func laterByReference(held *sync.Mutex) {
	m := held
	pick(&m)
	m.Unlock()
}

//go:noinline
func pick(m **sync.Mutex) {
	<-never
	*m = new(sync.Mutex)
	(*m).Lock()
}

//go:noinline
func laterTaken(m *sync.Mutex) (unlock func()) {
	<-never
	m.Lock()
	return m.Unlock
}

//go:noinline
func laterReturned(m *sync.Mutex) {
	defer laterTaken(m)()
	sink++
}

// Whether there is one more in the map is not known before it is asked for.
//
//go:noinline
func inMap(m *sync.Mutex, to map[int]chan int) {
	m.Lock()
	mutex(m)
	for _, c := range to {
		sink += <-c
	}
	m.Unlock()
}

//go:noinline
func inMapDeferred(m *sync.Mutex, to map[string]*chan int) {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	for _, c := range to {
		sink += <-*c
	}
}

//go:noinline
func beforeMap(n *node, to map[int]*sync.Mutex) {
	n.mu.Lock()
	mutex(&n.mu)
	for i := 0; i < 2; i++ {
		<-never
		for _, m := range to {
			m.Lock()
			m.Unlock()
		}
	}
	n.mu.Unlock()
}

//go:noinline
func selectingDeferred(l sync.Locker, m *sync.Mutex, other chan bool) {
	l.Lock()
	defer l.Unlock()
	mutex(m)
	select {
	case n := <-never:
		sink += n
	case <-other:
	}
}

func moreShapes() {
	start("in a select, deferred", func() { m := new(sync.Mutex); selectingDeferred(m, m, make(chan bool)) })
	start("in a map", func() { inMap(new(sync.Mutex), map[int]chan int{1: never, 2: never}) })
	start("in a map, deferred", func() { c := never; inMapDeferred(new(sync.Mutex), map[string]*chan int{"a": &c, "b": &c}) })
	start("before a map", func() { beforeMap(new(node), map[int]*sync.Mutex{1: new(sync.Mutex)}) })
	start("deferred with an argument", func() { deferredArgument(new(sync.Mutex)) })
	start("deferred if locked: it is", func() { deferredIfLocked(new(sync.Mutex), yes) })
	start("around an endless loop", func() { aroundEndless(new(sync.Mutex)) })
	start("panicking", func() { panicking(new(node)) })
	start("counted", func() { counted([]*sync.Mutex{new(sync.Mutex), new(sync.Mutex), new(sync.Mutex)}, 2) })
	start("switch", func() { switching(new(sync.Mutex), sink) })
	start("deferred method of a result", func() { chainedDefer(new(node)) })
	start("range and map", func() { appended(new(sync.Mutex), nil) })
	start("read twice", func() { readTwice(new(node)) })

	held, heldNode := new(sync.Mutex), new(node)
	start("holder of what more want", func() { plain(held) })
	start("free: deferred if locked", func() { deferredIfLocked(held, !yes) })
	start("free: state machine", func() { stateMachine(held, make(chan bool), make(chan bool)) })
	start("free: locks later by a far helper", func() { laterFarHelper(held, heldNode) })
	start("free: locks later as a Locker", func() { laterLocker(held, held) })
	start("free: locks later in a closure", func() { laterInClosure(held) })
	start("free: locks later in a loop", func() { laterInLoop([]*sync.Mutex{held, &heldNode.mu}) })
	start("free: locks one of two", func() { laterOfTwo(held, &heldNode.mu) })
	start("free: locks by reference", func() { laterByReference(held) })
	start("free: locks later, returned", func() { laterReturned(held) })

	waiting := make(chan bool)
	c := sync.NewCond(heldNode.rw.RLocker())
	start("free: sync.Cond of a reader", func() { condReading(c, waiting) })
	start("reader beside it", func() { takesToRead(heldNode, waiting) })
}
