// SPDX-License-Identifier: BSD-2-Clause

// wanted: goroutines of two go statements, with and without a label, that do the same in two functions, and count what they do.
//
//	wanted N	says "ready" when half of them are there: they wait for their work. After a line on standard input the other half is
//	made. Then each sleeps N times in left and N times in right, and allocates a block after each; ends when all are done, after a
//	line of JSON that says how many goroutines each go statement has made since that line, how many have ended, and how often each
//	go statement's goroutines did what, with which label. Ends with its input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	block = 3000
	each  = 5 // goroutines of a kind
)

type count struct {
	Site  string `json:"site"`
	Role  string `json:"role"`
	Made  int64  `json:"made"`
	Ended int64  `json:"ended"`
	Left  int64  `json:"left"`
	Right int64  `json:"right"`
	Bytes int64  `json:"bytes"`
}

var (
	work = make(chan bool)
	all  sync.WaitGroup
	sink []byte
)

//go:noinline
func left(c *count) {
	time.Sleep(time.Millisecond)
	atomic.AddInt64(&c.Left, 1)
}

//go:noinline
func right(c *count) {
	time.Sleep(time.Millisecond)
	atomic.AddInt64(&c.Right, 1)
}

//go:noinline
func allocate(c *count) {
	sink = make([]byte, block)
	atomic.AddInt64(&c.Bytes, block)
}

func both(c *count, n int) {
	<-work
	for i := 0; i < n; i++ {
		left(c)
		allocate(c)
		right(c)
		allocate(c)
	}
}

// The labels are there before it begins, but for those that have none.
func worker(c *count, n int) {
	defer all.Done()
	if c.Role == "" {
		both(c, n)
		return
	}
	labels := pprof.Labels("role", c.Role, "zone", "a=b", "request", strconv.Itoa(n))
	pprof.Do(context.Background(), labels, func(context.Context) { both(c, n) })
}

//go:noinline
func makeFirst(c *count, n int) {
	all.Add(1)
	go worker(c, n)
}

//go:noinline
func makeSecond(c *count, n int) {
	all.Add(1)
	go worker(c, n)
}

var counts = []*count{
	{Site: "makeFirst", Role: "reader"}, {Site: "makeFirst", Role: "writer"}, {Site: "makeFirst"},
	{Site: "makeSecond", Role: "reader"}, {Site: "makeSecond", Role: "writer"}, {Site: "makeSecond"},
}

func makeAll(n int) {
	for _, c := range counts {
		for i := 0; i < each; i++ {
			if c.Site == "makeFirst" {
				makeFirst(c, n)
			} else {
				makeSecond(c, n)
			}
		}
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	makeAll(n)
	time.Sleep(50 * time.Millisecond) // each waits for its work
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	in.ReadString('\n')
	makeAll(n)
	for _, c := range counts {
		c.Made = each
	}
	close(work)
	all.Wait()
	time.Sleep(50 * time.Millisecond) // each has ended
	for _, c := range counts {
		c.Ended = 2 * each
	}
	text, _ := json.Marshal(counts)
	fmt.Println(string(text))
	in.ReadString('\n')
}
