// SPDX-License-Identifier: BSD-2-Clause

package main

/*
#include <stdint.h>
#include <stdlib.h>

static volatile uintptr_t variable[512];
static int used;

static void keep_in_variable(uintptr_t p) { variable[used++ % 512] = p; }
static void keep_in_heap(uintptr_t p) { volatile uintptr_t *slot = malloc(sizeof(*slot)); *slot = p; keep_in_variable((uintptr_t)slot); }
static void keep_in_large(uintptr_t p) { volatile uintptr_t *slots = malloc(1 << 20); slots[1 << 10] = p; keep_in_variable((uintptr_t)slots); }
*/
import "C"

import "unsafe"

func init() {
	cases = append(cases, testCase{"memory of C", false, heldByC})
}

func address(c chan int) C.uintptr_t {
	return C.uintptr_t(*(*uintptr)(unsafe.Pointer(&c)))
}

// Against the rules of cgo, but it works: the goroutine keeps its channel.
//
//go:noinline
func heldByC(here in) {
	a, b, c := make(chan int), make(chan int), make(chan int)
	C.keep_in_variable(address(a))
	C.keep_in_heap(address(b))
	C.keep_in_large(address(c))
	spawn(here, func() { <-a })
	spawn(here, func() { <-b })
	spawn(here, func() { <-c })
}
