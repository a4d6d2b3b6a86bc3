// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

// A crew is goroutines that allocate side by side, in small steps, and then wait for what nobody has; or end.
type crew struct {
	run   func(work func(), end chan bool)
	nr    int
	steps int
	burst int // objects of a step
	bytes int // of a step
	step  func()
}

const steps = 2500

// Nothing is rounded: 64, 1024 and 48 bytes are size classes, 65536 are whole pages.
var crews = map[string]crew{
	"main.small":   {small, 12, steps, 32, 32 * 64, func() { several(32, 64) }},
	"main.mixed":   {mixed, 6, steps, 24, 8 * (64 + 1024 + 48), func() { several(8, 64); several(8, 1024); nodes(8) }},
	"main.large":   {large, 3, steps, 1, 65536, func() { several(1, 65536) }},
	"main.nothing": {nothing, 5, 0, 0, 0, func() {}},
	"main.ends":    {ends, 6, steps, 25, 8*(64+1024+48) + 65536, func() { several(8, 64); several(8, 1024); nodes(8); several(1, 65536) }},
}

//go:noinline
func allocate(n int) []byte { return make([]byte, n) }

//go:noinline
func allocateNode() *node { return new(node) }

func several(objects, bytes int) {
	for i := 0; i < objects; i++ {
		allocate(bytes)
	}
}

func nodes(objects int) {
	for i := 0; i < objects; i++ {
		allocateNode()
	}
}

func small(work func(), end chan bool)   { work(); end <- true }
func mixed(work func(), end chan bool)   { work(); end <- true }
func large(work func(), end chan bool)   { work(); <-end }
func nothing(work func(), end chan bool) { work(); <-end }
func ends(work func(), end chan bool)    { work() }

// leaking is crews that allocate while they are watched; its truth is by the functions that they run.
func leaking() {
	var out struct {
		Bytes map[string]int `json:"bytes"`
		Nr    map[string]int `json:"nr"`
		Burst map[string]int `json:"burst"`
		Total uint64         `json:"total"`
	}
	var before, after runtime.MemStats
	var wg sync.WaitGroup
	out.Bytes, out.Nr, out.Burst = map[string]int{}, map[string]int{}, map[string]int{}
	start := make(chan bool)
	for name, c := range crews {
		out.Bytes[name], out.Nr[name], out.Burst[name] = c.nr*c.steps*c.bytes, c.nr, c.burst
		c := c
		work := func() {
			<-start
			for i := 0; i < c.steps; i++ {
				c.step()
				time.Sleep(time.Millisecond)
			}
			wg.Done()
		}
		for i := 0; i < c.nr; i++ {
			wg.Add(1)
			go c.run(work, make(chan bool))
		}
	}
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	in.ReadString('\n')
	runtime.ReadMemStats(&before)
	close(start)
	wg.Wait()
	runtime.ReadMemStats(&after)
	out.Total = after.TotalAlloc - before.TotalAlloc
	text, _ := json.Marshal(&out)
	fmt.Println(string(text))
	in.ReadString('\n')
}
