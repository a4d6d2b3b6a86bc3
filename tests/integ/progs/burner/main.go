// SPDX-License-Identifier: BSD-2-Clause

// Command burner is a target of parkwatch's integration tests: it uses processors in many ways, and has Go's own CPU profile of it.
//
//	burner PROFILE HZ SECONDS KIND
//
// It prints "ready", waits for the line "go", burns, writes Go's profile of that to the file PROFILE, prints its truth as one line of
// JSON, and waits for the end of its input. KIND is mixed: for SECONDS of CPU time each way has its part, in short turns, so that little
// is left to chance, each turn in a goroutine of its own, and as many at a time as there are processors; or plain: the same, and nobody
// makes a profile; or labelled: a goroutine with the label role=reader, one with role=writer and one with none burn the same each, on a
// thread of its own each: the truth has what the kernel counted of it, beside "cpu_s". SECONDS 0: until another line comes.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A way to burn: how long its turns are, against the others', in ms of CPU time.
type way struct {
	turn time.Duration
	once func(w *worker)
}

// A worker has all that its ways change.
type worker struct {
	sink  int
	block []byte
	table map[int]int
	kept  [50][]byte
}

var words = strings.Fields(strings.Repeat("the quick brown fox jumps over the lazy dog ", 40))

// leaf has no frame: its caller is known from the stack pointer alone.
//
//go:noinline
func leaf(n int) int {
	x := n
	for i := 0; i < 20000; i++ {
		x ^= i * n
	}
	return x
}

//go:noinline
func rare(n int) int {
	x := n
	for i := 0; i < 20000; i++ {
		x += x>>3 ^ i
	}
	return x
}

//go:noinline
func framed(n int) int {
	var keep [16]int
	for i := 0; i < 20000; i++ {
		keep[i&15] += i ^ n
	}
	return use(&keep)
}

//go:noinline
func use(keep *[16]int) int { return keep[3] }

//go:noinline
func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:noinline
func outer(depth int) int {
	if depth > 0 {
		return outer(depth-1) + 1
	}
	return leaf(7)
}

//go:noinline
func hashes(w *worker) { h := sha256.Sum256(w.block); w.sink += int(h[0]) }

//go:noinline
func sorts(w *worker) { s := append([]string(nil), words...); sort.Strings(s); w.sink += len(s[0]) }

//go:noinline
func maps(w *worker) {
	for i := 0; i < 2000; i++ {
		w.table[i*7919%50021]++
	}
}

//go:noinline
func numbers(w *worker) {
	for i := 0; i < 200; i++ {
		n, _ := strconv.ParseFloat(strconv.FormatFloat(float64(i)/3, 'g', -1, 64), 64)
		w.sink += int(n)
	}
}

//go:noinline
func copies(w *worker) { copy(w.block, w.block[1:]); w.block[0]++ }

//go:noinline
func allocates(w *worker) {
	for i := range w.kept {
		w.kept[i] = make([]byte, 4<<10)
	}
}

//go:noinline
func formats(w *worker) { w.sink += len(fmt.Sprintf("%d %s %v", w.sink, "text", words[:3])) }

//go:noinline
func asks(w *worker) {
	for i := 0; i < 300; i++ {
		syscall.Getppid()
	}
}

//go:noinline
func closes(w *worker) {
	f := func(n int) int { return leaf(n) + w.sink&1 }
	for i := 0; i < 4; i++ {
		w.sink += apply(f, i)
	}
}

//go:noinline
func apply(f func(int) int, n int) int { return f(n) }

var ways = []way{
	{12, func(w *worker) { w.sink += leaf(3) }},
	{8, func(w *worker) { w.sink += outer(30) }},
	{6, func(w *worker) { w.sink += framed(5) }},
	{7, func(w *worker) { w.sink += fib(16) }},
	{5, hashes},
	{6, sorts},
	{5, maps},
	{4, numbers},
	{4, copies},
	{4, allocates},
	{3, formats},
	{3, asks},
	{3, closes},
	{2, func(w *worker) { w.sink += rare(3) }},
}

