// SPDX-License-Identifier: BSD-2-Clause

// kept: goroutines that leak, and know how much of the heap only they keep in use.
//
//	kept all
//
// Says "ready" and one line of JSON: what goroutines that run this function keep, in bytes, without what sizes are rounded up by,
// and how many they are; two functions with the same "with" keep it together. Builds with Go 1.15.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

const (
	many = 50
	kb   = 1024
)

type kept struct {
	Start string `json:"start"`
	Count int    `json:"count"`
	Bytes int    `json:"bytes"`
	With  string `json:"with"`
}

var (
	truth  []kept
	global [][]byte
	sink   interface{}
)

func buffer(n int) []byte {
	b := make([]byte, n)
	b[n-1] = 1
	return b
}

// On its stack.
func holdBuffer(never chan int, b []byte) {
	never <- 1
	sink = b
}

type node struct {
	next *node
	data [56]byte
}

// A list, made front to back or back to front.
func holdList(never chan int, head *node) {
	never <- 1
	sink = head
}

func list(n int, forwards bool) *node {
	head := &node{}
	for i, last := 1, head; i < n; i++ {
		if forwards {
			last.next = &node{}
			last = last.next
		} else {
			head = &node{next: head}
		}
	}
	return head
}

// In a map, by pointers; the map's own memory is not counted here.
func holdMap(never chan int, m map[int][]byte) {
	never <- 1
	sink = m
}

// In the buffer of a channel.
func holdQueue(never chan int, queue chan []byte) {
	<-never
	sink = queue
}

// What a variable has too.
func holdGlobal(never chan int, b []byte) {
	never <- 1
	sink = b
}

// What main has too.
func holdOfMain(never chan int, b []byte) {
	never <- 1
	sink = b
}

// One thing in two groups.
func holdTogetherA(never chan int, b []byte) {
	never <- 1
	sink = b
}

func holdTogetherB(never chan int, b []byte) {
	never <- 1
	sink = b
}

// Nothing.
func holdNothing(never chan int) {
	never <- 1
}

func leak() (ofMain []byte) {
	for i := 0; i < many; i++ {
		go holdBuffer(make(chan int), buffer(64*kb))
		go holdNothing(make(chan int))
	}
	truth = append(truth, kept{"main.holdBuffer", many, many * 64 * kb, ""}, kept{"main.holdNothing", many, 0, ""})
	for i := 0; i < 10; i++ {
		go holdList(make(chan int), list(5000, i%2 == 0))
	}
	truth = append(truth, kept{"main.holdList", 10, 10 * 5000 * 64, ""})
	for i := 0; i < 10; i++ {
		m := map[int][]byte{}
		for k := 0; k < 20; k++ {
			m[k] = buffer(32 * kb)
		}
		go holdMap(make(chan int), m)
	}
	truth = append(truth, kept{"main.holdMap", 10, 10 * 20 * 32 * kb, ""})
	for i := 0; i < 10; i++ {
		queue := make(chan []byte, 4)
		queue <- buffer(128 * kb)
		go holdQueue(make(chan int), queue)
	}
	truth = append(truth, kept{"main.holdQueue", 10, 10 * 128 * kb, ""})
	ofMain = buffer(1024 * kb)
	together := buffer(2048 * kb)
	for i := 0; i < 10; i++ {
		b := buffer(256 * kb)
		global = append(global, b)
		go holdGlobal(make(chan int), b)
		go holdOfMain(make(chan int), ofMain)
		go holdTogetherA(make(chan int), together)
		go holdTogetherB(make(chan int), together[kb:])
	}
	truth = append(truth, kept{"main.holdGlobal", 10, 0, ""}, kept{"main.holdOfMain", 10, 0, ""},
		kept{"main.holdTogetherA", 10, 2048 * kb, "main.holdTogetherB"},
		kept{"main.holdTogetherB", 10, 2048 * kb, "main.holdTogetherA"})
	return ofMain
}

func main() {
	ofMain := leak()
	atRest()
	runtime.GC()
	fmt.Println("ready")
	json.NewEncoder(os.Stdout).Encode(truth)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
	runtime.KeepAlive(ofMain)
}
