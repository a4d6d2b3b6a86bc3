// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"net/http"
)

// Go 1.21 and later: a context that goes on without its request.

//go:noinline
func answersDetached(ctx context.Context, answer chan int) {
	stands("detached")
	answer <- 1
	use(ctx)
}

func detached(w http.ResponseWriter, r *http.Request) {
	go answersDetached(context.WithoutCancel(r.Context()), make(chan int))
}

func init() {
	add("detached", fate{Start: "main.answersDetached", Leaks: true}, detached)
}
