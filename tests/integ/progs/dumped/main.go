// SPDX-License-Identifier: BSD-2-Clause

// Command dumped is the target of parkwatch's dump test: goroutines in every kind of wait, each of which says itself what
// it waits for, who started it and where it stands.
//
//	dumped KIND[:N]
//
// It prints "ready", answers each line of its input (see replies) with text and the line "end", and ends with its input.
// It compiles with every Go from 1.15 on, as a program, a c-shared library and a plugin.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// An object is what a goroutine waits for.
type object struct {
	Kind string `json:"kind"`
	Addr string `json:"addr,omitempty"` // of the channel itself, or of the sync.X
	Dir  string `json:"dir,omitempty"`  // of a channel
	FD   int    `json:"fd,omitempty"`
	Mode string `json:"mode,omitempty"` // of a descriptor
	Peer string `json:"peer,omitempty"` // what /proc must say of the descriptor; "unix": begins so
	When int64  `json:"when,omitempty"` // of a timer, CLOCK_MONOTONIC
}

// A goroutine is the truth about one.
type goroutine struct {
	Goid    uint64            `json:"goid"`
	Parent  uint64            `json:"parent"`
	Status  string            `json:"status"`
	Reason  string            `json:"reason"` // the newest Go's word
	Waits   []object          `json:"waits"`
	Labels  map[string]string `json:"labels"`
	Creator string            `json:"creator"` // file:line of the go statement
	Start   string            `json:"start"`   // function
	Line    int               `json:"start_line"`
	Frames  []string          `json:"frames"` // "func file:line", innermost first, package runtime's left out; null: not told
	Since   int64             `json:"since"`  // CLOCK_MONOTONIC, before it began to wait
	Locked  bool              `json:"locked"`
	Deep    int               `json:"deep"` // frames of it are never shorter than this
}

var (
	truths []*goroutine
	known  sync.Mutex
)

// born tells of the goroutine that the go statement on the next line starts.
//
//go:noinline
func born(reason string, waits ...object) *goroutine {
	_, file, line, _ := runtime.Caller(1)
	g := &goroutine{Status: "waiting", Reason: reason, Waits: waits, Labels: map[string]string{}, Parent: goid(),
		Creator: fmt.Sprintf("%s:%d", file, line+1)}
	if waits == nil {
		g.Waits = []object{}
	}
	known.Lock()
	truths = append(truths, g)
	known.Unlock()
	return g
}

// next: the go statement is on the caller's next line after all.
//
//go:noinline
func (g *goroutine) next() {
	_, file, line, _ := runtime.Caller(1)
	g.Creator = fmt.Sprintf("%s:%d", file, line+1)
}

// here: the caller blocks on its next line.
//
//go:noinline
func (g *goroutine) here() {
	frames := stack(1)
	first := frames[0]
	i := strings.LastIndexByte(first, ':')
	line, _ := strconv.Atoi(first[i+1:])
	frames[0] = fmt.Sprintf("%s:%d", first[:i], line+1)
	g.say(frames)
}

// about: the goroutine is about to block, somewhere below the caller.
//
//go:noinline
func (g *goroutine) about() { g.say(nil) }

func (g *goroutine) say(frames []string) {
	start, line := started()
	known.Lock()
	g.Goid, g.Start, g.Line, g.Frames, g.Since = goid(), start, line, frames, monotonic()
	known.Unlock()
}

// stack is the caller's, as runtime.CallersFrames tells it.
func stack(skip int) []string {
	pcs := make([]uintptr, 1024)
	frames := []string{}
	iter := runtime.CallersFrames(pcs[:runtime.Callers(skip+2, pcs)])
	for more := true; more; {
		var f runtime.Frame
		f, more = iter.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			frames = append(frames, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		}
	}
	return frames
}

// started is the outermost function of this goroutine and the line where it is declared.
func started() (name string, line int) {
	pcs := make([]uintptr, 1024)
	iter := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for more := true; more; {
		var f runtime.Frame
		f, more = iter.Next()
		if f.Function != "" && f.Function != "runtime.goexit" {
			name, line = f.Function, 0
			if f.Func != nil { // not inlined
				_, line = f.Func.FileLine(f.Entry)
			}
		}
	}
	return name, line
}

