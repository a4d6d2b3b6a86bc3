// SPDX-License-Identifier: BSD-2-Clause

// incidents: goroutines that hang because another one does, one kind of cause each, and locks that are only busy.
//
//	incidents KIND
//
// Says "ready" and a line of JSON: null.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// store is what requests share.
type store struct {
	sync.Mutex
	config sync.RWMutex
	items  map[int]int
}

var shared = &store{items: map[int]int{}}

var connections []net.Conn

// silent is the address of a server that takes connections and says nothing.
func silent() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections = append(connections, c)
		}
	}()
	return "http://" + listener.Addr().String()
}

func load(url string) {
	shared.Lock()
	defer shared.Unlock()
	if response, err := http.Get(url); err == nil {
		response.Body.Close()
	}
}

func look() { shared.Lock(); _ = len(shared.items); shared.Unlock() }

func count() { shared.Lock(); shared.items[2]++; shared.Unlock() }

func drop(i int) { shared.Lock(); delete(shared.items, i); shared.Unlock() }

func clean() {
	shared.Lock()
	drop(1)
	shared.Unlock()
}

//go:noinline
func inner() { shared.config.RLock(); shared.config.RUnlock() }

func outer() {
	shared.config.RLock()
	pause()
	pause()
	inner()
	shared.config.RUnlock()
}

func write() { shared.config.Lock(); shared.config.Unlock() }

func read() { shared.config.RLock(); shared.config.RUnlock() }

func waitFor(c chan int) {
	shared.Lock()
	<-c
	shared.Unlock()
}

// behind holds a lock of its own and waits for the one that waitFor has.
func behind() {
	mine.Lock()
	defer mine.Unlock()
	shared.Lock()
	defer shared.Unlock()
}

func last() { mine.Lock(); mine.Unlock() }

func lockBoth(a, b *sync.Mutex) {
	a.Lock()
	defer a.Unlock()
	pause()
	b.Lock()
	defer b.Unlock()
}

func work() {
	for {
		shared.Lock()
		time.Sleep(2 * time.Millisecond)
		shared.Unlock()
	}
}

func part(result chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	result <- 1
}

func waitAll(wg *sync.WaitGroup) { wg.Wait() }

func every(f func()) {
	for {
		time.Sleep(150 * time.Millisecond)
		f()
	}
}

func pause() { time.Sleep(100 * time.Millisecond) }

func times(n int, f func()) {
	for i := 0; i < n; i++ {
		go f()
	}
}

var never = make(chan int)

var mine, other sync.Mutex

var kinds = map[string]func(){
	"request-with-lock": func() {
		go load(silent())
		pause()
		times(130, look)
		times(10, count)
	},
	"double-lock": func() { go clean(); pause(); go look() },
	"recursive-rlock": func() {
		go outer()
		pause()
		go write()
		pause()
		times(200, read)
	},
	"chain": func() {
		go waitFor(never)
		pause()
		go behind()
		pause()
		times(30, last)
	},
	"behind-a-ring": func() {
		go lockBoth(&mine, &other)
		go lockBoth(&other, &mine)
		pause()
		pause()
		times(20, last)
	},
	"wait-group": func() {
		wg := new(sync.WaitGroup)
		wg.Add(1)
		go part(make(chan int), wg)
		for i := 0; i < 5; i++ {
			go waitAll(wg)
		}
	},
	"busy-group": func() {
		go every(func() {
			wg := new(sync.WaitGroup)
			wg.Add(1)
			go func() { defer wg.Done(); pause() }()
			times(3, wg.Wait)
		})
	},
	"busy-lock": func() { times(20, work) },
}

func main() {
	kinds[os.Args[1]]()
	time.Sleep(500 * time.Millisecond)
	fmt.Println("ready\nnull")
	os.Stdin.Read(make([]byte, 1))
	<-never
}
