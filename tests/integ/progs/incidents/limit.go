// SPDX-License-Identifier: BSD-2-Clause

// Channels that are used as a limit: who has the places hangs, or is only busy.
package main

import "time"

var limit = make(chan struct{}, 5)

func limited(url string) {
	limit <- struct{}{}
	defer func() { <-limit }()
	get(url)
}

// gate is a limit of its own, with methods.
type gate struct{ places chan struct{} }

func (g *gate) enter() { g.places <- struct{}{} }

func (g *gate) leave() { <-g.places }

func (g *gate) pass(f func()) {
	g.enter()
	defer g.leave()
	f()
}

// startSome gives the places to goroutines that it makes itself.
func startSome(places chan struct{}, url string) {
	for {
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			get(url)
		}()
	}
}

func init() {
	kinds["limit"] = func() {
		url := silent()
		go every(func() { go limited(url) })
	}
	kinds["limit-of-its-own"] = func() {
		url, g := silent(), &gate{make(chan struct{}, 6)}
		go every(func() { go g.pass(func() { get(url) }) })
	}
	kinds["limit-for-children"] = func() {
		url, places := silent(), make(chan struct{}, 4)
		go every(func() { go startSome(places, url) })
	}
	kinds["busy-limit"] = func() {
		g := &gate{make(chan struct{}, 3)}
		times(20, func() {
			for {
				g.pass(func() { time.Sleep(20 * time.Millisecond) })
			}
		})
	}
}