var stopped int32

func goesOn() bool { return atomic.LoadInt32(&stopped) == 0 }

// used is the CPU time of the process so far.
func used() time.Duration { return usedBy(syscall.RUSAGE_SELF) }

func usedBy(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (w *worker) turn(way *way, wait *sync.WaitGroup) {
	for until := used() + way.turn*time.Millisecond; used() < until; {
		way.once(w)
	}
	wait.Done()
}

func (w *worker) burn(seconds float64, first int, wait *sync.WaitGroup) {
	end := used() + time.Duration(seconds*float64(time.Second))
	for i := first; used() < end && goesOn(); i++ {
		var turn sync.WaitGroup
		turn.Add(1)
		go w.turn(&ways[i%len(ways)], &turn)
		turn.Wait()
	}
	wait.Done()
}

func newWorker() *worker { return &worker{block: make([]byte, 64<<10), table: make(map[int]int)} }

const thread = 1 // RUSAGE_THREAD

// A role is what one goroutine is labelled with, and its CPU time.
type role struct {
	name string
	used time.Duration
}

func (r *role) burn(seconds float64, wait *sync.WaitGroup) {
	defer wait.Done()
	runtime.LockOSThread()
	w, before, all := newWorker(), usedBy(thread), time.Duration(seconds*float64(time.Second))
	labels := pprof.Labels()
	if r.name != "none" {
		labels = pprof.Labels("role", r.name)
	}
	pprof.Do(context.Background(), labels, func(context.Context) {
		for i := 0; r.used < all && goesOn(); i++ {
			ways[i%len(ways)].once(w)
			r.used = usedBy(thread) - before
		}
	})
}

//go:noinline
func makeReader(r *role, seconds float64, wait *sync.WaitGroup) { go r.burn(seconds, wait) }

//go:noinline
func makeOther(r *role, seconds float64, wait *sync.WaitGroup) { go r.burn(seconds, wait) }

func labelled(seconds float64, truth map[string]float64) {
	var wait sync.WaitGroup
	roles := []*role{{name: "reader"}, {name: "writer"}, {name: "none"}}
	wait.Add(len(roles))
	makeReader(roles[0], seconds/3, &wait)
	makeOther(roles[1], seconds/3, &wait)
	makeOther(roles[2], seconds/3, &wait)
	wait.Wait()
	for _, r := range roles {
		truth[r.name] = r.used.Seconds()
	}
}

func burn(seconds float64) {
	var wait sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		w := newWorker()
		wait.Add(1)
		go w.burn(seconds, i*len(ways)/2, &wait)
	}
	wait.Wait()
}

func profiled(file string, hz int, f func()) {
	to, err := os.Create(file)
	if err != nil {
		panic(err)
	}
	runtime.SetCPUProfileRate(hz)
	if err := pprof.StartCPUProfile(to); err != nil { // it keeps the rate, and complains that it does
		panic(err)
	}
	f()
	pprof.StopCPUProfile()
	if err := to.Close(); err != nil {
		panic(err)
	}
}

func main() {
	hz, _ := strconv.Atoi(os.Args[2])
	seconds, _ := strconv.ParseFloat(os.Args[3], 64)
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return
	}
	if seconds == 0 {
		seconds = 1e6
		go func() {
			in.ReadString('\n')
			atomic.StoreInt32(&stopped, 1)
		}()
	}
	before, truth := used(), map[string]float64{}
	switch os.Args[4] {
	case "mixed":
		profiled(os.Args[1], hz, func() { burn(seconds) })
	case "labelled":
		labelled(seconds, truth)
	default:
		burn(seconds)
	}
	truth["cpu_s"] = (used() - before).Seconds()
	text, _ := json.Marshal(truth)
	fmt.Println(string(text))
	in.ReadString('\n')
}
