// SPDX-License-Identifier: BSD-2-Clause
package main

import (
	"sync"
	"unsafe"
)

type node struct {
	before [3]int
	mu     sync.Mutex
	rw     sync.RWMutex
	next   *node
	ok     bool
}

type embedded struct {
	sync.Mutex
	n int
}

type deeper struct {
	name string
	embedded
}

var (
	global       sync.Mutex
	globalRW     sync.RWMutex
	globalNode   = &node{}
	globalStruct struct {
		n  int
		mu sync.Mutex
	}
	table = map[string]*node{"a": {}}
	sink  int
	yes   = len(table) == 1
)

//go:noinline
func plain(m *sync.Mutex) {
	m.Lock()
	mutex(m)
	<-never
	m.Unlock()
}

//go:noinline
func field(n *node) {
	n.mu.Lock()
	mutex(&n.mu)
	<-never
	n.ok = true
	n.mu.Unlock()
}

//go:noinline
func chained(n *node) {
	n.next.next.mu.Lock()
	mutex(&n.next.next.mu)
	<-never
	n.next.next.mu.Unlock()
}

//go:noinline
func aGlobal() {
	global.Lock()
	mutex(&global)
	<-never
	global.Unlock()
}

//go:noinline
func globalField() {
	globalStruct.mu.Lock()
	mutex(&globalStruct.mu)
	<-never
	globalStruct.n++
	globalStruct.mu.Unlock()
}

//go:noinline
func globalPointer() {
	globalNode.mu.Lock()
	mutex(&globalNode.mu)
	<-never
	globalNode.mu.Unlock()
}

//go:noinline
func two(a, b *sync.Mutex) {
	a.Lock()
	mutex(a)
	b.Lock()
	mutex(b)
	<-never
	b.Unlock()
	a.Unlock()
}

//go:noinline
func onTheStack() {
	var m sync.Mutex
	m.Lock()
	claim("mutex", unsafe.Pointer(&m))
	<-never
	m.Unlock()
}

//go:noinline
func eitherWay(m *sync.Mutex) int {
	m.Lock()
	mutex(m)
	if v, ok := <-never; ok {
		sink += v
		m.Unlock()
		return v
	}
	m.Unlock()
	return 0
}

//go:noinline
func ifLocked(m *sync.Mutex, locked bool) {
	if locked {
		m.Lock()
		mutex(m)
	}
	<-never
	if locked {
		m.Unlock()
	}
}

//go:noinline
func forever(m *sync.Mutex) {
	for {
		m.Lock()
		mutex(m)
		sink += <-never
		m.Unlock()
	}
}

//go:noinline
func selecting(m *sync.Mutex, stop chan bool) {
	for {
		m.Lock()
		mutex(m)
		select {
		case <-stop:
			m.Unlock()
			return
		case v := <-never:
			sink += v
		}
		m.Unlock()
	}
}

//go:noinline
func eachOf(ms []*sync.Mutex) {
	for _, m := range ms {
		m.Lock()
		mutex(m)
	}
	<-never
	for _, m := range ms {
		m.Unlock()
	}
}

//go:noinline
func inArray(ms *[3]sync.Mutex) {
	for i := range ms {
		ms[i].Lock()
		mutex(&ms[i])
	}
	<-never
	for i := range ms {
		ms[i].Unlock()
	}
}

//go:noinline
func handOver(n *node) {
	n.mu.Lock()
	for n.next != nil {
		next := n.next
		next.mu.Lock()
		n.mu.Unlock()
		n = next
	}
	mutex(&n.mu)
	<-never
	n.mu.Unlock()
}

//go:noinline
func outer(n *node) int {
	n.mu.Lock()
	mutex(&n.mu)
	v := inner(n.next, 3)
	n.mu.Unlock()
	return v
}

//go:noinline
func inner(n *node, depth int) int {
	if depth > 0 {
		return inner(n, depth-1) + 1
	}
	n.mu.Lock()
	mutex(&n.mu)
	v := <-never
	n.mu.Unlock()
	return v
}

//go:noinline
func fromMap(key string) {
	n := table[key]
	n.mu.Lock()
	mutex(&n.mu)
	<-never
	n.mu.Unlock()
}

// workBetween has another lock taken and given back before it gives back its own.
//
//go:noinline
func workBetween(m *sync.Mutex, other *node) {
	m.Lock()
	mutex(m)
	<-never
	for i := 0; i < 10; i++ {
		other.mu.Lock()
		other.ok = !other.ok
		other.mu.Unlock()
	}
	m.Unlock()
}

