// SPDX-License-Identifier: BSD-2-Clause

// knots: goroutines that wait on channels and locks of every kind, and for each other.
//
//	knots deadlocks|channels|innocent|alike
//
// Says "ready" and one line of JSON: the truth. Ends with its standard input.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

type channel struct {
	Addr      string   `json:"addr"`
	Type      string   `json:"type"`
	Size      int      `json:"size"`
	Len       int      `json:"len"`
	Cap       int      `json:"cap"`
	Timer     bool     `json:"timer"`
	Senders   []uint64 `json:"senders"`
	Receivers []uint64 `json:"receivers"`
	Elements  []string `json:"elements"`
}

type lock struct {
	Addr    string   `json:"addr"`
	Kind    string   `json:"kind"`
	Waiters []uint64 `json:"waiters"`
	Holders []uint64 `json:"holders"` // nil: nobody, or it cannot be known
}

type truth struct {
	Deadlocks [][]uint64          `json:"deadlocks"`
	Channels  []*channel          `json:"channels"`
	Locks     []*lock             `json:"locks"`
	Nobody    map[string][]uint64 `json:"nobody"`
}

var (
	told   truth
	toldMu sync.Mutex
)

func goid() uint64 {
	var buf [64]byte
	text := string(buf[:runtime.Stack(buf[:], false)])
	id, err := strconv.ParseUint(strings.Fields(text)[1], 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// start runs f in a goroutine of its own and returns its number.
func start(f func()) uint64 {
	id := make(chan uint64)
	go func() {
		id <- goid()
		f()
	}()
	return <-id
}

// settle returns once every goroutine but this one has come to where it stays.
func settle() {
	var last []byte
	for {
		buf := make([]byte, 4<<20)
		buf = buf[:runtime.Stack(buf, true)]
		text := buf[bytes.Index(buf, []byte("\n\n")):]
		if bytes.Equal(text, last) && !bytes.Contains(text, []byte("[running")) && !bytes.Contains(text, []byte("[runnable")) {
			return
		}
		last = text
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	kinds := map[string]func(){"deadlocks": deadlocks, "channels": channels, "innocent": innocent, "alike": alike}
	kinds[os.Args[1]]()
	if os.Args[1] != "innocent" {
		settle()
	}
	text, err := json.Marshal(&told)
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "ready\n%s\n", text)
	out.Flush()
	ioutil.ReadAll(os.Stdin)
}
