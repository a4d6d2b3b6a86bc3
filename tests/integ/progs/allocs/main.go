// SPDX-License-Identifier: BSD-2-Clause

// Command allocs is a target of parkwatch's integration tests: it allocates, and says itself how much, where.
//
//	allocs KIND | leaking | phases
//
// It prints "ready", waits for the line "go", allocates, prints its truth as one line of JSON, and waits for the end of its input.
// ALLOC_FOR=10s: for so long; else a fixed number of rounds. ALLOC_PROFILE=N: runtime.MemProfileRate is N; if that is 1, what
// runtime.MemProfile has is in the truth.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

type count struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

type truth struct {
	Sites   map[string]*count `json:"sites"`   // by function, as the program counts them: what was asked for
	Profile map[string]*count `json:"profile"` // by function, as runtime.MemProfile has them
	Total   uint64            `json:"total"`   // MemStats.TotalAlloc while it worked
}

// tally is of one goroutine: nobody shares it.
type tally map[string]*count

func (t tally) add(site string, bytes int) {
	c := t[site]
	if c == nil {
		c = &count{}
		t[site] = c
	}
	c.Objects++
	c.Bytes += int64(bytes)
}

// A worker keeps what it allocated a little while: nothing stays on the stack, and the collector has something to do.
type worker struct {
	tally
	seq   int
	keep  [64]interface{}
	bytes [64][]byte
	text  [64]string
	tiny  [64]*int32
	odd   [64]*[11]byte
	nodes [64]*node
	pairs [64]*pair
	wides [64]*wide
	ptrs  [64][]*int
	grown []uint64
	table map[int]string
}

type node struct {
	left, right *node
	key, value  int
	next        *node
	more        *int
}

type pair struct{ a, b *int }

type wide struct {
	p    *int
	rest [79]uintptr
}

//go:noinline
func (w *worker) siteTiny() { w.tiny[w.seq%64] = new(int32) }

//go:noinline
func (w *worker) siteOdd() { w.odd[w.seq%64] = new([11]byte) }

//go:noinline
func (w *worker) siteNode() { w.nodes[w.seq%64] = &node{key: w.seq} }

//go:noinline
func (w *worker) sitePair() { w.pairs[w.seq%64] = &pair{} }

//go:noinline
func (w *worker) siteWide() { w.wides[w.seq%64] = &wide{} }

//go:noinline
func (w *worker) siteBytes64() { w.bytes[w.seq%64] = make([]byte, 64) }

//go:noinline
func (w *worker) siteBytes100(n int) { w.bytes[w.seq%64] = make([]byte, n) }

//go:noinline
func (w *worker) siteVarying(n int) { w.bytes[w.seq%64] = make([]byte, n) }

//go:noinline
func (w *worker) sitePointers(n int) { w.ptrs[w.seq%64] = make([]*int, n) }

//go:noinline
func (w *worker) siteLarge(n int) { w.bytes[w.seq%64] = make([]byte, n) }

//go:noinline
func (w *worker) siteLargePointers(n int) { w.ptrs[w.seq%64] = make([]*int, n) }

//go:noinline
func (w *worker) siteText(a, b string) { w.text[w.seq%64] = a + b }

//go:noinline
func (w *worker) siteGrow(v uint64) { w.grown = append(w.grown, v) }

//go:noinline
func (w *worker) siteMap(k int) { w.table[k] = "x" }

//go:noinline
func (w *worker) siteTurnA() { w.bytes[w.seq%64] = make([]byte, 64) }

//go:noinline
func (w *worker) siteTurnB() { w.bytes[w.seq%64] = make([]byte, 64) }

var long = strings.Repeat("long ", 400)

