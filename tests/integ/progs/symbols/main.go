// SPDX-License-Identifier: BSD-2-Clause

//go:build !cshared && !plugged
// +build !cshared,!plugged

package main

func main() { dump() }
