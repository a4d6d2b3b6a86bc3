// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"sort"
	"sync"
	"time"
)

const depth = 300

var sink byte

//go:noinline
func deep(n int, g *goroutine, c chan int) {
	if n == 0 {
		receive(g, c)
		return
	}
	deep(n-1, g, c)
	sink++
}

// deepBig has frames of 5 KiB: its stack is read in many pieces.
//
//go:noinline
func deepBig(n int, g *goroutine, c chan int) {
	var room [5000]byte
	room[n] = byte(n)
	if n > 0 {
		deepBig(n-1, g, c)
	} else {
		receive(g, c)
	}
	sink += room[n]
}

func get(c chan int) { <-c }

func inlined1(c chan int) { get(c) }
func inlined2(c chan int) { inlined1(c) }

// inline blocks in a function that is inlined in one that is inlined.
//
//go:noinline
func inline(g *goroutine, c chan int) {
	g.about()
	inlined2(c)
}

// spawn is inlined where it is called: the go statement is in another function than the one that the program counter is in.
func spawn(g *goroutine, c chan int) { go inline(g, c) }

type thing struct{ c chan int }

func (t *thing) wait(g *goroutine)   { receive(g, t.c) }
func (t thing) byValue(g *goroutine) { receive(g, t.c) }

type waiter interface{ wait(g *goroutine) }

type outer struct {
	name string
	*thing
}

// unwind blocks in a deferred function; how ends the function itself.
func unwind(g *goroutine, c chan int, how func()) {
	defer receive(g, c)
	how()
}

func panics() { panic(fmt.Errorf("on purpose")) }

func panicsTwice() {
	defer panics()
	panic("first")
}

//go:noinline
func faults() {
	var t *thing
	sink = byte(len(t.c))
}

//go:noinline
func divides() {
	zero := len(truths) - len(truths)
	sink = byte(1 / zero)
}

//go:noinline
func indexes() {
	past := len(truths) + 1
	truths[past].Deep = 1
}

// stuck is a recover that never comes: the function that would recover blocks itself.
func stuck(g *goroutine, c chan int) {
	defer func() {
		recover()
		g.here()
		<-c
	}()
	panics()
}

func reflected(g *goroutine, c chan int) {
	reflect.ValueOf(receive).Call([]reflect.Value{reflect.ValueOf(g), reflect.ValueOf(c)})
}

func made(g *goroutine, c chan int) {
	f := reflect.MakeFunc(reflect.TypeOf(receive), func(args []reflect.Value) []reflect.Value {
		receive(args[0].Interface().(*goroutine), args[1].Interface().(chan int))
		return nil
	})
	f.Interface().(func(*goroutine, chan int))(g, c)
}

func methodValue(g *goroutine, t *thing) {
	reflect.ValueOf(t).MethodByName("Exported").Interface().(func(*goroutine))(g)
}

func (t *thing) Exported(g *goroutine) { receive(g, t.c) }

func sorted(g *goroutine, c chan int) {
	s := []int{2, 1}
	sort.Slice(s, func(i, j int) bool {
		receive(g, c)
		return s[i] < s[j]
	})
}

func once(g *goroutine, c chan int) {
	new(sync.Once).Do(func() { receive(g, c) })
}

func shapes() {
	c := make(chan int)
	birth := func() *goroutine { return born("chan receive", receives(c)) }
	g := born("chan receive", receives(c))
	g.Deep = depth
	g.next()
	go deep(depth, g, c)
	for i := 0; i < 3; i++ {
		g = born("chan receive", receives(c))
		go deepBig(20*i, g, c)
	}
	g = born("chan receive", receives(c))
	go inline(g, c)
	g = born("chan receive", receives(c))
	g.Creator = ""
	spawn(g, c)

	t := &thing{c}
	g = born("chan receive", receives(c))
	go t.wait(g)
	g = born("chan receive", receives(c))
	go t.byValue(g)
	var w waiter = &outer{"outer", t}
	g = born("chan receive", receives(c))
	go w.wait(g)
	w = outer{"outer", t}
	g = born("chan receive", receives(c))
	go w.wait(g)
	f := t.wait
	g = born("chan receive", receives(c))
	go f(g)
	h := (*thing).wait
	g = born("chan receive", receives(c))
	go h(t, g)
	g = born("chan receive", receives(c))
	go func() { func() { receive(g, c) }() }()
	told()

	for _, how := range []func(){func() {}, panics, panicsTwice, faults, divides, indexes, runtime.Goexit} {
		g = born("chan receive", receives(c))
		go unwind(g, c, how)
	}
	for _, f := range []func(*goroutine, chan int){stuck, reflected, made, sorted, once} {
		g = born("chan receive", receives(c))
		go f(g, c)
	}
	g = born("chan receive", receives(c))
	go methodValue(g, t)
	later := birth()
	later.Creator, later.Parent = "", 0
	time.AfterFunc(1, func() { receive(later, c) })
	generic(c)
	extraC(c)
}

// extraC is set by the file that uses cgo.
var extraC = func(chan int) {}

func labelSet(n int) (pprof.LabelSet, map[string]string) {
	var flat []string
	set := map[string]string{}
	for i := 0; i < n; i++ {
		key, value := fmt.Sprintf("key%d", i), fmt.Sprintf("value of %d", i)
		flat = append(flat, key, value)
		set[key] = value
	}
	return pprof.Labels(flat...), set
}

//go:noinline
func withLabels(g *goroutine, labels pprof.LabelSet, child *goroutine, c chan int) {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
	go receive(child, c) // a child has its parent's labels
	receive(g, c)
}

func labelled() {
	c := make(chan int)
	for _, n := range []int{0, 1, 8, 9, 27} {
		labels, set := labelSet(n)
		child := born("chan receive", receives(c))
		child.Labels, child.Creator, child.Parent = set, "", 0
		g := born("chan receive", receives(c))
		g.Labels = set
		g.next()
		go withLabels(g, labels, child, c)
	}
}

// oddLabels: one with all that a label may have in it.
func oddLabels() {
	c := make(chan int)
	odd := map[string]string{"path": "/a?b=\"c\"&d=\\e", "empty": "", "языка": "línea\nnueva\t<&>"}
	g := born("chan receive", receives(c))
	g.Labels = odd
	g.next()
	go pprof.Do(context.Background(), pprof.Labels("path", odd["path"], "empty", "", "языка", odd["языка"]),
		func(context.Context) { receive(g, c) })
}

// finalizer leaves the runtime's own goroutine waiting in this program's function: tracebacks show it then.
func finalizer() {
	c := make(chan int)
	g := born("chan receive", receives(c))
	g.Creator, g.Parent = "", 0
	runtime.SetFinalizer(&thing{c}, func(t *thing) { receive(g, c) })
	go func() {
		for {
			runtime.GC()
			known.Lock()
			done := g.Goid != 0
			known.Unlock()
			if done {
				return
			}
		}
	}()
	told()
}
