// SPDX-License-Identifier: BSD-2-Clause

// reached: goroutines that wait for ever, because nothing that may still run can reach what they wait for, and others that look
// the same but for something that can.
//
//	reached N	N of each kind
//
// Prints "ready", then {"leaked":{"kind":[goids]},"held":{"kind":[goids]}}, then waits for its standard input to end. Builds with Go 1.15.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var truth = struct {
	sync.Mutex
	Leaked, Held map[string][]uint64
}{Leaked: map[string][]uint64{}, Held: map[string][]uint64{}}

func goid() uint64 {
	var buf [64]byte
	fields := bytes.Fields(buf[:runtime.Stack(buf[:], false)])
	id, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

var started sync.WaitGroup

// A case is named by its kind and whether its goroutines leak; its function starts them. Each goroutine of it calls in.
type in func()

func enter(kind string, leaks bool) in {
	return func() {
		id := goid()
		truth.Lock()
		if leaks {
			truth.Leaked[kind] = append(truth.Leaked[kind], id)
		} else {
			truth.Held[kind] = append(truth.Held[kind], id)
		}
		truth.Unlock()
		started.Done()
	}
}

// spawn starts f as a goroutine of the case; it returns when f has begun.
func spawn(here in, f func()) {
	started.Add(1)
	begun := make(chan bool)
	go func() {
		here()
		close(begun)
		f()
	}()
	<-begun
}

// other starts a goroutine that belongs to no case.
func other(f func()) {
	begun := make(chan bool)
	go func() {
		close(begun)
		f()
	}()
	<-begun
}

type testCase struct {
	kind  string
	leaks bool
	start func(here in)
}

var cases = []testCase{
	{"send", true, leakSend},
	{"receive", true, leakReceive},
	{"range", true, leakRange},
	{"context", true, leakContext},
	{"mutex", true, leakMutex},
	{"rlock", true, leakRLock},
	{"wlock", true, leakWLock},
	{"waitgroup", true, leakWaitGroup},
	{"cond", true, leakCond},
	{"select", true, leakSelect},
	{"pair", true, leakPair},
	{"chain", true, leakChain},
	{"nil", true, leakNil},
	{"timeout", true, leakTimeout},
	{"deferred", true, leakDeferred},
	{"stopped", true, leakStopped},
	{"early", true, leakEarly},

	{"global", false, heldGlobal},
	{"after", false, heldAfter},
	{"ticker", false, heldTicker},
	{"afterfunc", false, heldAfterFunc},
	{"server", false, heldServer},
	{"sleeper", false, heldSleeper},
	{"map", false, heldMap},
	{"slice", false, heldSlice},
	{"interface", false, heldInterface},
	{"closure", false, heldClosure},
	{"bound", false, heldBound},
	{"finalizer", false, heldFinalizer},
	{"pool", false, heldPool},
	{"signal", false, heldSignal},
	{"chained", false, heldChain},
	{"pending", false, heldPendingDefer},
	{"reader", false, heldReader},
	{"tiny", false, heldTiny},
	{"inside", false, heldInside},
	{"buffered", false, heldBuffered},
	{"timed", false, heldTimedContext},
	{"twoways", false, heldTwoWays},
	{"panicking", false, heldPanicking},
	{"array", false, heldArray},
	{"static", false, heldStatic},
}

// --- who leak ---

//go:noinline
func leakSend(here in) {
	c := make(chan int)
	spawn(here, func() { c <- 1 })
}

//go:noinline
func leakReceive(here in) {
	c := make(chan int, 4)
	spawn(here, func() { <-c })
}

//go:noinline
func leakRange(here in) {
	c := make(chan *int)
	for i := 0; i < 3; i++ {
		spawn(here, func() {
			for range c {
			}
		})
	}
}

//go:noinline
func leakContext(here in) {
	ctx, cancel := context.WithCancel(context.Background())
	spawn(here, func() { <-ctx.Done() })
	_ = cancel
}

//go:noinline
func leakMutex(here in) {
	mu := new(sync.Mutex)
	mu.Lock()
	spawn(here, func() { mu.Lock() })
}

//go:noinline
func leakRLock(here in) {
	mu := new(sync.RWMutex)
	mu.Lock()
	spawn(here, func() { mu.RLock() })
}

//go:noinline
func leakWLock(here in) {
	mu := new(sync.RWMutex)
	mu.RLock()
	spawn(here, func() { mu.Lock() })
	time.Sleep(time.Millisecond)
	spawn(here, func() { mu.Lock() }) // waits for the writer before it
}

//go:noinline
func leakWaitGroup(here in) {
	wg := new(sync.WaitGroup)
	wg.Add(1)
	spawn(here, func() { wg.Wait() })
}

//go:noinline
func leakCond(here in) {
	c := sync.NewCond(new(sync.Mutex))
	spawn(here, func() {
		c.L.Lock()
		c.Wait()
	})
}

//go:noinline
func leakSelect(here in) {
	a, b, c := make(chan int), make(chan string), make(chan struct{})
	spawn(here, func() {
		for {
			select {
			case <-a:
			case b <- "b":
			case <-c:
				return
			}
		}
	})
}

//go:noinline
func leakPair(here in) {
	a, b := make(chan int), make(chan int)
	spawn(here, func() { b <- <-a })
	spawn(here, func() { a <- <-b })
}

//go:noinline
func leakChain(here in) {
	first := make(chan int)
	from := first
	for i := 0; i < 10; i++ {
		to := make(chan int)
		link := struct{ from, to chan int }{from, to}
		spawn(here, func() { link.to <- <-link.from })
		from = to
	}
}

//go:noinline
func leakNil(here in) {
	var c chan int
	spawn(here, func() { <-c })
	spawn(here, func() { c <- 1 })
	spawn(here, func() { select {} })
}

// What the sleeper's select looked at is still in its frame, but it is done with it.
//
//go:noinline
func leakTimeout(here in) {
	c := make(chan int)
	spawn(here, func() { c <- 1 })
	other(func() {
		waitFor(c)
		time.Sleep(time.Hour)
	})
}

//go:noinline
func waitFor(c chan int) {
	var gone chan int
	select {
	case <-gone:
		<-c
	case <-time.After(time.Millisecond):
	}
}

//go:noinline
func leakDeferred(here in) {
	a, b := make(chan int), make(chan int)
	spawn(here, func() {
		defer close(b)
		<-a
	})
	spawn(here, func() {
		defer close(a)
		<-b
	})
}

//go:noinline
func leakStopped(here in) {
	t := time.AfterFunc(time.Hour, func() {})
	t.Stop()
	c := make(chan *time.Timer)
	spawn(here, func() { <-c })
	_ = t
}

// The receiver took the first result and left.
//
//go:noinline
func leakEarly(here in) {
	results := make(chan []byte)
	other(func() { results <- make([]byte, 100) })
	<-results
	for i := 0; i < 2; i++ {
		spawn(here, func() { results <- make([]byte, 100) })
	}
}

// --- who do not ---

var global struct {
	sync.Mutex
	c       []chan int
	m       map[string]chan int
	any     []interface{}
	f       []func()
	tiny    []*int32holder
	mus     []*sync.Mutex
	inside  []*sync.WaitGroup
	servers []*server
	arrays  []*[4]chan int
	timers  []*time.Timer
	tickers []*time.Ticker
	signals []chan os.Signal
	cancel  []context.CancelFunc
}

//go:noinline
func heldGlobal(here in) {
	c := make(chan int)
	global.c = append(global.c, c)
	spawn(here, func() { <-c })
}

//go:noinline
func heldAfter(here in) {
	spawn(here, func() { <-time.After(time.Hour) })
	spawn(here, func() {
		select {
		case <-time.After(time.Hour):
		case <-make(chan int):
		}
	})
}

//go:noinline
func heldTicker(here in) {
	t := time.NewTicker(time.Hour)
	spawn(here, func() {
		for range t.C {
		}
	})
}

//go:noinline
func heldAfterFunc(here in) {
	c := make(chan int)
	time.AfterFunc(time.Hour, func() { close(c) })
	spawn(here, func() { <-c })
}

type server struct {
	requests chan int
	quit     chan bool
}

func (s *server) loop() {
	for {
		select {
		case <-s.requests:
		case <-s.quit:
			return
		}
	}
}

//go:noinline
func heldServer(here in) {
	s := &server{make(chan int), make(chan bool)}
	global.servers = append(global.servers, s)
	spawn(here, s.loop)
}

//go:noinline
func heldSleeper(here in) {
	c := make(chan int)
	spawn(here, func() { <-c })
	other(func() {
		time.Sleep(time.Hour)
		c <- 1
	})
}

//go:noinline
func heldMap(here in) {
	c := make(chan int)
	global.Lock()
	global.m[fmt.Sprint("key", len(global.m))] = c
	global.Unlock()
	spawn(here, func() { <-c })
}

//go:noinline
func heldSlice(here in) {
	cs := make([]chan int, 1000)
	for i := range cs {
		cs[i] = make(chan int)
	}
	global.any = append(global.any, cs[500:600])
	spawn(here, func() { <-cs[555] })
}

//go:noinline
func heldInterface(here in) {
	var c interface{} = make(chan int)
	global.any = append(global.any, map[string]interface{}{"c": c})
	spawn(here, func() { <-c.(chan int) })
}

//go:noinline
func heldClosure(here in) {
	c := make(chan int)
	global.f = append(global.f, func() { c <- 1 })
	spawn(here, func() { <-c })
}

func (s *server) stop() { close(s.quit) }

//go:noinline
func heldBound(here in) {
	s := &server{make(chan int), make(chan bool)}
	global.f = append(global.f, s.stop)
	spawn(here, s.loop)
}

type resource struct {
	name string
	id   *int
}

//go:noinline
func heldFinalizer(here in) {
	c := make(chan int)
	r := &resource{"r", new(int)}
	runtime.SetFinalizer(r, func(*resource) { close(c) })
	global.any = append(global.any, r)
	spawn(here, func() { <-c })
	// By what the finalizer gets.
	s := &server{make(chan int), make(chan bool)}
	requests := s.requests
	runtime.SetFinalizer(s, func(s *server) { close(s.requests) })
	global.any = append(global.any, s)
	spawn(here, func() { <-requests })
}

var pool sync.Pool

//go:noinline
func heldPool(here in) {
	s := &server{make(chan int), make(chan bool)}
	spawn(here, s.loop)
	pool.Put(s)
	global.any = append(global.any, s) // a collection empties the pool
}

//go:noinline
func heldSignal(here in) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	spawn(here, func() { <-c })
}

