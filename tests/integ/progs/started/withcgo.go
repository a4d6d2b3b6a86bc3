// SPDX-License-Identifier: BSD-2-Clause

//go:build withcgo
// +build withcgo

package main

// static int twice(int x) { return 2 * x; }
import "C"

// A program that is linked with C and has called it: extra threads, the host's start code.
func init() {
	if C.twice(21) != 42 {
		panic("cgo")
	}
}
