// SPDX-License-Identifier: BSD-2-Clause

// Command allocheavy does little but allocate: slices of 64 bytes, a tree, maps of strings.
// An op is a round, of some 1924 objects. With an argument it does so on all processors at once.
package main

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"

	"../answer"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

var ops uint64

type worker struct {
	keep  [1024][]byte
	root  *tree
	words map[string]string
}

func (w *worker) round(n int) {
	for i := 0; i < 1000; i++ {
		w.keep[i&1023] = make([]byte, 64)
	}
	w.root = grow(8)
	w.words = make(map[string]string)
	for i := 0; i < 200; i++ {
		s := strconv.Itoa(n*1000 + i)
		w.words[s] = "value " + s
	}
	atomic.AddUint64(&ops, 1)
}

func work() {
	w := new(worker)
	for n := 0; ; n++ {
		w.round(n)
	}
}

func main() {
	workers := 1
	if len(os.Args) > 1 {
		workers = runtime.NumCPU()
	}
	for i := 0; i < workers; i++ {
		go work()
	}
	answer.Lines(&ops)
}