func (w *worker) mixed() {
	i := w.seq
	w.siteTiny()
	w.add("siteTiny", 4)
	w.siteOdd()
	w.add("siteOdd", 11)
	for k := 0; k < 4; k++ {
		w.siteNode()
		w.add("siteNode", 48)
	}
	w.sitePair()
	w.add("sitePair", 16)
	if i%4 == 0 {
		w.siteWide()
		w.add("siteWide", 640)
	}
	for k := 0; k < 3; k++ {
		w.siteBytes64()
		w.add("siteBytes64", 64)
	}
	w.siteBytes100(100)
	w.add("siteBytes100", 100)
	n := 17 + i*37%3000
	w.siteVarying(n)
	w.add("siteVarying", n)
	n = 1 + i*13%300
	w.sitePointers(n)
	w.add("sitePointers", 8*n)
	if i%128 == 0 {
		w.siteLarge(40960)
		w.add("siteLarge", 40960)
		w.siteLargePointers(6000)
		w.add("siteLargePointers", 48000)
	}
	n = 33 + i*7%1900
	w.siteText("some", long[:n])
	w.add("siteText", 4+n)
	if i%512 == 0 {
		w.grown = nil
		w.table = map[int]string{}
	}
	before := cap(w.grown)
	w.siteGrow(uint64(i))
	if cap(w.grown) != before {
		w.add("siteGrow", 8*cap(w.grown))
	}
	w.siteMap(i)
}

// Two sites take turns strictly, with objects of one size class.
func (w *worker) turns(other int) {
	if w.seq%(other+1) == 0 {
		w.siteTurnA()
		w.add("siteTurnA", 64)
	} else {
		w.siteTurnB()
		w.add("siteTurnB", 64)
	}
}

var kinds = map[string]struct {
	workers, rounds int
	work            func(w *worker)
}{
	"mixed":  {1, 20000, (*worker).mixed},
	"many":   {16, 2000, (*worker).mixed},
	"turns":  {1, 100000, func(w *worker) { w.turns(1) }},
	"turns3": {1, 100000, func(w *worker) { w.turns(3) }},
}

func memProfile() tally {
	t := tally{}
	for i := 0; i < 3; i++ { // a cycle's allocations are published by the one after the next
		runtime.GC()
	}
	n, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, n+100)
	n, _ = runtime.MemProfile(records, true)
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasPrefix(f.Function, "runtime.gc") { // the collector's own, on the way
				break
			}
			if i := strings.LastIndex(f.Function, ".site"); i >= 0 {
				name := f.Function[i+1:]
				if t[name] == nil {
					t[name] = &count{}
				}
				t[name].Objects += r.AllocObjects
				t[name].Bytes += r.AllocBytes
				break
			}
		}
	}
	return t
}

func main() {
	if os.Args[1] == "leaking" {
		leaking()
		return
	}
	if os.Args[1] == "phases" {
		phases()
		return
	}
	kind, ok := kinds[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such kind")
		os.Exit(2)
	}
	rate, _ := strconv.Atoi(os.Getenv("ALLOC_PROFILE"))
	if rate > 0 {
		runtime.MemProfileRate = rate
	}
	profile := rate == 1
	duration, _ := time.ParseDuration(os.Getenv("ALLOC_FOR"))
	in := bufio.NewReader(os.Stdin)
	var wg sync.WaitGroup
	tallies := make(chan tally, kind.workers)
	warm, start := make(chan bool), make(chan bool)
	for i := 0; i < kind.workers; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w := &worker{tally: tally{}, table: map[int]string{}}
			for w.seq = 1; w.seq < 600; w.seq++ { // all that is counted has its entry
				kind.work(w)
			}
			for _, c := range w.tally {
				*c = count{}
			}
			warm <- true
			<-start
			begin := time.Now()
			for n := 0; duration == 0 && n < kind.rounds || duration > 0 && (n%256 != 0 || time.Since(begin) < duration); n++ {
				w.seq++
				kind.work(w)
			}
			tallies <- w.tally
		}()
	}
	for i := 0; i < kind.workers; i++ {
		<-warm
	}
	var out truth
	if profile {
		out.Profile = memProfile()
	}
	fmt.Println("ready")
	in.ReadString('\n')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	close(start)
	wg.Wait()
	runtime.ReadMemStats(&after)
	out.Total = after.TotalAlloc - before.TotalAlloc
	if profile {
		first := out.Profile
		out.Profile = memProfile()
		for name, c := range out.Profile {
			if f := first[name]; f != nil {
				c.Objects -= f.Objects
				c.Bytes -= f.Bytes
			}
		}
	}
	out.Sites = tally{}
	for i := 0; i < kind.workers; i++ {
		for name, c := range <-tallies {
			if out.Sites[name] == nil {
				out.Sites[name] = &count{}
			}
			out.Sites[name].Objects += c.Objects
			out.Sites[name].Bytes += c.Bytes
		}
	}
	text, _ := json.Marshal(&out)
	fmt.Println(string(text))
	in.ReadString('\n')
}
