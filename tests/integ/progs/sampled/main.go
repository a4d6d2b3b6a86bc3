// SPDX-License-Identifier: BSD-2-Clause

// sampled: six seconds in which goroutines wait, are born and end in many ways at once.
//
//	sampled waits|births	says "ready"; for a line "go" on its standard input it works, and then says "done"
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"time"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("ready")
	for in.Scan() && in.Text() == "go" {
		if os.Args[1] == "waits" {
			mixed()
		} else {
			lives()
		}
		fmt.Println("done")
	}
}

// lives is goroutines that stay, that end soon, and that end at once.
func lives() {
	var wg sync.WaitGroup

	for end := time.Now().Add(mixedTime / 2); time.Now().Before(end); {
		wg.Add(61)
		for i := 0; i < 40; i++ {
			go endAtOnce(&wg)
		}
		for i := 0; i < 20; i++ {
			go endSoon(&wg)
		}
		go endLate(&wg, end)
		time.Sleep(3 * time.Millisecond)
	}
	wg.Wait()
}

//go:noinline
func endAtOnce(wg *sync.WaitGroup) { wg.Done() }

//go:noinline
func endSoon(wg *sync.WaitGroup) {
	time.Sleep(time.Millisecond)
	wg.Done()
}

//go:noinline
func endLate(wg *sync.WaitGroup, end time.Time) {
	time.Sleep(time.Until(end))
	wg.Done()
}

// mixed is waits of all lengths in the same seconds: microseconds, milliseconds, seconds; a burst; and a time in which nearly
// nothing happens.
func mixed() {
	var wg sync.WaitGroup
	end := time.Now().Add(mixedTime)

	each := func(n int, f func(end time.Time)) {
		wg.Add(n)
		for i := 0; i < n; i++ {
			go func() {
				defer wg.Done()
				f(end)
			}()
		}
	}
	each(1, pingPong)
	each(4, sleepMillisecond)
	each(8, sleepThirty)
	each(3, sleepLong)
	each(20, waitToTheEnd)
	each(2, slowInTheMiddle)
	time.Sleep(mixedTime / 4)
	each(200, burstOfWaits)
	wg.Wait()
}

const mixedTime = 6 * time.Second

//go:noinline
func pingPong(end time.Time) {
	there, back := make(chan int), make(chan int)
	go func() {
		for range there {
			back <- 1
		}
	}()
	for time.Now().Before(end) {
		for i := 0; i < 100; i++ {
			there <- 1
			<-back
		}
		time.Sleep(2 * time.Millisecond)
	}
	close(there)
}

//go:noinline
func sleepMillisecond(end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		spin(200 * time.Microsecond)
	}
}

//go:noinline
func sleepThirty(end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(30 * time.Millisecond)
	}
}

//go:noinline
func sleepLong(end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(700 * time.Millisecond)
	}
}

//go:noinline
func waitToTheEnd(end time.Time) { <-time.After(time.Until(end)) }

//go:noinline
func burstOfWaits(time.Time) { <-time.After(100 * time.Millisecond) }

//go:noinline
func slowInTheMiddle(end time.Time) {
	var mu sync.Mutex

	for begin := time.Now(); time.Now().Before(end); {
		if since := time.Since(begin); since > mixedTime/2 && since < mixedTime*3/4 {
			mu.Lock()
			time.AfterFunc(mixedTime/4, mu.Unlock)
			mu.Lock()
			mu.Unlock()
			continue
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}