//go:noinline
func heldChain(here in) {
	first := make(chan int)
	from := first
	for i := 0; i < 10; i++ {
		to := make(chan int)
		link := struct{ from, to chan int }{from, to}
		spawn(here, func() { link.to <- <-link.from })
		from = to
	}
	other(func() {
		time.Sleep(time.Hour)
		first <- 1
	})
}

//go:noinline
func heldPendingDefer(here in) {
	c, d := make(chan int), make(chan int)
	spawn(here, func() { <-c })
	spawn(here, func() { <-d })
	other(func() {
		for i := 0; i < 2; i++ {
			if i == 1 {
				defer func() { c <- 1 }() // in a loop: a list of its own
			}
		}
		defer close(d)
		time.Sleep(time.Hour)
	})
}

//go:noinline
func heldReader(here in) {
	c, d := make(chan int), make(chan int)
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	global.any = append(global.any, w)
	other(func() { // waits for the poller
		r.Read(make([]byte, 1))
		c <- 1
	})
	other(func() { // in a system call
		syscall.Read(fds[0], make([]byte, 1))
		d <- 1
	})
	spawn(here, func() { <-c })
	spawn(here, func() { <-d })
}

type int32holder struct {
	n  int32
	mu sync.Mutex
}

//go:noinline
func heldTiny(here in) {
	for i := 0; i < 4; i++ {
		h, mu, alone := new(int32holder), new(sync.Mutex), new(sync.Mutex)
		global.tiny = append(global.tiny, h)
		global.mus = append(global.mus, mu, alone)
		h.mu.Lock()
		mu.Lock()
		alone.Lock()
		spawn(here, func() { h.mu.Lock() })
		spawn(here, func() { mu.Lock() })
	}
}

