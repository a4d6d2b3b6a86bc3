// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23
// +build go1.23

package main

import "iter"

func twice(yield func(int) bool) { _ = yield(1) && yield(2) }

var next func() (int, bool)

// coroutine leaves one coroutine that has begun and one that has not.
func coroutine() {
	next, _ = iter.Pull(twice)
	next()
	next, _ = iter.Pull(twice)
}
