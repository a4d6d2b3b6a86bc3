// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23
// +build go1.23

package main

import "iter"

func numbers(yield func(int) bool) {
	for i := 0; i < 3; i++ {
		if !yield(i) {
			return
		}
	}
}

// spawnCoroutines makes coroutines that end by themselves and such that are stopped: no run queue ever sees them.
//
//go:noinline
func spawnCoroutines(n int) {
	creator := here()
	for i := 0; i < n; i++ {
		next, stop := iter.Pull(numbers)
		next()
		if i%2 == 0 {
			for _, ok := next(); ok; _, ok = next() {
			}
		}
		stop()
	}
	births.add(creator, "[go runtime.corostart]", int64(n), 0)
	exits.add(creator, "[go runtime.corostart]", int64(n), 0)
}
