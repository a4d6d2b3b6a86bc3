// SPDX-License-Identifier: BSD-2-Clause
package main

import "sync"

// What came with Go 1.18: TryLock and type parameters.

//go:noinline
func tried(m *sync.Mutex) {
	if !m.TryLock() {
		return
	}
	mutex(m)
	<-never
	m.Unlock()
}

//go:noinline
func triedDeferred(n *node) {
	if n.rw.TryRLock() {
		defer n.rw.RUnlock()
		reading(&n.rw)
	}
	<-never
}

//go:noinline
func triesLater(m *sync.Mutex) {
	<-never
	if m.TryLock() {
		sink++
		m.Unlock()
	}
}

//go:noinline
func triedInVain(m *sync.Mutex) {
	locked := m.TryLock()
	<-never
	if locked {
		m.Unlock()
	}
}

type box[T any] struct {
	value T
	mu    sync.Mutex
}

//go:noinline
func (b *box[T]) set(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mutex(&b.mu)
	<-never
	b.value = v
}

//go:noinline
func locked[L sync.Locker](l L, m *sync.Mutex) {
	l.Lock()
	mutex(m)
	<-never
	l.Unlock()
}

func newerShapes() {
	held := new(sync.Mutex)
	start("holder of what others try", func() { tried(held) })
	start("tried to read", func() { triedDeferred(new(node)) })
	start("free: tries later", func() { triesLater(held) })
	start("free: tried in vain", func() { triedInVain(held) })
	start("generic method", func() { new(box[string]).set("") })
	start("type parameter", func() { m := new(sync.Mutex); locked(m, m) })
}
