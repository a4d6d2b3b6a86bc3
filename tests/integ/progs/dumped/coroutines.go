// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23
// +build go1.23

package main

import "iter"

var next func() (int, bool)

// coroutine leaves one coroutine that has begun, in the middle of its sequence, and one that has not.
func coroutine() {
	g := born("coroutine", object{Kind: "coroutine"})
	g.Creator, g.Parent = "", 0
	next, _ = iter.Pull(func(yield func(int) bool) {
		g.about()
		_ = yield(1) && yield(2)
	})
	next()
	next, _ = iter.Pull(func(yield func(int) bool) { yield(3) })
}
