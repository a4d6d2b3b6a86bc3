// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"iter"
	"net/http"
)

// pulling waits for a coroutine, which hangs. Go 1.23 and later.
func pulling(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("pulling"))
	next, stop := iter.Pull(func(yield func(int) bool) {
		child("coroutine", path)
		<-never
		use(r)
		yield(1)
	})
	defer stop()
	next()
}

func init() { hanging["pulling"] = http.HandlerFunc(pulling) }
