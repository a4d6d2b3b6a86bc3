// SPDX-License-Identifier: BSD-2-Clause

// stacks: goroutines with small and with deep stacks, which then end, and what the runtime itself counts of their stacks.
//
// Each answer to a line on standard input is a line of JSON. Nothing is collected but where it says so, so what an ended goroutine
// leaves stays until then.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

const (
	small = 3000
	deep  = 40
	depth = 300 // frames of more than a kilobyte each
)

type truth struct {
	Small, Deep int
	// bytes of stacks: before there were any of these goroutines, and now
	Before, Now uint64
	Goroutines  int
}

var (
	wait, left sync.WaitGroup
	end        = make(chan bool)
	before     uint64
)

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.StackInuse
}

func tell() {
	text, _ := json.Marshal(truth{small, deep, before, inUse(), runtime.NumGoroutine()})
	fmt.Println(string(text))
}

func shallow() {
	wait.Done()
	<-end
	left.Done()
}

//go:noinline
func descend(n int) byte {
	var room [1024]byte
	if n == 0 {
		wait.Done()
		<-end
		return room[0]
	}
	room[n%len(room)] = descend(n - 1)
	return room[n%len(room)]
}

func deeply() {
	descend(depth)
	left.Done()
}

func begin() {
	wait.Add(small + deep)
	left.Add(small + deep)
	for i := 0; i < small; i++ {
		go shallow()
	}
	for i := 0; i < deep; i++ {
		go deeply()
	}
	wait.Wait()
}

func main() {
	debug.SetGCPercent(-1)
	runtime.GC()
	before = inUse()
	in := bufio.NewScanner(os.Stdin)
	begin()
	fmt.Println("ready")
	tell()
	in.Scan() // they end
	close(end)
	left.Wait()
	for runtime.NumGoroutine() > 1 {
		time.Sleep(time.Millisecond)
	}
	tell()
	in.Scan() // what they left is collected
	runtime.GC()
	runtime.GC()
	tell()
	in.Scan()
}
