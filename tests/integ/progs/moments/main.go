// SPDX-License-Identifier: BSD-2-Clause

// moments: goroutines that wait at known moments, one after the other: "ready"; after a line "go" it does so, and says as JSON who waited
// where from when to when (in ns since 1970, as the goroutine itself saw it); ends with its input
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

type wait struct {
	Goid int64  `json:"goid"`
	Func string `json:"func"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

var (
	mutex sync.Mutex
	truth []wait
)

func goid() int64 {
	var buf [64]byte
	id, _ := strconv.ParseInt(strings.Fields(string(buf[:runtime.Stack(buf[:], false)]))[1], 10, 64)
	return id
}

//go:noinline
func waitToReceive(c chan int) {
	<-c
}

//go:noinline
func waitToSend(c chan int) {
	c <- 1
}

//go:noinline
func waitAsleep(d time.Duration) {
	time.Sleep(d)
}

func note(name string, do func()) {
	from := time.Now().UnixNano()
	do()
	w := wait{goid(), name, from, time.Now().UnixNano()}
	mutex.Lock()
	truth = append(truth, w)
	mutex.Unlock()
}

// Each waits for the other one by turns, and sleeps meanwhile.
func play(nr int, mine, other chan int, done *sync.WaitGroup) {
	defer done.Done()
	for turn := 0; turn < 4; turn++ {
		pause := time.Duration(100+40*nr+20*turn) * time.Millisecond
		if (turn+nr)%2 == 0 {
			note("main.waitToReceive", func() { waitToReceive(mine) })
		} else {
			note("main.waitAsleep", func() { waitAsleep(pause) })
			note("main.waitToSend", func() { waitToSend(other) })
		}
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	for {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		a, b := make(chan int), make(chan int)
		var done sync.WaitGroup
		done.Add(2)
		truth = nil
		go play(0, a, b, &done)
		go play(1, b, a, &done)
		done.Wait()
		text, _ := json.Marshal(truth)
		fmt.Println(string(text))
	}
}
