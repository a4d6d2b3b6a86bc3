// SPDX-License-Identifier: BSD-2-Clause

// mixed waits in as many ways as programs do: from a microsecond to a minute, in turn, at random, in bursts, and with a time in which
// little happens.
//
//	mixed SECONDS	says "ready"; for a line on its standard input it works so long, says "done", and waits for another
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"time"
)

var begin, end time.Time

func main() {
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	begin = time.Now()
	end = begin.Add(time.Duration(seconds) * time.Second)
	work()
	fmt.Println("done")
	in.Scan()
}

func work() {
	var wg sync.WaitGroup

	each := func(n int, f func()) {
		wg.Add(n)
		for i := 0; i < n; i++ {
			go func() {
				defer wg.Done()
				f()
			}()
		}
	}
	each(1, rally)
	each(1, jobs)
	each(3, contend)
	each(1, func() { sleeps(100 * time.Microsecond) })
	each(1, func() { sleepMillisecond(time.Millisecond) })
	each(1, func() { sleepThirty(30 * time.Millisecond) })
	each(2, func() { sleepSeconds(5 * time.Second) })
	each(2, func() { waitMinute(time.Minute) })
	each(1, bursts)
	each(1, random)
	wg.Wait()
}

func over() bool { return !time.Now().Before(end) }

// calm is the third fifth of the time.
func calm() bool {
	since, all := time.Since(begin), end.Sub(begin)

	return since > all*2/5 && since < all*3/5
}

// pause is nothing but in calm times.
func pause() {
	if calm() {
		takeItEasy()
	}
}

//go:noinline
func takeItEasy() { time.Sleep(20 * time.Millisecond) }

// rally is two goroutines that wait for each other, a microsecond or less a time.
func rally() {
	there, back := make(chan int), make(chan int)

	go returnBall(there, back)
	for !over() {
		for i := 0; i < 100; i++ {
			there <- 1
			<-back
		}
		pause()
	}
	close(there)
}

//go:noinline
func returnBall(there, back chan int) {
	for range there {
		back <- 1
	}
}

// jobs is a pool of workers, of which there are more than it needs.
func jobs() {
	var wg sync.WaitGroup
	work := make(chan time.Duration)

	wg.Add(4)
	for i := 0; i < 4; i++ {
		go worker(work, &wg)
	}
	for !over() {
		work <- time.Duration(rand.Intn(60)) * time.Microsecond
		time.Sleep(50 * time.Microsecond)
		pause()
	}
	close(work)
	wg.Wait()
}

//go:noinline
func worker(work chan time.Duration, wg *sync.WaitGroup) {
	for d := range work {
		spin(d)
	}
	wg.Done()
}

var mu sync.Mutex

//go:noinline
func contend() {
	for !over() {
		mu.Lock()
		spin(30 * time.Microsecond)
		time.Sleep(200 * time.Microsecond)
		mu.Unlock()
		time.Sleep(300 * time.Microsecond)
		pause()
	}
}

//go:noinline
func sleeps(d time.Duration) {
	for !over() {
		time.Sleep(d)
		spin(10 * time.Microsecond)
		pause()
	}
}

//go:noinline
func sleepMillisecond(d time.Duration) {
	for !over() {
		time.Sleep(d)
	}
}

//go:noinline
func sleepThirty(d time.Duration) {
	for !over() {
		time.Sleep(d)
		spin(time.Millisecond)
	}
}

//go:noinline
func sleepSeconds(d time.Duration) {
	for left := time.Until(end); left > 0; left = time.Until(end) {
		if left < d {
			d = left
		}
		time.Sleep(d)
	}
}

//go:noinline
func waitMinute(d time.Duration) {
	if left := time.Until(end); left < d {
		d = left
	}
	select {
	case <-time.After(d):
	}
	waitForTheEnd()
}

//go:noinline
func waitForTheEnd() { <-time.After(time.Until(end)) }

// bursts is many that come at once and stay for a moment.
func bursts() {
	var wg sync.WaitGroup

	for !over() {
		wg.Add(100)
		for i := 0; i < 100; i++ {
			go burst(&wg)
		}
		wg.Wait()
		time.Sleep(3 * time.Second)
	}
}

//go:noinline
func burst(wg *sync.WaitGroup) {
	<-time.After(50 * time.Millisecond)
	wg.Done()
}

// random waits for times that nobody foresees: from 10 microseconds to 3 seconds, as often short as long.
func random() {
	for !over() {
		waitAtRandom()
	}
}

//go:noinline
func waitAtRandom() {
	d := 10 * time.Microsecond
	for rand.Intn(5) > 0 && d < time.Second {
		d *= 3
	}
	<-time.After(d)
}

func spin(d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
	}
}
