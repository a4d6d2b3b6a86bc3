// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

type pair[K comparable, V any] struct {
	key   K
	value V
}

//go:noinline
func (p *pair[K, V]) wait(g *goroutine, c chan int) {
	g.here()
	<-c
}

//go:noinline
func each[T any](items []T, f func(T)) {
	for _, item := range items {
		f(item)
	}
}

//go:noinline
func got[T any](g *goroutine, c chan T) {
	g.here()
	<-c
}

func generic(c chan int) {
	g := born("chan receive", receives(c))
	go got(g, c)
	p := &pair[string, []int]{"key", nil}
	g = born("chan receive", receives(c))
	go p.wait(g, c)
	pairs := make(chan pair[int, string])
	g = born("chan receive", receives(pairs))
	go got(g, pairs)
	g = born("chan receive", receives(c))
	go each([]*goroutine{g}, func(g *goroutine) { receive(g, c) })
}
