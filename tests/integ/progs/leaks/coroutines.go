// SPDX-License-Identifier: BSD-2-Clause

// Iterators that somebody pulls from, from Go 1.23 on.
package main

import "iter"

func countDropped(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

func countKept(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

// nestedCount pulls from another one, which only its own stack has.
func nestedCount(yield func(int) bool) {
	next, stop := iter.Pull(countKept)
	defer stop()
	for {
		i, _ := next()
		if !yield(i) {
			return
		}
	}
}

var pulled []func() (int, bool)

// pull asks for one value, or does not begin at all.
//
//go:noinline
func pull(seq iter.Seq[int], begin bool) func() (int, bool) {
	next, _ := iter.Pull(seq)
	if begin {
		next()
	}
	return next
}

func init() {
	alone["dropped-iterators"] = kind{func() {
		for i := 0; i < 40; i++ {
			pull(countDropped, true)
		}
	}, nil}
	alone["iterators-never-begun"] = kind{func() {
		for i := 0; i < 5; i++ {
			pull(countDropped, false)
		}
	}, nil}
	alone["kept-iterators"] = kind{func() {
		for i := 0; i < 10; i++ {
			pulled = append(pulled, pull(countKept, true))
		}
	}, nil}
	alone["nested-iterators"] = kind{func() {
		for i := 0; i < 10; i++ {
			pulled = append(pulled, pull(nestedCount, true))
		}
	}, nil}
}
