// SPDX-License-Identifier: BSD-2-Clause

// waiting: N goroutines that wait for work that a global queue will bring: none of them leaks.
//
//	waiting N DEPTH
//
// It prints "ready", and ends with its standard input.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
)

var (
	jobs = make(chan func())
	sink uint64
)

//go:noinline
func below(depth int) {
	if depth > 0 {
		below(depth - 1)
	} else {
		for job := range jobs {
			job()
		}
	}
	sink++
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	depth, _ := strconv.Atoi(os.Args[2])
	for i := 0; i < n; i++ {
		go below(depth)
	}
	for i := 0; i < 10*n; i++ {
		jobs <- func() {}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
