// SPDX-License-Identifier: BSD-2-Clause
package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// What a goroutine owes others that wait for it: the Done of a WaitGroup, the end of a Once.

//go:noinline
func owing(wg *sync.WaitGroup) { claim("group", unsafe.Pointer(wg)) }

// once is a sync.Once: its mutex stands behind the word that says that it is done.
//
//go:noinline
func inOnce(once *sync.Once) { mutex((*sync.Mutex)(unsafe.Pointer(uintptr(unsafe.Pointer(once)) + 4))) }

//go:noinline
func result() (interface{}, error) {
	if <-never == 3 {
		return nil, errors.New("three")
	}
	return table, nil
}

// call and calls are those of golang.org/x/sync/singleflight.
type call struct {
	wg    sync.WaitGroup
	val   interface{}
	err   error
	dups  int
	chans []chan<- interface{}
}

type panicked struct{ value interface{} }

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

var errGoexit = errors.New("runtime.Goexit was called")

type calls struct {
	mu sync.Mutex
	m  map[string]*call
}

func (g *calls) do(key string, fn func() (interface{}, error)) (interface{}, error) {
	g.mu.Lock()
	if g.m == nil {
		g.m = make(map[string]*call)
	}
	if c, ok := g.m[key]; ok {
		c.dups++
		g.mu.Unlock()
		c.wg.Wait()
		if e, ok := c.err.(*panicked); ok {
			panic(e)
		} else if c.err == errGoexit {
			runtime.Goexit()
		}
		return c.val, c.err
	}
	c := new(call)
	c.wg.Add(1)
	g.m[key] = c
	g.mu.Unlock()
	owing(&c.wg)
	g.doCall(c, key, fn)
	return c.val, c.err
}

func (g *calls) doCall(c *call, key string, fn func() (interface{}, error)) {
	normalReturn, recovered := false, false
	defer func() {
		if !normalReturn && !recovered {
			c.err = errGoexit
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		c.wg.Done()
		if g.m[key] == c {
			delete(g.m, key)
		}
		if e, ok := c.err.(*panicked); ok {
			if len(c.chans) > 0 {
				go panic(e)
				select {}
			} else {
				panic(e)
			}
		} else if c.err == errGoexit {
		} else {
			for _, ch := range c.chans {
				ch <- c.val
			}
		}
	}()
	func() {
		defer func() {
			if !normalReturn {
				if r := recover(); r != nil {
					c.err = &panicked{r}
				}
			}
		}()
		c.val, c.err = fn()
		normalReturn = true
	}()
	if !normalReturn {
		recovered = true
	}
}

// doPlainly is Do of groupcache's singleflight.
func (g *calls) doPlainly(key string, fn func() (interface{}, error)) (interface{}, error) {
	g.mu.Lock()
	if g.m == nil {
		g.m = make(map[string]*call)
	}
	if c, ok := g.m[key]; ok {
		g.mu.Unlock()
		c.wg.Wait()
		return c.val, c.err
	}
	c := new(call)
	c.wg.Add(1)
	g.m[key] = c
	g.mu.Unlock()
	owing(&c.wg)
	c.val, c.err = fn()
	c.wg.Done()
	g.mu.Lock()
	delete(g.m, key)
	g.mu.Unlock()
	return c.val, c.err
}

// group is that of golang.org/x/sync/errgroup.
type group struct {
	wg   sync.WaitGroup
	sem  chan bool
	once sync.Once
	err  error
}

func (g *group) done() {
	if g.sem != nil {
		<-g.sem
	}
	g.wg.Done()
}

func (g *group) run(f func() error) {
	defer g.done()
	if err := f(); err != nil {
		g.once.Do(func() { g.err = err })
	}
}

//go:noinline
func doneInPlace(wg *sync.WaitGroup) {
	wg.Add(1)
	owing(wg)
	<-never
	wg.Done()
}

//go:noinline
func doneDeferred(wg *sync.WaitGroup) {
	wg.Add(1)
	owing(wg)
	defer wg.Done()
	<-never
}

//go:noinline
func doneWithin(wg *sync.WaitGroup, n *node) {
	wg.Add(1)
	owing(wg)
	defer func() {
		n.ok = true
		defer func() {
			wg.Done()
		}()
		sink++
	}()
	<-never
}

//go:noinline
func doneThreeWithin(wg *sync.WaitGroup, n *node) {
	wg.Add(1)
	owing(wg)
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		defer func() {
			defer func() {
				if r := recover(); r != nil {
					n.ok = false
				}
				wg.Done()
			}()
		}()
	}()
	<-never
}