func goid() (id uint64) {
	var buf [64]byte
	fmt.Sscanf(string(buf[:runtime.Stack(buf[:], false)]), "goroutine %d ", &id)
	return id
}

// monotonic is the clock of the runtime's and the kernel's time stamps.
func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// own is the prefix of this package's function names: "main.", or in a plugin its path.
func own() string {
	return strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(own).Pointer()).Name(), "own")
}

type truth struct {
	Package    string       `json:"package"`
	Server     uint64       `json:"server"` // the goroutine that answers
	Count      int          `json:"count"`  // runtime.NumGoroutine
	Clock      int64        `json:"clock"`  // CLOCK_MONOTONIC
	Goroutines []*goroutine `json:"goroutines"`
}

// told waits until every goroutine has said who it is.
func told() []*goroutine {
	for {
		known.Lock()
		all, missing := append([]*goroutine{}, truths...), false
		for _, g := range all {
			missing = missing || g.Goid == 0
		}
		known.Unlock()
		if !missing {
			return all
		}
		time.Sleep(time.Millisecond)
	}
}

func sayTruth(int) {
	check(json.NewEncoder(os.Stdout).Encode(truth{own(), goid(), runtime.NumGoroutine(), monotonic(), told()}))
}

func sayStacks(int) {
	buf := make([]byte, 256<<20) // not touched beyond what is written
	os.Stdout.Write(buf[:runtime.Stack(buf, true)])
	fmt.Println()
}

var (
	extras     = make(chan int)
	holdExtras = make(chan int)
)

//go:noinline
func extra() {
	extras <- 1
	<-holdExtras
}

func addExtras(n int) {
	for i := 0; i < n; i++ {
		go extra()
	}
	for i := 0; i < n; i++ {
		<-extras
	}
}

func fewer(n int) {
	before := runtime.NumGoroutine()
	for i := 0; i < n; i++ {
		holdExtras <- 1
	}
	for runtime.NumGoroutine() != before-n {
		time.Sleep(time.Millisecond)
	}
}

func collect(int) {
	began := monotonic()
	runtime.GC()
	fmt.Println(began, monotonic())
}

// replies: what the program does for a line of its input, a word and maybe a number.
var replies = map[string]func(n int){
	"truth":  sayTruth,
	"stack":  sayStacks,
	"debug1": func(int) { check(pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)) },
	"debug2": func(int) { check(pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)); fmt.Println() },
	"gc":     collect,
	"more":   addExtras,
	"fewer":  fewer,
	"exec":   func(int) { check(syscall.Exec("/bin/sleep", []string{"sleep", "60"}, nil)) },
	"exit":   func(int) { os.Exit(0) },
	"panic":  func(int) { go func() { panic("asked for") }() },
}

func serve() {
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			os.Exit(0)
		}
		word, n := split(strings.TrimSpace(line), " ")
		reply := replies[word]
		if reply == nil {
			fmt.Fprintln(os.Stderr, "dumped: what is", word, "?")
			os.Exit(2)
		}
		reply(n)
		fmt.Println("end")
	}
}

func split(text, by string) (word string, n int) {
	if i := strings.Index(text, by); i > 0 {
		n, _ = strconv.Atoi(text[i+1:])
		return text[:i], n
	}
	return text, 0
}

func run(arg string) {
	kind, n := split(arg, ":")
	switch kind {
	case "parked":
		parked()
		shapes()
		labelled()
	case "labels":
		labelled()
		oddLabels()
	case "busy":
		parked()
		busy()
	case "churn":
		addExtras(n)
		churn()
	case "finalizer":
		finalizer()
	case "many":
		many(n)
	default:
		fmt.Fprintln(os.Stderr, "dumped: what is", kind, "?")
		os.Exit(2)
	}
	serve()
}

func main() { run(os.Args[len(os.Args)-1]) }
