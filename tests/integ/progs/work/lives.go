// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A crew counts goroutines of one site in and out: each calls join once, first, and its exit is certain.
type crew struct {
	creator string
	wg      sync.WaitGroup
	leaf    atomic.Value
	joined  int64
}

func (c *crew) hire(n int) { c.wg.Add(n) }

func (c *crew) join(leaf string) {
	c.leaf.Store(leaf)
	atomic.AddInt64(&c.joined, 1)
}

// close waits for all and books them: born here, ended here.
func (c *crew) close() {
	c.wg.Wait()
	births.add(c.creator, c.leaf.Load().(string), c.joined, 0)
	exits.add(c.creator, c.leaf.Load().(string), c.joined, 0)
}

func worker(c *crew) {
	defer c.wg.Done()
	c.join(started())
}

func dynamicWorker(c *crew) {
	defer c.wg.Done()
	c.join(startedBy(own() + "spawnVariable"))
}

type machine struct{ c *crew }

func (m *machine) turn(a, b, d int) {
	defer m.c.wg.Done()
	m.c.join(started())
}

// A dynamic is started by a go statement that chooses the callee at run time: no table says what the compiler's wrapper calls.
type dynamic struct{ c *crew }

func (d *dynamic) turn(a, b, e int) {
	defer d.c.wg.Done()
	d.c.join(startedBy(own() + "spawnInterface"))
}

type turner interface{ turn(a, b, d int) }

//go:noinline
func spawnPlain(n int) {
	c := &crew{creator: here()}
	c.hire(n)
	for i := 0; i < n; i++ {
		go worker(c)
	}
	c.close()
}

//go:noinline
func spawnClosure(n int) {
	c := &crew{creator: here()}
	c.hire(n)
	for i := 0; i < n; i++ {
		go func() {
			defer c.wg.Done()
			c.join(started())
		}()
	}
	c.close()
}

//go:noinline
func spawnMethod(n int) {
	c := &crew{creator: here()}
	m := &machine{c}
	c.hire(n)
	for i := 0; i < n; i++ {
		go m.turn(i, n, 0)
	}
	c.close()
}

//go:noinline
func spawnInterface(n int) {
	c := &crew{creator: here()}
	var t turner = &dynamic{c}
	c.hire(n)
	for i := 0; i < n; i++ {
		go t.turn(i, n, 0)
	}
	c.close()
}

//go:noinline
func spawnVariable(n int) {
	c := &crew{creator: here()}
	f := dynamicWorker
	if n < 0 {
		f = nil
	}
	c.hire(n)
	for i := 0; i < n; i++ {
		go f(c)
	}
	c.close()
}

func spawnOne(c *crew) { go worker(c) } // small enough to be inlined where the compiler can

//go:noinline
func spawnInlined(n int) {
	c := &crew{creator: here() + ";" + own() + "spawnOne"}
	c.hire(n)
	for i := 0; i < n; i++ {
		spawnOne(c)
	}
	c.close()
}

//go:noinline
func spawnDeep(depth, n int) {
	if depth > 0 {
		spawnDeep(depth-1, n)
		return
	}
	c := &crew{creator: here()}
	c.hire(n)
	for i := 0; i < n; i++ {
		go worker(c)
	}
	c.close()
}

// spawnFresh creates from a goroutine whose stack must grow on the way to the go statement.
//
//go:noinline
func spawnFresh(n int) {
	outer := &crew{creator: here()}
	inner := &crew{}
	inner.creator = own() + "digger;" + own() + "dig"
	outer.hire(n)
	inner.hire(n)
	for i := 0; i < n; i++ {
		go digger(outer, inner, i)
	}
	outer.close()
	inner.close()
}

func digger(outer, inner *crew, i int) {
	defer outer.wg.Done()
	outer.join(started())
	dig(inner, i)
}

//go:noinline
func dig(inner *crew, i int) {
	var pad [1500]byte
	pad[i%len(pad)] = 1
	go worker(inner)
	if pad[(i+1)%len(pad)] == 2 {
		panic("unreachable")
	}
}

//go:noinline
func spawnQuitters(n int) {
	c := &crew{creator: here()}
	c.hire(n)
	for i := 0; i < n; i++ {
		go quitter(c, i)
	}
	c.close()
}

