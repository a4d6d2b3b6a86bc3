// SPDX-License-Identifier: BSD-2-Clause

package main

import "C"

var made int

//go:noinline
func work(c chan int) { c <- 1 }

//export fromC
func fromC() {
	c := make(chan int)
	go work(c)
	made += <-c
}
