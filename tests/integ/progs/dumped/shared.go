// SPDX-License-Identifier: BSD-2-Clause

//go:build cshared
// +build cshared

package main

import "C"

// Work is main for a C host: the arguments of a Go library are not the host's in every libc, so it hands the kind in.
//
//export Work
func Work(kind *C.char) { run(C.GoString(kind)) }