// quitter ends in the ways other than return.
func quitter(c *crew, i int) {
	defer c.wg.Done()
	defer func() { recover() }()
	c.join(started())
	if i%2 == 0 {
		runtime.Goexit()
	}
	panic("recovered")
}

//go:noinline
func spawnLeaked(n int) {
	creator := here()
	leaf := make(chan string, n)
	for i := 0; i < n; i++ {
		go leaked(leaf)
	}
	for i := 0; i < n; i++ {
		births.add(creator, <-leaf, 1, 0)
	}
}

func leaked(leaf chan string) {
	leaf <- started()
	select {}
}

var early struct {
	crew
	end chan struct{}
	n   int
}

// Goroutines that are there before anyone watches, and end while it does.
func setupLives() {
	early.creator, early.end, early.n = here(), make(chan struct{}), 50
	early.hire(early.n)
	for i := 0; i < early.n; i++ {
		go earlyBird()
	}
	for atomic.LoadInt64(&early.joined) != int64(early.n) {
		asideSleep(time.Millisecond)
	}
}

func earlyBird() {
	defer early.wg.Done()
	early.join(started())
	<-early.end
}

func lives(t *truth) {
	spawnPlain(1000)
	spawnClosure(500)
	spawnMethod(500)
	spawnInterface(500)
	spawnVariable(500)
	spawnInlined(500)
	spawnDeep(20, 300)
	spawnFresh(500)
	spawnQuitters(300)
	spawnCoroutines(200)
	spawnLeaked(7)
	close(early.end)
	early.wg.Wait()
	stack := early.creator
	for i := len(stack) - 1; i >= 0; i-- { // of one not seen at its birth only the creating function is known
		if stack[i] == ';' {
			stack = stack[i+1:]
			break
		}
	}
	exits.add(stack, early.leaf.Load().(string), int64(early.n), 0)
	settle(t.Before + 7 - early.n)
	t.After = runtime.NumGoroutine()
}

// burst: 32 goroutines born, parked and ended at once on all threads, round after round.
func burst(t *truth) {
	const rounds = 300
	c := &crew{creator: here()}
	for i := 0; i < rounds; i++ {
		start := make(chan struct{})
		c.hire(32)
		for j := 0; j < 32; j++ {
			go burster(c, start)
		}
		close(start)
		c.wg.Wait()
	}
	c.close()
	waits.add(own()+"burster", "[sleep]", 32*rounds, 0)
	settle(t.Before)
	t.After = runtime.NumGoroutine()
}

func burster(c *crew, start chan struct{}) {
	defer c.wg.Done()
	c.join(started())
	<-start
	time.Sleep(1) // parks exactly once
}

// threads: each goroutine takes its thread with it when it ends, so that threads come and go by the thousand.
func threads(t *truth) {
	const rounds, each = 100, 16
	c := &crew{creator: here()}
	for i := 0; i < rounds; i++ {
		c.hire(each)
		for j := 0; j < each; j++ {
			go threadTaker(c)
		}
		c.wg.Wait()
	}
	c.close()
	waits.add(own()+"threadTaker", "[sleep]", rounds*each, 0)
	settle(t.Before)
	t.After = runtime.NumGoroutine()
}

func threadTaker(c *crew) {
	defer c.wg.Done()
	c.join(started())
	runtime.LockOSThread()
	time.Sleep(1)
}

// execute turns the process into another program, after a pause.
func execute(t *truth) {
	asideSleep(time.Second)
	panic(syscall.Exec("/bin/sleep", []string{"sleep", "60"}, nil))
}

// flood: births as fast as they go.
func flood(t *truth) {
	const rounds, each = 200, 500
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // or the collector makes goroutines too, and their births are among the lost
	c := &crew{creator: here()}
	for i := 0; i < rounds; i++ {
		c.hire(each)
		for j := 0; j < each; j++ {
			go worker(c)
		}
		c.wg.Wait()
	}
	c.close()
	settle(t.Before)
	t.After = runtime.NumGoroutine()
}

// busy lives until it is killed, with births and waits all the time.
func busy(t *truth) {
	for {
		c := &crew{}
		c.hire(32)
		for j := 0; j < 32; j++ {
			go burster(c, nilStart)
		}
		c.wg.Wait()
	}
}

var nilStart = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
