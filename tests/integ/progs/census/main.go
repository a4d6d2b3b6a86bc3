// SPDX-License-Identifier: BSD-2-Clause

// Command census is the target of parkwatch's census test: goroutines in every state, and the runtime's own word for it.
//
//	census KIND[:N]
//
// It prints "ready", answers the line "dump" with all stacks as runtime.Stack gives them and a line "end", and ends with its
// input. It compiles with every Go from 1.15 on, as a program, a c-shared library and a plugin.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	never = make(chan int)
	block sync.Mutex
	sink  byte
)

//go:noinline
func deep(n int, f func()) {
	if n > 0 {
		deep(n-1, f)
		return
	}
	f()
}

// deepBig has frames of 5 KiB: its stack is read in many pieces.
//
//go:noinline
func deepBig(n int, f func()) {
	var room [5000]byte
	room[n] = byte(n)
	if n > 0 {
		deepBig(n-1, f)
	} else {
		f()
	}
	sink += room[n]
}

func receive() { <-never }

type thing struct{ ch chan int }

func (t *thing) wait(a, b int) { t.ch <- a + b }
func (t thing) byValue()       { <-t.ch }

type waiter interface{ byValue() }

func waitOnce(wg *sync.WaitGroup)  { wg.Wait() }
func sleepLong()                   { time.Sleep(time.Hour) }
func lockMutex()                   { block.Lock() }
func readLock(m *sync.RWMutex)     { m.RLock() }
func writeLock(m *sync.RWMutex)    { m.Lock() }
func condWait(c *sync.Cond)        { c.L.Lock(); c.Wait() }
func receiveNil()                  { var c chan int; <-c }
func sendNil()                     { var c chan int; c <- 1 }
func selectNone()                  { select {} }
func accept(l net.Listener)        { l.Accept() }
func rawRead(fd int)               { syscall.Read(fd, make([]byte, 1)) }
func lockedReceive()               { runtime.LockOSThread(); <-never }
func deferReceive()                { defer receive(); panicOver() }
func panicOver()                   { defer func() { recover() }(); panic("over") }
func labelled(ctx context.Context) { receive() }

func selectTwo() {
	select {
	case <-never:
	case never <- 1:
	}
}

func selectTimer() {
	t := time.NewTimer(time.Hour)
	select {
	case <-never:
	case <-t.C:
	}
}

func parked() {
	t := &thing{make(chan int)}
	var wg sync.WaitGroup
	var busy sync.RWMutex
	wg.Add(1)
	block.Lock()
	busy.Lock()
	go receive()
	go t.wait(1, 2)
	var w waiter = thing{never}
	go w.byValue()
	go waitOnce(&wg)
	go sleepLong()
	go lockMutex()
	go readLock(&busy)
	go writeLock(&busy)
	go condWait(sync.NewCond(&sync.Mutex{}))
	go receiveNil()
	go sendNil()
	go selectNone()
	go selectTwo()
	go selectTimer()
	go lockedReceive()
	go deferReceive()
	go pprof.Do(context.Background(), pprof.Labels("key", "value"), labelled)
	go func() { func() { receive() }() }()
	for i := 0; i < 3; i++ {
		go deep(20*i, receive)
		go deepBig(20*i, receive)
	}
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		go accept(l)
	}
	var fds [2]int
	if syscall.Pipe(fds[:]) == nil {
		go rawRead(fds[0])
	}
	coroutine()
}

func many(n int) {
	for i := 0; i < n; i++ {
		go deep(8, receive)
	}
}

func pingpong() {
	a, b := make(chan int), make(chan int)
	go func() {
		for x := range a {
			b <- x
		}
	}()
	for {
		a <- 1
		<-b
	}
}

func shortLived() {
	var wg sync.WaitGroup
	for {
		for i := 0; i < 100; i++ {
			wg.Add(1)
			go func(i int) { deep(i, wg.Done) }(i)
		}
		wg.Wait()
	}
}

func collect() {
	for {
		runtime.GC()
	}
}

func spin() {
	for {
		sink++
	}
}

// churn keeps every thread at work: births, exits, wake-ups, growing stacks, garbage collections.
func churn() {
	runtime.GOMAXPROCS(4)
	for i := 0; i < 3; i++ {
		go pingpong()
		go shortLived()
	}
	go collect()
	go spin()
}

func start(kind string, n int) {
	switch kind {
	case "single":
	case "parked":
		parked()
	case "many":
		many(n)
	case "churn":
		parked()
		many(n)
		churn()
	default:
		fmt.Fprintln(os.Stderr, "census: what is", kind, "?")
		os.Exit(2)
	}
}

func serve() {
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			os.Exit(0)
		}
		if line == "dump\n" {
			buf := make([]byte, 64<<20)
			os.Stdout.Write(buf[:runtime.Stack(buf, true)])
			fmt.Println("\nend")
		}
	}
}

func run(arg string) {
	kind, n := arg, 100
	if i := strings.IndexByte(arg, ':'); i > 0 {
		kind = arg[:i]
		n, _ = strconv.Atoi(arg[i+1:])
	}
	switch kind {
	case "goexit": // the main goroutine ends, its g is used again
		parked()
		go serve()
		runtime.Goexit()
	case "locked":
		runtime.LockOSThread()
		kind = "parked"
	}
	start(kind, n)
	serve()
}

func main() { run(os.Args[len(os.Args)-1]) }
