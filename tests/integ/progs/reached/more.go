// SPDX-License-Identifier: BSD-2-Clause

// Go 1.24 and later.

package main

import (
	"runtime"
	"weak"
)

func init() {
	cases = append(cases, testCase{"cleanup", false, heldCleanup}, testCase{"weak", false, heldWeak})
}

//go:noinline
func heldCleanup(here in) {
	c := make(chan int)
	r := &resource{"r", new(int)}
	runtime.AddCleanup(r, func(c chan int) { close(c) }, c)
	global.any = append(global.any, r)
	spawn(here, func() { <-c })
}

//go:noinline
func heldWeak(here in) {
	s := &server{make(chan int), make(chan bool)}
	global.any = append(global.any, weak.Make(s))
	spawn(here, s.loop)
}
