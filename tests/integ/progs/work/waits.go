// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"math/rand"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

// A way to wait: prepare sees to it that op will block for about `pause`; op does nothing but the operation.
type way struct {
	leaf    string
	prepare func(s starter)
	op      func()
	uneven  bool
}

// pause is how long a wait takes. On a slow machine (an emulator) it is to be long beside the time that a thread may have to
// wait for its processor: that is in what the program's own clock sees, and not in the wait.
var pause = pauseFromEnv()

func pauseFromEnv() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("WORK_PAUSE")); err == nil {
		return d
	}
	return 25 * time.Millisecond
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A starter has one token for each op that is about to begin: who ends the wait counts the pause from there, or on a busy
// machine it might end before it began.
type starter chan struct{}

// asideLater calls f a pause after the op began. Time that goroutines of the test itself wait is in functions named aside.
func (s starter) asideLater(f func()) {
	go func() {
		asideGet(s)
		asideSleep(pause)
		f()
	}()
}

//go:noinline
func asideGet(c chan struct{}) { <-c }

// asideHeld has lock held by another goroutine, from before it returns to a pause after the op began.
func asideHeld(lock, unlock func()) func(s starter) {
	return func(s starter) {
		held := make(chan struct{})
		go func() {
			lock()
			close(held)
			asideGet(s)
			asideSleep(pause)
			unlock()
		}()
		asideGet(held)
	}
}

// ways: each kind of wait that a program can choose. The words are those of the newest Go.
func ways() []way {
	recv, ranged, send := make(chan int), make(chan int), make(chan int)
	either, other := make(chan int), make(chan int)
	var mu sync.Mutex
	var readers, writers sync.RWMutex
	var wg sync.WaitGroup
	var condMu sync.Mutex
	cond := sync.NewCond(&condMu)
	pipeR, pipeW, err := os.Pipe()
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	dialed, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	accepted, err := listener.Accept()
	check(err)
	one := make([]byte, 1)
	sockOne := make([]byte, 1)

	return []way{
		{"[chan receive]", func(s starter) { s.asideLater(func() { recv <- 1 }) }, func() { <-recv }, false},
		{"[chan receive]", func(s starter) { s.asideLater(func() { ranged <- 1 }) }, func() {
			for range ranged {
				break
			}
		}, false},
		{"[chan send]", func(s starter) { s.asideLater(func() { <-send }) }, func() { send <- 1 }, false},
		{"[select]", func(s starter) { s.asideLater(func() { either <- 1 }) }, func() {
			select {
			case <-either:
			case other <- 1:
			}
		}, false},
		{"[sync.Mutex.Lock]", asideHeld(mu.Lock, mu.Unlock), func() { mu.Lock(); mu.Unlock() }, true},
		{"[sync.RWMutex.RLock]", asideHeld(readers.Lock, readers.Unlock), func() { readers.RLock(); readers.RUnlock() }, false},
		{"[sync.RWMutex.Lock]", asideHeld(writers.RLock, writers.RUnlock), func() { writers.Lock(); writers.Unlock() }, false},
		{"[sync.WaitGroup.Wait]", func(s starter) { wg.Add(1); s.asideLater(wg.Done) }, func() { wg.Wait() }, false},
		{"[sync.Cond.Wait]", func(s starter) {
			condMu.Lock()
			s.asideLater(func() { condMu.Lock(); cond.Signal(); condMu.Unlock() })
		}, func() { cond.Wait(); condMu.Unlock() }, false},
		{"[sleep]", func(s starter) { s.asideLater(func() {}) }, func() { time.Sleep(pause) }, false},
		{"[IO wait]", func(s starter) { s.asideLater(func() { pipeW.Write([]byte{1}) }) }, func() { pipeR.Read(one) }, true},
		{"[IO wait]", func(s starter) { s.asideLater(func() { dialed.Write([]byte{1}) }) }, func() { accepted.Read(sockOne) }, true},
	}
}

// measure waits n times and books what its own clock saw.
//
//go:noinline
func measure(w way, n int) {
	start := make(starter, 1)
	for i := 0; i < n; i++ {
		w.prepare(start)
		start <- struct{}{} // there is room: it does not wait
		began := time.Now()
		w.op()
		took := time.Since(began)
		waits.edit(here()+";"+nameOf(w.op), w.leaf, func(s *site) {
			s.Count++
			s.NS += int64(took)
			s.Uneven = w.uneven
		})
	}
}

// endless: waits that no one ends.
func endless() []way {
	var none chan int
	never := make(chan int)
	return []way{
		{"[chan receive (nil chan)]", nil, func() { <-none }, false},
		{"[chan send (nil chan)]", nil, func() { none <- 1 }, false},
		{"[select (no cases)]", nil, func() { select {} }, false},
		{"[chan receive]", nil, func() { <-never }, false},
	}
}

//go:noinline
func hang(w way) {
	stack := here() + ";" + nameOf(w.op)
	waits.edit(stack, w.leaf, func(s *site) { s.Open = append(s.Open, monotonic()) })
	w.op()
}

// earlyWait begins before anyone watches and ends while it does.
//
//go:noinline
func earlyWait(end chan struct{}, done *sync.WaitGroup) {
	<-end
	now := monotonic()
	waits.edit(here(), "[chan receive]", func(s *site) { s.Early = append(s.Early, now) })
	done.Done()
}

var earlyEnd = make(chan struct{})
var earlyDone sync.WaitGroup

func setupWaits() {
	for _, w := range endless() {
		go hang(w)
	}
	earlyDone.Add(5)
	for i := 0; i < 5; i++ {
		go earlyWait(earlyEnd, &earlyDone)
	}
	asideSleep(20 * time.Millisecond)
}

