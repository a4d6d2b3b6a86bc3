// parked: N goroutines that wait, beside pprof's pages; with a third argument, work that tells what was lost meanwhile.
//
//	parked N DEPTH [work]
//
// It prints "ready PORT", and PORT on 127.0.0.1 serves /debug/pprof. A line on standard input is answered with
// {"ops":N,"wall_ns":N,"pause_ns":N}: ops since the start, the clock, and the longest time without one since the last answer.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var sink uint64

//go:noinline
func below(depth int, c chan int) {
	if depth > 0 {
		below(depth-1, c)
	} else {
		<-c
	}
	sink++
}

var (
	mu    sync.Mutex
	ops   int64
	pause time.Duration
)

func pong(in, out chan uint64) {
	for v := range in {
		out <- v + 1
	}
}

// work: an op is some 50 us of arithmetic and a ping-pong, all on one processor.
func work() {
	in, out := make(chan uint64), make(chan uint64)
	go pong(in, out)
	last := time.Now()
	for x := uint64(1); ; {
		for i := 0; i < 50000; i++ {
			x = x*6364136223846793005 + 1442695040888963407
		}
		in <- x
		x = <-out
		now := time.Now()
		mu.Lock()
		ops++
		if d := now.Sub(last); d > pause {
			pause = d
		}
		mu.Unlock()
		last = now
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	depth, _ := strconv.Atoi(os.Args[2])
	for i := 0; i < n; i++ {
		go below(depth, make(chan int))
	}
	runtime.GC() // none later: this is not to be measured
	if len(os.Args) > 3 {
		go work()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, nil)
	start := time.Now()
	fmt.Println("ready", l.Addr().(*net.TCPAddr).Port)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		mu.Lock()
		answer := fmt.Sprintf(`{"ops":%d,"wall_ns":%d,"pause_ns":%d}`, ops, time.Since(start).Nanoseconds(), pause.Nanoseconds())
		pause = 0
		mu.Unlock()
		fmt.Println(answer)
	}
}