//go:noinline
func doneByAdd(wg *sync.WaitGroup) {
	wg.Add(2)
	owing(wg)
	<-never
	wg.Add(-2)
}

// order is finished by functions that call each other.
type order struct {
	wg      *sync.WaitGroup
	release func()
	next    *order
	err     error
}

//go:noinline
func (o *order) finish() { o.complete() }

//go:noinline
func (o *order) complete() {
	o.err = nil
	o.settle()
}

//go:noinline
func (o *order) settle() { o.wg.Done() }

//go:noinline
func doneFarAway(o *order) {
	o.wg.Add(1)
	owing(o.wg)
	defer o.finish()
	<-never
}

//go:noinline
func doneByFunction(o *order) {
	o.wg.Add(1)
	owing(o.wg)
	o.release = o.wg.Done
	defer o.release()
	<-never
}

//go:noinline
func doneOfTwo(a, b *sync.WaitGroup) {
	a.Add(1)
	b.Add(1)
	owing(a)
	owing(b)
	defer a.Done()
	defer b.Done()
	<-never
}

// storesFirst stores what the garbage collector must know of before it gives back.
//
//go:noinline
func storesFirst(n *node, o *order) {
	n.mu.Lock()
	mutex(&n.mu)
	_, err := result()
	o.err = err
	n.next = &node{next: n}
	n.mu.Unlock()
}

// Those that owe nothing.

//go:noinline
func doneForEach(jobs chan func(), wg *sync.WaitGroup) {
	for job := range jobs {
		job()
		wg.Done()
	}
}

//go:noinline
func doneMaybe(wg *sync.WaitGroup, c chan bool) {
	if <-c {
		wg.Done()
	}
}

//go:noinline
func addsLater(wg *sync.WaitGroup) {
	<-never
	wg.Add(1)
	sink++
	wg.Done()
}

func owedShapes() {
	wg := func() *sync.WaitGroup { return new(sync.WaitGroup) }
	start("owed: in place", func() { doneInPlace(wg()) })
	start("owed: deferred", func() { doneDeferred(wg()) })
	start("owed: in a deferred closure in a deferred closure", func() { doneWithin(wg(), new(node)) })
	start("owed: three deferred closures deep", func() { doneThreeWithin(wg(), new(node)) })
	start("owed: Add(-2)", func() { doneByAdd(wg()) })
	start("owed: by a method's method", func() { doneFarAway(&order{wg: wg()}) })
	start("owed: by a function in a field", func() { doneByFunction(&order{wg: wg()}) })
	start("owed: two", func() { doneOfTwo(wg(), wg()) })
	start("owed: singleflight", func() { new(calls).do("key", result) })
	start("owed: groupcache", func() { new(calls).doPlainly("key", result) })
	start("owed: errgroup", func() {
		g := new(group)
		g.wg.Add(1)
		owing(&g.wg)
		g.run(func() error { _, err := result(); return err })
	})
	start("owed: once", func() { once := new(sync.Once); once.Do(func() { inOnce(once); <-never }) })
	start("stores before it unlocks", func() { storesFirst(new(node), new(order)) })
	busy := wg()
	busy.Add(3)
	start("free: Done for each job", func() { doneForEach(make(chan func()), busy) })
	start("free: Done if it is told so", func() { doneMaybe(busy, make(chan bool)) })
	start("free: adds before Done", func() { addsLater(busy) })
	start("free: waits for a WaitGroup", func() { busy.Wait() })
	shared := new(calls)
	start("owed: singleflight with others behind", func() { shared.do("key", result) })
	start("free: behind a singleflight", func() { shared.do("key", result) })
	once := new(sync.Once)
	start("owed: once with others behind", func() { once.Do(func() { inOnce(once); <-never }) })
	start("free: behind a once", func() { once.Do(park) })
	for _, more := range moreOwed {
		more()
	}
}

// moreOwed are the shapes of newer versions of Go.
var moreOwed []func()