//go:noinline
func asideWait(wg *sync.WaitGroup) { wg.Wait() }

func waitKinds(t *truth) {
	var all sync.WaitGroup
	for _, w := range endless() {
		go hang(w)
	}
	for _, w := range ways() {
		all.Add(1)
		go func(w way) {
			defer all.Done()
			measure(w, int(time.Second/pause))
		}(w)
	}
	asideSleep(500 * time.Millisecond)
	close(earlyEnd)
	asideWait(&all)
	asideWait(&earlyDone)
	asideSleep(200 * time.Millisecond)
	t.After = runtime.NumGoroutine()
}

// grow: goroutines whose stacks grow while they are born, park and end, with the collector running all the time.
func grow(t *truth) {
	const rounds, each = 40, 50
	stop := make(chan struct{})
	stopped := make(chan struct{})
	asideStart(stop, stopped)
	c := &crew{creator: here()}
	for i := 0; i < rounds; i++ {
		c.hire(each)
		for j := 0; j < each; j++ {
			go grower(c, rand.Intn(60))
		}
		c.wg.Wait()
	}
	c.close()
	close(stop)
	asideGet(stopped)
	waits.add(own()+"descend", "[sleep]", 3*rounds*each, 0)
	settle(t.Before)
	t.After = runtime.NumGoroutine()
}

//go:noinline
func asideStart(stop, stopped chan struct{}) { go asideCollect(stop, stopped) }

func asideCollect(stop, stopped chan struct{}) {
	defer close(stopped)
	for {
		select {
		case <-stop:
			return
		default:
			runtime.GC()
		}
	}
}

func grower(c *crew, depth int) {
	defer c.wg.Done()
	c.join(started())
	for i := 0; i < 3; i++ {
		descend(depth * (i + 1) / 3)
	}
}

//go:noinline
func descend(depth int) byte {
	var pad [128]byte
	pad[depth] = 1
	if depth > 0 {
		return descend(depth-1) + pad[depth]
	}
	time.Sleep(1)
	return pad[depth]
}

// rate: 100,000 waits a second for three seconds, a known number of them.
func rate(t *truth) {
	const goroutines, each = 200, 1500
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go ticker(&all, each)
	}
	asideWait(&all)
	waits.add(own()+"ticker", "[sleep]", goroutines*each, 0)
	t.After = runtime.NumGoroutine()
}

//go:noinline
func ticker(all *sync.WaitGroup, n int) {
	defer all.Done()
	begin := time.Now()
	for i := 1; i <= n; i++ {
		d := time.Until(begin.Add(time.Duration(i) * 2 * time.Millisecond))
		if d < 1 {
			d = 1 // late: a sleep of any length parks exactly once
		}
		time.Sleep(d)
	}
}

// labels: the same wait under labels, under inherited ones and under none.
func labels(t *truth) {
	var all sync.WaitGroup
	for _, value := range []string{"a", "b"} {
		all.Add(2)
		root := "path=/x,req=" + value
		go pprof.Do(context.Background(), pprof.Labels("req", value, "path", "/x"), func(context.Context) {
			go labelled(&all, root) // a child has its parent's labels
			labelled(&all, root)
		})
	}
	all.Add(1)
	go labelled(&all, "no labels")
	asideWait(&all)
	t.After = runtime.NumGoroutine()
}

//go:noinline
func labelled(all *sync.WaitGroup, root string) {
	defer all.Done()
	for i := 0; i < 20; i++ {
		began := time.Now()
		time.Sleep(pause)
		took := time.Since(began)
		waits.mu.Lock()
		if waits.sites == nil {
			waits.sites = map[string]*site{}
		}
		s := waits.sites[root]
		if s == nil {
			s = &site{Stack: own() + "labelled", Leaf: "[sleep]", Root: root}
			waits.sites[root] = s
		}
		s.Count++
		s.NS += int64(took)
		waits.mu.Unlock()
	}
}

// chains: a goroutine made by one made by one, which waits.
func chains(t *truth) {
	var all sync.WaitGroup
	for i := 0; i < 10; i++ {
		all.Add(1)
		go chainA(&all, here())
	}
	asideWait(&all)
	t.After = runtime.NumGoroutine()
}

//go:noinline
func chainA(all *sync.WaitGroup, chain string) {
	go chainB(all, chain+";"+started()+";"+here())
}

//go:noinline
func chainB(all *sync.WaitGroup, chain string) {
	func() { go chainC(all, chain+";"+started()+";"+here()) }()
	asideSleep(time.Second)
}

//go:noinline
func chainC(all *sync.WaitGroup, chain string) {
	defer all.Done()
	for i := 0; i < 10; i++ {
		began := time.Now()
		time.Sleep(pause)
		waits.add(chain+";"+started()+";"+here(), "[sleep]", 1, int64(time.Since(began)))
	}
}

// traced: all the ways to wait, told by Go's own execution tracer too, into the file named by WORK_TRACE.
func traced(t *truth) {
	out, err := os.Create(os.Getenv("WORK_TRACE"))
	check(err)
	list := ways()
	check(trace.Start(out))
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, w := range list {
		all.Add(1)
		go func(w way) {
			defer all.Done()
			mu.Lock()
			t.Goids = append(t.Goids, goid())
			mu.Unlock()
			start := make(starter, 1)
			for i := 0; i < 40; i++ {
				w.prepare(start)
				start <- struct{}{}
				w.op()
			}
		}(w)
	}
	asideWait(&all)
	asideSleep(20 * time.Millisecond)
	trace.Stop()
	check(out.Close())
	t.After = runtime.NumGoroutine()
}
