// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

type number interface{ ~int | ~float64 }

type pair[K comparable, V any] struct {
	key K
	val V
}

func (p pair[K, V]) visit(f func(K, V)) { f(p.key, p.val) }

//go:noinline
func (p *pair[K, V]) visitSlow(f func(K, V)) { f(p.key, p.val) }

//go:noinline
func sum[T number](xs []T) (s T) {
	for _, x := range xs {
		note()
		s += x
	}
	return s
}

func apply[T any](x T, f func(T)) { f(x) }

func generics() {
	sum([]int{1, 2})
	sum([]float64{1})
	apply("x", func(string) { note() })
	apply(pair[string, []int]{"a", nil}, func(p pair[string, []int]) { p.visit(func(string, []int) { note() }) })
	(&pair[int, map[string]*int]{1, nil}).visitSlow(func(int, map[string]*int) { note() })
}
