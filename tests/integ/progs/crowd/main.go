// SPDX-License-Identifier: BSD-2-Clause

// crowd: goroutines that come and go as it is told.
//
//	crowd	says "ready"; for "more N" on its standard input it has N more goroutines, for "less N" N fewer, for "other N" N more that are
//	made and wait elsewhere, for "leak N" N more whose channels nobody else has, for "rally N" N pairs that wait for each other in turns; says each time how many it has started and ended, as JSON; ends with its input
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
)

var (
	began, done    sync.WaitGroup
	stop           = make(chan bool)
	never          = make(chan bool)
	started, ended int
)

//go:noinline
func park() {
	began.Done()
	<-stop // park.stop
	done.Done()
}

//go:noinline
func stay() {
	began.Done()
	<-never // stay.never
}

func more(n int) {
	began.Add(n)
	done.Add(n)
	for i := 0; i < n; i++ {
		go park() // more.go
	}
	began.Wait()
	started += n
}

func less(n int) {
	for i := 0; i < n; i++ {
		stop <- true
	}
	ended += n
}

func other(n int) {
	began.Add(n)
	for i := 0; i < n; i++ {
		go stay() // other.go
	}
	began.Wait()
	started += n
}

//go:noinline
func lost(c chan bool) {
	began.Done()
	<-c // lost.wait
}

func leak(n int) {
	began.Add(n)
	for i := 0; i < n; i++ {
		go lost(make(chan bool)) // leak.go
	}
	began.Wait()
	started += n
}

//go:noinline
func play(take, give chan bool) {
	for {
		give <- <-take // play.wait
	}
}

func rally(n int) {
	for i := 0; i < n; i++ {
		a, b := make(chan bool), make(chan bool)
		go play(a, b) // rally.go
		go play(b, a)
		a <- true
	}
}

func main() {
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var n int
		fmt.Sscan(strings.TrimLeft(in.Text(), "abcdefghijklmnopqrstuvwxyz "), &n)
		switch strings.Fields(in.Text())[0] {
		case "more":
			more(n)
		case "less":
			less(n)
		case "leak":
			leak(n)
		case "other":
			other(n)
		case "rally":
			rally(n)
		}
		fmt.Printf("{\"started\":%d,\"ended\":%d}\n", started, ended)
	}
}
