// SPDX-License-Identifier: BSD-2-Clause

// Package main is the program that tests/integ/symbols.py compares parkwatch with: it says what its own
// runtime.CallersFrames makes of pcs all over its text, and of real stacks that runtime.Callers took.
//
// Output, one JSON array a line: ["pc", [pc], frames] one return address alone; ["stack", [pcs], frames] a whole stack.
// A frame is [function, file, line]. Then "ready", and it stays until its standard input ends.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"runtime"
)

const samples = 40000 // pcs spread over the text, beside the first of every function

type frame [3]interface{}

type nowhere struct{} // io.Discard is of Go 1.16

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

var out = bufio.NewWriterSize(os.Stdout, 1<<16)

func emit(kind string, pcs []uintptr, frames []frame) {
	line, err := json.Marshal([]interface{}{kind, pcs, frames})
	if err != nil {
		panic(err)
	}
	out.Write(line)
	out.WriteByte('\n')
}

func framesOf(pcs []uintptr, end uintptr) (frames []frame) {
	it := runtime.CallersFrames(pcs)
	for {
		f, more := it.Next()
		if f.PC != 0 && f.PC+1 != end {
			frames = append(frames, frame{f.Function, f.File, f.Line})
		}
		if !more {
			return frames
		}
	}
}

// end is a function without inlined calls. Its pc behind another pc makes runtime.CallersFrames give all inlined frames
// of that one (Go 1.23 and later; before, only the innermost).
//
//go:noinline
func end() {}

// dumpText walks the text that holds pc.
func dumpText(pc uintptr) {
	entry := reflect.ValueOf(end).Pointer()
	end := entry + 1
	lo, hi := pc, pc
	for runtime.FuncForPC(lo-16) != nil {
		lo -= 16
	}
	for runtime.FuncForPC(hi+16) != nil {
		hi += 16
	}
	seen := make(map[uintptr]bool)
	one := func(pc uintptr) {
		if f := runtime.FuncForPC(pc); seen[pc] || f == nil || f.Entry() == entry {
			return
		}
		seen[pc] = true
		emit("pc", []uintptr{pc}, framesOf([]uintptr{pc, end}, end))
	}
	for pc := lo; pc <= hi; pc += 16 {
		if f := runtime.FuncForPC(pc); f != nil {
			one(f.Entry())
			one(f.Entry() + 1)
		}
	}
	step := (hi-lo)/samples | 1
	for pc := lo; pc <= hi; pc += step {
		one(pc)
	}
}

// note records the stack it is called on. Called by callbacks from all over the standard library, see chains.go.
//
//go:noinline
func note() {
	var pcs [256]uintptr
	n := runtime.Callers(1, pcs[:])
	emit("stack", pcs[:n], framesOf(pcs[:n], 0))
}

func dump(also ...uintptr) {
	for _, pc := range append(also, reflect.ValueOf(dump).Pointer()) {
		dumpText(pc)
	}
	chains()
	generics()
	out.WriteString("ready\n")
	out.Flush()
	io.Copy(nowhere{}, os.Stdin)
}
