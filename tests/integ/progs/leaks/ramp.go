// SPDX-License-Identifier: BSD-2-Clause

// A program that is still being set up: main makes one thing after the other, and has them all.
package main

import (
	"fmt"
	"time"
)

type cache struct {
	gets chan int
	stop chan struct{}
}

func (c *cache) serve() {
	for {
		select {
		case <-c.gets:
		case <-c.stop:
			return
		}
	}
}

// sweep has a ticker besides.
func (c *cache) sweep() {
	t := time.NewTicker(50 * time.Millisecond)
	for {
		select {
		case <-t.C:
		case <-c.stop:
			return
		}
	}
}

func (c *cache) wait() { <-c.stop }

func newCache() *cache { return &cache{make(chan int), make(chan struct{})} }

// ramp makes one every 2 s; which says what for.
func ramp(which string) {
	var caches []*cache
	fmt.Println("ready")
	fmt.Println("{}")
	for i := 0; i < 40; i++ {
		c := newCache()
		switch which {
		case "served":
			go c.serve()
		case "swept":
			go c.sweep()
		case "waiting":
			go c.wait()
		}
		caches = append(caches, c)
		time.Sleep(2 * time.Second)
	}
	for _, c := range caches {
		close(c.stop)
	}
}