//go:noinline
func heldInside(here in) {
	s := &struct {
		name  string
		inner struct {
			x  int
			wg sync.WaitGroup
		}
	}{}
	s.inner.wg.Add(1)
	global.inside = append(global.inside, &s.inner.wg)
	spawn(here, func() { s.inner.wg.Wait() })
}

//go:noinline
func heldBuffered(here in) {
	c := make(chan int)
	box := make(chan chan int, 3)
	box <- c
	global.any = append(global.any, box)
	spawn(here, func() { <-c })
}

//go:noinline
func heldTimedContext(here in) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	child, cancelChild := context.WithCancel(context.WithValue(ctx, server{}, 1))
	spawn(here, func() { <-child.Done() })
	_, _ = cancel, cancelChild
}

// One of its channels is enough.
//
//go:noinline
func heldTwoWays(here in) {
	a, b := make(chan int), make(chan int)
	global.c = append(global.c, a)
	spawn(here, func() {
		select {
		case <-a:
		case <-b:
		}
	})
	spawn(here, func() { <-b; close(a) })
	other(func() {
		time.Sleep(time.Hour)
		close(b)
	})
}

//go:noinline
func heldPanicking(here in) {
	c := make(chan int)
	spawn(here, func() { <-c })
	other(func() {
		var p *server
		defer func() {
			recover()
			c <- 1
		}()
		defer time.Sleep(time.Hour)
		p.requests = nil
	})
}

