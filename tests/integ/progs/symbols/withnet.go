// SPDX-License-Identifier: BSD-2-Clause

//go:build withnet
// +build withnet

package main

import _ "net" // cgo of the standard library alone: linked by Go's own linker