func plainShapes() {
	start("plain", func() { plain(new(sync.Mutex)) })
	start("field", func() { field(new(node)) })
	start("chained pointers", func() { chained(&node{next: &node{next: &node{}}}) })
	start("global", aGlobal)
	start("field of a global", globalField)
	start("global pointer", globalPointer)
	start("two", func() { two(new(sync.Mutex), new(sync.Mutex)) })
	start("on the stack", onTheStack)
	start("either way", func() { eitherWay(new(sync.Mutex)) })
	start("if locked: it is", func() { ifLocked(new(sync.Mutex), yes) })
	start("forever", func() { forever(new(sync.Mutex)) })
	start("select in a loop", func() { selecting(new(sync.Mutex), make(chan bool)) })
	start("each of a slice", func() { eachOf([]*sync.Mutex{new(sync.Mutex), new(sync.Mutex), new(sync.Mutex)}) })
	start("array", func() { inArray(new([3]sync.Mutex)) })
	start("hand over hand", func() { handOver(&node{next: &node{next: &node{}}}) })
	start("in two frames", func() { outer(&node{next: &node{}}) })
	start("from a map", func() { fromMap("a") })
	start("work with another lock between", func() { workBetween(new(sync.Mutex), new(node)) })
}

//go:noinline
func deferred(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	<-never
}

//go:noinline
func deferredField(n *node) (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	mutex(&n.mu)
	sink += <-never
	return nil
}

//go:noinline
func deferredClosure(n *node) {
	n.mu.Lock()
	defer func() {
		n.ok = true
		n.mu.Unlock()
	}()
	mutex(&n.mu)
	<-never
}

//go:noinline
func deferredSome(a, b *sync.Mutex, second bool) {
	a.Lock()
	defer a.Unlock()
	mutex(a)
	if second {
		b.Lock()
		defer b.Unlock()
		mutex(b)
	}
	<-never
}

//go:noinline
func deferredGlobal() {
	globalNode.rw.Lock()
	defer globalNode.rw.Unlock()
	writing(&globalNode.rw)
	<-never
}

//go:noinline
func deferredTwice(n *node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	mutex(&n.mu)
	deferredInner(n.next)
}

//go:noinline
func deferredInner(n *node) {
	n.rw.Lock()
	defer n.rw.Unlock()
	writing(&n.rw)
	<-never
}

//go:noinline
func deferredLoop(ms []*sync.Mutex) {
	for _, m := range ms {
		m.Lock()
		defer m.Unlock()
		mutex(m)
	}
	<-never
}

//go:noinline
func deferredMany(m *sync.Mutex) {
	m.Lock()
	defer m.Unlock()
	for i := 0; i < 2; i++ {
		defer park()
	}
	mutex(m)
	<-never
}

// deferredRunning parks in a deferred call, with the unlock still to come.
//
//go:noinline
func deferredRunning(m *sync.Mutex) {
	m.Lock()
	mutex(m)
	defer m.Unlock()
	defer park()
}

//go:noinline
func deferredEmbedded(d *deeper) {
	d.Lock()
	defer d.Unlock()
	mutex(&d.Mutex)
	<-never
}

func deferredShapes() {
	start("deferred", func() { deferred(new(sync.Mutex)) })
	start("deferred field", func() { deferredField(new(node)) })
	start("deferred closure", func() { deferredClosure(new(node)) })
	start("deferred, both", func() { deferredSome(new(sync.Mutex), new(sync.Mutex), yes) })
	start("deferred, one of two", func() { deferredSome(new(sync.Mutex), new(sync.Mutex), !yes) })
	start("deferred global", deferredGlobal)
	start("deferred in two frames", func() { deferredTwice(&node{next: &node{}}) })
	start("deferred in a loop", func() { deferredLoop([]*sync.Mutex{new(sync.Mutex), new(sync.Mutex)}) })
	start("deferred beside a loop", func() { deferredMany(new(sync.Mutex)) })
	start("in a deferred call", func() { deferredRunning(new(sync.Mutex)) })
	start("deferred embedded", func() { deferredEmbedded(new(deeper)) })
}

//go:noinline
func (n *node) lock() { n.mu.Lock(); mutex(&n.mu) }

//go:noinline
func (n *node) unlock() { n.mu.Unlock() }

//go:noinline
func helpers(n *node) {
	n.lock()
	<-never
	n.unlock()
}

//go:noinline
func deferredHelper(n *node) {
	n.lock()
	defer n.unlock()
	<-never
}

//go:noinline
func methodValue(m *sync.Mutex) {
	unlock := m.Unlock
	if !yes {
		unlock = park
	}
	m.Lock()
	mutex(m)
	<-never
	unlock()
}

//go:noinline
func unlocker(m *sync.Mutex) func() {
	m.Lock()
	mutex(m)
	return func() { m.Unlock() }
}

