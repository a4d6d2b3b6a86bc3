// SPDX-License-Identifier: BSD-2-Clause

//go:build cshared
// +build cshared

package main

import "C"

// Work is what the C host of the library calls.
//
//export Work
func Work(*C.char) { dump() }

func main() {}
