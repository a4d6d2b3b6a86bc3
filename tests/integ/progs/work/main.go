// SPDX-License-Identifier: BSD-2-Clause

// Command work is the target of parkwatch's integration tests: it does one kind of work and says itself what happened.
//
//	work KIND
//
// It prints "ready", waits for the line "go", works, prints its truth as one line of JSON, and waits for "quit" or the
// end of its input. It compiles with every Go from 1.15 on, as a program, a c-shared library and a plugin.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// A site is one place where goroutines are born, or end, or wait, and what happened there.
type site struct {
	Stack  string  `json:"stack"`            // frames of this package, outermost first, joined by ';'
	Leaf   string  `json:"leaf"`             // last frame: "[go main.f]" or "[chan receive]"; a|b: either; a*: begins so
	Root   string  `json:"root,omitempty"`   // first frame, if --root was asked for
	Count  int64   `json:"count"`            // how often, open and early ones not among them
	NS     int64   `json:"ns,omitempty"`     // waits: by the program's own clock
	Open   []int64 `json:"open,omitempty"`   // waits still open: start, CLOCK_MONOTONIC
	Early  []int64 `json:"early,omitempty"`  // waits that began before recording: end, CLOCK_MONOTONIC
	Uneven bool    `json:"uneven,omitempty"` // the runtime may park more than once for one wait
}

type truth struct {
	Package string   `json:"package"` // "main." or, in a plugin, its path
	Before  int      `json:"before"`  // runtime.NumGoroutine
	After   int      `json:"after"`
	Births  []*site  `json:"births"`
	Exits   []*site  `json:"exits"`
	Waits   []*site  `json:"waits"`
	Goids   []uint64 `json:"goids,omitempty"`
}

// A ledger is a set of sites that many goroutines write to.
type ledger struct {
	mu    sync.Mutex
	sites map[string]*site
}

func (l *ledger) add(stack, leaf string, count, ns int64) {
	l.edit(stack, leaf, func(s *site) { s.Count += count; s.NS += ns })
}

func (l *ledger) edit(stack, leaf string, f func(*site)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sites == nil {
		l.sites = map[string]*site{}
	}
	s := l.sites[stack+leaf]
	if s == nil {
		s = &site{Stack: stack, Leaf: leaf}
		l.sites[stack+leaf] = s
	}
	f(s)
}

func (l *ledger) list() []*site {
	list := []*site{}
	for _, s := range l.sites {
		list = append(list, s)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Stack+list[i].Leaf < list[j].Stack+list[j].Leaf })
	return list
}

var births, exits, waits ledger

// frames gives the caller's stack as the runtime itself tells it, outermost first, frames of package runtime left out.
func frames(skip, max int) []string {
	pcs := make([]uintptr, 512)
	names := []string{}
	iter := runtime.CallersFrames(pcs[:runtime.Callers(skip+2, pcs)])
	for more := true; more; {
		var f runtime.Frame
		f, more = iter.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") && len(names) < max {
			names = append([]string{f.Function}, names...)
		}
	}
	return names
}

//go:noinline
func here() string { return strings.Join(frames(1, 512), ";") }

// started names the function that this goroutine was started with.
//
//go:noinline
func started() string { return "[go " + frames(1, 512)[0] + "]" }

// startedBy is the same for a go statement whose callee is chosen at run time: where the compiler puts a wrapper around
// it (Go 1.17 and later) no table says what that calls, and the wrapper's name is all that can be known.
func startedBy(creator string) string { return started() + "|[go " + creator + "*" }

func nameOf(f func()) string { return runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name() }

// own is this package's prefix in function names.
func own() string {
	name := frames(0, 1)[0]
	return strings.TrimSuffix(name, "own")
}

// monotonic is CLOCK_MONOTONIC, the clock of the kernel's time stamps.
func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func goid() (id uint64) {
	var buf [64]byte
	fmt.Sscanf(string(buf[:runtime.Stack(buf[:], false)]), "goroutine %d ", &id)
	return id
}

// settle waits until the runtime counts n goroutines: one that has said its last word is still there for a moment.
func settle(n int) {
	for i := 0; i < 5000 && runtime.NumGoroutine() != n; i++ {
		asideSleep(time.Millisecond)
	}
}

//go:noinline
func asideSleep(d time.Duration) { time.Sleep(d) }

// A kind of work: setup runs before "ready", work after "go".
type kind struct {
	setup func()
	work  func(t *truth)
}

var kinds = map[string]kind{
	"lives":   {setupLives, lives},
	"burst":   {nil, burst},
	"flood":   {nil, flood},
	"threads": {nil, threads},
	"execute": {nil, execute},
	"restart": {func() { go busy(nil) }, execute},
	"waits":   {setupWaits, waitKinds},
	"grow":    {nil, grow},
	"rate":    {nil, rate},
	"labels":  {nil, labels},
	"chains":  {nil, chains},
	"traced":  {nil, traced},
	"idle":    {setupWaits, nil},
	"busy":    {nil, busy},
}

func main() { run(os.Args[len(os.Args)-1]) }

func run(name string) {
	k, ok := kinds[name]
	if !ok {
		fmt.Fprintln(os.Stderr, "work: no such kind:", name)
		os.Exit(2)
	}
	runtime.GC() // the collector's own goroutines are born here, not later
	if k.setup != nil {
		k.setup()
	}
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("ready")
	for in.Scan() && in.Text() != "quit" {
		if in.Text() != "go" || k.work == nil {
			continue
		}
		t := &truth{Package: own(), Before: runtime.NumGoroutine()}
		k.work(t)
		t.Births, t.Exits, t.Waits = births.list(), exits.list(), waits.list()
		text, err := json.Marshal(t)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
