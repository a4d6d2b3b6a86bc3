// SPDX-License-Identifier: BSD-2-Clause

// Command allocheavy does little but allocate: slices of 64 bytes, a tree, maps of strings. It prints "ready"; for each line on
// its input it prints {"ops":N,"objects":N,"wall_ns":N,"cpu_ns":N}, cumulative; an op is a round, of some 1924 objects.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

var (
	keep  [1024][]byte
	root  *tree
	words map[string]string
	ops   uint64
)

func round(n int) {
	for i := 0; i < 1000; i++ {
		keep[i&1023] = make([]byte, 64)
	}
	root = grow(8)
	words = make(map[string]string)
	for i := 0; i < 200; i++ {
		s := strconv.Itoa(n*1000 + i)
		words[s] = "value " + s
	}
	atomic.AddUint64(&ops, 1)
}

func main() {
	go func() {
		for n := 0; ; n++ {
			round(n)
		}
	}()
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	for {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		var ru syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		fmt.Printf("{\"ops\":%d,\"objects\":%d,\"wall_ns\":%d,\"cpu_ns\":%d}\n", atomic.LoadUint64(&ops), m.Mallocs,
			time.Now().UnixNano(), ru.Utime.Nano()+ru.Stime.Nano())
	}
}