//go:noinline
func returnedUnlock(m *sync.Mutex) {
	unlock := unlocker(m)
	<-never
	unlock()
}

//go:noinline
func deferredUnlocker(m *sync.Mutex) {
	defer unlocker(m)()
	<-never
}

//go:noinline
func locker(l sync.Locker, m *sync.Mutex) {
	l.Lock()
	mutex(m)
	<-never
	l.Unlock()
}

//go:noinline
func deferredLocker(l sync.Locker, m *sync.Mutex) {
	l.Lock()
	defer l.Unlock()
	mutex(m)
	<-never
}

//go:noinline
func embed(e *embedded) {
	e.Lock()
	e.n++
	mutex(&e.Mutex)
	<-never
	e.Unlock()
}

//go:noinline
func within(m *sync.Mutex, f func()) {
	m.Lock()
	defer m.Unlock()
	mutex(m)
	f()
}

//go:noinline
func captured() {
	m, n := new(sync.Mutex), 0
	f := func() {
		m.Lock()
		n++
		mutex(m)
		<-never
		m.Unlock()
	}
	f()
	sink += n
}

// manyArguments takes its lock where no register is left for it.
//
//go:noinline
func manyArguments(a, b, c, d, e, f, g, h, i, j, k int, m *sync.Mutex) int {
	m.Lock()
	mutex(m)
	v := <-never
	m.Unlock()
	return v + a + b + c + d + e + f + g + h + i + j + k
}

//go:noinline
func byValue(n node2, x [4]int) int {
	n.mu.Lock()
	mutex(n.mu)
	v := <-never
	n.mu.Unlock()
	return v + x[v&3]
}

type node2 struct {
	a, b int
	mu   *sync.Mutex
	c    string
}

//go:noinline
func once(o *sync.Once) {
	o.Do(park)
}

func indirectShapes() {
	start("helper methods", func() { helpers(new(node)) })
	start("deferred helper", func() { deferredHelper(new(node)) })
	start("method value", func() { methodValue(new(sync.Mutex)) })
	start("returned unlock", func() { returnedUnlock(new(sync.Mutex)) })
	start("deferred returned unlock", func() { deferredUnlocker(new(sync.Mutex)) })
	start("sync.Locker", func() { m := new(sync.Mutex); locker(m, m) })
	start("deferred sync.Locker", func() { m := new(sync.Mutex); deferredLocker(m, m) })
	start("embedded", func() { embed(new(embedded)) })
	start("calls what it was given", func() { within(new(sync.Mutex), park) })
	start("captured", captured)
	start("many arguments", func() { manyArguments(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, new(sync.Mutex)) })
	start("by value", func() { byValue(node2{mu: new(sync.Mutex)}, [4]int{}) })
	o := new(sync.Once)
	start("sync.Once", func() { claim("mutex", onceMutex(o)); once(o) })
}

// onceMutex is where the lock of a sync.Once is: at its end, in every version.
func onceMutex(o *sync.Once) unsafe.Pointer {
	return unsafe.Pointer(uintptr(unsafe.Pointer(o)) + unsafe.Sizeof(*o) - unsafe.Sizeof(sync.Mutex{}))
}

//go:noinline
func reader(m *sync.RWMutex) {
	m.RLock()
	reading(m)
	<-never
	m.RUnlock()
}

//go:noinline
func deferredReader(n *node) {
	n.rw.RLock()
	defer n.rw.RUnlock()
	reading(&n.rw)
	<-never
}

//go:noinline
func writer(n *node) {
	n.rw.Lock()
	writing(&n.rw)
	<-never
	n.rw.Unlock()
}

//go:noinline
func globalReader() {
	globalRW.RLock()
	reading(&globalRW)
	<-never
	globalRW.RUnlock()
}

//go:noinline
func readLocker(l sync.Locker, m *sync.RWMutex) {
	l.Lock()
	reading(m)
	<-never
	l.Unlock()
}

//go:noinline
func readerAndWriter(a, b *node) {
	a.rw.RLock()
	defer a.rw.RUnlock()
	reading(&a.rw)
	b.rw.Lock()
	defer b.rw.Unlock()
	writing(&b.rw)
	<-never
}

func readerShapes() {
	shared := new(sync.RWMutex)
	start("reader", func() { reader(shared) })
	start("second reader", func() { reader(shared) })
	start("deferred reader", func() { deferredReader(new(node)) })
	start("writer", func() { writer(new(node)) })
	start("reader of a global", globalReader)
	start("RLocker", func() { m := new(sync.RWMutex); readLocker(m.RLocker(), m) })
	start("reader and writer", func() { readerAndWriter(new(node), new(node)) })
}