//go:noinline
func heldArray(here in) {
	var on [4]chan int
	for i := range on {
		on[i] = make(chan int)
	}
	c := on[2]
	spawn(here, func() { <-c })
	other(func() {
		local := on
		sleepWith(&local)
		local[2] <- 1
	})
}

//go:noinline
func sleepWith(p *[4]chan int) {
	time.Sleep(time.Hour)
	p[0] = nil
}

type fixedInner struct {
	n int
	c [2]chan int
}

type fixedOuter struct {
	name  string
	inner *fixedInner
}

var fixed = &fixedOuter{name: "fixed", inner: &fixedInner{n: 1}}

// By what a variable was made to point to at compile time; only the last one of several is held so.
//
//go:noinline
func heldStatic(here in) {
	c := make(chan int)
	global.c = append(global.c, fixed.inner.c[1])
	fixed.inner.c[1] = c
	spawn(here, func() { <-c })
}

// --- spinning: at most one of each, they take a processor ---

var stop int32

//go:noinline
func spinRegister(c chan int) {
	for atomic.LoadInt32(&stop) == 0 {
	}
	c <- 1
}

//go:noinline
func work(n int) int {
	if n < 2 {
		return n
	}
	return work(n-1) + work(n-2)
}

//go:noinline
func spinStack(c chan int) {
	for work(15) > 0 && atomic.LoadInt32(&stop) == 0 {
	}
	c <- 1
}

//go:noinline
func heldSpinning(here in, spin func(chan int)) {
	c := make(chan int)
	spawn(here, func() { <-c })
	go spin(c)
}

// --- references that never rest ---

var table atomic.Value

// A table that is copied and replaced, all the time.
//
//go:noinline
func heldCopied(here in) {
	first := map[int]chan int{}
	for i := 0; i < 50; i++ {
		c := make(chan int)
		first[i] = c
		spawn(here, func() { <-c })
	}
	table.Store(first)
	go func() {
		for {
			next := map[int]chan int{}
			for k, v := range table.Load().(map[int]chan int) {
				next[k] = v
			}
			table.Store(next)
			time.Sleep(100 * time.Microsecond)
		}
	}()
}

// Handed round from goroutine to goroutine.
//
//go:noinline
func heldPassed(here in) {
	const stations = 8
	var ring [stations]chan chan int
	for i := range ring {
		ring[i] = make(chan chan int)
	}
	for i := 0; i < stations; i++ {
		go func(from, to chan chan int) {
			for c := range from {
				time.Sleep(time.Millisecond)
				to <- c
			}
		}(ring[i], ring[(i+1)%stations])
	}
	for i := 0; i < stations/2; i++ {
		c := make(chan int)
		spawn(here, func() { <-c })
		ring[2*i] <- c
	}
}

func main() {
	n := 1
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	global.m = map[string]chan int{}
	for i := 0; i < n; i++ {
		for _, c := range cases {
			c.start(enter(c.kind, c.leaks))
		}
	}
	if len(os.Args) > 2 {
		heldSpinning(enter("spin in registers", false), spinRegister)
		heldSpinning(enter("spin on the stack", false), spinStack)
		heldCopied(enter("copied", false))
		heldPassed(enter("passed", false))
	}
	started.Wait()
	if len(os.Args) > 2 {
		time.Sleep(100 * time.Millisecond) // it never is at rest
	} else {
		atRest()
	}
	runtime.GC()
	fmt.Println("ready")
	truth.Lock()
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"leaked": truth.Leaked, "held": truth.Held})
	truth.Unlock()
	commands()
}

// commands obeys its standard input: "proof" prints what the runtime's own proof says, where there is one.
func commands() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if in.Text() == "proof" {
			prove()
		}
	}
}
