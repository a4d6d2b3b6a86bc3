// SPDX-License-Identifier: BSD-2-Clause

// recorded: a steady load, and its own net/http/pprof profiles as the truth of it.
//
//	recorded N	each 10 ms N goroutines are born and end; one waits for a channel, one waits for a lock that is held, and 64 KiB are
//	allocated in 1 KiB objects. Says "ready". A line on its standard input is "count": says as JSON how often each was done so far, or
//	"NAME DEBUG": says the profile of that name (base64; runtime/pprof); ends with its input.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	objects = 64
	size    = 1024
)

var (
	births, allocs, received, held int64
	mu                             sync.Mutex
	sink                           []byte
)

//go:noinline
func child(wg *sync.WaitGroup) { wg.Done() }

//go:noinline
func bear(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go child(&wg) // bear.go
	}
	wg.Wait()
	atomic.AddInt64(&births, int64(n))
}

//go:noinline
func allocate() {
	for i := 0; i < objects; i++ {
		sink = make([]byte, size)
	}
	atomic.AddInt64(&allocs, objects)
}

//go:noinline
func receive(c chan bool) {
	for range c {
		atomic.AddInt64(&received, 1)
	}
}

//go:noinline
func lock() {
	mu.Lock()
	mu.Unlock()
	atomic.AddInt64(&held, 1)
}

//go:noinline
func hold(c chan bool) {
	for range c {
		mu.Lock()
		c <- true
		time.Sleep(3 * time.Millisecond)
		mu.Unlock()
	}
}

//go:noinline
func stay() { select {} }

//go:noinline
func lost(c chan bool) { <-c }

func profile(name string, debug int) {
	var b bytes.Buffer
	pprof.Lookup(name).WriteTo(&b, debug)
	fmt.Println(base64.StdEncoding.EncodeToString(b.Bytes()))
}

func load(n int) {
	c, h := make(chan bool), make(chan bool)
	go receive(c)
	go hold(h)
	for range time.Tick(10 * time.Millisecond) {
		bear(n)
		allocate()
		c <- true
		h <- true
		<-h
		lock()
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	runtime.SetBlockProfileRate(1)
	for i := 0; i < 7; i++ {
		go stay()
	}
	for i := 0; i < 30; i++ {
		go lost(make(chan bool))
	}
	go load(n)
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		words := strings.Fields(in.Text())
		if words[0] == "count" {
			text, _ := json.Marshal(map[string]int64{
				"births": atomic.LoadInt64(&births), "allocs": atomic.LoadInt64(&allocs),
				"received": atomic.LoadInt64(&received), "held": atomic.LoadInt64(&held),
			})
			fmt.Println(string(text))
			continue
		}
		debug, _ := strconv.Atoi(words[1])
		profile(words[0], debug)
	}
}
