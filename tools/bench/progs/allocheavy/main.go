// SPDX-License-Identifier: BSD-2-Clause

// Command allocheavy does little but allocate: slices of 64 bytes, a tree, maps of strings.
// An op is a round, of some 1924 objects.
package main

import (
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

var (
	keep  [1024][]byte
	root  *tree
	words map[string]string
	ops   uint64
)

func round(n int) {
	for i := 0; i < 1000; i++ {
		keep[i&1023] = make([]byte, 64)
	}
	root = grow(8)
	words = make(map[string]string)
	for i := 0; i < 200; i++ {
		s := strconv.Itoa(n*1000 + i)
		words[s] = "value " + s
	}
	atomic.AddUint64(&ops, 1)
}

func main() {
	go func() {
		for n := 0; ; n++ {
			round(n)
		}
	}()
	answer.Lines(&ops)
}
