// SPDX-License-Identifier: BSD-2-Clause

// many: as many goroutines as it is told, each waiting for a channel of its own.
//
//	many N	says "ready"; ends with its standard input
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
)

var begun int64

//go:noinline
func wait(c chan int) {
	atomic.AddInt64(&begun, 1)
	<-c
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		go wait(make(chan int))
	}
	for atomic.LoadInt64(&begun) < int64(n) {
		runtime.Gosched()
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
}
