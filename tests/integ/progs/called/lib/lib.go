// Package lib is a library: its go statements help nobody who looks for the leak.
package lib

import "time"

//go:noinline
func wait(c chan int) int { return <-c }

// Each has a go statement of its own.

//go:noinline
func Open() { go func() { wait(make(chan int)) }() }

//go:noinline
func Early() { go func() { wait(make(chan int)) }() }

//go:noinline
func Gone() { go func() { wait(make(chan int)) }() }

// Serve does not return.
func Serve(n int) {
	for i := 0; i < n; i++ {
		go func() { wait(make(chan int)) }()
	}
	for {
		time.Sleep(time.Hour)
	}
}

// Pool makes a goroutine that makes others.
//
//go:noinline
func Pool() { go fill() }

func fill() {
	for {
		time.Sleep(200 * time.Millisecond)
		go func() { wait(make(chan int)) }()
	}
}
